// The price of a detector is computed; here it is compared with the detector itself, run many times.
import { describe, expect, test } from "vitest";
import { createRandom } from "../../../bench/random.ts";
import { type DetectorConfig, easeDetector, isTripped, stepDetector } from "../../../src/breaker/detector.ts";
import { chanceWithin, mailsUntilHold, priceOf } from "../../../src/breaker/price.ts";

const SENDER: DetectorConfig = { p0: 0.002, p1: 0.3, h: 15 };
const ADDRESS: DetectorConfig = { p0: 0.05, p1: 0.2, h: 10 };

/** Outcomes until it trips, or `most`. */
function run(detector: DetectorConfig, share: number, random: () => number, most = 1e7): number {
  let x = 0;
  for (let n = 1; n <= most; n++) {
    x = stepDetector(x, random() < share, detector);
    if (isTripped(x, detector)) return n;
  }
  return most + 1;
}

describe("the price of a detector", () => {
  test.each([
    ["sender", SENDER, 0.5],
    ["sender", SENDER, 0.1],
    ["sender", SENDER, 0.05],
    ["address", ADDRESS, 0.2],
    ["address", ADDRESS, 0.11],
    ["address", ADDRESS, 0.09],
  ] as const)(
    "%s: mails until the hold are what a run of it gives, at a share of %s",
    (_, detector, share) => {
      const random = createRandom(7);
      const runs = 4_000;
      const all = Array.from({ length: runs }, () => run(detector, share, random));
      const mean = all.reduce((sum, n) => sum + n, 0) / runs;
      const deviation = Math.sqrt(all.reduce((sum, n) => sum + (n - mean) ** 2, 0) / (runs - 1));
      const expected = mailsUntilHold(detector, share);
      expect(Math.abs(mean - expected)).toBeLessThan((4 * deviation) / Math.sqrt(runs));
    },
  );

  test("where both steps are equal it is a walk on a line, whose length is known", () => {
    // Up and down by ln 9, held at 0, ended at 2 or at 3 steps: 6 and 12 outcomes on average with a fair coin.
    expect(mailsUntilHold({ p0: 0.1, p1: 0.9, h: 4.3 }, 0.5)).toBeCloseTo(6, 9);
    expect(mailsUntilHold({ p0: 0.1, p1: 0.9, h: 6.5 }, 0.5)).toBeCloseTo(12, 9);
  });

  test("with nothing but bad ones it is the number in a row", () => {
    for (const detector of [SENDER, ADDRESS]) {
      const price = priceOf("sender", detector);
      expect(price.costs[0]).toMatchObject({ share: 1, mails: price.inARow, bad: price.inARow });
    }
    expect(priceOf("sender", SENDER).inARow).toBe(3);
    expect(priceOf("address", ADDRESS).inARow).toBe(8);
  });

  test("the chance of a false hold is what campaigns of that length give", () => {
    // A detector that errs often, so that a few thousand campaigns tell.
    const detector = { p0: 0.01, p1: 0.3, h: 10 };
    const random = createRandom(11);
    const campaigns = 3_000;
    let held = 0;
    for (let i = 0; i < campaigns; i++) if (run(detector, 0.01, random, 2_000) <= 2_000) held += 1;
    const chance = chanceWithin(detector, 0.01, 2_000);
    const deviation = Math.sqrt((chance * (1 - chance)) / campaigns);
    expect(Math.abs(held / campaigns - chance)).toBeLessThan(4 * deviation);
  });

  test("a run of good ones at once is the same run one by one", () => {
    let x = 12;
    for (let i = 0; i < 17; i++) x = stepDetector(x, false, SENDER);
    expect(easeDetector(12, 17, SENDER)).toBeCloseTo(x, 9);
  });
});
