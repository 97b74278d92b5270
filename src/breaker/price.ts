// What a detector's three numbers cost: how many mails go out before it holds, and how often it holds a lane that is
// well. Computed, not simulated: between two moments at rest its value is a sum of so many bad outcomes less so many
// good ones, so that these pairs of counts are all its states (a Markov chain; Brook and Evans 1972, without the
// rounding, because only two steps exist). Pure.
import type { DetectorConfig } from "./detector.ts";
import { isTripped, stepDetector } from "./detector.ts";

/** Mails of a campaign for which the chance of a false hold is told. */
export const CAMPAIGN_MAILS = 100_000;
/** Shares of bad outcomes whose cost is told. */
export const SHARES = [1, 0.5, 0.2, 0.1] as const;

/**
 * Bad outcomes among healthy mail, where they are known: 0.1 % that look like a fault of ours, 2 % addresses that are
 * gone, 3 % put off. For other detectors half of their own `p0` is taken.
 */
const NOISE: Readonly<Record<string, number>> = { sender: 0.001, address: 0.02, deferral: 0.03 };

export interface Cost {
  share: number;
  /** Outcomes until the hold, the one that trips included, on average; and the bad ones among them. */
  mails: number;
  bad: number;
}

export interface Price {
  name: string;
  p0: number;
  p1: number;
  h: number;
  /** Bad outcomes in a row that trip it from rest. */
  inARow: number;
  /** It grows on average when the share of bad outcomes is above this. */
  growsAbove: number;
  costs: Cost[];
  noise: number;
  /** Chance that a campaign of 100,000 mails in one lane is held in spite of no more than that noise. */
  falseHold: number;
}

export function priceOf(name: string, detector: DetectorConfig): Price {
  const { p0, p1, h } = detector;
  const up = Math.log(p1 / p0);
  const down = Math.log((1 - p0) / (1 - p1));
  const noise = NOISE[name] ?? p0 / 2;
  return {
    name,
    p0,
    p1,
    h,
    inARow: inARow(detector),
    growsAbove: down / (up + down),
    costs: SHARES.map((share) => {
      const mails = mailsUntilHold(detector, share);
      return { share, mails, bad: mails * share };
    }),
    noise,
    falseHold: chanceWithin(detector, noise, CAMPAIGN_MAILS),
  };
}

function inARow(detector: DetectorConfig): number {
  let x = 0;
  let bad = 0;
  while (!isTripped(x, detector)) {
    x = stepDetector(x, true, detector);
    bad += 1;
  }
  return bad;
}

/** Expected number of outcomes until it trips, from rest, with this share of bad ones; 0 < share <= 1. */
export function mailsUntilHold(detector: DetectorConfig, share: number): number {
  // Each cycle waits at rest for a bad outcome, and then trips or comes back to rest: so many cycles, so long each.
  const { trips, length } = excursion(detector, share);
  return (1 / share + length) / trips;
}

/**
 * Chance to trip within so many outcomes. Cycles are independent of each other, and their number is taken for its mean:
 * right to a hundredth of itself wherever a false hold is rare.
 */
export function chanceWithin(detector: DetectorConfig, share: number, mails: number): number {
  return -Math.expm1(-mails / mailsUntilHold(detector, share));
}

/** Less than this of all excursions is left when the sum ends. */
const NEGLIGIBLE = 1e-18;
const LONGEST = 1_000_000;

/** From a first bad outcome on: the chance to trip before rest is reached again, and the mean number of further outcomes. */
function excursion({ p0, p1, h }: DetectorConfig, share: number): { trips: number; length: number } {
  const up = Math.log(p1 / p0);
  const down = Math.log((1 - p0) / (1 - p1));
  if (up >= h) return { trips: 1, length: 0 };
  let trips = 0;
  let length = 0;
  // Chance of `bad` bad ones among the outcomes so far, by number; the rest of them were good.
  let alive = new Map([[1, 1]]);
  for (let outcomes = 1; outcomes < LONGEST; outcomes++) {
    const next = new Map<number, number>();
    let mass = 0;
    for (const [bad, chance] of alive) {
      mass += chance;
      const x = bad * up - (outcomes - bad) * down;
      if (x + up >= h) trips += chance * share;
      else add(next, bad + 1, chance * share);
      if (x > down) add(next, bad, chance * (1 - share));
    }
    length += mass;
    alive = next;
    // Beside what has tripped: where a trip is rarest, the sum is the longest.
    if (alive.size === 0 || mass < NEGLIGIBLE || mass < trips * 1e-12) break;
  }
  return { trips, length };
}

function add(chances: Map<number, number>, key: number, chance: number): void {
  if (chance > 0) chances.set(key, (chances.get(key) ?? 0) + chance);
}
