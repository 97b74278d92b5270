// One step of a lane: what an outcome does to its detectors, its window and its pace, and whether it trips.
// Pure: the caller keeps the lane's numbers in its row and steps them inside the settle transaction.
import type { Fault, Reason, Scope } from "../bounce/reason.ts";
import { addCause, type Cause } from "./cause.ts";
import type { DetectorConfig } from "./detector.ts";
import { isTripped, stepDetector } from "./detector.ts";
import { DETECTORS, type DetectorName, type Evidence, signsOf, slows } from "./evidence.ts";
import { confirm, shrink } from "./ramp.ts";
import type { RampMemory } from "./ramp-memory.ts";
import { FRESH_THROTTLE, type Throttle } from "./throttle.ts";

export type BreakerConfig = Readonly<Record<DetectorName, DetectorConfig>>;

/** What a lane remembers between two outcomes: a few numbers and the last replies that counted against it. */
export interface Pulse extends Record<DetectorName, number> {
  cohort: number;
  /** After a resume the first sender or content fault holds again. */
  halfOpen: boolean;
  /** How often the lane was slowed since it last confirmed anything. */
  slowed: number;
  /** How often it was held. */
  holds: number;
  /** Resumes in a row that were refused again: each doubles the wait before the next one (cool-down.ts). */
  failedTrials: number;
  /** Confirmed since the last bad address: folded into the campaign's own detector by the next bad one. */
  good: number;
  confirmed: number;
  /** When the provider last confirmed a mail, ms since the epoch; 0: never. */
  confirmedMs: number;
  /** When it last refused us for a cause of the sender, or in unknown words, so that the lane was held; 0: never. */
  heldMs: number;
  /** Since when everything is put off, ms since the epoch; 0: it is not. */
  deferredMs: number;
  /** Distinct mails that were complained about. */
  complaints: number;
  /** Refusals that counted against sender, content or in unknown words since the last confirmation. */
  refusals: number;
  /** Who refuses us for one and the same cause since the last confirmation; for the long tail. */
  cause: Cause | null;
  /** Refusals by organisation or MX site in this epoch, for tenant rules and the long tail. */
  units: Record<string, number>;
  recent: { fault: Fault; reply: string }[];
  /** Of a lane behind a relay; null: nothing is remembered. */
  ramp: RampMemory | null;
  throttle: Throttle;
}

export const FRESH_PULSE: Pulse = {
  sender: 0,
  content: 0,
  unknown: 0,
  "provider-incident": 0,
  address: 0,
  complaint: 0,
  deferral: 0,
  cohort: 0,
  halfOpen: false,
  slowed: 0,
  holds: 0,
  failedTrials: 0,
  good: 0,
  confirmed: 0,
  confirmedMs: 0,
  heldMs: 0,
  deferredMs: 0,
  complaints: 0,
  refusals: 0,
  cause: null,
  units: {},
  recent: [],
  ramp: null,
  throttle: FRESH_THROTTLE,
};

/** A pulse as its row keeps it; what an older program has not stored yet is fresh. */
export function readPulse(stored: string): Pulse {
  return { ...FRESH_PULSE, ...(JSON.parse(stored) as Partial<Pulse>) };
}

export interface Trip {
  detector: DetectorName | "pace";
  reason: Reason;
  fault: Fault;
  scope: Scope;
  /** Set when time may cure it: the lane resumes by itself after so long. */
  resumeAfterMs?: number;
}

export interface LaneStep {
  window: number;
  pulse: Pulse;
  trip: Trip | null;
  /** Set when the lane shall rest for so long. */
  restMs: number | null;
  /** An organisation that refused us twice and is set aside. */
  setAside: string | null;
  /** A provider's word about a cause of ours was counted: who else says so decides about the campaign. */
  cause: boolean;
}

/** A lane with so many unanswered requests to slow down is not served by more of them. */
const SLOWED_TOO_OFTEN = 6;
const FIRST_REST_MS = 15_000;
const LONGEST_REST_MS = 15 * 60_000;
const PACE_HOLD_MS = 60 * 60_000;
/** More than this many organisations in one epoch is no longer a tenant's rule: the map stops growing. */
const UNITS_KEPT = 500;
/** A window above this was earned by enough confirmations to end the half-open trial. */
const TRIAL_WINDOW = 8;
/** One client may click by mistake, and two may be one household. */
const COMPLAINTS_TO_TRIP = 3;
/** Greylisting and restarts pass within minutes: a provider that puts everything off for so long is disturbed. */
const LASTING_MS = 30 * 60_000;
const DEFERRAL_HOLD_MS = 60 * 60_000;

/** Steps a lane by one outcome. `provider` decides whose word a refusal in the long tail is. */
export function stepLane(
  lane: { window: number; pulse: Pulse; provider: string },
  evidence: Evidence,
  config: BreakerConfig,
): LaneStep {
  const step: LaneStep = {
    window: lane.window,
    pulse: { ...lane.pulse },
    trip: null,
    restMs: null,
    setAside: null,
    cause: false,
  };
  if (evidence.kind === "confirmed") return confirmed(step, evidence, config);
  if (evidence.kind === "complained") return counted(step, evidence, config);
  if (evidence.kind !== "refused") return step;
  if (slows(evidence)) return slowed(step, evidence);
  return isOnesOwn(step, evidence, lane.provider) ? step : counted(step, evidence, config, lane.provider);
}

function confirmed(step: LaneStep, { atMs }: Evidence, config: BreakerConfig): LaneStep {
  const { pulse } = step;
  for (const name of DETECTORS) pulse[name] = stepDetector(pulse[name], false, config[name]);
  const grown = confirm({ window: step.window, cohort: pulse.cohort });
  step.window = grown.window;
  pulse.cohort = grown.cohort;
  pulse.slowed = 0;
  pulse.good += 1;
  pulse.confirmed += 1;
  pulse.confirmedMs = Math.max(pulse.confirmedMs, atMs);
  pulse.deferredMs = 0;
  pulse.cause = null;
  pulse.refusals = 0;
  if (step.window > TRIAL_WINDOW) pulse.halfOpen = false;
  return step;
}

function slowed(step: LaneStep, evidence: Evidence): LaneStep {
  const { pulse } = step;
  const smaller = shrink({ window: step.window, cohort: pulse.cohort });
  step.window = smaller.window;
  pulse.cohort = 0;
  pulse.slowed += 1;
  pulse.recent = remember(pulse, evidence);
  if (pulse.slowed >= SLOWED_TOO_OFTEN)
    step.trip = { detector: "pace", ...told(evidence), resumeAfterMs: PACE_HOLD_MS };
  else step.restMs = Math.min(FIRST_REST_MS * 2 ** (pulse.slowed - 1), LONGEST_REST_MS);
  return step;
}

/**
 * A tenant's rule is one organisation's word however many of its people we write to; and in the long tail one site's
 * refusal says nothing about the next site. The second one of a tenant sets it aside.
 */
function isOnesOwn(step: LaneStep, evidence: Evidence, provider: string): boolean {
  const { unit, fault } = evidence;
  const { pulse } = step;
  if (!isJudged(evidence) || unit === null || !evidence.fresh || !isBad(evidence)) return false;
  if (evidence.scope !== "organisation" && provider !== "other") return false;
  const seen = (pulse.units[unit] ?? 0) + 1;
  if (seen > 1 || Object.keys(pulse.units).length < UNITS_KEPT)
    pulse.units = { ...pulse.units, [unit]: seen };
  if (seen === 1) return false;
  if (fault === "sender") step.setAside = unit;
  return true;
}

function counted(step: LaneStep, evidence: Evidence, config: BreakerConfig, provider = ""): LaneStep {
  const { pulse } = step;
  const signs = signsOf(evidence);
  const bad = DETECTORS.filter((name) => signs[name] === "bad");
  if (bad.length === 0) return step;
  if (evidence.fresh) {
    if (evidence.kind === "refused") pulse.recent = remember(pulse, evidence);
    else pulse.complaints += 1;
    for (const name of bad) {
      const measure = measureOf(evidence, config[name]);
      pulse[name] = stepDetector(pulse[name], true, measure);
      // A closed door answers for every mail that would have gone through it.
      if (evidence.door) pulse[name] = stepDetector(pulse[name], true, measure);
    }
    if (isJudged(evidence)) pulse.refusals += 1;
    if (signs.deferral === "bad" && pulse.deferredMs === 0) pulse.deferredMs = evidence.atMs;
    if (signs.sender === "bad" && evidence.scope !== "organisation") {
      pulse.cause = addCause(pulse.cause, evidence, provider);
      step.cause = true;
    }
  }
  const tripped = bad.find((name) => trips(pulse, name, evidence, config));
  if (tripped === undefined) return step;
  step.trip = { detector: tripped, ...told(evidence) };
  if (tripped === "deferral") step.trip.resumeAfterMs = DEFERRAL_HOLD_MS;
  if (tripped === "sender" || tripped === "unknown") pulse.heldMs = evidence.atMs;
  return step;
}

/** Among organisations it is normal that one in fifty keeps strangers out; for a provider it is not. */
const ORGANISATIONS_P0 = 0.02;

function measureOf({ scope }: Evidence, config: DetectorConfig): DetectorConfig {
  if (scope !== "organisation" || config.p1 <= ORGANISATIONS_P0) return config;
  return { ...config, p0: Math.max(config.p0, ORGANISATIONS_P0) };
}

function trips(pulse: Pulse, name: DetectorName, evidence: Evidence, config: BreakerConfig): boolean {
  // What is put off is put off again at each try: it is the time without any success that counts then.
  if (name === "deferral")
    return isTripped(pulse.deferral, config.deferral) && evidence.atMs - pulse.deferredMs >= LASTING_MS;
  if (!evidence.fresh) return false;
  // One tenant's rule says nothing of the repair: it is one organisation's word on trial too.
  const trial = pulse.halfOpen && evidence.scope !== "organisation";
  if (trial && (name === "sender" || name === "content")) return true;
  if (name === "complaint" && pulse.complaints < COMPLAINTS_TO_TRIP) return false;
  return isTripped(pulse[name], config[name]);
}

/** About us or our mail, not about an address. */
function isJudged({ fault }: Evidence): boolean {
  return fault === "sender" || fault === "content" || fault === "unknown";
}

function isBad(evidence: Evidence): boolean {
  const signs = signsOf(evidence);
  return DETECTORS.some((name) => signs[name] === "bad");
}

function told({ kind, reason, fault, scope }: Evidence): Pick<Trip, "reason" | "fault" | "scope"> {
  if (kind === "complained") return { reason: "complaint", fault: "feedback", scope: "provider" };
  return { reason: reason ?? "unclassified", fault: fault ?? "unknown", scope: scope ?? "provider" };
}

function remember(pulse: Pulse, evidence: Evidence): Pulse["recent"] {
  if (evidence.reply === null || evidence.fault === null) return pulse.recent;
  return [...pulse.recent, { fault: evidence.fault, reply: evidence.reply }].slice(-6);
}
