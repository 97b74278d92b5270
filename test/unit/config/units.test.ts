// Durations and rates: what is a text of each, and what it is worth.

import { describe, expect, it } from "vitest";
import { parseDuration, parseRate } from "../../../src/config/units.ts";
import fc from "../../world/property.ts";

describe("a duration", () => {
  it.each([
    ["100ms", 100],
    ["60s", 60_000],
    ["90m", 5_400_000],
    ["90min", 5_400_000],
    ["2h", 7_200_000],
    ["2hr", 7_200_000],
    ["90d", 7_776_000_000],
    ["1day", 86_400_000],
    [" 5 s ", 5_000],
    ["0s", 0],
  ])("%s is %d ms", (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each(["", "60", "s", "-1s", "1.5h", "1e3s", "60 seconds", "60S", "5m30s", "1w", "60s\0", "1234567890s"])(
    "%j is none",
    (text) => {
      expect(parseDuration(text)).toBeNull();
    },
  );

  it("is the same whatever unit it is written in", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10_000 }), (days) => {
        const ms = parseDuration(`${days}d`);
        expect(parseDuration(`${days * 24}h`)).toBe(ms);
        expect(parseDuration(`${days * 24 * 60}m`)).toBe(ms);
        expect(parseDuration(`${days * 24 * 3600}s`)).toBe(ms);
      }),
    );
  });

  it("is either a safe whole number of milliseconds or nothing, whatever the text", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^\d{1,12}(ms|s|m|h|d|w)$/)), (text) => {
        const ms = parseDuration(text);
        expect(ms === null || (Number.isSafeInteger(ms) && ms >= 0)).toBe(true);
      }),
    );
  });
});

describe("a rate", () => {
  it.each([
    ["10/s", { count: 10, perMs: 1_000 }],
    ["100/min", { count: 100, perMs: 60_000 }],
    ["100/m", { count: 100, perMs: 60_000 }],
    ["5/hr", { count: 5, perMs: 3_600_000 }],
    ["5/h", { count: 5, perMs: 3_600_000 }],
    ["1000/day", { count: 1000, perMs: 86_400_000 }],
    ["1000 / d", { count: 1000, perMs: 86_400_000 }],
  ])("%s is read as it is written", (text, rate) => {
    expect(parseRate(text)).toEqual(rate);
  });

  it.each([
    "",
    "100",
    "/min",
    "0/min",
    "-5/min",
    "100/fortnight",
    "1.5/s",
    "100/ms",
    "100/60s",
    "toString/s",
    "5/toString",
  ])("%j is none", (text) => {
    expect(parseRate(text)).toBeNull();
  });

  it("keeps its count", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 999_999_999 }),
        fc.constantFrom("s", "min", "hr", "day"),
        (count, unit) => {
          expect(parseRate(`${count}/${unit}`)?.count).toBe(count);
        },
      ),
    );
  });
});
