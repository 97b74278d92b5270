// The oracle of what is stored about lanes: the outcome log of a campaign, folded again by the program's own pure
// functions. Whatever died and came back meanwhile, the lanes must hold what the log says, and the rows too.

import { fromSqlTime } from "../../src/adapters/database/database.ts";
import type { Phase, Speaker } from "../../src/bounce/reason.ts";
import { FRESH_PULSE, type Pulse } from "../../src/breaker/breaker.ts";
import type { LaneRecord } from "../../src/breaker/lane-record.ts";
import { firstWindow } from "../../src/breaker/ramp.ts";
import type { DeliveryState } from "../../src/delivery/delivery.ts";
import { type Heard, type Outcome, outcomeOf, settlementOf } from "../../src/delivery/outcome.ts";
import { foldLane } from "../../src/delivery/settle.ts";
import { BREAKER } from "./ledger.ts";

interface LaneRow {
  id: number;
  provider: string;
  feedback: "relay" | "final";
  window_size: number;
  outstanding: number;
  sent: number;
  epoch: number;
  pulse: string;
}

interface OutcomeRow {
  id: number;
  lane_id: number;
  delivery_id: number;
  attempt: number;
  try: number;
  epoch: number;
  event: string;
  phase: Phase | null;
  speaker: Speaker | null;
  reply: string | null;
  late: boolean | number;
  at: unknown;
}

interface DeliveryRow {
  id: number;
  lane_id: number;
  state: DeliveryState;
  attempt: number;
  unit: string | null;
}

export type Query = <Row>(sql: string) => Promise<Row[]>;

/**
 * What is wrong, in sentences; nothing when all is well. For lanes that were never held, of campaigns that no person
 * has steered. The campaign's own address detector is left out: it is stepped in groups, which the log does not name.
 */
export async function foldAgain(query: Query): Promise<string[]> {
  const lanes = await query<LaneRow>("SELECT * FROM lane ORDER BY id");
  const deliveries = await query<DeliveryRow>("SELECT id, lane_id, state, attempt, unit FROM delivery");
  const outcomes = await query<OutcomeRow>("SELECT * FROM outcome ORDER BY id");
  const wrong = lanes.flatMap((lane) => {
    const mine = outcomes.filter((row) => row.lane_id === lane.id);
    return wrongLane(lane, mine, new Map(deliveries.map((row) => [row.id, row])));
  });
  return [...wrong, ...wrongRows(deliveries, outcomes)];
}

function wrongLane(
  row: LaneRow,
  outcomes: readonly OutcomeRow[],
  deliveries: ReadonlyMap<number, DeliveryRow>,
): string[] {
  let lane = freshLane(row);
  const evidence = new Map<number, number>();
  for (const one of outcomes) {
    // What the reaper declares uncertain was settled by nobody.
    if (one.speaker === null) continue;
    const outcome = outcomeFrom(one, row);
    const delivery = { id: one.delivery_id, try: one.try, waited: 0, losses: 0 };
    const settled = {
      delivery: one.delivery_id,
      campaignId: 0,
      laneId: row.id,
      attempt: one.attempt,
      try: one.try,
      epoch: one.epoch,
      outcome,
      next: settlementOf(outcome, delivery, 0),
      atMs: fromSqlTime(one.at) ?? 0,
      from: one.late ? ("uncertain" as const) : ("sending" as const),
      unit: deliveries.get(one.delivery_id)?.unit ?? null,
      evidence: evidence.get(one.delivery_id) ?? 0,
      knownGood: false,
    };
    if (outcome.classification !== null) evidence.set(one.delivery_id, one.epoch);
    lane = foldLane(lane, [settled], BREAKER).lane;
  }
  const stored = { pulse: pulseOf(row.pulse), window: row.window_size, sent: row.sent, epoch: row.epoch };
  const folded = { pulse: pulseOf(lane.pulse), window: lane.window, sent: lane.sent, epoch: lane.epoch };
  const wrong: string[] = [];
  if (JSON.stringify(stored) !== JSON.stringify(folded)) {
    wrong.push(
      `lane ${row.id} (${row.provider}) is ${JSON.stringify(stored)}, its log says ${JSON.stringify(folded)}`,
    );
  }
  const out = [...deliveries.values()].filter(
    (one) => one.lane_id === row.id && (one.state === "claimed" || one.state === "sending"),
  ).length;
  if (row.outstanding !== out)
    wrong.push(`lane ${row.id} counts ${row.outstanding} out, its rows are ${out}`);
  return wrong;
}

/** As the plan made it: with what is known of the route and of the provider's own limits. */
function freshLane(row: LaneRow): LaneRecord {
  const { most, strict, from } = { ...FRESH_PULSE, ...(JSON.parse(row.pulse) as Pulse) }.throttle;
  const pulse = { ...FRESH_PULSE, throttle: { ...FRESH_PULSE.throttle, most, strict, from } };
  return {
    ...{ id: row.id, campaignId: 0, provider: row.provider, route: "", feedback: row.feedback },
    ...{ state: "ramping", epoch: 1, size: 0, window: firstWindow(row.feedback, 5) },
    ...{ outstanding: 0, unconfirmed: 0, sent: 0, pulse, hold: null, untilMs: null },
    ...{ nextDueMs: null, lastHandoverMs: null, byPerson: false },
  };
}

/** Classified again, from the words that were stored. */
function outcomeFrom(row: OutcomeRow, { provider, feedback }: LaneRow): Outcome {
  return outcomeOf(heardFrom(row), { provider, feedback });
}

function heardFrom({ event, phase, reply }: OutcomeRow): Heard {
  const at = phase ?? "dot";
  const text = reply ?? "";
  switch (event) {
    case "accepted":
    case "handed-over":
      return { kind: "accepted", reply: text, relayId: null };
    case "uncertain":
    case "unreachable":
      return { kind: "lost", phase: at, handedOver: event === "uncertain", message: text };
    default:
      return { kind: "refused", phase: at, reply: text };
  }
}

/** With all numbers there, in one order, and without the last digits of a sum. */
function pulseOf(stored: string | object): unknown {
  const given: object = typeof stored === "string" ? JSON.parse(stored) : stored;
  const all = Object.entries({ ...FRESH_PULSE, ...given }).sort(([a], [b]) => (a < b ? -1 : 1));
  return all.map(([name, value]) => [name, typeof value === "number" ? Number(value.toFixed(6)) : value]);
}

const STATE_AFTER: Readonly<Record<string, readonly DeliveryState[]>> = {
  accepted: ["accepted"],
  rejected: ["bounced"],
  uncertain: ["uncertain"],
  deferred: ["deferred", "expired"],
};

/** Rows against the log: each where its last outcome left it; told once; and what came late moved `uncertain` only. */
function wrongRows(deliveries: readonly DeliveryRow[], outcomes: readonly OutcomeRow[]): string[] {
  const histories = new Map<number, OutcomeRow[]>();
  for (const one of outcomes)
    histories.set(one.delivery_id, [...(histories.get(one.delivery_id) ?? []), one]);
  return deliveries.flatMap((row) => {
    const history = histories.get(row.id) ?? [];
    const told = history.map((one) => `${one.event}${one.late ? " (late)" : ""} try ${one.try}`).join(", ");
    const wrong = (what: string) => [`delivery ${row.id} is ${row.state}, ${what}: ${told || "nothing"}`];
    const last = history.at(-1);
    const expected = STATE_AFTER[last?.event ?? ""];
    if (expected !== undefined && !expected.includes(row.state)) {
      // Late, and not sent after all: it may be on its way again.
      if (!(last?.event === "uncertain" && row.state === "pending")) return wrong("its log ends otherwise");
    }
    if (row.state === "accepted" && last?.event !== "accepted") return wrong("and its log does not say so");
    for (const [i, one] of history.entries()) {
      const before = history[i - 1];
      if (Boolean(one.late) !== (before?.event === "uncertain" && before.try === one.try))
        return wrong("a late settle moved what was not uncertain");
      if (before?.event === "accepted" || before?.event === "rejected") return wrong("settled again");
    }
    return [];
  });
}
