// Which processes send now.
import { LEASE_MS } from "../../delivery/store.ts";
import { type Database, sqlTime } from "../database/database.ts";

/** Processes whose lease has not run out. */
export async function countAlive(db: Pick<Database, "read" | "now">): Promise<number> {
  const rows = await db.read.$queryRawUnsafe<unknown[]>(
    "SELECT id FROM worker WHERE dead = false AND seen_at > ?",
    sqlTime(db.now() - LEASE_MS),
  );
  return rows.length;
}
