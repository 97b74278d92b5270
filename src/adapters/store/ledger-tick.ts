// What time alone changes: schedules come due, rests and timed holds end, validity ends, lanes end or go blind,
// campaigns end or are paused because no lane can go on. Looks first on the reading connection; writes only when
// something is due.
import type { LaneRecord } from "../../breaker/lane-record.ts";
import { DEAF, type Hearing } from "../../breaker/silence.ts";
import { unjudged } from "../../breaker/unjudged.ts";
import { RETRY_DEADLINE_SECONDS } from "../../delivery/retry.ts";
import { providerTitle } from "../../provider/directory.ts";
import { type Database, sqlTime, type Tx } from "../database/database.ts";
import { startDue } from "./campaign-schedule.ts";
import { endCancelled } from "./campaign-steer.ts";
import { escalate, findEscalation } from "./escalate.ts";
import { resumeLane } from "./lane-resume.ts";
import { addEvents, type LaneInContext, nextDue, readLanes, writeLanes } from "./lane-rows.ts";
import { isSilenceDue, stepSilence, type Watching } from "./lane-silence.ts";
import { openNext, opensNext } from "./lane-stagger.ts";
import { NO_LANE } from "./provider-holds.ts";

/** Rows changed in one transaction; keeps the write lock short. */
const CHUNK = 2_000;

export async function tick(
  db: Database,
  { soakMs, hearing = DEAF }: { soakMs: number; hearing?: Hearing | undefined },
): Promise<boolean> {
  const nowMs = db.now();
  const watching: Watching = { hearing, nowMs, soakMs };
  const idsOf = (where: string) =>
    db.read.$queryRawUnsafe<{ id: number }[]>(`SELECT id FROM campaign WHERE ${where}`);
  let moved = await startDue(db);
  // A process died between the order to cancel and its end.
  for (const { id } of await idsOf("state = 'cancelled' AND ended_at IS NULL")) {
    await endCancelled(db, id);
    moved = true;
  }
  for (const { id } of await idsOf("state = 'running' AND planned = true")) {
    const lanes = await readLanes(db.read, { campaignId: id });
    const due =
      lanes.some((one) => isDue(one, watching)) ||
      opensNext(lanes) !== null ||
      (await anyOverdue(db.read, lanes, nowMs));
    const several = lanes.filter((one) => one.lane.state === "held").length > 1;
    const together = several && (await findEscalation(db.read, id)) !== null;
    if (!due && !together && lanes.some(goesOn)) continue;
    moved = (await db.write((tx) => tickCampaign(tx, id, watching))) || moved;
  }
  return moved;
}

/** Cheap look at a lane: might time change it? */
function isDue({ lane, validUntilMs }: LaneInContext, watching: Watching): boolean {
  const { nowMs } = watching;
  if (lane.untilMs !== null && lane.untilMs <= nowMs) return true;
  if (validUntilMs !== null && validUntilMs <= nowMs && (lane.nextDueMs !== null || lane.state !== "done"))
    return true;
  if (lane.state === "done" || lane.outstanding > 0) return false;
  if (lane.nextDueMs === null && lane.state !== "held" && lane.state !== "blind") return true;
  return isSilenceDue(lane, watching);
}

/** Does a delivery stand at the end of its last wait? Claims pass it over; only rows that are due are looked at. */
async function anyOverdue(read: Tx, lanes: readonly LaneInContext[], nowMs: number): Promise<boolean> {
  for (const { lane } of lanes) {
    if (lane.nextDueMs === null || lane.nextDueMs > nowMs) continue;
    const rows = await read.$queryRawUnsafe<unknown[]>(
      `SELECT id FROM delivery WHERE lane_id = ? AND state = 'deferred' AND due_at <= ?
         AND waited >= ${RETRY_DEADLINE_SECONDS} LIMIT 1`,
      lane.id,
      sqlTime(nowMs),
    );
    if (rows.length > 0) return true;
  }
  return false;
}

/** A lane that can still bring its campaign forward without a person. */
function goesOn({ lane, routeState, providerHeld }: LaneInContext): boolean {
  if (routeState === "held" || (providerHeld && lane.state !== "done")) return false;
  if (lane.state === "held") return lane.untilMs !== null;
  return lane.state !== "done" && lane.state !== "blind";
}

async function tickCampaign(tx: Tx, campaignId: number, watching: Watching): Promise<boolean> {
  const { nowMs } = watching;
  let moved = false;
  // It may have been paused since the look from outside, and without lanes nothing else tells.
  const [running] = await tx.$queryRawUnsafe<unknown[]>(
    "SELECT id FROM campaign WHERE id = ? AND state = 'running'",
    campaignId,
  );
  if (running === undefined) return false;
  const lanes = await readLanes(tx, { campaignId });
  for (const one of lanes) moved = (await tickLane(tx, one, lanes, watching)) || moved;
  moved = (await openNext(tx, lanes)) || moved;
  // Two lanes that were held at the same moment have not seen each other.
  if (await escalate(tx, campaignId, nowMs)) return true;
  return (await endCampaign(tx, campaignId, lanes, nowMs)) || moved;
}

async function tickLane(
  tx: Tx,
  one: LaneInContext,
  siblings: readonly LaneInContext[],
  watching: Watching,
): Promise<boolean> {
  const { lane } = one;
  const { nowMs } = watching;
  let moved = await expire(tx, one, nowMs);
  if (lane.untilMs !== null && lane.untilMs <= nowMs) {
    if (lane.state === "backing-off") {
      lane.state = "ramping";
      lane.untilMs = null;
      moved = true;
    } else if (lane.state === "held") {
      await resumeLane(tx, { lane, nowMs, by: "time" });
      moved = true;
    }
  }
  const mayWait = lane.state === "ramping" || lane.state === "open" || lane.state === "blind";
  if (lane.outstanding === 0 && mayWait) {
    // The column is a hint; before a lane ends its rows are asked.
    lane.nextDueMs = await nextDue(tx, lane.id);
    moved = (await stepSilence(tx, one, { siblings, watching })) || moved;
    if (lane.state === "done") await tellUnjudged(tx, lane, nowMs);
  } else if (
    lane.state === "backing-off" &&
    lane.outstanding === 0 &&
    (await nextDue(tx, lane.id)) === null
  ) {
    lane.state = "done";
    lane.untilMs = null;
    moved = true;
  }
  if (moved) await writeLanes(tx, [lane]);
  return moved;
}

/** What a lane saw that was too small to be judged: the same refusals would have held a larger one. */
async function tellUnjudged(tx: Tx, lane: LaneRecord, nowMs: number): Promise<void> {
  const saw = unjudged(lane.pulse);
  if (saw === null) return;
  const text = `${providerTitle(lane.provider)}: done, and not judged: too few mails to tell whether ${saw.length === 1 ? "this" : "these"} would have gone on. It said: ${saw.map((reply) => `"${reply}"`).join("; ")}`;
  await addEvents(tx, [
    { campaignId: lane.campaignId, laneId: lane.id, atMs: nowMs, event: "not-judged", text },
  ]);
}

/** Ends what may not be tried any more: past the notice's validity, or waited for a whole day. */
async function expire(tx: Tx, { lane, validUntilMs }: LaneInContext, nowMs: number): Promise<boolean> {
  const invalid = validUntilMs !== null && validUntilMs <= nowMs;
  if (lane.nextDueMs === null && !(invalid && lane.state !== "done")) return false;
  const states = invalid ? ["pending", "deferred"] : ["deferred"];
  let count = 0;
  for (const state of states) {
    const enough = invalid ? "" : `AND due_at <= '${sqlTime(nowMs)}' AND waited >= ${RETRY_DEADLINE_SECONDS}`;
    count += await tx.$executeRawUnsafe(
      `UPDATE delivery SET state = 'expired', changed_at = ?
       WHERE id IN (SELECT id FROM delivery WHERE lane_id = ? AND state = ? ${enough} LIMIT ?)`,
      sqlTime(nowMs),
      lane.id,
      state,
      CHUNK,
    );
  }
  if (count === 0) return false;
  lane.nextDueMs = await nextDue(tx, lane.id);
  if (invalid && lane.nextDueMs === null) {
    const text = `The notice is no longer true: what ${providerTitle(lane.provider)} had not taken is expired and listed as untold.`;
    await addEvents(tx, [
      { campaignId: lane.campaignId, laneId: lane.id, atMs: nowMs, event: "expired", text },
    ]);
  }
  return true;
}

async function endCampaign(
  tx: Tx,
  campaignId: number,
  lanes: readonly LaneInContext[],
  nowMs: number,
): Promise<boolean> {
  if (lanes.every((one) => one.lane.state === "done")) {
    const [failed] = await tx.$queryRawUnsafe<{ n: number | bigint }[]>(
      `SELECT count(*) AS n FROM delivery WHERE lane_id IN (SELECT id FROM lane WHERE campaign_id = ?)
       AND state IN ('bounced', 'complained', 'expired', 'uncertain', 'suppressed', 'deferred-at-relay')`,
      campaignId,
    );
    const some = Number(failed?.n ?? 0) > 0;
    const state = some ? "completed-with-failures" : "completed";
    await tx.campaign.update({ where: { id: campaignId }, data: { state, endedAt: new Date(nowMs) } });
    const text = some
      ? "Everything was tried; not everybody was reached: see `untold`."
      : "Everybody was told.";
    await addEvents(tx, [{ campaignId, laneId: null, atMs: nowMs, event: state, text }]);
    return true;
  }
  if (lanes.some(goesOn) || lanes.some((one) => one.lane.outstanding > 0)) return false;
  const stopped = lanes
    .filter((one) => one.lane.state !== "done")
    .map((one) => providerTitle(one.lane.provider));
  const why = `${NO_LANE}: ${stopped.join(", ")}.`;
  await tx.campaign.update({
    where: { id: campaignId },
    data: { state: "paused", pausedBy: "breaker", why },
  });
  await addEvents(tx, [{ campaignId, laneId: null, atMs: nowMs, event: "paused", text: why }]);
  return true;
}
