import { describe, expect, it } from "vitest";
import { createPacer, type Rate, reserve } from "../../../src/delivery/pace.ts";
import { createOwnRoutes } from "../../../src/delivery/share.ts";
import { createTestClock, type TestClock } from "../../world/clock.ts";
import fc from "../../world/property.ts";

const never = new AbortController().signal;

function pacerOf(rate: Rate | null, clock: TestClock, signal = never) {
  const routes = createOwnRoutes(clock);
  let reservations = 0;
  const pacer = createPacer({
    rate,
    clock,
    signal,
    reserve: async (rate, count) => {
      reservations += 1;
      return routes.reserve({ route: "default", rate, count });
    },
  });
  return { pacer, reservations: () => reservations };
}

/** Lets everybody go on who can without time passing. */
async function settle(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise(setImmediate);
}

describe("the pace of a route", () => {
  it("is never exceeded in any window by more than one, whoever reserves how many at once", () => {
    const rates = fc.record({
      count: fc.integer({ min: 1, max: 5000 }),
      perMs: fc.constantFrom(1000, 60_000, 3_600_000),
    });
    const asks = fc.array(
      fc.record({
        gap: fc.oneof(fc.constant(0), fc.nat(20), fc.nat(5000)),
        count: fc.integer({ min: 1, max: 5 }),
      }),
      { minLength: 2, maxLength: 40 },
    );
    fc.assert(
      fc.property(rates, asks, (rate, asked) => {
        const startsMs: number[] = [];
        let tatMs = Number.NEGATIVE_INFINITY;
        let nowMs = 0;
        for (const { gap, count } of asked) {
          nowMs += gap;
          const next = reserve(tatMs, nowMs, rate, count);
          tatMs = next.tatMs;
          expect(next.atMs).toHaveLength(count);
          expect(next.atMs[0]).toBeGreaterThanOrEqual(nowMs - 1e-6);
          startsMs.push(...next.atMs);
        }
        const perMs = rate.count / rate.perMs;
        for (const [i, from] of startsMs.entries()) {
          for (const [j, to] of startsMs.entries()) {
            if (j > i) expect(j - i + 1).toBeLessThanOrEqual(perMs * (to - from) + 1 + 1e-6);
          }
        }
      }),
    );
  });

  it("is reached: who asks all the time waits no longer than the rate demands", () => {
    const rate = { count: 600, perMs: 60_000 };
    let tatMs = Number.NEGATIVE_INFINITY;
    let lastMs = 0;
    for (let i = 0; i < 100; i++) {
      const next = reserve(tatMs, lastMs, rate, 1);
      tatMs = next.tatMs;
      lastMs = next.atMs[0] ?? 0;
    }
    expect(lastMs).toBeCloseTo(9_900, 6);
  });

  it("does not save up what was not used", () => {
    const rate = { count: 10, perMs: 1000 };
    const first = reserve(Number.NEGATIVE_INFINITY, 0, rate, 1);
    const later = reserve(first.tatMs, 3_600_000, rate, 2);
    expect(later.atMs).toEqual([3_600_000, 3_600_100]);
  });

  it("lets everybody through at once when there is none", async () => {
    const { pacer } = pacerOf(null, createTestClock());
    expect(pacer.limited).toBe(false);
    await pacer.take();
  });

  it("wakes each who waits in turn, and everybody when sending stops", async () => {
    const clock = createTestClock();
    const stop = new AbortController();
    const { pacer } = pacerOf({ count: 1, perMs: 1000 }, clock, stop.signal);
    const begun: number[] = [];
    const all = [1, 2, 3, 4].map((n) => pacer.take().then(() => begun.push(n)));
    for (const expected of [[1], [1, 2], [1, 2, 3]]) {
      await settle();
      expect(begun).toEqual(expected);
      clock.advance(1000);
    }
    clock.jump(-3_600_000);
    stop.abort();
    await Promise.all(all);
    expect(begun).toEqual([1, 2, 3, 4]);
  });

  it("reserves many at once where many begin, and keeps rate and burst in any window", async () => {
    const clock = createTestClock();
    const rate = { count: 1000, perMs: 1000 };
    const stop = new AbortController();
    const { pacer, reservations } = pacerOf(rate, clock, stop.signal);
    const startsMs: number[] = [];
    const connections = Array.from({ length: 20 }, async (_, i) => {
      while (!stop.signal.aborted) {
        await pacer.take();
        if (stop.signal.aborted) return;
        startsMs.push(clock.monotonic());
        // Some answer fast, some slowly.
        await clock.sleep(3 + (i % 5) * 4);
      }
    });
    for (let ms = 0; ms < 1000; ms++) {
      // A process that is busy for a moment catches up.
      clock.advance(ms % 50 === 7 ? 12 : 1);
      await settle();
    }
    stop.abort();
    clock.advance(20);
    await Promise.all(connections);
    const tookMs = startsMs.at(-1) ?? 0;
    expect(startsMs.length).toBeGreaterThan(0.9 * tookMs);
    expect(reservations()).toBeLessThan(startsMs.length / 20);
    // At 1 a ms: how many more than its length any window has.
    let lowest = Number.POSITIVE_INFINITY;
    const bursts = startsMs.map((atMs, i) => {
      lowest = Math.min(lowest, i - atMs);
      return i - atMs - lowest + 1;
    });
    expect(Math.max(...bursts)).toBeLessThanOrEqual(100 + 1);
  });

  it("asks again when whoever keeps the rate does not answer", async () => {
    const clock = createTestClock();
    let asked = 0;
    const pacer = createPacer({
      rate: { count: 10, perMs: 1000 },
      clock,
      signal: never,
      reserve: async () => {
        asked += 1;
        if (asked === 1) throw new Error("no answer");
        return [0];
      },
    });
    let begun = false;
    void pacer.take().then(() => {
      begun = true;
    });
    await settle();
    expect(begun).toBe(false);
    clock.advance(500);
    await settle();
    expect([begun, asked]).toEqual([true, 2]);
  });
});
