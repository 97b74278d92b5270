// A lane at a simulated provider: connections that take what the window leaves, replies that take a while, settles that
// take a moment, and the fence - all decided by the program's own functions, in simulated time.

import { type Classification, FAULT_OF, type Reason, type Scope } from "../src/bounce/reason.ts";
import type { BreakerConfig } from "../src/breaker/breaker.ts";
import { FRESH_PULSE } from "../src/breaker/breaker.ts";
import { type LaneRecord, roomOf } from "../src/breaker/lane-record.ts";
import { firstWindow } from "../src/breaker/ramp.ts";
import { isFence, type Outcome } from "../src/delivery/outcome.ts";
import { foldReports, type Reported } from "../src/delivery/reported.ts";
import { foldLane, type Settled } from "../src/delivery/settle.ts";
import { isRunnable } from "../src/provider/lane.ts";

/** What the provider answers as its n-th answer, and to which mail, both from 0; null: it takes it. */
export type Answer = (n: number, mail: number) => Reason | null;

export interface SimulatedLane {
  answer: Answer;
  random: () => number;
  breaker: BreakerConfig;
  mails: number;
  connections?: number;
  feedback?: "relay" | "final";
  canary?: number;
  /** The window at the beginning; 1 for final, the canary for relay. */
  window?: number;
  /** Its address took mail of an earlier campaign. */
  knownGood?: boolean;
}

export interface LaneResult {
  held: boolean;
  /** Outcomes that were judged until the hold, the last one included. */
  judged: number;
  /** Mails that the provider heard of, those on the wire at the hold included. */
  heard: number;
  /** Of them refused. */
  refused: number;
  /** When all was over, ms. */
  tookMs: number;
}

const REPLY_MS = 20;
const SETTLE_MS = 2;
const REPORT_MS = 5_000;

interface Connection {
  /** What it waits for, and until when; null: nothing, it may begin. */
  waits: { untilMs: number; mail: number; what: "reply" | "settle" } | null;
}

export function simulateLane(options: SimulatedLane): LaneResult {
  const { answer, random, breaker, mails, connections = 20, feedback = "final", canary = 5 } = options;
  let lane = newLane(feedback, options.window ?? firstWindow(feedback, canary), mails);
  const wires: Connection[] = Array.from({ length: connections }, () => ({ waits: null }));
  // Settles that no connection waits for, and reports.
  const later: { untilMs: number; mail: number; reason: Reason | null; epoch: number; report: boolean }[] =
    [];
  const epochs: number[] = [];
  const reasons: (Reason | null)[] = [];
  const result: LaneResult = { held: false, judged: 0, heard: 0, refused: 0, tookMs: 0 };
  let nowMs = 0;
  let answers = 0;

  const settle = (mail: number, reason: Reason | null, report: boolean) => {
    const known = options.knownGood ?? false;
    const epoch = epochs[mail] ?? 1;
    if (lane.state !== "held" && (report || feedback === "final")) result.judged += 1;
    lane = report
      ? foldReports(lane, [reported(mail, reason, epoch, known)], { config: breaker, nowMs }).lane
      : foldLane(lane, [settled(mail, reason, epoch, known, nowMs, feedback)], breaker).lane;
    if (feedback === "relay" && !report)
      later.push({ untilMs: nowMs + REPORT_MS * (0.5 + random()), mail, reason, epoch, report: true });
  };

  for (;;) {
    for (const wire of wires) {
      if (wire.waits !== null || result.heard >= mails) continue;
      if (!isRunnable(lane.state) || roomOf(lane) === 0) continue;
      const mail = result.heard;
      result.heard += 1;
      epochs[mail] = lane.epoch;
      lane = { ...lane, outstanding: lane.outstanding + 1 };
      wire.waits = { untilMs: nowMs + REPLY_MS * (0.5 + random()), mail, what: "reply" };
    }
    const wire = nextOf(wires);
    const due = later.reduce<(typeof later)[number] | null>(
      (best, one) => (best === null || one.untilMs < best.untilMs ? one : best),
      null,
    );
    if (due !== null && (wire?.waits?.untilMs ?? Number.POSITIVE_INFINITY) >= due.untilMs) {
      nowMs = due.untilMs;
      later.splice(later.indexOf(due), 1);
      settle(due.mail, due.reason, due.report);
      continue;
    }
    if (wire?.waits == null) break;
    const { mail, what } = wire.waits;
    nowMs = wire.waits.untilMs;
    if (what === "settle") {
      settle(mail, reasons[mail] ?? null, false);
      wire.waits = null;
      continue;
    }
    const reason = answer(answers, mail);
    answers += 1;
    reasons[mail] = reason;
    if (reason !== null) result.refused += 1;
    // At a relay the refusal is the provider's, and comes later.
    const heard = feedback === "relay" ? null : reason;
    if (heard !== null && isFence(outcomeOf(heard, feedback))) {
      wire.waits = { untilMs: nowMs + SETTLE_MS, mail, what: "settle" };
    } else {
      later.push({ untilMs: nowMs + SETTLE_MS, mail, reason, epoch: lane.epoch, report: false });
      wire.waits = null;
    }
  }
  result.held = lane.state === "held";
  result.tookMs = nowMs;
  return result;
}

function nextOf(wires: readonly Connection[]): Connection | null {
  let best: Connection | null = null;
  for (const wire of wires) {
    if (wire.waits === null) continue;
    if (best?.waits == null || wire.waits.untilMs < best.waits.untilMs) best = wire;
  }
  return best;
}

export function newLane(feedback: "relay" | "final", window: number, size: number): LaneRecord {
  return {
    id: 1,
    campaignId: 1,
    provider: "google",
    route: "default",
    feedback,
    state: "ramping",
    epoch: 1,
    size,
    window,
    outstanding: 0,
    unconfirmed: 0,
    sent: 0,
    pulse: { ...FRESH_PULSE },
    hold: null,
    untilMs: null,
    nextDueMs: null,
    lastHandoverMs: null,
    byPerson: false,
  };
}

function meaning(reason: Reason, scope: Scope): Classification {
  const fault = FAULT_OF[reason];
  return {
    reason,
    fault,
    scope: fault === "address" ? "recipient" : scope,
    hard: fault !== "temporary",
    provider: "google",
    code: null,
    enhanced: null,
    advice: "",
  };
}

type Heard = Outcome & { event: "accepted" | "handed-over" | "rejected" | "deferred" };

function outcomeOf(reason: Reason | null, feedback: "relay" | "final"): Heard {
  const classification = reason === null ? null : meaning(reason, "provider");
  const good = feedback === "relay" ? "handed-over" : "accepted";
  return {
    event: classification === null ? good : classification.hard ? "rejected" : "deferred",
    phase: null,
    speaker: feedback === "relay" && classification === null ? "route" : "provider",
    reply: null,
    classification,
    relayId: null,
  };
}

const STATE_AFTER = {
  accepted: "accepted",
  "handed-over": "handed-over",
  rejected: "bounced",
  deferred: "deferred",
} as const;

function settled(
  mail: number,
  reason: Reason | null,
  epoch: number,
  knownGood: boolean,
  atMs: number,
  feedback: "relay" | "final",
): Settled {
  const outcome = outcomeOf(feedback === "relay" ? null : reason, feedback);
  const state = STATE_AFTER[outcome.event];
  return {
    delivery: mail,
    campaignId: 1,
    laneId: 1,
    attempt: 1,
    try: 0,
    epoch,
    outcome,
    next: { state, dueAtMs: atMs, waited: 0, losses: 0 },
    atMs,
    from: "sending",
    unit: null,
    evidence: 0,
    knownGood,
  };
}

function reported(mail: number, reason: Reason | null, epoch: number, knownGood: boolean): Reported {
  const outcome: Outcome = {
    ...outcomeOf(reason, "final"),
    event: reason === null ? "accepted" : "bounced",
  };
  return {
    entry: {
      key: "",
      intake: "simulation",
      receivedAtMs: 0,
      atMs: 0,
      kind: "bounce",
      action: reason === null ? "delivered" : "failed",
      recipient: null,
      recipientKey: null,
      reporter: null,
      reply: "",
      classification: outcome.classification,
      excerpt: "",
      trusted: true,
      token: null,
      message: null,
      relayIds: [],
    },
    row: {
      id: mail,
      campaignId: 1,
      laneId: 1,
      state: "handed-over",
      attempt: 1,
      try: 1,
      epoch,
      evidence: 0,
      unit: null,
      knownGood,
      changedAtMs: null,
    },
    by: "token",
    next: reason === null ? "accepted" : "bounced",
    outcome,
  };
}
