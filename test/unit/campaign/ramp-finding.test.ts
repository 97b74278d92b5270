// What a check says of the time that a ramp will take.
import { expect, test } from "vitest";
import { checkRamp } from "../../../src/campaign/preflight/ramp.ts";

const MIN = 60_000;
const lane = { size: 1_000, canary: 5, confirmMs: MIN, bySoak: false, startsMs: 0 };
const check = (part: Partial<Parameters<typeof checkRamp>[0]["forecast"]>, endMs: number | null = null) =>
  checkRamp({
    forecast: { lanes: [lane], hears: true, isMeasured: false, ...part },
    endMs,
    beginsMs: 0,
  });

test("a ramp of more than a minute is told of, with what the estimate rests on", () => {
  expect(check({})).toMatchObject([{ code: "ramp-duration", severity: "info", basis: "assumed" }]);
  expect(check({})[0]?.message).toContain("about 7 min");
  const measured = check({ isMeasured: true, lanes: [{ ...lane, confirmMs: 15_000 }] });
  expect(measured).toMatchObject([{ basis: "measured", message: expect.stringContaining("about 2 min") }]);
});

test("a short one is not worth a word, and where nothing is heard relay-silent speaks", () => {
  expect(check({ lanes: [{ ...lane, confirmMs: 5_000 }] })).toEqual([]);
  expect(check({ lanes: [] })).toEqual([]);
  expect(check({ hears: false, lanes: [{ ...lane, confirmMs: null }] })).toEqual([]);
});

test("one that ends later than the notice allows is a warning", () => {
  expect(check({}, 7 * MIN)).toMatchObject([{ severity: "info" }]);
  expect(check({}, 6 * MIN)).toMatchObject([{ severity: "warning" }]);
});

test("a relay that never told of an arrival stops at the cap", () => {
  expect(check({ lanes: [{ ...lane, bySoak: true }] })[0]?.message).toContain(
    "stops at 100 unconfirmed mails",
  );
});
