// One step of a lane: what an outcome does to its detectors, its window and its pace, and whether it trips.
// Pure: the caller keeps the lane's numbers in its row and steps them inside the settle transaction.
import type { Fault, Reason, Scope } from "../bounce/reason.ts";
import type { DetectorConfig } from "./detector.ts";
import { isTripped, stepDetector } from "./detector.ts";
import { DETECTORS, type DetectorName, type Evidence, signsOf, slows } from "./evidence.ts";
import { confirm, shrink } from "./ramp.ts";
import type { RampMemory } from "./ramp-memory.ts";

export type BreakerConfig = Readonly<Record<DetectorName, DetectorConfig>>;

/** What a lane remembers between two outcomes: a few numbers and the last replies that counted against it. */
export interface Pulse {
  sender: number;
  address: number;
  content: number;
  unknown: number;
  cohort: number;
  /** After a resume the first sender or content fault holds again. */
  halfOpen: boolean;
  /** How often the lane was slowed since it last confirmed anything. */
  slowed: number;
  /** How often it was held: each doubles the cool-down that is proposed. */
  holds: number;
  /** Confirmed since the last bad address: folded into the campaign's own detector by the next bad one. */
  good: number;
  confirmed: number;
  /** Refusals by organisation or MX site in this epoch, for tenant rules and the long tail. */
  units: Record<string, number>;
  recent: { fault: Fault; reply: string }[];
  /** Of a lane behind a relay; null: nothing is remembered. */
  ramp: RampMemory | null;
}

export const FRESH_PULSE: Pulse = {
  sender: 0,
  address: 0,
  content: 0,
  unknown: 0,
  cohort: 0,
  halfOpen: false,
  slowed: 0,
  holds: 0,
  good: 0,
  confirmed: 0,
  units: {},
  recent: [],
  ramp: null,
};

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

/** Steps a lane by one outcome. `provider` decides whose word a refusal in the long tail is. */
export function stepLane(
  lane: { window: number; pulse: Pulse; provider: string },
  evidence: Evidence,
  config: BreakerConfig,
): LaneStep {
  let { window } = lane;
  const pulse: Pulse = { ...lane.pulse };
  const step = (
    trip: Trip | null,
    restMs: number | null = null,
    setAside: string | null = null,
  ): LaneStep => ({
    window,
    pulse,
    trip,
    restMs,
    setAside,
  });

  if (evidence.kind === "confirmed") {
    for (const name of DETECTORS) pulse[name] = stepDetector(pulse[name], false, config[name]);
    const grown = confirm({ window, cohort: pulse.cohort });
    window = grown.window;
    pulse.cohort = grown.cohort;
    pulse.slowed = 0;
    pulse.good += 1;
    pulse.confirmed += 1;
    if (window > TRIAL_WINDOW) pulse.halfOpen = false;
    return step(null);
  }
  if (evidence.kind !== "refused" || evidence.reason === null || evidence.fault === null) return step(null);

  const told = { reason: evidence.reason, fault: evidence.fault, scope: evidence.scope ?? "provider" };
  if (slows(evidence)) {
    const smaller = shrink({ window, cohort: pulse.cohort });
    window = smaller.window;
    pulse.cohort = 0;
    pulse.slowed += 1;
    pulse.recent = remember(pulse, evidence);
    if (pulse.slowed >= SLOWED_TOO_OFTEN) {
      return step({ detector: "pace", ...told, resumeAfterMs: PACE_HOLD_MS });
    }
    return step(null, Math.min(FIRST_REST_MS * 2 ** (pulse.slowed - 1), LONGEST_REST_MS));
  }

  const signs = signsOf(evidence);
  const bad = DETECTORS.find((name) => signs[name] === "bad");
  if (bad === undefined || !evidence.fresh) return step(null);

  // A tenant's rule is one organisation's word however many of its people we write to; and in the long tail
  // one site's refusal says nothing about the next site.
  const perUnit = bad !== "address" && evidence.unit !== null;
  if (perUnit && (evidence.scope === "organisation" || lane.provider === "other")) {
    const unit = evidence.unit as string;
    const seen = (pulse.units[unit] ?? 0) + 1;
    if (seen > 1 || Object.keys(pulse.units).length < UNITS_KEPT)
      pulse.units = { ...pulse.units, [unit]: seen };
    if (seen > 1) return step(null, null, bad === "sender" ? unit : null);
  }

  pulse.recent = remember(pulse, evidence);
  pulse[bad] = stepDetector(pulse[bad], true, config[bad]);
  const trial = pulse.halfOpen && (bad === "sender" || bad === "content");
  if (!trial && !isTripped(pulse[bad], config[bad])) return step(null);
  return step({ detector: bad, ...told });
}

function remember(pulse: Pulse, evidence: Evidence): Pulse["recent"] {
  if (evidence.reply === null || evidence.fault === null) return pulse.recent;
  return [...pulse.recent, { fault: evidence.fault, reply: evidence.reply }].slice(-6);
}
