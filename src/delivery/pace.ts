// The rate of a route: a generic cell rate algorithm (ITU-T I.371). One number, the theoretical arrival time;
// a burst of one tenth of a second's worth keeps connections busy without exceeding the rate that anybody measures.
import type { Clock } from "../clock.ts";

export interface Rate {
  /** Mails ... */
  readonly count: number;
  /** ... in so many milliseconds. */
  readonly perMs: number;
}

/** Reserves the next place: returns how long to wait and the new state. Pure. */
export function reserve(tatMs: number, nowMs: number, rate: Rate): { waitMs: number; tatMs: number } {
  const intervalMs = rate.perMs / rate.count;
  const burstMs = Math.max(intervalMs, 100) - intervalMs;
  const earliest = Math.max(tatMs, nowMs);
  return { waitMs: Math.max(0, earliest - burstMs - nowMs), tatMs: earliest + intervalMs };
}

export interface Pacer {
  /** Resolves when the next mail may begin, or at once when `signal` aborts. */
  take(signal: AbortSignal): Promise<void>;
  readonly limited: boolean;
}

export function createPacer(rate: Rate | null, clock: Clock): Pacer {
  let tatMs = Number.NEGATIVE_INFINITY;
  return {
    limited: rate !== null,
    take: async (signal) => {
      if (rate === null) return;
      const next = reserve(tatMs, clock.monotonic(), rate);
      tatMs = next.tatMs;
      if (next.waitMs > 0) await clock.sleep(next.waitMs, signal);
    },
  };
}
