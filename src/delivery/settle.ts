// The fold of settled outcomes into their lane: counts, window, detectors, hold. Pure: the store calls it inside
// the settle transaction with the lane's locked row and with only those outcomes whose rows really moved.
import type { Reason, Scope } from "../bounce/reason.ts";
import type { BreakerConfig, Trip } from "../breaker/breaker.ts";
import { stepLane } from "../breaker/breaker.ts";
import { coolDownMs, failedTrials } from "../breaker/cool-down.ts";
import { type Evidence, slows } from "../breaker/evidence.ts";
import { describeHold } from "../breaker/hold.ts";
import type { LaneRecord } from "../breaker/lane-record.ts";
import { describeRest, pace } from "../breaker/pace.ts";
import { OPEN_WINDOW } from "../breaker/ramp.ts";
import { FRESH_MEMORY, noteHandover } from "../breaker/ramp-memory.ts";
import type { DeliveryState } from "./delivery.ts";
import type { Outcome, Settlement } from "./outcome.ts";

/** What the sender asks to have settled: the outcome of one try of one delivery. */
export interface Settle {
  delivery: number;
  campaignId: number;
  laneId: number;
  attempt: number;
  try: number;
  /** The lane's epoch under which it was claimed. */
  epoch: number;
  outcome: Outcome;
  next: Settlement;
  atMs: number;
}

/** A settle whose row moved, with what the row said before. */
export interface Settled extends Settle {
  from: DeliveryState;
  unit: string | null;
  /** The last epoch in which this delivery was evidence. */
  evidence: number;
  /** Its address took mail of another campaign not long ago; asked for where it is refused as unknown. */
  knownGood: boolean;
}

/** An organisation, or an MX site of the long tail, that is written to no more for now. */
export interface SetAside {
  unit: string;
  reason: Reason;
  scope: Scope;
}

export interface LaneEvent {
  event: string;
  text: string;
}

export interface Fold {
  lane: LaneRecord;
  events: LaneEvent[];
  /** Organisations to set aside: their waiting deliveries are suppressed. */
  setAside: SetAside[];
  /** Good ones to fold into the campaign's own address detector, then this many bad ones. */
  address: { good: number; bad: number };
  /** A cause of ours was counted: the campaign's lanes are to be looked at together. */
  cause: boolean;
  /** The route refused us: it is held with every lane on it. */
  routeTrip: { trip: Trip; reply: string | null; advice: string } | null;
}

/** A fold that has changed nothing yet. */
export function newFold(before: LaneRecord): Fold {
  const lane: LaneRecord = { ...before, pulse: { ...before.pulse } };
  return { lane, events: [], setAside: [], address: { good: 0, bad: 0 }, cause: false, routeTrip: null };
}

export function foldLane(before: LaneRecord, settled: readonly Settled[], config: BreakerConfig): Fold {
  const fold = newFold(before);
  for (const one of settled) foldOne(fold, one, config);
  return fold;
}

function foldOne(fold: Fold, one: Settled, config: BreakerConfig): void {
  const { lane } = fold;
  // A late settle moves a row that the reaper had made uncertain and had taken out of the count.
  if (one.from === "sending") lane.outstanding = Math.max(0, lane.outstanding - 1);
  if (one.outcome.event !== "returned") lane.sent += 1;
  if (one.next.state === "handed-over") {
    lane.unconfirmed += 1;
    lane.lastHandoverMs = one.atMs;
    const taken = { asked: one.outcome.asked === true, isEarlier: one.epoch < lane.epoch };
    lane.pulse.ramp = noteHandover(lane.pulse.ramp ?? FRESH_MEMORY, taken);
  }
  if (one.next.state === "pending" || one.next.state === "deferred") {
    lane.nextDueMs = Math.min(lane.nextDueMs ?? Number.POSITIVE_INFINITY, one.next.dueAtMs);
    // A woken process settles what had been uncertain, and everything else has ended meanwhile.
    if (lane.state === "done") lane.state = "ramping";
  }
  if (one.outcome.event === "returned") return;

  if (one.epoch !== lane.epoch || one.from !== "sending") {
    // From before the hold: it was on the wire when the fence came down, and is counted as that and nothing else.
    if (lane.hold !== null && one.epoch < lane.epoch)
      lane.hold = { ...lane.hold, leaked: lane.hold.leaked + 1 };
    return;
  }
  applyEvidence(fold, evidenceOf(one), one, config);
}

/** Steps a lane by one piece of evidence, whoever brought it, and notes what follows. */
export function applyEvidence(
  fold: Fold,
  evidence: Evidence,
  one: Pick<Settled, "outcome" | "atMs">,
  config: BreakerConfig,
): void {
  const { lane } = fold;
  const fault = one.outcome.classification?.fault;
  // A relay that keeps a list of its own refuses one recipient by it, and not us.
  if (evidence.speaker === "route" && fault === "sender" && evidence.scope !== "recipient") {
    const c = one.outcome.classification;
    if (c !== null) {
      fold.routeTrip = {
        trip: { detector: "sender", reason: c.reason, fault: c.fault, scope: "route" },
        reply: one.outcome.reply,
        advice: c.advice,
      };
    }
    return;
  }
  // Twenty connections that are asked for less at the same moment were asked once: the lane rests already.
  if (lane.state === "backing-off" && slows(evidence)) return;
  const wasWindow = lane.window;
  const step = stepLane(lane, evidence, config);
  pace(lane, step, evidence, one.atMs);
  lane.window = step.window;
  lane.pulse = step.pulse;
  fold.cause ||= step.cause;
  if (evidence.kind === "refused" && fault === "address" && evidence.fresh && evidence.hard) {
    fold.address = { good: fold.address.good + lane.pulse.good, bad: fold.address.bad + 1 };
    lane.pulse = { ...lane.pulse, good: 0 };
  }
  if (step.setAside !== null) {
    fold.setAside.push({
      unit: step.setAside,
      reason: evidence.reason ?? "policy",
      scope: evidence.scope ?? "organisation",
    });
  }
  if (step.trip !== null) {
    holdLane(lane, step.trip, one.atMs, one.outcome.classification?.advice);
    fold.events.push({ event: "held", text: lane.hold?.message ?? "" });
  } else if (step.restMs !== null && (lane.state === "ramping" || lane.state === "open")) {
    lane.state = "backing-off";
    lane.untilMs = one.atMs + step.restMs;
    fold.events.push({ event: "slowed", text: describeRest(lane) });
  } else if (lane.state === "ramping" && wasWindow < OPEN_WINDOW && lane.window >= OPEN_WINDOW) {
    lane.state = "open";
  }
}

/** Holds a lane: a new epoch, so that every claim and intent of the old one is void from this commit on. */
export function holdLane(lane: LaneRecord, trip: Trip, nowMs: number, advice?: string): void {
  const replies = lane.pulse.recent.filter((r) => r.fault === trip.fault).map((r) => r.reply);
  lane.hold = describeHold({ provider: lane.provider, trip, nowMs, replies, advice });
  lane.state = "held";
  lane.epoch += 1;
  lane.untilMs = trip.resumeAfterMs === undefined ? null : nowMs + trip.resumeAfterMs;
  const trials = failedTrials(lane.pulse);
  lane.pulse = { ...lane.pulse, holds: lane.pulse.holds + 1, failedTrials: trials };
  // What time cures resumes by itself.
  if (trials > 0 && lane.untilMs === null)
    lane.hold.resumeFrom = new Date(nowMs + coolDownMs(trials)).toISOString();
}

/** What one settled outcome tells the breaker. */
export function evidenceOf(one: Settled): Evidence {
  const { outcome } = one;
  const c = outcome.classification;
  const kind =
    outcome.event === "accepted"
      ? "confirmed"
      : outcome.event === "handed-over"
        ? "handed-over"
        : outcome.event === "uncertain"
          ? "uncertain"
          : c === null
            ? "unreachable"
            : "refused";
  return {
    kind,
    reason: c?.reason ?? null,
    fault: c?.fault ?? null,
    scope: c?.scope ?? null,
    hard: c?.hard ?? false,
    speaker: outcome.speaker,
    unit: one.unit,
    fresh: one.evidence < one.epoch,
    door: false,
    knownGood: one.knownGood,
    atMs: one.atMs,
    reply: outcome.reply,
  };
}

/** A refusal at the door (banner, EHLO, TLS, AUTH): no delivery was named, but the lane hears it. */
export interface DoorRefusal {
  laneId: number;
  epoch: number;
  outcome: Outcome;
  atMs: number;
}

export function foldDoor(before: LaneRecord, door: DoorRefusal, config: BreakerConfig): Fold {
  const fold = newFold(before);
  const { lane } = fold;
  const c = door.outcome.classification;
  if (c === null || door.epoch !== lane.epoch) return fold;
  const evidence: Evidence = {
    kind: "refused",
    reason: c.reason,
    fault: c.fault,
    scope: c.scope,
    hard: c.hard,
    speaker: door.outcome.speaker,
    unit: null,
    fresh: true,
    door: true,
    knownGood: false,
    atMs: door.atMs,
    reply: door.outcome.reply,
  };
  const one = { outcome: door.outcome, atMs: door.atMs };
  applyEvidence(fold, evidence, one, config);
  return fold;
}
