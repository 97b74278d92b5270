// Finds the last lane of the same route and provider, for a new one to begin where that one ended.
import { FRESH_PULSE } from "../../breaker/breaker.ts";
import { type LaneStart, type PastLane, REMEMBERED_MS, startLane } from "../../breaker/lane-start.ts";
import type { PlannedLane } from "../../campaign/store.ts";
import { fromSqlTime, sqlTime, type Tx } from "../database/database.ts";

export async function startOfLane(
  tx: Tx,
  { provider, route, limits }: PlannedLane,
  nowMs: number,
): Promise<LaneStart> {
  const past = limits?.direct
    ? await lastLane(tx, { provider, route, sinceMs: nowMs - REMEMBERED_MS })
    : null;
  return startLane(provider, limits, past);
}

async function lastLane(
  tx: Tx,
  { provider, route, sinceMs }: { provider: string; route: string; sinceMs: number },
): Promise<PastLane | null> {
  const [row] = await tx.$queryRawUnsafe<{ pulse: string; launched_at: Date | string }[]>(
    `SELECT l.pulse, c.launched_at FROM campaign c JOIN lane l ON l.campaign_id = c.id
     WHERE l.provider = ? AND l.route = ? AND l.sent > 0 AND c.launched_at >= ?
     ORDER BY c.launched_at DESC LIMIT 1`,
    provider,
    route,
    sqlTime(sinceMs),
  );
  const atMs = fromSqlTime(row?.launched_at);
  if (row === undefined || atMs === null) return null;
  const { throttle } = JSON.parse(row.pulse) as Partial<typeof FRESH_PULSE>;
  return throttle === undefined ? null : { throttle: { ...FRESH_PULSE.throttle, ...throttle }, atMs };
}
