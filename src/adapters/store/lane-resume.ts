// Resuming a lane: half-open, under a new epoch, with exactly those deliveries back that failed finally by a fault
// of the sender, of the content, or of nobody known. Safe to repeat: a lane that runs is left alone.

import { halfOpen, setAsideOf } from "../../breaker/half-open.ts";
import type { LaneRecord } from "../../breaker/lane-record.ts";
import { OPEN_WINDOW } from "../../breaker/ramp.ts";
import { sqlTime, TEXTS, type Tx } from "../database/database.ts";
import { keepCard } from "./hold-cards.ts";
import { nextDue } from "./lane-rows.ts";

/**
 * Changes `lane` and its deliveries; the caller writes the lane. Returns how many deliveries came back. `over`: the
 * notice is no longer true, and nobody comes back.
 */
export async function resumeLane(
  tx: Tx,
  {
    lane,
    nowMs,
    by,
    over = false,
  }: { lane: LaneRecord; nowMs: number; by: "person" | "time"; over?: boolean },
): Promise<number> {
  const blind = lane.state === "blind";
  const doubted = lane.hold?.detector === "provider-incident";
  const aside = setAsideOf(lane);
  const { hold } = lane;
  halfOpen(lane);
  if (blind && by === "person") {
    // The person saw that nothing can confirm here, and decided to go on without.
    lane.byPerson = true;
    lane.window = OPEN_WINDOW;
    lane.pulse.halfOpen = false;
  }
  const returned = over
    ? 0
    : (await returnDeliveries(tx, { lane, aside, nowMs })) +
      (doubted ? await returnDoubted(tx, lane, nowMs) : 0);
  await keepCard(tx, { hold, by, returned, campaignId: lane.campaignId, laneId: lane.id, nowMs });
  await retryNow(tx, lane, nowMs);
  return returned;
}

/** What waited for a retry waited for us: it is due now. */
export async function retryNow(tx: Tx, lane: LaneRecord, nowMs: number): Promise<void> {
  const now = sqlTime(nowMs);
  await tx.$executeRawUnsafe(
    "UPDATE delivery SET due_at = ? WHERE lane_id = ? AND state = 'deferred' AND due_at > ?",
    now,
    lane.id,
    now,
  );
  lane.nextDueMs = await nextDue(tx, lane.id);
}

const AGAIN = `state = 'pending', attempt = attempt + 1, try = 0, waited = 0, losses = 0, due_at = ?, changed_at = ?`;

/**
 * Failed finally, and not by the address's fault; or set aside with a site that refused us for our own cause. An
 * organisation that was set aside for its own rule about us comes back by its name alone; what its filter said of a text
 * does not outlive that text.
 */
const RETURNING = `((state = 'bounced' AND fault IN ('sender', 'content', 'unknown'))
    OR (state = 'suppressed' AND fault = 'sender'))
  AND NOT (fault = 'sender' AND coalesce(scope, '') = 'organisation' AND coalesce(unit, '') IN ${TEXTS})`;

export async function hasReturning(tx: Tx, lane: LaneRecord): Promise<boolean> {
  const rows = await tx.$queryRawUnsafe<unknown[]>(
    `SELECT id FROM delivery WHERE lane_id = ? AND ${RETURNING} LIMIT 1`,
    lane.id,
    JSON.stringify(setAsideOf(lane)),
  );
  return rows.length > 0;
}

/**
 * What a disturbed provider called unknown, in the epoch that ended in the hold: addresses that had taken our mail before,
 * and whatever else it said no to in the same breath. A provider that means it says so again.
 */
async function returnDoubted(tx: Tx, lane: LaneRecord, nowMs: number): Promise<number> {
  const now = sqlTime(nowMs);
  return tx.$executeRawUnsafe(
    `UPDATE delivery SET ${AGAIN} WHERE lane_id = ? AND state = 'bounced' AND fault = 'address' AND epoch < ?`,
    now,
    now,
    lane.id,
    lane.epoch,
  );
}

/** Gives a lane back what may be sent again, as a new attempt; returns how many. */
export async function returnDeliveries(
  tx: Tx,
  { lane, aside, nowMs }: { lane: LaneRecord; aside: readonly string[]; nowMs: number },
): Promise<number> {
  const now = sqlTime(nowMs);
  return tx.$executeRawUnsafe(
    `UPDATE delivery SET ${AGAIN} WHERE lane_id = ? AND ${RETURNING}`,
    now,
    now,
    lane.id,
    JSON.stringify(aside),
  );
}
