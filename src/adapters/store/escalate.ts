// Stops a whole campaign by order of the breaker: when its lanes together say that the cause lies with us.
import { readPulse } from "../../breaker/breaker.ts";
import { describeEscalation, type Escalation, escalationOf } from "../../breaker/escalation.ts";
import type { Hold } from "../../breaker/hold.ts";
import type { LaneState } from "../../provider/lane.ts";
import { fromSqlTime, type Tx } from "../database/database.ts";
import { addEvents } from "./lane-rows.ts";

/** Pauses the campaign where its lanes escalate. True: it is paused now. */
export async function escalate(tx: Tx, campaignId: number, nowMs: number): Promise<boolean> {
  const found = await findEscalation(tx, campaignId);
  return found !== null && pauseByBreaker(tx, { campaignId, why: describeEscalation(found), nowMs });
}

/**
 * Looks at the campaign's lanes as they are committed, and in this transaction. Locks no lane: two that are held at the
 * same moment are seen by the next look of `tick`. Null: they go on, or a person has let them.
 */
export async function findEscalation(tx: Tx, campaignId: number): Promise<Escalation | null> {
  const rows = await tx.$queryRawUnsafe<
    { provider: string; size: number; state: LaneState; hold: string | null; pulse: string }[]
  >("SELECT provider, size, state, hold, pulse FROM lane WHERE campaign_id = ?", campaignId);
  const lanes = rows.map((row) => ({
    ...row,
    hold: row.hold === null ? null : (JSON.parse(row.hold) as Hold),
    pulse: readPulse(row.pulse),
  }));
  if (escalationOf(lanes, { sinceMs: 0 }) === null) return null;
  // Only what is new since a person let it go on: their word stands.
  const [resumed] = await tx.$queryRawUnsafe<{ at: unknown }[]>(
    "SELECT max(at) AS at FROM event WHERE campaign_id = ? AND event = 'resumed'",
    campaignId,
  );
  return escalationOf(lanes, { sinceMs: fromSqlTime(resumed?.at) ?? 0 });
}

/** False: it does not run, and what settles in a campaign that stands already stops nothing more. */
export async function pauseByBreaker(
  tx: Tx,
  { campaignId, why, nowMs }: { campaignId: number; why: string; nowMs: number },
): Promise<boolean> {
  const { count } = await tx.campaign.updateMany({
    where: { id: campaignId, state: "running" },
    data: { state: "paused", pausedBy: "breaker", why },
  });
  if (count === 0) return false;
  await addEvents(tx, [{ campaignId, laneId: null, atMs: nowMs, event: "paused", text: why }]);
  return true;
}
