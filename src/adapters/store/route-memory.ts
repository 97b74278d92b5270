// What the lanes of former campaigns have learned of a relay: whether it tells of arrivals, and how long that takes.
import type { Pulse } from "../../breaker/breaker.ts";
import type { RampMemory } from "../../breaker/ramp-memory.ts";
import type { Database } from "../database/database.ts";

/** Lanes that are looked at, the newest first. */
const LOOKED_AT = 20;

/** The newest memory with a sign in it, else the newest; null: nothing was sent there yet. */
export async function lastMemory(db: Pick<Database, "read">, route: string): Promise<RampMemory | null> {
  const rows = await db.read.$queryRawUnsafe<{ pulse: string }[]>(
    "SELECT pulse FROM lane WHERE route = ? AND feedback = 'relay' AND sent > 0 ORDER BY id DESC LIMIT ?",
    route,
    LOOKED_AT,
  );
  const memories = rows.flatMap((row) => (JSON.parse(row.pulse) as Partial<Pulse>).ramp ?? []);
  return memories.find((one) => one.signs > 0) ?? memories[0] ?? null;
}
