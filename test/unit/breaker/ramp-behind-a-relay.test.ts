// The arithmetic of the ramp behind a relay: what holds a place, what is learned, how long it takes, who waits for whom.
import { describe, expect, it } from "vitest";
import { FRESH_PULSE } from "../../../src/breaker/breaker.ts";
import { confirm } from "../../../src/breaker/ramp.ts";
import { longestRampMs, rampDurationMs } from "../../../src/breaker/ramp-duration.ts";
import {
  afterResume,
  FRESH_MEMORY,
  learnSign,
  noteDelay,
  noteEnd,
  noteHandover,
  placesHeld,
  type RampMemory,
} from "../../../src/breaker/ramp-memory.ts";
import { followersOf, mayFollow } from "../../../src/breaker/ramp-start.ts";
import { shownDuration, UNCONFIRMED_CAP } from "../../../src/breaker/silence.ts";
import type { LaneState } from "../../../src/provider/lane.ts";
import fc from "../../world/property.ts";

describe("the memory of a relay", () => {
  /** A relay as it may behave: what it does with the mails that it has, one step after the other. */
  const steps = fc.array(fc.constantFrom("take", "delay", "arrive", "bounce", "resume"), { maxLength: 200 });

  it("never counts more places than mails at the relay, nor frees more than arrivals and resumes have", () => {
    fc.assert(
      fc.property(steps, (all) => {
        let memory: RampMemory = FRESH_MEMORY;
        /** true: said to be delayed. */
        let fresh: boolean[] = [];
        let earlier = 0;
        let arrived = 0;
        for (const step of all) {
          if (step === "take") {
            fresh.push(false);
            memory = noteHandover(memory, { asked: false, isEarlier: false });
          } else if (step === "resume") {
            earlier += fresh.length;
            memory = afterResume(memory, earlier);
            fresh = [];
            arrived = 0;
          } else if (step === "delay") {
            const at = fresh.indexOf(false);
            if (at < 0) continue;
            fresh[at] = true;
            memory = noteDelay(memory, { isEarlier: false });
          } else if (fresh.length > 0) {
            const wasDelayed = fresh.pop() === true;
            if (step === "arrive") arrived += 1;
            memory = noteEnd(memory, { wasDelayed, isEarlier: false, arrived: step === "arrive" });
          } else if (earlier > 0) {
            earlier -= 1;
            memory = noteEnd(memory, { wasDelayed: true, isEarlier: true, arrived: step === "arrive" });
          }
          const delayed = fresh.filter(Boolean).length;
          const held = placesHeld(memory, fresh.length + earlier);
          expect(memory).toMatchObject({ delayed, earlier });
          expect(held).toBeLessThanOrEqual(fresh.length);
          expect(held).toBeGreaterThanOrEqual(fresh.length - Math.min(delayed, arrived));
        }
      }),
    );
  });

  it("smooths how long reports take, and keeps it where one does not tell", () => {
    let memory = FRESH_MEMORY;
    for (const tookMs of [1_000, 2_000, null]) memory = learnSign(memory, { by: "log", atMs: 5, tookMs });
    expect(memory).toMatchObject({ signs: 3, by: "log", signMs: 5, tookMs: 1_300 });
  });
});

describe("the duration of a ramp", () => {
  it("is one confirmation for each doubling", () => {
    const ahead = { window: 5, out: 0, confirmMs: 10_000 };
    const durations = [5, 6, 15, 16, 35, 36, 1_000].map((left) => rampDurationMs({ ...ahead, left }));
    expect(durations).toEqual([0, 10_000, 10_000, 20_000, 20_000, 30_000, 70_000]);
  });

  it("is as long as the ramp itself takes, whose mails are all confirmed after the same time", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20_000 }), fc.integer({ min: 1, max: 40 }), (size, canary) => {
        // In rounds: what is out is confirmed, the window grows, what has room leaves.
        let ramp = { window: canary, cohort: 0 };
        let left = size - Math.min(size, canary);
        let out = size - left;
        let rounds = 0;
        while (left > 0) {
          for (let i = 0; i < out; i++) ramp = confirm(ramp);
          out = Math.min(left, ramp.window);
          left -= out;
          rounds += 1;
        }
        const told = rampDurationMs({ left: size, window: canary, out: 0, confirmMs: 1 }) ?? Number.NaN;
        expect(Math.abs(told - rounds)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it("by the soak alone ends at the cap: more than that waits for a person", () => {
    const ahead = { window: 5, out: 0, confirmMs: 60_000, bySoak: true };
    expect(rampDurationMs({ ...ahead, left: UNCONFIRMED_CAP })).toBe(5 * 60_000);
    expect(rampDurationMs({ ...ahead, left: UNCONFIRMED_CAP + 1 })).toBeNull();
  });

  it("of a campaign is that of its slowest lane; a lane that fits into its canary takes none", () => {
    const lane = { size: 100, canary: 5, confirmMs: 60_000, bySoak: false, startsMs: 0 };
    expect(longestRampMs([{ ...lane, size: 5, confirmMs: null }])).toBe(0);
    expect(longestRampMs([lane, { ...lane, size: 80, startsMs: 60_000 }])).toBe(5 * 60_000);
    expect(longestRampMs([lane, { ...lane, confirmMs: null }])).toBeNull();
    expect(longestRampMs([])).toBe(0);
  });

  it("is told in words", () => {
    expect([40_000, 90_000, 180_000, 3 * 3_600_000].map(shownDuration)).toEqual([
      "40 s",
      "90 s",
      "3 min",
      "3 h",
    ]);
  });
});

describe("the start", () => {
  const lane = (
    id: number,
    size: number,
    more: Partial<{ route: string; feedback: "relay" | "final"; state: LaneState; signs: number }> = {},
  ) => ({
    id,
    size,
    window: 5,
    route: more.route ?? "default",
    feedback: more.feedback ?? ("relay" as const),
    state: more.state ?? ("ramping" as const),
    pulse: { ...FRESH_PULSE, ramp: { ...FRESH_MEMORY, signs: more.signs ?? 0 } },
  });
  const ids = (lanes: { id: number }[]) => lanes.map((one) => one.id);

  it("of all but the largest lane of each relay waits", () => {
    const lanes = [lane(1, 10), lane(2, 50), lane(3, 10, { route: "b" }), lane(4, 90, { feedback: "final" })];
    expect(ids(followersOf(lanes))).toEqual([1]);
    expect(followersOf([lane(1, 5), lane(2, 5)])).toEqual([]);
    expect(followersOf([lane(1, 5_000)])).toEqual([]);
  });

  it("of the others follows the first lane's first sign, or its end", () => {
    const follower = lane(1, 10);
    const follows = (leader: ReturnType<typeof lane>) => mayFollow(follower, [follower, leader]);
    expect(follows(lane(2, 50))).toBe(false);
    expect(follows(lane(2, 50, { state: "blind" }))).toBe(false);
    expect(follows(lane(2, 50, { signs: 1 }))).toBe(true);
    expect(follows(lane(2, 50, { state: "held" }))).toBe(true);
    expect(follows(lane(2, 50, { state: "done" }))).toBe(true);
  });
});
