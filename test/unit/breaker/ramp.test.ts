import { expect, test } from "vitest";
import { confirm, firstWindow, OPEN_WINDOW, shrink } from "../../../src/breaker/ramp.ts";

test("each confirmed cohort doubles the window, up to the open one", () => {
  let ramp = { window: 1, cohort: 0 };
  const windows = [];
  for (let confirmed = 1; confirmed <= 2100; confirmed++) {
    const before = ramp.window;
    ramp = confirm(ramp);
    if (ramp.window !== before) windows.push([confirmed, ramp.window]);
  }
  expect(windows).toEqual([1, 3, 7, 15, 31, 63, 127, 255, 511, 1023].map((sum, i) => [sum, 2 ** (i + 1)]));
  expect(ramp.window).toBe(OPEN_WINDOW);
});

test("a window of any size grows after as many as it holds, and not before", () => {
  let ramp = { window: 5, cohort: 0 };
  for (let i = 0; i < 4; i++) ramp = confirm(ramp);
  expect(ramp).toEqual({ window: 5, cohort: 4 });
  expect(confirm(ramp)).toEqual({ window: 10, cohort: 0 });
});

test("being slowed halves the window, forgets the cohort and leaves one", () => {
  expect(shrink({ window: 9, cohort: 7 })).toEqual({ window: 4, cohort: 0 });
  expect(shrink({ window: 1, cohort: 0 })).toEqual({ window: 1, cohort: 0 });
});

test("one mail begins where each reply confirms; behind a relay the canary goes first", () => {
  expect(firstWindow("final", 5)).toBe(1);
  expect(firstWindow("relay", 5)).toBe(5);
});
