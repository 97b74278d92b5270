// Resuming a lane: half-open, under a new epoch, with exactly those deliveries back that failed finally by a fault
// of the sender, of the content, or of nobody known. Safe to repeat: a lane that runs is left alone.
import type { LaneRecord } from "../../breaker/lane-record.ts";
import { OPEN_WINDOW } from "../../breaker/ramp.ts";
import { afterResume } from "../../breaker/ramp-memory.ts";
import { LANE_MOVES } from "../../provider/lane.ts";
import { move } from "../../transition.ts";
import { sqlTime, TEXTS, type Tx } from "../database/database.ts";
import { nextDue } from "./lane-rows.ts";

/** Changes `lane` and its deliveries; the caller writes the lane. Returns how many deliveries came back. */
export async function resumeLane(
  tx: Tx,
  { lane, nowMs, by }: { lane: LaneRecord; nowMs: number; by: "person" | "time" },
): Promise<number> {
  const blind = lane.state === "blind";
  const aside = setAsideOf(lane);
  lane.state = move("lane", LANE_MOVES, lane.state, "ramping");
  lane.epoch += 1;
  lane.untilMs = null;
  lane.hold = null;
  lane.pulse = {
    ...lane.pulse,
    sender: 0,
    address: 0,
    content: 0,
    unknown: 0,
    cohort: 0,
    slowed: 0,
    // An organisation that was set aside stays so until somebody asks for it by name.
    units: Object.fromEntries(aside.map((unit) => [unit, lane.pulse.units[unit] ?? 0])),
    recent: [],
    halfOpen: true,
    // What the relay still holds is not sent again, and does not keep the lane from going on.
    ramp: lane.pulse.ramp === null ? null : afterResume(lane.pulse.ramp, lane.unconfirmed),
  };
  lane.window = 1;
  if (blind && by === "person") {
    // The person saw that nothing can confirm here, and decided to go on without.
    lane.byPerson = true;
    lane.window = OPEN_WINDOW;
    lane.pulse.halfOpen = false;
  }
  const now = sqlTime(nowMs);
  const returned = await returnDeliveries(tx, { lane, aside, nowMs });
  // What waited for a retry waited for us: it is due now.
  await tx.$executeRawUnsafe(
    "UPDATE delivery SET due_at = ? WHERE lane_id = ? AND state = 'deferred' AND due_at > ?",
    now,
    lane.id,
    now,
  );
  lane.nextDueMs = await nextDue(tx, lane.id);
  return returned;
}

/** Organisations that refused us twice in this lane. */
export function setAsideOf(lane: LaneRecord): string[] {
  return Object.entries(lane.pulse.units)
    .filter(([, refusals]) => refusals > 1)
    .map(([unit]) => unit);
}

/**
 * Failed finally, and not by the address's fault; or set aside with a site that refused us for our own cause. What an
 * organisation's own rule refuses comes back by its name alone.
 */
const RETURNING = `((state = 'bounced' AND fault IN ('sender', 'content', 'unknown'))
    OR (state = 'suppressed' AND fault = 'sender'))
  AND NOT (coalesce(scope, '') = 'organisation' AND coalesce(unit, '') IN ${TEXTS})`;

export async function hasReturning(tx: Tx, lane: LaneRecord): Promise<boolean> {
  const rows = await tx.$queryRawUnsafe<unknown[]>(
    `SELECT id FROM delivery WHERE lane_id = ? AND ${RETURNING} LIMIT 1`,
    lane.id,
    JSON.stringify(setAsideOf(lane)),
  );
  return rows.length > 0;
}

/** Gives a lane back what may be sent again, as a new attempt; returns how many. */
export async function returnDeliveries(
  tx: Tx,
  { lane, aside, nowMs }: { lane: LaneRecord; aside: readonly string[]; nowMs: number },
): Promise<number> {
  const now = sqlTime(nowMs);
  return tx.$executeRawUnsafe(
    `UPDATE delivery SET state = 'pending', attempt = attempt + 1, try = 0, waited = 0, losses = 0, due_at = ?,
       changed_at = ? WHERE lane_id = ? AND ${RETURNING}`,
    now,
    now,
    lane.id,
    JSON.stringify(aside),
  );
}
