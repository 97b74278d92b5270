// Which migrations a database still needs. They are recorded as Prisma does, so that `prisma migrate deploy` and this
// program can be used in turn. An edited, half-applied or unknown migration is refused: a program never guesses
// about data.
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { BellwetherError } from "../../errors.ts";

/** A row of Prisma's table `_prisma_migrations`. */
export interface Applied {
  migration_name: string;
  checksum: string;
  finished_at: unknown;
  rolled_back_at: unknown;
}

export interface Migration {
  name: string;
  sql: string;
  /** SHA-256 of the file, 64 hex digits. */
  checksum: string;
}

/**
 * The migrations of `folder` that `applied` lacks, in order; `where` names the database in messages.
 * @throws BellwetherError `database-migration`
 */
export function missingMigrations(folder: string, applied: readonly Applied[], where: string): Migration[] {
  const wanted = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(path.join(folder, entry.name, "migration.sql")))
    .map((entry) => entry.name)
    .sort();
  const known = new Map(
    applied.filter((row) => row.rolled_back_at === null).map((row) => [row.migration_name, row]),
  );
  for (const name of known.keys()) if (!wanted.includes(name)) throw newer(where, name);
  const missing: Migration[] = [];
  for (const name of wanted) {
    const bytes = readFileSync(path.join(folder, name, "migration.sql"));
    const checksum = createHash("sha256").update(bytes).digest("hex");
    const row = known.get(name);
    if (row === undefined) missing.push({ name, sql: bytes.toString(), checksum });
    else if (row.finished_at === null) throw halfDone(where, name);
    else if (row.checksum !== checksum) throw edited(where, name);
  }
  return missing;
}

function newer(where: string, name: string): BellwetherError {
  return new BellwetherError(
    "database-migration",
    `The database ${where} was migrated by a newer program: it knows "${name}", this program does not.`,
    "Start the newer program, or restore the backup that was made before the upgrade.",
  );
}

function halfDone(where: string, name: string): BellwetherError {
  return new BellwetherError(
    "database-migration",
    `The migration "${name}" of ${where} was begun and not finished.`,
    "Restore the backup that was made before it, then start again.",
  );
}

function edited(where: string, name: string): BellwetherError {
  return new BellwetherError(
    "database-migration",
    `The migration "${name}" is not the one that was applied to ${where}: its checksum differs.`,
    "Put the original migration file back; reinstalling the program does.",
  );
}
