// Which processes send now.
import { type Database, sqlTime } from "../database/database.ts";

/** A worker silent for so long is as good as dead, ms. */
const LEASE_MS = 15_000;

export async function countAlive(db: Database): Promise<number> {
  const rows = await db.read.$queryRawUnsafe<unknown[]>(
    "SELECT id FROM worker WHERE dead = false AND seen_at > ?",
    sqlTime(db.now() - LEASE_MS),
  );
  return rows.length;
}
