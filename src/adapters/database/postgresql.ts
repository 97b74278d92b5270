// The database of the cluster mode: PostgreSQL by Prisma. Any number of processes write at once; a transaction locks the
// lanes that it decides about, and is run again when another one was in its way.
import { PrismaPg } from "@prisma/adapter-pg";
import type { Clock } from "../../clock.ts";
import { BellwetherError } from "../../errors.ts";
import { type Database, LOCK_FREE, type ManyStatement, type Tx } from "./database.ts";
import { PrismaClient } from "./generated/postgresql/client.ts";
import { ask, openPool, type Transaction, transact } from "./postgresql-connection.ts";

/** A transaction is run so often before its conflict is told. */
const TRIES = 8;
/** How often the database is asked for its time. */
const TIME_EVERY_MS = 5_000;

export async function openPostgresql(options: {
  url: string;
  clock: Clock;
  /** Whose time counts; "clock" only where a test moves the time. */
  time?: "database" | "clock";
  /** A connection on which nothing was heard for so long, asked or not, is given up. */
  silentMs?: number;
}): Promise<Database> {
  const { url, clock, time = "database" } = options;
  const pool = openPool(url, options.silentMs);
  const prisma = new PrismaClient({ adapter: new PrismaPg(pool) });
  const close = async () => {
    await prisma.$disconnect();
    await pool.end();
  };
  let timeAt = { database: 0, monotonic: 0 };
  let asking: Promise<void> | null = null;

  async function askTime(): Promise<void> {
    const before = clock.monotonic();
    const { rows } = await ask(
      pool,
      "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS float8) AS ms",
      [],
    );
    const after = clock.monotonic();
    const row: { ms: number } | undefined = rows[0];
    if (row !== undefined) timeAt = { database: row.ms, monotonic: (before + after) / 2 };
  }

  try {
    await askTime();
  } catch (error) {
    await close();
    throw unusable(url, error);
  }

  const read = reading(prisma, {
    query: (text, values) => ask(pool, text, values),
    failed: (error) => told(url, error),
  });
  return {
    read,
    write: async (work) => {
      for (let tries = 1; ; tries++) {
        try {
          return await transact(pool, (on) => work(writing(on)));
        } catch (error) {
          if (tries === TRIES || !isConflict(error)) throw told(url, error);
          await clock.sleep(Math.random() * 20 * tries);
        }
      }
    },
    now: () => {
      if (time === "clock") return clock.now();
      const sinceMs = clock.monotonic() - timeAt.monotonic;
      // Machines disagree, and drift: the database's own time decides. Asked beside the work, not before it.
      if (sinceMs > TIME_EVERY_MS) {
        asking ??= askTime()
          .catch(() => undefined)
          .finally(() => {
            asking = null;
          });
      }
      return Math.round(timeAt.database + sinceMs);
    },
    close: async () => {
      await asking;
      await close();
    },
  };
}

type Query = (text: string, values: unknown[]) => Promise<{ rows: unknown[]; rowCount: number | null }>;

/** Statements as they are written once for both databases. */
function statements(query: Query) {
  return {
    $queryRawUnsafe: async (sql: string, ...values: unknown[]) =>
      (await query(forPostgresql(sql), values)).rows,
    $executeRawUnsafe: async (sql: string, ...values: unknown[]) =>
      (await query(forPostgresql(sql), values)).rowCount ?? 0,
    many: async ({ postgresql }: ManyStatement, rows: Iterable<object>) => {
      const all = [...rows];
      return all.length === 0 ? [] : (await query(forPostgresql(postgresql), [JSON.stringify(all)])).rows;
    },
    lock: async () => undefined,
    end: () => undefined,
  };
}

function reading(prisma: PrismaClient, on: { query: Query; failed: (error: unknown) => unknown }): Tx {
  const query: Query = (text, values) =>
    on.query(text, values).catch((error: unknown) => {
      throw on.failed(error);
    });
  return withModels(statements(query), () => prisma);
}

function writing(on: Transaction): Tx {
  const raw = statements(on.ask);
  return withModels(
    {
      ...raw,
      many: async (statement: ManyStatement, rows: Iterable<object>) => {
        if (/\bRETURNING\b/.test(statement.postgresql)) return raw.many(statement, rows);
        const all = [...rows];
        if (all.length > 0) on.send(forPostgresql(statement.postgresql), [JSON.stringify(all)]);
        return [];
      },
      lock: async (sql: string, ...values: unknown[]) =>
        on.send(`${forPostgresql(sql)} FOR NO KEY UPDATE`, values),
      end: on.end,
    },
    on.models,
  );
}

/** The two generated clients have the same models; their types are told apart by their providers only. */
function withModels(raw: object, models: () => PrismaClient): Tx {
  return new Proxy(raw, {
    get: (target, name) =>
      Object.hasOwn(target, name) ? Reflect.get(target, name) : Reflect.get(models(), name),
  }) as unknown as Tx;
}

const known = new Map<string, string>();

function forPostgresql(sql: string): string {
  let text = known.get(sql);
  if (text === undefined) {
    let number = 0;
    text = sql
      .replaceAll(
        ":ints ?",
        "SELECT CAST(value AS int) FROM json_array_elements_text(CAST(? AS json)) AS list(value)",
      )
      .replaceAll(":texts ?", "SELECT value FROM json_array_elements_text(CAST(? AS json)) AS list(value)")
      .replaceAll(LOCK_FREE, "FOR NO KEY UPDATE SKIP LOCKED")
      .replace(/\?/g, () => {
        number += 1;
        return `$${number}`;
      });
    if (known.size > 1_000) known.clear();
    known.set(sql, text);
  }
  return text;
}

/** Two transactions waited for one another, or wrote the same new row: one of them is to be run again. */
function isConflict(error: unknown): boolean {
  const text = error instanceof Error ? `${error.message} ${JSON.stringify(error)}` : String(error);
  return /40P01|40001|23505|P2002|P2034|deadlock detected|could not serialize/.test(text);
}

const AWAY =
  /DatabaseNotReachable|ConnectionClosed|SocketTimeout|"(?:57P0[1-3]|25P03|08\d{3}|P1001|P1002|P1008|P1017|P2024)"|ECONN|connection terminated|not queryable|timeout exceeded when trying to connect|Query read timeout/i;

/** PostgreSQL's disk_full. Over a log that finds no room it panics instead, and is away. */
const FULL = /"53100"/;

/**
 * `database-unusable` when the server cannot be reached, ends or starts, or the line broke; `database-full` when its
 * disk is; else the error itself.
 */
function told(url: string, error: unknown): unknown {
  const text = error instanceof Error ? `${error.message} ${JSON.stringify(error)}` : String(error);
  if (FULL.test(text)) {
    return new BellwetherError(
      "database-full",
      `The disk of the database ${nameOf(url)} is full.`,
      "Free some space there; nothing was lost, and sending goes on by itself.",
      { cause: error },
    );
  }
  return AWAY.test(text) ? unusable(url, error) : error;
}

/** The database of a URL, without the password. */
export function nameOf(url: string): string {
  try {
    const { host, pathname } = new URL(url);
    return `postgresql://${host}${pathname}`;
  } catch {
    return "postgresql";
  }
}

export function unusable(url: string, error: unknown): BellwetherError {
  if (error instanceof BellwetherError) return error;
  const text =
    error instanceof Error ? error.message || String((error as { code?: unknown }).code) : String(error);
  const short = text.split("\n").filter(Boolean).at(-1) ?? text;
  return new BellwetherError(
    "database-unusable",
    `The database ${nameOf(url)} cannot be used: ${short}`,
    "Check [database] url, that the server runs and lets this user in, and that it keeps what it commits (fsync, full_page_writes, synchronous_commit on).",
    { cause: error },
  );
}
