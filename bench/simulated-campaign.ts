// Many large campaigns that are well, as fast as numbers go: between two bad outcomes a lane's detectors are eased by the
// whole run of good ones at once. The lanes of a campaign run side by side, and the campaign's own detector hears of each
// bad address in its order. `createSlowJudge` says the same through stepLane, and a test compares the two.

import { type BreakerConfig, FRESH_PULSE, type Pulse, stepLane } from "../src/breaker/breaker.ts";
import { stepCampaignDetector } from "../src/breaker/campaign-detector.ts";
import { easeDetector, isTripped, stepDetector } from "../src/breaker/detector.ts";
import type { Evidence } from "../src/breaker/evidence.ts";
import { CONFIRMED } from "../test/world/evidence.ts";
import { gapOf } from "./random.ts";

export type Bad = "sender" | "address" | "deferral";

/** Judges one lane; a tripped one says by which detector. */
export interface Judge {
  good(count: number, atMs: number): void;
  bad(kind: Bad, atMs: number): string | null;
}

export interface Noise {
  /** Shares of all mails. */
  address: number;
  sender: number;
  deferred: number;
  /** Mails of one lane that are put off together, on average. */
  burst: number;
}

export interface CampaignResult {
  /** Detectors that held something, with the lane or "campaign". */
  holds: string[];
  outcomes: number;
}

/** Shares of the providers. */
export const LANES = [0.39, 0.22, 0.12, 0.11, 0.09, 0.07] as const;
/** A lane deferred for so long without a success is the provider's trouble (breaker.ts). */
const LASTING_MS = 30 * 60_000;
/** Mails a second of the whole campaign. */
const RATE = 50;

export function createFastJudge(breaker: BreakerConfig): Judge {
  let sender = 0;
  let address = 0;
  let deferral = 0;
  let deferredMs = 0;
  return {
    good(count) {
      if (count === 0) return;
      sender = easeDetector(sender, count, breaker.sender);
      address = easeDetector(address, count, breaker.address);
      deferral = easeDetector(deferral, count, breaker.deferral);
      deferredMs = 0;
    },
    bad(kind, atMs) {
      if (kind === "sender") {
        sender = stepDetector(sender, true, breaker.sender);
        return isTripped(sender, breaker.sender) ? kind : null;
      }
      if (kind === "address") {
        address = stepDetector(address, true, breaker.address);
        return isTripped(address, breaker.address) ? kind : null;
      }
      deferral = stepDetector(deferral, true, breaker.deferral);
      if (deferredMs === 0) deferredMs = atMs;
      return isTripped(deferral, breaker.deferral) && atMs - deferredMs >= LASTING_MS ? kind : null;
    },
  };
}

const SAID = {
  sender: { reason: "blocked", fault: "sender", scope: "provider", hard: true },
  address: { reason: "user-unknown", fault: "address", scope: "recipient", hard: true },
  deferral: { reason: "system", fault: "temporary", scope: "provider", hard: false },
} as const;

/** The same by the program's own step, one outcome after the other. */
export function createSlowJudge(breaker: BreakerConfig): Judge {
  let lane: { window: number; pulse: Pulse; provider: string } = {
    window: 1,
    pulse: FRESH_PULSE,
    provider: "google",
  };
  const step = (evidence: Partial<Evidence>, atMs: number): string | null => {
    const all: Evidence = { ...CONFIRMED, atMs, ...evidence };
    const { window, pulse, trip } = stepLane(lane, all, breaker);
    lane = { ...lane, window, pulse };
    return trip?.detector ?? null;
  };
  return {
    good(count, atMs) {
      for (let i = 0; i < count; i++) step({}, atMs);
    },
    bad: (kind, atMs) => step({ kind: "refused", ...SAID[kind] }, atMs),
  };
}

/** Runs one campaign to its end; what would have been held goes on, and is counted once. */
export function simulateCampaign(options: {
  mails: number;
  noise: Noise;
  breaker: BreakerConfig;
  random: () => number;
  judge: (breaker: BreakerConfig) => Judge;
}): CampaignResult {
  const { mails, noise, breaker, random, judge } = options;
  const { address, sender, deferred, burst } = noise;
  const bursts = deferred / burst;
  const share = address + sender + bursts;
  const holds = new Set<string>();
  const lanes = LANES.map((part) => ({
    judge: judge(breaker),
    part,
    left: Math.round(mails * part),
    // Mails of it that have ended, and where the next event comes.
    done: 0,
    gap: 0,
    atMs: 0,
    good: 0,
  }));
  const plan = (lane: (typeof lanes)[number]) => {
    lane.gap = Math.min(gapOf(random, share), lane.left);
    lane.atMs = ((lane.done + lane.gap) * 1000) / (RATE * lane.part);
  };
  for (const lane of lanes) plan(lane);
  let campaign = 0;
  let outcomes = 0;
  for (;;) {
    let next: (typeof lanes)[number] | null = null;
    for (const lane of lanes) if (lane.left > 0 && (next === null || lane.atMs < next.atMs)) next = lane;
    if (next === null) break;
    const { gap, atMs } = next;
    next.judge.good(gap, atMs);
    next.good += gap;
    next.done += gap;
    next.left -= gap;
    outcomes += gap;
    if (next.left === 0) continue;
    const roll = random() * share;
    const kind: Bad = roll < address ? "address" : roll < address + sender ? "sender" : "deferral";
    const length = kind === "deferral" ? Math.min(next.left, 1 + gapOf(random, 1 / burst)) : 1;
    for (let i = 0; i < length; i++) {
      const tripped = next.judge.bad(kind, atMs + (i * 1000) / (RATE * next.part));
      if (tripped !== null) holds.add(`${tripped} of a lane`);
    }
    if (kind === "address") {
      const stepped = stepCampaignDetector(campaign, { good: next.good, bad: 1 }, breaker.address);
      campaign = stepped.x;
      next.good = 0;
      if (stepped.trips) holds.add("address of the campaign");
    }
    next.done += length;
    next.left -= length;
    outcomes += length;
    plan(next);
  }
  return { holds: [...holds], outcomes };
}
