// The port through which audiences are kept: imports row by row, whole or not at all, and pages of them by address.
import type { ClientChunk, ClientRow, RefusedRow } from "./import.ts";

export interface ImportSummary {
  accepted: number;
  /** Rows equal in every column to an earlier one. */
  duplicates: number;
  /** Rows without an address: kept, and listed as untold. */
  unreachable: number;
  rejected: number;
}

export type StoredClient = Omit<ClientRow, "hash">;

export interface AudienceStore {
  /** Begins to keep a file's rows; nothing sees them before `finish`. */
  begin(file: { path: string; sha256: string; columns: readonly string[] }): Promise<number>;
  add(importId: number, chunk: ClientChunk): Promise<void>;
  finish(importId: number): Promise<ImportSummary>;
  /** Forgets an import that could not be finished. */
  discard(importId: number): Promise<void>;
  /** A finished import of a file with this content. */
  findReady(sha256: string): Promise<number | null>;
  summary(importId: number): Promise<ImportSummary & { columns: string[] }>;
  /** The next `limit` refused rows after `afterLine`, by line; empty at the end. */
  refused(importId: number, afterLine: number, limit: number): Promise<RefusedRow[]>;
  /** Makes the import what the named audience holds from now on. */
  name(audience: string, importId: number): Promise<void>;
  /** The import behind a named audience. */
  named(audience: string): Promise<number | null>;
  /** All rows of the next `keys` addresses after `afterKey`, ordered by address, then line. */
  page(importId: number, afterKey: string, keys: number): Promise<StoredClient[]>;
  /** The rows of one address. */
  of(importId: number, key: string): Promise<StoredClient[]>;
}
