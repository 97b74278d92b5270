// The database of the cluster mode: PostgreSQL by Prisma. Any number of processes write at once; a transaction locks the
// lanes that it decides about, and is run again when another one was in its way.
import { Socket } from "node:net";
import { PrismaPg } from "@prisma/adapter-pg";
import type { Clock } from "../../clock.ts";
import { BellwetherError } from "../../errors.ts";
import { type Database, LOCK_FREE, type ManyStatement, type Tx } from "./database.ts";
import { PrismaClient } from "./generated/postgresql/client.ts";

/** Connections of one process. */
const CONNECTIONS = 6;
const CONNECT_MS = 10_000;
/** Longer than any of our transactions takes, and a database that is slow by a fifth of a second a statement. */
const TRANSACTION_MS = 120_000;
/** Longer than any of our statements takes. An idle connection is closed by its pool sooner. */
const SILENT_MS = 25_000;
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
  const { url, clock, time = "database", silentMs = SILENT_MS } = options;
  const prisma = new PrismaClient({
    adapter: new PrismaPg({
      connectionString: url,
      max: CONNECTIONS,
      connectionTimeoutMillis: CONNECT_MS,
      keepAlive: true,
      stream: () => impatient(silentMs),
    }),
  });
  let timeAt = { database: 0, monotonic: 0 };
  let asking: Promise<void> | null = null;

  async function askTime(): Promise<void> {
    const before = clock.monotonic();
    const [row] = await prisma.$queryRawUnsafe<{ ms: number }[]>(
      "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS float8) AS ms",
    );
    const after = clock.monotonic();
    if (row !== undefined) timeAt = { database: row.ms, monotonic: (before + after) / 2 };
  }

  try {
    await askTime();
  } catch (error) {
    await prisma.$disconnect();
    throw unusable(url, error);
  }

  const read = withTokens(prisma, url, false);
  return {
    read,
    write: async (work) => {
      for (let tries = 1; ; tries++) {
        try {
          return await prisma.$transaction((tx) => work(withTokens(tx as PrismaClient, url, true)), {
            isolationLevel: "ReadCommitted",
            maxWait: CONNECT_MS,
            timeout: TRANSACTION_MS,
          });
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
      await prisma.$disconnect();
    },
  };
}

/**
 * A network that has forgotten a connection answers nothing, not even that it has: whoever waits there waits for ever,
 * and keeps one of the pool's places. So silence ends it, as a connection that was reset.
 */
function impatient(silentMs: number): Socket {
  const socket = new Socket();
  socket.setTimeout(silentMs, () => {
    const lost = new Error(`the database was silent for ${silentMs / 1000} s`);
    socket.destroy(Object.assign(lost, { code: "ECONNRESET", errno: -104, syscall: "read" }));
  });
  return socket;
}

type Raw = Pick<PrismaClient, "$queryRawUnsafe" | "$executeRawUnsafe">;

/** The two generated clients have the same models; their types are told apart by their providers only. */
function withTokens(client: PrismaClient, url: string, inTransaction: boolean): Tx {
  const on: Raw = client;
  const failed = (error: unknown) => {
    throw told(url, error);
  };
  const query = (sql: string, ...values: unknown[]) =>
    on.$queryRawUnsafe(forPostgresql(sql), ...values).catch(failed);
  const raw = {
    $queryRawUnsafe: query,
    $executeRawUnsafe: (sql: string, ...values: unknown[]) =>
      on.$executeRawUnsafe(forPostgresql(sql), ...values).catch(failed),
    many: async ({ postgresql }: ManyStatement, rows: Iterable<object>) => {
      const all = [...rows];
      return all.length === 0 ? [] : query(postgresql, JSON.stringify(all));
    },
    lock: async (sql: string, ...values: unknown[]) => {
      if (inTransaction) await query(`${sql} FOR NO KEY UPDATE`, ...values);
    },
  };
  return new Proxy(client, {
    get: (target, name) =>
      Object.hasOwn(raw, name) ? raw[name as keyof typeof raw] : Reflect.get(target, name),
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
  /DatabaseNotReachable|ConnectionClosed|SocketTimeout|"(?:57P0[1-3]|08\d{3}|P1001|P1002|P1008|P1017|P2024)"|ECONN/;

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
