// What a database gives to the stores, the same on SQLite and PostgreSQL. Statements are written once; where the two
// differ, a token stands in them that each database fills in. Placeholders are "?".
import type { PrismaClient } from "./generated/sqlite/client.ts";

export interface Database {
  /** Reads outside of any transaction: a snapshot of what is committed. */
  readonly read: Tx;
  /**
   * Runs `work` as one transaction; rolled back when it throws. It may be run again, from the start, when other
   * transactions were in its way: what it changes outside the database must be made anew in it.
   */
  write<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
  /** The database's time, ms since the epoch. */
  now(): number;
  close(): Promise<void>;
}

export type Tx = Omit<PrismaClient, "$transaction" | "$extends" | "$on" | "$connect" | "$disconnect"> & {
  /**
   * Runs a statement for each of the rows; returns what RETURNING gives for all of them, in no order. Without RETURNING
   * it may fail as late as the transaction's end.
   */
  many<Row = never>(statement: ManyStatement, rows: Iterable<object>): Promise<Row[]>;
  /**
   * In a transaction: the rows of this SELECT stay as they are until it ends. What is decided by them is read after it,
   * by a statement of its own: one that has waited still sees other tables as they were. A lane's row is the lock of
   * all its deliveries; the order is lanes by id, deliveries, campaign, route.
   */
  lock(sql: string, ...values: unknown[]): Promise<void>;
  /** In a transaction: nothing is written or asked after this, so that COMMIT need not wait for the answers. */
  end(): void;
};

/** One statement a row against one for all: SQLite has no round trips and reads JSON slowly, PostgreSQL has both. */
export interface ManyStatement {
  /** For one row; its fields are `:name`. */
  sqlite: string;
  /** For all rows; `?` is their JSON text, to be read by jsonb_to_recordset. */
  postgresql: string;
}

/** A list of whole numbers; its argument is a JSON text. */
export const INTS = "(:ints ?)";
/** A list of texts; its argument is a JSON text. */
export const TEXTS = "(:texts ?)";
/** Behind a SELECT in a transaction: takes those rows alone, and passes over what others hold. */
export const LOCK_FREE = ":lock_free";

/** How rows hold a moment: the text that Prisma's SQLite adapter writes, so that moments compare as text there. */
export function sqlTime(ms: number): string {
  return new Date(ms).toISOString().replace("Z", "+00:00");
}

/** ms since the epoch of a moment read by a raw query (Date or text), null for null. */
export function fromSqlTime(value: unknown): number | null {
  if (value === null || value === undefined) return null;
  return value instanceof Date ? value.getTime() : Date.parse(String(value));
}
