// Connections to PostgreSQL that do not wait where nobody asks: what a transaction only writes or locks is sent with
// the next statement whose answer it needs, and COMMIT with the last one. A commit of outcomes and intents is two
// round trips by it; one by one its statements were ten. The order on the connection is the order of the calls.
import { Socket } from "node:net";
import { PrismaPg } from "@prisma/adapter-pg";
import { Pool, type PoolClient, type QueryResult, types } from "pg";
import { PrismaClient } from "./generated/postgresql/client.ts";

/** Connections of one process. */
const CONNECTIONS = 6;
const CONNECT_MS = 10_000;
/** A process that was stopped in a transaction holds its locks for so long at most: less than a lease. */
const IDLE_IN_TRANSACTION_MS = 10_000;

const { INT8, NUMERIC, TIMESTAMP } = types.builtins;

/** Counts and ids here are far below 2^53; a timestamp without zone is UTC. */
const PARSERS: Readonly<Record<number, (text: string) => unknown>> = {
  [INT8]: Number,
  [NUMERIC]: Number,
  [TIMESTAMP]: (text) => new Date(`${text.replace(" ", "T")}Z`),
};

const TYPES = {
  getTypeParser: ((oid: number, format?: "text") =>
    PARSERS[oid] ?? types.getTypeParser(oid, format)) as typeof types.getTypeParser,
};

/** Longer than any of our statements takes. An idle connection is closed by its pool sooner. */
const SILENT_MS = 25_000;

/** `silentMs`: a connection on which nothing was heard for so long, asked or not, is given up. */
export function openPool(url: string, silentMs: number = SILENT_MS): Pool {
  const pool = new Pool({
    connectionString: url,
    max: CONNECTIONS,
    connectionTimeoutMillis: CONNECT_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    pipeline: true,
    keepAlive: true,
    stream: () => impatient(silentMs),
  });
  // A connection that breaks is told by the query that waits for it; unheard, the event would end the process.
  pool.on("error", () => undefined);
  pool.on("connect", (client) => client.on("error", () => undefined));
  return pool;
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

export function ask(on: Pool | PoolClient, text: string, values: unknown[]): Promise<QueryResult> {
  return on.query({ text, values, types: TYPES });
}

/** A transaction on a connection of its own, from BEGIN on. */
export interface Transaction {
  /** Resolves with the answer. */
  ask(text: string, values: unknown[]): Promise<QueryResult>;
  /** Sent now, answered some time before the end; its failure is that of the transaction. */
  send(text: string, values: unknown[]): void;
  /** Nothing is written or asked after this: COMMIT goes with what is on its way. */
  end(): void;
  /** Prisma's models on this very connection. */
  models(): PrismaClient;
}

/** @throws what the first statement that failed says; all of it is undone then. */
export async function transact<T>(pool: Pool, work: (on: Transaction) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let failure: unknown = null;
  let committing: Promise<QueryResult> | null = null;
  const heard = (answer: Promise<QueryResult>) => {
    // What fails first is the cause; all behind it are told no more than that the transaction is over.
    answer.catch((error: unknown) => {
      failure ??= error;
    });
    return answer;
  };
  const send = (text: string, values: unknown[]) => heard(ask(client, text, values));
  const commit = () => {
    committing ??= send("COMMIT", []);
    return committing;
  };
  void send("BEGIN ISOLATION LEVEL READ COMMITTED", []);
  try {
    const result = await work({
      ask: send,
      send: (text, values) => void send(text, values),
      end: () => void commit(),
      models: () => modelsOn(pool, client),
    });
    // To COMMIT a transaction that has failed PostgreSQL answers ROLLBACK, and no error.
    const { command } = await commit();
    if (failure !== null || command !== "COMMIT")
      throw failure ?? new Error(`COMMIT was answered ${command}.`);
    client.release();
    return result;
  } catch (error) {
    const cause = failure ?? error;
    try {
      await client.query("ROLLBACK");
      client.release();
    } catch (broken) {
      client.release(broken instanceof Error ? broken : true);
    }
    throw cause;
  }
}

const models = new WeakMap<PoolClient, PrismaClient>();

/** One Prisma client a connection, made when a transaction first asks for a model: few do. */
function modelsOn(pool: Pool, client: PoolClient): PrismaClient {
  let made = models.get(client);
  if (made === undefined) {
    const inner = new PrismaPg(pool);
    const connect = async () => {
      // Not part of the adapter's public face; its version is pinned, and the conformance tests go this way.
      const bound = Object.create(await inner.connect(), { client: { value: client } });
      // What Prisma itself would do in a transaction is in ours already.
      const inside = { options: { usePhantomQuery: true }, commit: async () => {}, rollback: async () => {} };
      return Object.assign(bound, {
        startTransaction: async () => Object.assign(Object.create(bound), inside),
      });
    };
    made = new PrismaClient({
      adapter: { provider: inner.provider, adapterName: inner.adapterName, connect },
    });
    models.set(client, made);
  }
  return made;
}
