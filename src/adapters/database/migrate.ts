// Brings an embedded database to this program's migrations, in order and whole.
import { randomUUID } from "node:crypto";
import DatabaseFile from "better-sqlite3";
import { BellwetherError } from "../../errors.ts";
import { sqlTime } from "./database.ts";
import { type Applied, type Migration, missingMigrations } from "./migrations.ts";

const TABLE = `CREATE TABLE IF NOT EXISTS "_prisma_migrations" (
    "id"                    TEXT PRIMARY KEY NOT NULL,
    "checksum"              TEXT NOT NULL,
    "finished_at"           DATETIME,
    "migration_name"        TEXT NOT NULL,
    "logs"                  TEXT,
    "rolled_back_at"        DATETIME,
    "started_at"            DATETIME NOT NULL DEFAULT current_timestamp,
    "applied_steps_count"   INTEGER UNSIGNED NOT NULL DEFAULT 0
)`;

/** Applies what is missing; returns the names of the migrations that it applied. */
export function migrateSqlite(file: string, folder: string): string[] {
  let db: DatabaseFile.Database | null = null;
  try {
    db = new DatabaseFile(file, { timeout: 10_000 });
    db.pragma("journal_mode = WAL");
    db.pragma("synchronous = FULL");
    return migrate(db, file, folder);
  } catch (error) {
    if (error instanceof BellwetherError) throw error;
    throw new BellwetherError(
      "database-unusable",
      `The database ${file} cannot be opened: ${error instanceof Error ? error.message : String(error)}`,
      "Check that the path in [database] url is right and may be written; restore a backup if the file is damaged.",
      { cause: error },
    );
  } finally {
    db?.close();
  }
}

function migrate(db: DatabaseFile.Database, file: string, folder: string): string[] {
  const done: string[] = [];
  // Under the write lock from the first look on: two programs that start at once migrate once.
  db.transaction(() => {
    db.exec(TABLE);
    const applied = db.prepare("SELECT * FROM _prisma_migrations").all() as Applied[];
    for (const migration of missingMigrations(folder, applied, file)) {
      apply(db, migration);
      done.push(migration.name);
    }
  }).immediate();
  return done;
}

function apply(db: DatabaseFile.Database, { name, sql, checksum }: Migration): void {
  const startedAt = sqlTime(Date.now());
  db.exec(sql);
  db.prepare(
    `INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at, finished_at, applied_steps_count)
     VALUES (?, ?, ?, ?, ?, 1)`,
  ).run(randomUUID(), checksum, name, startedAt, sqlTime(Date.now()));
}
