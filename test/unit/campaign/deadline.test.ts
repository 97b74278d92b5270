// Whether everybody can be told in time: the arithmetic of rate and daily limit, and when it is worth a word.
import { describe, expect, it, test } from "vitest";
import { checkDeadline, routeDurationMs } from "../../../src/campaign/preflight/deadline.ts";
import type { ProbedRoute } from "../../../src/campaign/preflight/routes.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Ten in the evening, UTC. */
const NOW = Date.parse("2027-04-20T22:00:00Z");
const HUNDRED_A_MINUTE = { count: 100, perMs: 60_000 };

describe("a route takes", () => {
  test.each([
    // size, rate, a day, used, hours
    [10_000, null, null, 0, 0],
    [6_000, HUNDRED_A_MINUTE, null, 0, 1],
    [500, null, 500, 0, 0],
    // Two hours until midnight, and what is left of today.
    [501, null, 500, 0, 2],
    [500, null, 500, 1, 2],
    [1_000, null, 500, 0, 2],
    [1_001, null, 500, 0, 26],
    // 12,000 until midnight at that rate, however high the limit.
    [18_000, HUNDRED_A_MINUTE, 50_000, 0, 3],
    // 12,000 tonight, 20,000 tomorrow in 3 h 20 min and then nothing until the night, the last 6,000 in an hour.
    [38_000, HUNDRED_A_MINUTE, 20_000, 0, 27],
    [500, null, 500, 900, 2],
  ] as const)(
    "%i mails, rate %o, %s a day of which %i are used: %i h",
    (size, rate, dailyLimit, usedToday, hours) => {
      expect(routeDurationMs({ size, rate, dailyLimit, usedToday, beginsMs: NOW }) / HOUR).toBeCloseTo(
        hours,
        6,
      );
    },
  );

  it("more than a year, and the sum ends", () => {
    const ms = routeDurationMs({ size: 1e6, rate: null, dailyLimit: 1, usedToday: 0, beginsMs: NOW });
    expect(ms).toBe(366 * DAY);
    const slow = { count: 1, perMs: 48 * HOUR };
    expect(routeDurationMs({ size: 9, rate: slow, dailyLimit: 5, usedToday: 0, beginsMs: NOW })).toBe(
      366 * DAY,
    );
  });

  it("never less for one mail more", () => {
    let last = 0;
    for (let size = 0; size < 3_000; size++) {
      const ms = routeDurationMs({
        size,
        rate: { count: 1, perMs: 60_000 },
        dailyLimit: 700,
        usedToday: 13,
        beginsMs: NOW,
      });
      expect(ms).toBeGreaterThanOrEqual(last);
      last = ms;
    }
  });
});

describe("the finding", () => {
  const route: ProbedRoute = {
    name: "default",
    failure: null,
    silent: false,
    held: null,
    provider: null,
    serves: ["google", "other"],
    sizeLimit: null,
    rate: HUNDRED_A_MINUTE,
    dailyLimit: null,
    today: 0,
    refusing: [],
  };
  const of = (given: Partial<Parameters<typeof checkDeadline>[0]>) =>
    checkDeadline({
      routes: [route],
      providers: [
        ["google", 4_000],
        ["other", 2_000],
        ["yahoo", 90_000],
      ],
      rampMs: 0,
      beginsMs: NOW,
      nowMs: NOW,
      tellByMs: null,
      validUntilMs: null,
      ...given,
    });

  it("is there when the last mail leaves after the first of the two moments", () => {
    expect(of({})).toEqual([]);
    expect(of({ tellByMs: NOW + HOUR })).toEqual([]);
    const [late] = of({ tellByMs: NOW + HOUR - 1, validUntilMs: NOW + DAY });
    expect(late).toMatchObject({ code: "deadline-too-near", severity: "warning", subject: "default" });
    expect(late?.message).toMatch(
      /^6000 mails take about 60 min with the relay's 100 mails in 60 s; .*tell_by/,
    );
    expect(of({ tellByMs: NOW + DAY, validUntilMs: NOW + HOUR / 2 })[0]?.message).toContain("valid_until");
  });

  it("adds the ramp", () => {
    expect(of({ tellByMs: NOW + HOUR, rampMs: 1 })[0]?.message).toContain("and the ramp");
  });

  it("leaves to others what has passed already, and what the ramp alone makes late", () => {
    expect(of({ tellByMs: NOW })).toEqual([]);
    expect(of({ routes: [{ ...route, rate: null }], tellByMs: NOW + HOUR, rampMs: DAY })).toEqual([]);
  });

  it("counts what was sent today only when it begins today", () => {
    const limited = { ...route, rate: null, dailyLimit: 6_000, today: 1 };
    const begins = { tellByMs: NOW + DAY + HOUR, routes: [limited] };
    expect(of({ ...begins, tellByMs: NOW + HOUR })).toHaveLength(1);
    expect(of({ ...begins, beginsMs: NOW + DAY })).toEqual([]);
  });
});
