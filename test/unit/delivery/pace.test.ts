import { describe, expect, it } from "vitest";
import { createPacer, reserve } from "../../../src/delivery/pace.ts";
import { createTestClock } from "../../world/clock.ts";
import fc from "../../world/property.ts";

const never = new AbortController().signal;

describe("the pace of a route", () => {
  it("is never exceeded in any window by more than a tenth of a second's worth", () => {
    const rates = fc.record({
      count: fc.integer({ min: 1, max: 5000 }),
      perMs: fc.constantFrom(1000, 60_000, 3_600_000),
    });
    const gaps = fc.array(fc.oneof(fc.constant(0), fc.nat(20), fc.nat(5000)), {
      minLength: 2,
      maxLength: 80,
    });
    fc.assert(
      fc.property(rates, gaps, (rate, asked) => {
        const startsMs: number[] = [];
        let tatMs = Number.NEGATIVE_INFINITY;
        let nowMs = 0;
        for (const gap of asked) {
          nowMs += gap;
          const next = reserve(tatMs, nowMs, rate);
          tatMs = next.tatMs;
          startsMs.push(nowMs + next.waitMs);
        }
        const perMs = rate.count / rate.perMs;
        const burst = Math.max(1, 100 * perMs);
        for (const [i, from] of startsMs.entries()) {
          for (const [j, to] of startsMs.entries()) {
            if (j <= i) continue;
            expect(j - i + 1).toBeLessThanOrEqual(perMs * (to - from) + burst + 1e-6);
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
      const next = reserve(tatMs, lastMs, rate);
      tatMs = next.tatMs;
      lastMs += next.waitMs;
    }
    expect(lastMs).toBeGreaterThanOrEqual(9_800);
    expect(lastMs).toBeLessThanOrEqual(9_900);
  });

  it("does not save up what was not used", () => {
    const rate = { count: 10, perMs: 1000 };
    const first = reserve(Number.NEGATIVE_INFINITY, 0, rate);
    const later = reserve(first.tatMs, 3_600_000, rate);
    expect(later.waitMs).toBe(0);
    expect(reserve(later.tatMs, 3_600_000, rate).waitMs).toBe(100);
  });

  it("lets everybody through at once when there is none", async () => {
    const pacer = createPacer(null, createTestClock());
    expect(pacer.limited).toBe(false);
    await pacer.take(never);
  });

  it("wakes each who waits in turn, and everybody when sending stops", async () => {
    const clock = createTestClock();
    const pacer = createPacer({ count: 1, perMs: 1000 }, clock);
    const stop = new AbortController();
    const begun: number[] = [];
    const all = [1, 2, 3, 4].map((n) => pacer.take(stop.signal).then(() => begun.push(n)));
    await Promise.resolve();
    for (const expected of [[1], [1, 2], [1, 2, 3]]) {
      await new Promise(setImmediate);
      expect(begun).toEqual(expected);
      clock.advance(1000);
    }
    clock.jump(-3_600_000);
    stop.abort();
    await Promise.all(all);
    expect(begun).toEqual([1, 2, 3, 4]);
  });
});
