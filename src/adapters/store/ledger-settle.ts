// The settle half of a commit: matches outcomes to their rows, folds them lane by lane, and writes rows, lanes,
// the outcome log, the timeline and what follows from it - all in the caller's transaction.
import type { BreakerConfig } from "../../breaker/breaker.ts";
import { stepCampaignDetector } from "../../breaker/campaign-detector.ts";
import { describeHold, doubtsAddresses } from "../../breaker/hold.ts";
import { CAMPAIGN_MOVES, type CampaignState } from "../../campaign/campaign.ts";
import { DELIVERY_MOVES, type DeliveryState } from "../../delivery/delivery.ts";
import type { Outcome, Settlement } from "../../delivery/outcome.ts";
import {
  type DoorRefusal,
  type Fold,
  foldDoor,
  foldLane,
  type SetAside,
  type Settle,
  type Settled,
} from "../../delivery/settle.ts";
import { mayMove, move } from "../../transition.ts";
import { INTS, sqlTime, type Tx } from "../database/database.ts";
import { type Columns, insertInto, updateById } from "../database/many.ts";
import { isAddressFault, knownGood } from "./address-history.ts";
import { escalate, pauseByBreaker } from "./escalate.ts";
import { addEvents, type LaneInContext, writeLanes } from "./lane-rows.ts";
import { noteAddressFaults, rollBackSuppressions } from "./suppression-rows.ts";

interface SettlingRow {
  id: number;
  state: DeliveryState;
  attempt: number;
  try: number;
  evidence: number;
  unit: string | null;
  worker_id: string | null;
  relay_id: string | null;
}

/** A settle and what its row knew before it. */
type Matched = Settled & { relayId: string | null };

export interface SettleInput {
  worker: string;
  settles: readonly Settle[];
  /** Their rows, as they are under the lock of their lanes. */
  settling: readonly SettlingRow[];
  doors: readonly DoorRefusal[];
  contexts: Map<number, LaneInContext>;
  breaker: BreakerConfig;
  nowMs: number;
}

/** To be asked right behind the lock of their lanes. */
export async function readSettling(tx: Tx, settles: readonly Settle[]): Promise<SettlingRow[]> {
  if (settles.length === 0) return [];
  return tx.$queryRawUnsafe<SettlingRow[]>(
    `SELECT id, state, attempt, try, evidence, unit, worker_id, relay_id FROM delivery WHERE id IN ${INTS}`,
    JSON.stringify(settles.map((one) => one.delivery)),
  );
}

/** Settles a group; the contexts' lanes are replaced by what the fold made of them. True: a route was held. */
export async function settleGroup(tx: Tx, input: SettleInput): Promise<boolean> {
  const { contexts, breaker, nowMs } = input;
  const settled = await withHistory(tx, match(input), nowMs);
  const byLane = new Map<number, Settled[]>();
  for (const one of settled) byLane.set(one.laneId, [...(byLane.get(one.laneId) ?? []), one]);

  const folds: Fold[] = [];
  for (const [id, context] of contexts) {
    const mine = byLane.get(id);
    const doors = input.doors.filter((door) => door.laneId === id);
    if (mine === undefined && doors.length === 0) continue;
    const fold = foldLane(context.lane, mine ?? [], breaker);
    folds.push(fold);
    context.lane = fold.lane;
    for (const door of doors) {
      const more = foldDoor(context.lane, door, breaker);
      folds.push(more);
      context.lane = more.lane;
    }
  }
  if (settled.length > 0) {
    await moveRows(tx, settled, nowMs);
    const heard = settled.filter((one) => one.outcome.event !== "returned");
    await addOutcomes(
      tx,
      heard.map((one) => ({ ...one, late: one.from !== "sending" })),
    );
    await noteAddressFaults(
      tx,
      settled.filter((one) => one.next.state === "bounced"),
      nowMs,
    );
    await wakeCampaigns(tx, settled, input);
  }
  if (folds.length === 0) return false;
  await writeLanes(
    tx,
    [...new Set(folds.map((fold) => fold.lane.id))].flatMap((id) => contexts.get(id)?.lane ?? []),
  );
  return consequences(tx, folds, input);
}

/** The settles whose rows are still where this try left them; a repeated or overtaken settle matches nothing. */
function match({ settles, settling, worker, contexts }: SettleInput): Matched[] {
  const byId = new Map(settling.map((row) => [row.id, row]));
  return settles.flatMap((one) => {
    const row = byId.get(one.delivery);
    if (row === undefined || row.attempt !== one.attempt || row.try !== one.try) return [];
    const mine = row.state === "sending" && row.worker_id === worker;
    if (!mine && row.state !== "uncertain") return [];
    if (!mayMove(DELIVERY_MOVES, row.state, one.next.state)) return [];
    // A group may hold the same settle twice; the second one shall find its row moved.
    byId.delete(one.delivery);
    const cancelled = contexts.get(one.laneId)?.campaignState === "cancelled";
    const next = cancelled ? withoutRetry(one.next) : one.next;
    const { state: from, unit, evidence, relay_id: relayId } = row;
    return [{ ...one, next, from, unit, evidence, relayId, knownGood: false }];
  });
}

/** Notes of refused addresses whether they took our mail before. */
async function withHistory(tx: Tx, settled: Matched[], nowMs: number): Promise<Matched[]> {
  const unknown = settled.filter((one) => isAddressFault(one.outcome)).map((one) => one.delivery);
  if (unknown.length === 0) return settled;
  const good = await knownGood(tx, unknown, nowMs);
  return settled.map((one) => ({ ...one, knownGood: good.has(one.delivery) }));
}

/** Nobody tries again what a cancelled campaign had on the wire: it moves on to its end in the same step. */
function withoutRetry(next: Settlement): Settlement {
  return mayMove(DELIVERY_MOVES, next.state, "cancelled") ? { ...next, state: "cancelled" } : next;
}

// What came back unsent keeps what was known of it before.
const RETURNED: Columns = [
  ["state", "text"],
  ["due_at", "timestamp"],
  ["waited", "int"],
  ["losses", "int"],
  ["worker_id", "text"],
  ["changed_at", "timestamp"],
];
const RETURN_ROWS = updateById("delivery", RETURNED);
const MOVE_ROWS = updateById("delivery", [
  ...RETURNED,
  ["evidence", "int"],
  ["reason", "text"],
  ["fault", "text"],
  ["scope", "text"],
  ["reply", "text"],
  ["relay_id", "text"],
]);

async function moveRows(tx: Tx, settled: readonly Matched[], nowMs: number): Promise<void> {
  const changed = sqlTime(nowMs);
  const moved: object[] = [];
  const returned: object[] = [];
  for (const one of settled) {
    const { outcome, next } = one;
    const row = {
      id: one.delivery,
      state: next.state,
      due_at: sqlTime(next.dueAtMs),
      waited: next.waited,
      losses: next.losses,
      worker_id: null,
      changed_at: changed,
    };
    if (outcome.event === "returned") {
      returned.push(row);
      continue;
    }
    const c = outcome.classification;
    moved.push({
      ...row,
      // A retry in the same epoch is no new evidence; what says nothing leaves the mark as it was.
      evidence: c === null ? one.evidence : one.epoch,
      reason: c?.reason ?? (outcome.event === "unreachable" ? "network" : null),
      fault: c?.fault ?? (outcome.event === "unreachable" ? "temporary" : null),
      scope: c?.scope ?? null,
      reply: outcome.reply,
      relay_id: outcome.relayId ?? one.relayId,
    });
  }
  if (returned.length > 0) await tx.many(RETURN_ROWS, returned);
  if (moved.length > 0) await tx.many(MOVE_ROWS, moved);
}

const ADD_OUTCOMES = insertInto("outcome", [
  ["campaign_id", "int"],
  ["lane_id", "int"],
  ["delivery_id", "int"],
  ["attempt", "int"],
  ["try", "int"],
  ["epoch", "int"],
  ["at", "timestamp"],
  ["event", "text"],
  ["phase", "text"],
  ["speaker", "text"],
  ["reply", "text"],
  ["reason", "text"],
  ["fault", "text"],
  ["scope", "text"],
  ["code", "int"],
  ["enhanced", "text"],
  ["late", "bool"],
]);

/** What came of a try or of a report, as the outcome log keeps it. */
export interface LoggedOutcome {
  campaignId: number;
  laneId: number;
  delivery: number;
  attempt: number;
  try: number;
  epoch: number;
  atMs: number;
  outcome: Outcome;
  /** It settled what had been taken for uncertain. */
  late: boolean;
}

export async function addOutcomes(tx: Tx, outcomes: readonly LoggedOutcome[]): Promise<void> {
  const rows = outcomes.map(({ outcome, ...one }) => ({
    campaign_id: one.campaignId,
    lane_id: one.laneId,
    delivery_id: one.delivery,
    attempt: one.attempt,
    try: one.try,
    epoch: one.epoch,
    at: sqlTime(one.atMs),
    event: outcome.event,
    phase: outcome.phase,
    speaker: outcome.speaker,
    reply: outcome.reply,
    reason: outcome.classification?.reason ?? null,
    fault: outcome.classification?.fault ?? null,
    scope: outcome.classification?.scope ?? null,
    code: outcome.classification?.code ?? null,
    enhanced: outcome.classification?.enhanced ?? null,
    late: one.late,
  }));
  if (rows.length > 0) await tx.many(ADD_OUTCOMES, rows);
}

/** A late settle that asks for another try lets a campaign go on that had ended without it. */
async function wakeCampaigns(
  tx: Tx,
  settled: readonly Settled[],
  { contexts, nowMs }: SettleInput,
): Promise<void> {
  for (const one of settled) {
    const context = contexts.get(one.laneId);
    const again = one.next.state === "pending" || one.next.state === "deferred";
    if (!again || context === undefined || !context.campaignState.startsWith("completed")) continue;
    const { campaignId } = one;
    move("campaign", CAMPAIGN_MOVES, context.campaignState as CampaignState, "running");
    await tx.campaign.update({ where: { id: campaignId }, data: { state: "running", endedAt: null } });
    for (const other of contexts.values()) {
      if (other.lane.campaignId === campaignId) other.campaignState = "running";
    }
    const text = "A mail that was uncertain turned out not to have been sent: the campaign goes on.";
    await addEvents(tx, [{ campaignId, laneId: null, atMs: nowMs, event: "resumed", text }]);
  }
}

type FoldInput = Pick<SettleInput, "contexts" | "breaker" | "nowMs">;

/** What the folds order beyond their own lane: timeline, organisations, the campaign's detector, the route. */
export async function consequences(tx: Tx, folds: readonly Fold[], input: FoldInput): Promise<boolean> {
  const { nowMs } = input;
  let routeHeld = false;
  for (const fold of folds) {
    const { id: laneId, campaignId, provider, route } = fold.lane;
    await addEvents(
      tx,
      fold.events.map((one) => ({ campaignId, laneId, atMs: nowMs, ...one })),
    );
    for (const one of fold.setAside) await setAside(tx, { campaignId, laneId, nowMs, ...one });
    // At the hold, and again for what was on the wire and is settled after it.
    if (doubtsAddresses(fold.lane.hold)) await rollBackSuppressions(tx, laneId);
    if (fold.address.bad > 0) await tellCampaign(tx, fold, input);
    if (fold.cause && (await escalate(tx, campaignId, nowMs))) markPaused(input, campaignId);
    if (fold.routeTrip !== null) {
      const { trip, reply, advice } = fold.routeTrip;
      const replies = reply === null ? [] : [reply];
      const hold = describeHold({ provider, trip, nowMs, replies, advice });
      const held = await tx.$executeRawUnsafe(
        `INSERT INTO route (name, state, hold) VALUES (?, 'held', ?)
         ON CONFLICT (name) DO UPDATE SET state = 'held', hold = excluded.hold WHERE route.state = 'ready'`,
        route,
        JSON.stringify(hold),
      );
      if (held > 0) {
        routeHeld = true;
        await tx.$executeRawUnsafe(
          "UPDATE lane SET epoch = epoch + 1 WHERE route = ? AND state <> 'done'",
          route,
        );
        await addEvents(tx, [{ campaignId, laneId, atMs: nowMs, event: "route-held", text: hold.message }]);
      }
    }
  }
  return routeHeld;
}

/** The campaign's own address detector: too many in all lanes together pause it. */
async function tellCampaign(
  tx: Tx,
  { lane: { campaignId }, address }: Fold,
  input: FoldInput,
): Promise<void> {
  const { breaker, nowMs } = input;
  if (!(await stepCampaign(tx, campaignId, address, breaker))) return;
  const why = "Too many addresses of this campaign do not exist: the list may be old.";
  if (await pauseByBreaker(tx, { campaignId, why, nowMs })) markPaused(input, campaignId);
}

/** What the rest of this transaction grants, it grants by what was just decided. */
function markPaused({ contexts }: FoldInput, campaignId: number): void {
  for (const one of contexts.values()) {
    if (one.lane.campaignId === campaignId) one.campaignState = "paused";
  }
}

async function stepCampaign(
  tx: Tx,
  campaignId: number,
  counted: { good: number; bad: number },
  breaker: BreakerConfig,
): Promise<boolean> {
  const campaign = await tx.campaign.findUniqueOrThrow({ where: { id: campaignId } });
  const { x, trips } = stepCampaignDetector(campaign.addressPulse, counted, breaker.address);
  await tx.campaign.update({ where: { id: campaignId }, data: { addressPulse: x } });
  return trips;
}

/** An organisation that refused us twice is written to no more in this campaign; its people are listed as untold. */
async function setAside(
  tx: Tx,
  {
    campaignId,
    laneId,
    unit,
    reason,
    scope,
    nowMs,
  }: SetAside & { campaignId: number; laneId: number; nowMs: number },
): Promise<void> {
  const count = await tx.$executeRawUnsafe(
    `UPDATE delivery SET state = 'suppressed', reason = ?, fault = 'sender', scope = ?, changed_at = ?
     WHERE lane_id = ? AND unit = ? AND state IN ('pending', 'deferred')`,
    reason,
    scope,
    sqlTime(nowMs),
    laneId,
    unit,
  );
  const text = `${unit} refuses us twice: it is set aside with ${count} more of its addresses. Ask its administrator to admit our mail.`;
  await addEvents(tx, [{ campaignId, laneId, atMs: nowMs, event: "set-aside", text }]);
}
