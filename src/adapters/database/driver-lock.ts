// One process drives an embedded database. The lock is the operating system's, held by an exclusive transaction
// on a sidecar SQLite file: it is free the moment its holder dies, and no stale file can keep it.
import DatabaseFile from "better-sqlite3";

export interface DriverLock {
  release(): void;
}

/** Takes the lock of this database, or returns null when another process holds it. */
export function takeDriverLock(databaseFile: string): DriverLock | null {
  const db = new DatabaseFile(`${databaseFile}.driver`, { timeout: 0 });
  try {
    db.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    db.close();
    if ((error as { code?: string }).code === "SQLITE_BUSY") return null;
    throw error;
  }
  return { release: () => db.close() };
}
