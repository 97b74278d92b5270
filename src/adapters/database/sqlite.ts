// The embedded database: SQLite by Prisma. One connection writes, under a lock of this process and with BEGIN
// IMMEDIATE, so that a transaction never starts as a reader and finds somebody else's commit in its way; another
// reads, and never waits for the writer.
import type { Clock } from "../../clock.ts";
import { BellwetherError } from "../../errors.ts";
import type { Database, Tx } from "./database.ts";
import { PrismaClient } from "./generated/sqlite/client.ts";
import { connect, withStatements } from "./statements.ts";

/** How long a statement waits for another process's write, in ms. */
const BUSY_MS = 10_000;
/** Pages that a connection keeps in memory, in KiB. */
const CACHE_KIB = 8_000;

export async function openSqlite(options: { file: string; clock: Clock }): Promise<Database> {
  const { file, clock } = options;
  const opened: Opened[] = [];
  const open = async (): Promise<Tx> => {
    const one = await openClient(file);
    opened.push(one);
    return one.client;
  };
  const closeAll = () => Promise.all(opened.map((one) => one.close()));
  let tx: Tx;
  let read: Tx;
  try {
    tx = await open();
    read = await open();
  } catch (error) {
    await closeAll();
    throw unusable(file, error);
  }

  let last: Promise<unknown> = Promise.resolve();
  let closed: Promise<void> | null = null;

  async function transact<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    await tx.$executeRawUnsafe("BEGIN IMMEDIATE");
    try {
      const result = await work(tx);
      await tx.$executeRawUnsafe("COMMIT");
      return result;
    } catch (error) {
      // A full disk may have ended the transaction already; then ROLLBACK has nothing to do.
      await tx.$executeRawUnsafe("ROLLBACK").catch(() => undefined);
      throw toOurs(file, error);
    }
  }

  return {
    read,
    write: (work) => {
      const result = last.then(() => transact(work));
      last = result.catch(() => undefined);
      return result;
    },
    now: () => clock.now(),
    close: () => {
      closed ??= (async () => {
        await last;
        await closeAll();
      })();
      return closed;
    },
  };
}

interface Opened {
  client: Tx;
  close(): Promise<void>;
}

async function openClient(file: string): Promise<Opened> {
  const { factory, connection } = await connect({ url: `file:${file}`, timeout: BUSY_MS });
  const prisma = new PrismaClient({ adapter: factory });
  const client = withStatements(prisma, connection);
  const close = async () => {
    await prisma.$disconnect();
    // Prisma closes what it has used.
    connection.close();
  };
  try {
    // Prisma's adapter opens in journal mode "delete". FULL: a commit that was answered survives a power cut.
    await client.$queryRawUnsafe("PRAGMA journal_mode = WAL");
    for (const pragma of ["synchronous = FULL", `cache_size = -${CACHE_KIB}`, "temp_store = MEMORY"]) {
      await client.$executeRawUnsafe(`PRAGMA ${pragma}`);
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { client, close };
}

function toOurs(file: string, error: unknown): unknown {
  const text = error instanceof Error ? error.message : String(error);
  if (/database or disk is full|SQLITE_FULL/i.test(text)) {
    return new BellwetherError(
      "database-full",
      `The disk that holds ${file} is full.`,
      "Free some space; nothing was lost, and sending goes on by itself.",
      { cause: error },
    );
  }
  return error;
}

function unusable(file: string, error: unknown): BellwetherError {
  const text = error instanceof Error ? error.message : String(error);
  const short = text.split("\n").filter(Boolean).at(-1) ?? text;
  return new BellwetherError(
    "database-unusable",
    `The database ${file} cannot be opened: ${short}`,
    "Check that the path in [database] url is right and may be written; restore a backup if the file is damaged.",
    { cause: error },
  );
}
