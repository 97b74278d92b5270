import { describe, expect, it } from "vitest";
import { easeDetector, isTripped, stepDetector } from "../../../src/breaker/detector.ts";
import { BREAKER } from "../../world/ledger.ts";
import fc from "../../world/property.ts";

const detectors = Object.entries(BREAKER).map(([name, config]) => ({ name, config }));

/** How many bad ones in a row, from rest, trip it. */
function badInARow(config: (typeof BREAKER)["sender"]): number {
  let x = 0;
  for (let n = 1; ; n++) {
    x = stepDetector(x, true, config);
    if (isTripped(x, config)) return n;
  }
}

describe("the sequential detector", () => {
  it("trips with the documented number of refusals in a row from rest", () => {
    expect(Object.fromEntries(detectors.map(({ name, config }) => [name, badInARow(config)]))).toEqual({
      sender: 3,
      address: 8,
      content: 3,
      unknown: 3,
      "provider-incident": 4,
      complaint: 6,
      deferral: 5,
    });
  });

  it.each(detectors)("never falls below rest, rises by bad and falls by good ($name)", ({ config }) => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 200 }), (history) => {
        let x = 0;
        for (const bad of history) {
          const next = stepDetector(x, bad, config);
          expect(next).toBeGreaterThanOrEqual(0);
          if (bad) expect(next).toBeGreaterThan(x);
          else expect(next).toBeLessThanOrEqual(x);
          x = next;
        }
      }),
      { numRuns: 50 },
    );
  });

  it.each(detectors)("eased by a count is the same as so many good ones one by one ($name)", ({ config }) => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 40, noNaN: true }), fc.nat(300), (x, count) => {
        let slow = x;
        for (let i = 0; i < count; i++) slow = stepDetector(slow, false, config);
        expect(easeDetector(x, count, config)).toBeCloseTo(slow, 9);
      }),
      { numRuns: 100 },
    );
  });

  it("stops at the 8th on average when half are refused, and hardly ever at 0.1 % noise", () => {
    // A fixed generator (Park and Miller), so that the figures are the same each time.
    let seed = 12345;
    const random = () => {
      seed = (seed * 48271) % 2147483647;
      return seed / 2147483647;
    };
    const { sender } = BREAKER;
    let total = 0;
    const campaigns = 2000;
    for (let c = 0; c < campaigns; c++) {
      for (let x = 0; !isTripped(x, sender); total++) x = stepDetector(x, random() < 0.5, sender);
    }
    expect(total / campaigns).toBeGreaterThan(6);
    expect(total / campaigns).toBeLessThan(10);

    let x = 0;
    let trips = 0;
    for (let mail = 0; mail < 1_000_000; mail++) {
      x = stepDetector(x, random() < 0.001, sender);
      if (isTripped(x, sender)) trips += 1;
    }
    expect(trips).toBe(0);
  });
});
