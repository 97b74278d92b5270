// Brings a PostgreSQL database to this program's migrations, each one whole or not at all, one program at a time.
import { randomUUID } from "node:crypto";
import { Client } from "pg";
import { type Applied, missingMigrations } from "./migrations.ts";
import { nameOf, unusable } from "./postgresql.ts";

const TABLE = `CREATE TABLE IF NOT EXISTS "_prisma_migrations" (
    "id" VARCHAR(36) PRIMARY KEY NOT NULL,
    "checksum" VARCHAR(64) NOT NULL,
    "finished_at" TIMESTAMPTZ,
    "migration_name" VARCHAR(255) NOT NULL,
    "logs" TEXT,
    "rolled_back_at" TIMESTAMPTZ,
    "started_at" TIMESTAMPTZ NOT NULL DEFAULT now(),
    "applied_steps_count" INTEGER NOT NULL DEFAULT 0
)`;
/** The advisory lock that Prisma's own migrations take. */
const LOCK = 72_707_369;

/** Applies what is missing; returns the names of the migrations that it applied. */
export async function migratePostgresql(url: string, folder: string): Promise<string[]> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  // A connection that breaks is told by the query that waits for it; unheard, the event would end the process.
  client.on("error", () => undefined);
  try {
    await client.connect();
    await refuseForgetful(client, url);
    await client.query("SELECT pg_advisory_lock($1)", [LOCK]);
    await client.query(TABLE);
    const { rows } = await client.query<Applied>("SELECT * FROM _prisma_migrations");
    const done: string[] = [];
    for (const { name, sql, checksum } of missingMigrations(folder, rows, nameOf(url))) {
      await client.query("BEGIN");
      await client.query(sql);
      await client.query(
        `INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at, applied_steps_count)
         VALUES ($1, $2, $3, clock_timestamp(), 1)`,
        [randomUUID(), checksum, name],
      );
      await client.query("COMMIT");
      done.push(name);
    }
    return done;
  } catch (error) {
    throw unusable(url, error);
  } finally {
    // Ends a transaction that failed, and the lock.
    await client.end().catch(() => undefined);
  }
}

/** A server that may forget what it has committed after a power cut would let us send twice. */
async function refuseForgetful(client: Client, url: string): Promise<void> {
  for (const setting of ["fsync", "full_page_writes", "synchronous_commit"]) {
    const { rows } = await client.query<Record<string, string>>(`SHOW ${setting}`);
    if (rows[0]?.[setting] === "off")
      throw unusable(
        url,
        new Error(`its setting ${setting} is off, so that it may forget what it committed`),
      );
  }
}
