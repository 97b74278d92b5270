// A run of confirmed mails at once is what the same mails are one by one, from wherever the lane stands.

import { describe, expect, test } from "vitest";
import { FRESH_PULSE, type Pulse, stepLane } from "../../../src/breaker/breaker.ts";
import { easeLane } from "../../../src/breaker/ease.ts";
import { DETECTORS, type Evidence } from "../../../src/breaker/evidence.ts";
import { loadConfig } from "../../../src/config/load.ts";
import { CONFIRMED } from "../../world/evidence.ts";
import fc from "../../world/property.ts";

const { breaker } = loadConfig({ cwd: "/nowhere", env: {} });

const TAKEN: Evidence = { ...CONFIRMED, atMs: 1_000 };

const height = fc.double({ min: 0, max: 16, noNaN: true });
const pulses = fc
  .record({
    heights: fc.array(height, { minLength: DETECTORS.length, maxLength: DETECTORS.length }),
    slowed: fc.nat(5),
    good: fc.nat(1000),
    halfOpen: fc.boolean(),
    deferredMs: fc.nat(1000),
  })
  .map(({ heights, ...rest }): Pulse => {
    const detectors = Object.fromEntries(DETECTORS.map((name, i) => [name, heights[i] ?? 0]));
    return { ...FRESH_PULSE, ...detectors, ...rest, confirmed: rest.good };
  });

function one(lane: { window: number; pulse: Pulse }): { window: number; pulse: Pulse } {
  const { window, pulse } = stepLane({ ...lane, provider: "google" }, TAKEN, breaker);
  return { window, pulse };
}

describe("a run of confirmed mails", () => {
  test("equals the same mails one by one: detectors, window, counts and all that a success puts back", () => {
    fc.assert(
      fc.property(
        pulses,
        fc.integer({ min: 0, max: 10 }),
        fc.integer({ min: 2, max: 5_000 }),
        (pulse, bits, count) => {
          const window = 2 ** bits;
          let slow = { window, pulse: { ...pulse, cohort: Math.min(window - 1, 3) } };
          const begun = slow;
          for (let i = 0; i < count; i++) slow = one(slow);
          const fast = one(easeLane(one(begun), count - 2, breaker));
          expect(fast.window).toBe(slow.window);
          for (const name of DETECTORS) expect(fast.pulse[name], name).toBeCloseTo(slow.pulse[name], 9);
          const rest = ({ ...pulse }: Pulse): Partial<Pulse> => {
            for (const name of DETECTORS) Reflect.deleteProperty(pulse, name);
            // How fast a lane may go is no matter of counts: a replay has the log's own times.
            Reflect.deleteProperty(pulse, "throttle");
            return pulse;
          };
          expect(rest(fast.pulse)).toEqual(rest(slow.pulse));
        },
      ),
      { numRuns: 60 },
    );
  });
});
