// Imports a CSV file into the store: whole or not at all. A file whose content is there already is not read again.

import { BellwetherError } from "../errors.ts";
import type { AudienceStore, ImportSummary } from "./audience-store.ts";
import { hashFile, type RefusedRow, readClients, readColumns } from "./import.ts";

export interface Imported extends ImportSummary {
  importId: number;
  sha256: string;
}

export async function importFile(options: {
  store: AudienceStore;
  file: string;
  signal?: AbortSignal;
  /** Told of rows read so far. */
  onProgress?: (rows: number) => void;
}): Promise<Imported> {
  const { store, file, signal } = options;
  const sha256 = await hashFile(file, signal);
  const ready = await store.findReady(sha256);
  if (ready !== null) {
    const { columns: _, ...summary } = await store.summary(ready);
    return { importId: ready, sha256, ...summary };
  }
  const columns = await readColumns(file, signal);
  const importId = await store.begin({ path: file, sha256, columns });
  let rows = 0;
  let firstRefused: RefusedRow | undefined;
  try {
    for await (const chunk of readClients(file, signal === undefined ? {} : { signal })) {
      await store.add(importId, chunk);
      rows += chunk.rows.length + chunk.refused.length;
      firstRefused ??= chunk.refused[0];
      options.onProgress?.(rows);
    }
    signal?.throwIfAborted();
    const summary = await store.finish(importId);
    if (summary.accepted + summary.unreachable === 0) throw nobody(file, summary.rejected, firstRefused);
    return { importId, sha256, ...summary };
  } catch (error) {
    await store.discard(importId);
    throw error;
  }
}

function nobody(file: string, rejected: number, first: RefusedRow | undefined): BellwetherError {
  const why = first === undefined ? "" : ` The first: line ${first.line}, ${first.column}: ${first.reason}`;
  return new BellwetherError(
    "csv-no-client",
    `No row of ${file} can be taken: all ${rejected} are refused.${why}`,
    "Correct the file, then try again.",
  );
}
