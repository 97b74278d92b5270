// Brings an embedded database to this program's migrations, in order and whole, and records each one as Prisma
// does: `prisma migrate deploy` and this runner can be used in turn. An edited, half-applied or unknown migration
// is refused: a program never guesses about data.
import { createHash, randomUUID } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import DatabaseFile from "better-sqlite3";
import { BellwetherError } from "../../errors.ts";

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

interface Applied {
  migration_name: string;
  checksum: string;
  finished_at: unknown;
  rolled_back_at: unknown;
}

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
  const wanted = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(path.join(folder, entry.name, "migration.sql")))
    .map((entry) => entry.name)
    .sort();
  const done: string[] = [];
  // Under the write lock from the first look on: two programs that start at once migrate once.
  db.transaction(() => {
    db.exec(TABLE);
    const applied = new Map(
      (db.prepare("SELECT * FROM _prisma_migrations WHERE rolled_back_at IS NULL").all() as Applied[]).map(
        (row) => [row.migration_name, row],
      ),
    );
    for (const name of applied.keys()) if (!wanted.includes(name)) throw newer(file, name);
    for (const name of wanted) {
      const sql = readFileSync(path.join(folder, name, "migration.sql"));
      const checksum = createHash("sha256").update(sql).digest("hex");
      const row = applied.get(name);
      if (row === undefined) {
        apply(db, name, sql.toString(), checksum);
        done.push(name);
      } else if (row.finished_at === null) throw halfDone(file, name);
      else if (row.checksum !== checksum) throw edited(file, name);
    }
  }).immediate();
  return done;
}

function apply(db: DatabaseFile.Database, name: string, sql: string, checksum: string): void {
  const startedAt = new Date().toISOString().replace("Z", "+00:00");
  db.exec(sql);
  db.prepare(
    `INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at, finished_at, applied_steps_count)
     VALUES (?, ?, ?, ?, ?, 1)`,
  ).run(randomUUID(), checksum, name, startedAt, new Date().toISOString().replace("Z", "+00:00"));
}

function newer(file: string, name: string): BellwetherError {
  return new BellwetherError(
    "database-migration",
    `The database ${file} was migrated by a newer program: it knows "${name}", this program does not.`,
    "Start the newer program, or restore the backup that was made before the upgrade.",
  );
}

function halfDone(file: string, name: string): BellwetherError {
  return new BellwetherError(
    "database-migration",
    `The migration "${name}" of ${file} was begun and not finished.`,
    "Restore the backup that was made before it, then start again.",
  );
}

function edited(file: string, name: string): BellwetherError {
  return new BellwetherError(
    "database-migration",
    `The migration "${name}" is not the one that was applied to ${file}: its checksum differs.`,
    "Put the original migration file back; reinstalling the program does.",
  );
}
