import { describe, expect, it, test } from "vitest";
import {
  isDeputyDue,
  isOver,
  LEASE_MS,
  type LiveAlert,
  MOST_TRIES,
  retryAfterMs,
} from "../../../src/alert/due.ts";

const MINUTE = 60_000;
const alert = (over: Partial<LiveAlert> = {}): LiveAlert => ({
  id: 1,
  key: "held 1",
  urgency: "high",
  state: "open",
  atMs: 0,
  deputyMs: null,
  waiting: 0,
  ...over,
});

describe("a road that failed is tried again", () => {
  it("soon, then less and less often, then never", () => {
    const waits = Array.from({ length: MOST_TRIES }, (_, i) => retryAfterMs(i + 1));
    expect(waits.slice(0, 8)).toEqual([15, 30, 60, 120, 240, 480, 900, 900].map((seconds) => seconds * 1000));
    expect(waits.at(-1)).toBeNull();
    const hours = waits.reduce<number>((sum, wait) => sum + (wait ?? 0), 0) / (60 * MINUTE);
    expect(hours).toBeGreaterThan(3);
    expect(hours).toBeLessThan(5);
  });

  it("after a lease that is longer than any road takes", () => {
    expect(LEASE_MS).toBeGreaterThanOrEqual(2 * 30_000);
  });
});

describe("the deputy", () => {
  const afterMs = 10 * MINUTE;
  test.each<[string, Partial<LiveAlert>, number, boolean]>([
    ["is called at the tenth minute", {}, afterMs, true],
    ["not before it", {}, afterMs - 1, false],
    ["not when somebody has answered", { state: "acknowledged" }, afterMs, false],
    ["not twice", { deputyMs: afterMs }, 2 * afterMs, false],
    ["not for news that need nobody", { urgency: "low" }, afterMs, false],
  ])("%s", (_, over, nowMs, due) => {
    expect(isDeputyDue(alert(over), { nowMs, afterMs })).toBe(due);
  });
});

describe("an alert is over", () => {
  test.each<[string, Partial<LiveAlert>, readonly string[], boolean]>([
    ["when its cause is", {}, ["held 2"], true],
    ["not while it stands", {}, ["held 1"], false],
    ["not while it stands and somebody looks after it", { state: "acknowledged" }, ["held 1"], false],
    ["when it is news and was told", { urgency: "low" }, ["held 1"], true],
    ["not when it is news and still to be told", { urgency: "low", waiting: 1 }, ["held 1"], false],
  ])("%s", (_, over, standing, is) => {
    expect(isOver(alert(over), new Set(standing))).toBe(is);
  });
});
