// The rate of a route: a generic cell rate algorithm (ITU-T I.371). One number, the theoretical arrival time, says
// until when everything is reserved; it may be shared by many processes. A place that nobody took at its moment is good
// for a tenth of a second: that keeps connections busy without exceeding the rate that anybody measures.
import type { Clock } from "../clock.ts";

export interface Rate {
  /** Mails ... */
  readonly count: number;
  /** ... in so many milliseconds. */
  readonly perMs: number;
}

const BURST_MS = 100;
/** More is reserved when the last place is so near: an answer takes its time. */
const AHEAD_MS = 50;
const RETRY_MS = 500;

export function intervalMs(rate: Rate): number {
  return rate.perMs / rate.count;
}

/** Reserves the next `count` places: the moments of all of them, and the new state. Pure. */
export function reserve(
  tatMs: number,
  nowMs: number,
  rate: Rate,
  count: number,
): { atMs: number[]; tatMs: number } {
  const endMs = Math.max(tatMs, nowMs) + count * intervalMs(rate);
  return { atMs: placesBefore(endMs, rate, count), tatMs: endMs };
}

/** The last `count` places before the state that their reservation has made. */
export function placesBefore(tatMs: number, rate: Rate, count: number): number[] {
  return Array.from({ length: count }, (_, i) => tatMs - (count - i) * intervalMs(rate));
}

export interface Pacer {
  /** Resolves when the next mail may begin, in the order of the calls; at once when sending stops. */
  take(): Promise<void>;
  readonly limited: boolean;
}

/** `reserve`: reserves places and returns how long to wait for each, in ms. Asked for what is needed soon, no more. */
export function createPacer(options: {
  rate: Rate | null;
  clock: Clock;
  /** Sending stops. */
  signal: AbortSignal;
  reserve: (rate: Rate, count: number) => Promise<readonly number[]>;
}): Pacer {
  const { rate, clock, signal } = options;
  if (rate === null) return { limited: false, take: async () => undefined };
  const most = Math.max(1, Math.floor(BURST_MS / intervalMs(rate)));
  const lateMs = Math.max(0, BURST_MS - intervalMs(rate));
  const recent = createRecent(clock);
  const takers: (() => void)[] = [];
  /** Reserved and not taken, by monotonic time. */
  let places: number[] = [];
  let asking: Promise<void> | null = null;
  let serving = false;
  signal.addEventListener(
    "abort",
    () => {
      for (const go of takers.splice(0)) go();
    },
    { once: true },
  );

  async function ask(): Promise<void> {
    try {
      const waits = await options.reserve(rate as Rate, Math.min(most, takers.length + recent.count()));
      const nowMs = clock.monotonic();
      places.push(...waits.map((waitMs) => nowMs + waitMs));
    } catch {
      // Whoever keeps the rate does not answer; the heartbeat tells a person.
      await clock.sleep(RETRY_MS, signal);
    }
  }

  function asked(): Promise<void> {
    asking ??= ask().finally(() => {
      asking = null;
    });
    return asking;
  }

  async function serve(): Promise<void> {
    while (takers.length > 0) {
      const nowMs = clock.monotonic();
      places = places.filter((atMs) => atMs >= nowMs - lateMs);
      const atMs = places.shift();
      if (atMs === undefined) {
        await asked();
        continue;
      }
      const last = places.at(-1) ?? atMs;
      if (last - nowMs <= AHEAD_MS && places.length < takers.length - 1) void asked();
      if (atMs > nowMs) await clock.sleep(atMs - nowMs, signal);
      takers.shift()?.();
      recent.add();
    }
    serving = false;
  }

  return {
    limited: true,
    take: () =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve();
        takers.push(resolve);
        if (serving) return;
        serving = true;
        void serve();
      }),
  };
}

/** How many began within about the last tenth of a second: so many more may come within the next one. */
function createRecent(clock: Clock): { add(): void; count(): number } {
  let startMs = clock.monotonic();
  let before = 0;
  let now = 0;
  const roll = () => {
    const sinceMs = clock.monotonic() - startMs;
    if (sinceMs < BURST_MS) return;
    before = sinceMs < 2 * BURST_MS ? now : 0;
    now = 0;
    startMs = clock.monotonic();
  };
  return {
    add: () => {
      roll();
      now += 1;
    },
    count: () => {
      roll();
      return Math.max(before, now);
    },
  };
}
