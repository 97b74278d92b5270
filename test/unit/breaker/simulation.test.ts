// The simulation of docs/breaker.md in small: that its fast way is the program's own, and that its storms end where the
// docs say.
import { describe, expect, test } from "vitest";
import { createRandom, gapOf } from "../../../bench/random.ts";
import {
  type Bad,
  createFastJudge,
  createSlowJudge,
  simulateCampaign,
} from "../../../bench/simulated-campaign.ts";
import { simulateLane } from "../../../bench/simulated-lane.ts";
import { simulateOrganisations } from "../../../bench/simulated-organisations.ts";
import { loadConfig } from "../../../src/config/load.ts";
import fc from "../../world/property.ts";

const { breaker } = loadConfig({ cwd: "/nowhere", env: {} });

describe("the fast way through a campaign that is well", () => {
  const steps = fc.array(
    fc.tuple(
      fc.integer({ min: 0, max: 60 }),
      fc.constantFrom<Bad>("sender", "address", "deferral"),
      fc.integer({ min: 1, max: 8 }),
    ),
    { minLength: 1, maxLength: 60 },
  );

  test("trips where the program's own step trips, one outcome after the other", () => {
    let trips = 0;
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 600 }), (list, seconds) => {
        const [fast, slow] = [createFastJudge(breaker), createSlowJudge(breaker)];
        let atMs = 1_000_000;
        for (const [good, bad, times] of list) {
          fast.good(good, atMs);
          slow.good(good, atMs);
          for (let i = 0; i < times; i++) {
            atMs += seconds * 1000;
            const tripped = fast.bad(bad, atMs);
            expect(slow.bad(bad, atMs)).toBe(tripped);
            if (tripped !== null) trips += 1;
          }
        }
      }),
      { numRuns: 200 },
    );
    expect(trips).toBeGreaterThan(100);
  });

  test("holds the same campaigns for the same detectors", () => {
    const noise = { address: 0.09, sender: 0.02, deferred: 0.03, burst: 50 };
    const campaigns = (judge: typeof createFastJudge) => {
      const random = createRandom(5);
      return Array.from({ length: 40 }, () =>
        simulateCampaign({ mails: 2_000, noise, breaker, random, judge }),
      );
    };
    const fast = campaigns(createFastJudge);
    expect(fast).toEqual(campaigns(createSlowJudge));
    expect(fast.filter((one) => one.holds.length > 0).length).toBeGreaterThan(3);
    expect(fast.every((one) => one.outcomes === 2_000)).toBe(true);
  });

  test("with everyday noise holds none of a few", () => {
    const noise = { address: 0.02, sender: 0.001, deferred: 0.03, burst: 50 };
    const random = createRandom(6);
    for (let i = 0; i < 30; i++) {
      const run = simulateCampaign({ mails: 100_000, noise, breaker, random, judge: createFastJudge });
      expect(run.holds).toEqual([]);
    }
  });
});

describe("storms", () => {
  const lanes = (runs: number, rest: Partial<Parameters<typeof simulateLane>[0]>) => {
    const random = createRandom(9);
    return Array.from({ length: runs }, () =>
      simulateLane({ breaker, random, mails: 3_000, answer: () => "reverse-dns", ...rest }),
    );
  };

  test("refused from the start: three, at twenty connections too", () => {
    for (const lane of lanes(20, {})) expect(lane).toMatchObject({ held: true, judged: 3, heard: 3 });
  });

  test("refused from the middle on: three and one for each connection", () => {
    const refused = lanes(30, { answer: (n) => (n >= 1_500 ? "reverse-dns" : null) }).map(
      (one) => one.refused,
    );
    expect(Math.max(...refused)).toBeLessThanOrEqual(23);
    expect(Math.min(...refused)).toBeGreaterThanOrEqual(3);
  });

  test("without the fence there would be more: the window alone lets a lane's hundreds out", () => {
    const address = lanes(5, { answer: (n) => (n >= 1_500 ? "user-unknown" : null), connections: 200 });
    // Addresses are no fence: each connection goes on until the lane is held.
    expect(Math.max(...address.map((one) => one.refused))).toBeGreaterThan(23);
  });

  test("half refused: eight judged on average at most", () => {
    const random = createRandom(10);
    const judged = lanes(400, { answer: () => (random() < 0.5 ? "blocked" : null) }).map((one) => one.judged);
    const mean = judged.reduce((sum, n) => sum + n, 0) / judged.length;
    expect(mean).toBeGreaterThan(6.5);
    expect(mean).toBeLessThanOrEqual(8);
  });
});

describe("organisations that refuse us by a rule of their own", () => {
  test("hold no lane, side by side or spread; all of them do", () => {
    const random = createRandom(12);
    const common = { organisations: 200, contacts: 10, breaker, random };
    for (const order of ["csv", "spread"] as const) {
      for (let i = 0; i < 15; i++)
        expect(simulateOrganisations({ ...common, refusing: 0.01, order })).toBeNull();
      expect(simulateOrganisations({ ...common, refusing: 1, order })).not.toBeNull();
    }
  });
});

test("gaps are as long as their share says", () => {
  const random = createRandom(13);
  const gaps = Array.from({ length: 20_000 }, () => gapOf(random, 0.02));
  const mean = gaps.reduce((sum, n) => sum + n, 0) / gaps.length;
  expect(Math.abs(mean - 49)).toBeLessThan(1.5);
});
