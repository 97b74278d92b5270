// A clock that stands still until a test moves it. Wall time may jump either way, monotonic time only goes on;
// who sleeps is woken when monotonic time has come to the end of the sleep.
import { type Clock, systemClock } from "../../src/clock.ts";

export interface TestClock extends Clock {
  /** Time passes: wall and monotonic. */
  advance(ms: number): void;
  /** Somebody sets the wall clock, forward or back; nothing passes. */
  jump(ms: number): void;
}

export function createTestClock(startMs = Date.UTC(2027, 3, 27, 8)): TestClock {
  let wallMs = startMs;
  let monotonicMs = 0;
  let sleepers: { untilMs: number; wake: () => void }[] = [];
  return {
    now: () => wallMs,
    monotonic: () => monotonicMs,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted || ms <= 0) return resolve();
        const wake = () => {
          signal?.removeEventListener("abort", wake);
          sleepers = sleepers.filter((other) => other !== sleeper);
          resolve();
        };
        const sleeper = { untilMs: monotonicMs + ms, wake };
        sleepers.push(sleeper);
        signal?.addEventListener("abort", wake);
      }),
    advance: (ms) => {
      wallMs += ms;
      monotonicMs += ms;
      const due = sleepers.filter((one) => one.untilMs <= monotonicMs);
      sleepers = sleepers.filter((one) => one.untilMs > monotonicMs);
      for (const one of due) one.wake();
    },
    jump: (ms) => {
      wallMs += ms;
    },
  };
}

/** A clock whose wall time can be set forward while all else goes on. */
export function createShiftedClock(): Clock & { forward(ms: number): void } {
  let aheadMs = 0;
  return {
    ...systemClock,
    now: () => systemClock.now() + aheadMs,
    forward: (ms) => {
      aheadMs += ms;
    },
  };
}
