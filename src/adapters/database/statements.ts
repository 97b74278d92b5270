// Raw statements run on the very connection that Prisma has, each prepared once: a settle is seven of them, and what
// Prisma does around one costs more than the statement. Everything else goes through Prisma as ever, which is loaded
// when it is first needed: its query compiler takes 40 MB and a tenth of a second, and a command that only imports
// shall have neither. Rows come as SQLite holds them: a moment is text, a truth value 0 or 1.
import { PrismaBetterSqlite3 } from "@prisma/adapter-better-sqlite3";
import SqliteDatabase, { type Database, type Statement } from "better-sqlite3";
import { LOCK_FREE, type ManyStatement, type Tx } from "./database.ts";
import type { PrismaClient } from "./generated/sqlite/client.ts";

type Factory = ConstructorParameters<typeof PrismaClient>[0]["adapter"] & object;

/** A connection that is open, and the factory that hands it to Prisma when Prisma is first asked for something. */
export async function connect(options: { url: string; timeout: number }): Promise<{
  factory: Factory;
  connection: Database;
}> {
  const inner = new PrismaBetterSqlite3(options);
  const adapter = await inner.connect();
  // Not part of its public face; the adapter's version is pinned, and every test goes this way.
  const { client } = adapter as unknown as { client?: unknown };
  if (!(client instanceof SqliteDatabase))
    throw new Error("Prisma's SQLite adapter does not show its connection.");
  return {
    factory: { provider: inner.provider, adapterName: inner.adapterName, connect: async () => adapter },
    connection: client,
  };
}

/** Distinct statements kept; the program has some eighty. */
const KEPT = 200;

/** `client`, with its raw statements run on `connection`. */
export function withStatements(client: PrismaClient, connection: Database): Tx {
  const prepared = new Map<string, Statement>();
  const places = new Map<string, ReturnType<typeof byPlace>>();

  function prepare(sql: string): Statement {
    let statement = prepared.get(sql);
    if (statement === undefined) {
      if (prepared.size >= KEPT) prepared.clear();
      // Prisma's adapter asks for BigInt; ids and counts here are far below 2^53.
      statement = connection.prepare(forSqlite(sql)).safeIntegers(false);
      prepared.set(sql, statement);
    }
    return statement;
  }

  const raw = {
    $queryRawUnsafe: async (sql: string, ...values: unknown[]) => prepare(sql).all(...values.map(bindable)),
    $executeRawUnsafe: async (sql: string, ...values: unknown[]) =>
      prepare(sql).run(...values.map(bindable)).changes,
    // The one writing connection is the lock.
    lock: async () => undefined,
    end: () => undefined,
    many: async ({ sqlite }: ManyStatement, rows: Iterable<object>) => {
      let place = places.get(sqlite);
      if (place === undefined) {
        place = byPlace(sqlite);
        places.set(sqlite, place);
      }
      const { text, names } = place;
      const statement = prepare(text);
      const found: unknown[] = [];
      for (const row of rows as Iterable<Record<string, unknown>>) {
        const values = names.map((name) => bindable(row[name]));
        if (statement.reader) found.push(...statement.all(...values));
        else statement.run(...values);
      }
      return found;
    },
  };
  return new Proxy(client, {
    get: (target, name) =>
      Object.hasOwn(raw, name) ? raw[name as keyof typeof raw] : Reflect.get(target, name),
  }) as unknown as Tx;
}

function forSqlite(sql: string): string {
  return sql.replace(/:(?:ints|texts) \?/g, "SELECT value FROM json_each(?)").replaceAll(LOCK_FREE, "");
}

/** Bound by place: SQLite's own search for names costs as much as the statement. */
function byPlace(sql: string): { text: string; names: string[] } {
  const names: string[] = [];
  const text = sql.replace(/:([a-z_]+)/g, (_, name: string) => {
    names.push(name);
    return "?";
  });
  return { text, names };
}

function bindable(value: unknown): unknown {
  return typeof value === "boolean" ? Number(value) : value;
}
