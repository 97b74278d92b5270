// Lanes as rows: reading them under the transaction's lock together with what decides whether they may send, and
// writing back what a fold has made of them.
import { readPulse } from "../../breaker/breaker.ts";
import type { Hold } from "../../breaker/hold.ts";
import { type LaneRecord, roomOf } from "../../breaker/lane-record.ts";
import { mostAtOnce } from "../../breaker/throttle.ts";
import type { LaneView } from "../../delivery/store.ts";
import { isRunnable, type LaneState } from "../../provider/lane.ts";
import { fromSqlTime, INTS, sqlTime, TEXTS, type Tx } from "../database/database.ts";
import { updateById } from "../database/many.ts";

/** A lane with what its campaign and its route say about sending. */
export interface LaneInContext {
  lane: LaneRecord;
  campaignState: string;
  planned: boolean;
  validUntilMs: number | null;
  routeState: string;
  /** A person holds its provider, for all campaigns. */
  providerHeld: boolean;
}

interface Row {
  id: number;
  campaign_id: number;
  provider: string;
  route: string;
  feedback: "relay" | "final";
  state: LaneState;
  epoch: number;
  size: number;
  window_size: number;
  outstanding: number;
  unconfirmed: number;
  sent: number;
  pulse: string;
  hold: string | null;
  until: Date | null;
  next_due: Date | null;
  last_handover: Date | null;
  by_person: boolean;
  campaign_state: string;
  planned: boolean;
  valid_until: Date | null;
  route_state: string | null;
  provider_held: string | null;
}

const SELECT = `SELECT l.*, c.state AS campaign_state, c.planned AS planned, c.valid_until AS valid_until,
  r.state AS route_state, p.provider AS provider_held
  FROM lane l JOIN campaign c ON c.id = l.campaign_id LEFT JOIN route r ON r.name = l.route
  LEFT JOIN provider_hold p ON p.provider = l.provider`;

export async function readLanes(
  tx: Tx,
  where: { ids: readonly number[] } | { campaignId: number } | { campaignState: readonly string[] },
): Promise<LaneInContext[]> {
  const [condition, argument] =
    "ids" in where
      ? [`l.id IN ${INTS}`, JSON.stringify(where.ids)]
      : "campaignId" in where
        ? ["l.campaign_id = ?", where.campaignId]
        : [`c.state IN ${TEXTS}`, JSON.stringify(where.campaignState)];
  if (!("campaignState" in where)) {
    await tx.lock(`SELECT id FROM lane AS l WHERE ${condition} ORDER BY l.id`, argument);
  }
  const rows = await tx.$queryRawUnsafe<Row[]>(`${SELECT} WHERE ${condition} ORDER BY l.id`, argument);
  return rows.map(toContext);
}

function toContext(row: Row): LaneInContext {
  return {
    lane: {
      id: row.id,
      campaignId: row.campaign_id,
      provider: row.provider,
      route: row.route,
      feedback: row.feedback,
      state: row.state,
      epoch: row.epoch,
      size: row.size,
      window: row.window_size,
      outstanding: row.outstanding,
      unconfirmed: row.unconfirmed,
      sent: row.sent,
      pulse: readPulse(row.pulse),
      hold: row.hold === null ? null : (JSON.parse(row.hold) as Hold),
      untilMs: fromSqlTime(row.until),
      nextDueMs: fromSqlTime(row.next_due),
      lastHandoverMs: fromSqlTime(row.last_handover),
      byPerson: Boolean(row.by_person),
    },
    campaignState: row.campaign_state,
    planned: Boolean(row.planned),
    validUntilMs: fromSqlTime(row.valid_until),
    routeState: row.route_state ?? "ready",
    providerHeld: row.provider_held !== null,
  };
}

export function mayRun(context: LaneInContext, nowMs: number): boolean {
  return (
    context.campaignState === "running" &&
    context.planned &&
    context.routeState === "ready" &&
    !context.providerHeld &&
    isRunnable(context.lane.state) &&
    (context.lane.pulse.ramp?.startsMs ?? nowMs) <= nowMs &&
    (context.validUntilMs === null || context.validUntilMs > nowMs)
  );
}

export function toView(context: LaneInContext, nowMs: number): LaneView {
  const { lane } = context;
  const atOnce = mostAtOnce(lane.pulse.throttle);
  return {
    id: lane.id,
    campaignId: lane.campaignId,
    provider: lane.provider,
    route: lane.route,
    feedback: lane.feedback,
    state: lane.state,
    epoch: lane.epoch,
    size: lane.size,
    runnable: mayRun(context, nowMs),
    room: roomOf(lane),
    nextDueMs: lane.nextDueMs,
    ...(Number.isFinite(atOnce) ? { atOnce } : {}),
  };
}

const LANE_COLUMNS = [
  ["state", "text"],
  ["epoch", "int"],
  ["window_size", "int"],
  ["outstanding", "int"],
  ["unconfirmed", "int"],
  ["sent", "int"],
  ["pulse", "text"],
  ["hold", "text"],
  ["until", "timestamp"],
  ["next_due", "timestamp"],
  ["last_handover", "timestamp"],
  ["by_person", "bool"],
] as const;
const WRITE_LANES = updateById("lane", LANE_COLUMNS);

export async function writeLanes(tx: Tx, lanes: readonly LaneRecord[]): Promise<void> {
  if (lanes.length === 0) return;
  const rows = lanes.map((lane) => ({
    id: lane.id,
    state: lane.state,
    epoch: lane.epoch,
    window_size: lane.window,
    outstanding: lane.outstanding,
    unconfirmed: lane.unconfirmed,
    sent: lane.sent,
    pulse: JSON.stringify(lane.pulse),
    hold: lane.hold === null ? null : JSON.stringify(lane.hold),
    until: lane.untilMs === null ? null : sqlTime(lane.untilMs),
    next_due: lane.nextDueMs === null ? null : sqlTime(lane.nextDueMs),
    last_handover: lane.lastHandoverMs === null ? null : sqlTime(lane.lastHandoverMs),
    by_person: lane.byPerson,
  }));
  await tx.many(WRITE_LANES, rows);
}

/** When the next waiting delivery of a lane is due; null when none waits. */
export async function nextDue(tx: Tx, laneId: number): Promise<number | null> {
  const [row] = await tx.$queryRawUnsafe<{ due: unknown }[]>(
    `SELECT min(due) AS due FROM (
       SELECT min(due_at) AS due FROM delivery WHERE lane_id = ? AND state = 'pending'
       UNION ALL SELECT min(due_at) FROM delivery WHERE lane_id = ? AND state = 'deferred') AS waiting`,
    laneId,
    laneId,
  );
  return fromSqlTime(row?.due);
}

/** Sets what a lane has out, and when its next delivery is due, from its rows. */
export async function recount(tx: Tx, laneIds: ReadonlySet<number>): Promise<void> {
  for (const id of laneIds) {
    const due = await nextDue(tx, id);
    await tx.$executeRawUnsafe(
      `UPDATE lane SET outstanding =
         (SELECT count(*) FROM delivery WHERE lane_id = lane.id AND state = 'claimed')
         + (SELECT count(*) FROM delivery WHERE lane_id = lane.id AND state = 'sending'), next_due = ?
       WHERE id = ?`,
      due === null ? null : sqlTime(due),
      id,
    );
  }
}

/** Writes sentences into the timeline. */
export async function addEvents(
  tx: Tx,
  events: readonly { campaignId: number; laneId: number | null; atMs: number; event: string; text: string }[],
): Promise<void> {
  for (const { campaignId, laneId, atMs, event, text } of events) {
    await tx.$executeRawUnsafe(
      "INSERT INTO event (campaign_id, lane_id, at, event, text) VALUES (?, ?, ?, ?, ?)",
      campaignId,
      laneId,
      sqlTime(atMs),
      event,
      text,
    );
  }
}

/** Whoever reads a campaign to change it waits for others who do. */
export async function lockCampaign(tx: Tx, id: number): Promise<void> {
  await tx.lock("SELECT id FROM campaign WHERE id = ?", id);
}
