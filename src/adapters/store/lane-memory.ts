// What earlier lanes remember of a provider: read from their rows, so that nothing has to be kept beside them.
import { readPulse } from "../../breaker/breaker.ts";
import { MEMORY_MS, type Memory, remembered } from "../../breaker/memory.ts";
import { sqlTime, type Tx } from "../database/database.ts";

/** Lanes of campaigns of the last week, the newest ones; older ones are forgotten. */
const LANES_LOOKED_AT = 20;

export async function remember(
  tx: Tx,
  { provider, route, nowMs }: { provider: string; route: string; nowMs: number },
): Promise<Memory | null> {
  const rows = await tx.$queryRawUnsafe<{ pulse: string }[]>(
    `SELECT l.pulse FROM lane l JOIN campaign c ON c.id = l.campaign_id
     WHERE l.provider = ? AND l.route = ? AND (c.ended_at IS NULL OR c.ended_at > ?) ORDER BY l.id DESC LIMIT ?`,
    provider,
    route,
    sqlTime(nowMs - MEMORY_MS),
    LANES_LOOKED_AT,
  );
  return remembered(
    rows.map((row) => readPulse(row.pulse)),
    nowMs,
  );
}
