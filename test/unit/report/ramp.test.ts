// What the report says of a ramp and of a relay's queue.
import { describe, expect, it } from "vitest";
import { FRESH_MEMORY } from "../../../src/breaker/ramp-memory.ts";
import type { LaneState } from "../../../src/provider/lane.ts";
import { describeAtRelay, IDS_SHOWN } from "../../../src/report/at-relay.ts";
import { type RelayedLane, rampReport, shownRamp } from "../../../src/report/ramp.ts";

describe("what a relay holds", () => {
  it("is stopped by a command for its kind of queue", () => {
    expect(describeAtRelay(2, ["4FA1B2C3D4", "3Pt2mN2VXxznjll"])).toEqual({
      count: 2,
      ids: ["4FA1B2C3D4", "3Pt2mN2VXxznjll"],
      command: "postsuper -h 4FA1B2C3D4 -h 3Pt2mN2VXxznjll",
      release: "postsuper -H 4FA1B2C3D4 -H 3Pt2mN2VXxznjll",
    });
    expect(describeAtRelay(1, ["1rABCD-000ABC-2x"])).toMatchObject({ command: "exim -Mf 1rABCD-000ABC-2x" });
  });

  it("has no command where one of its ids is not of a known shape: nobody pastes that into a shell", () => {
    for (const id of ["$(reboot)", "4FA1B2C3D4;ls", "0100018f-a1b2-c3d4", "a b", ""])
      expect(describeAtRelay(2, ["4FA1B2C3D4", id]), id).toMatchObject({ command: null, release: null });
    expect(describeAtRelay(3, [])).toMatchObject({ count: 3, ids: [], command: null });
  });

  it("is nothing without mails, and of many the first are named", () => {
    expect(describeAtRelay(0, [])).toBeNull();
    const ids = Array.from({ length: 50 }, (_, i) => `4F${String(i).padStart(8, "0")}`);
    expect(describeAtRelay(50, ids)?.ids).toEqual(ids.slice(0, IDS_SHOWN));
  });
});

describe("a ramp in the report", () => {
  const MIN = 60_000;
  const of = (
    relay: Partial<RelayedLane>,
    { hearing = { any: true, arrivals: true }, state = "ramping" as LaneState, waiting = 100 } = {},
  ) =>
    rampReport(
      {
        state,
        window: 5,
        relay: { unconfirmed: 5, byPerson: false, memory: FRESH_MEMORY, ids: [], ...relay },
      },
      { waiting, soakMs: MIN, hearing, nowMs: 0 },
    );

  it("takes a soak for each doubling until something is learned, then what reports take", () => {
    expect(of({})).toMatchObject({ seconds: 4 * 60, reportSeconds: null, window: 5, unconfirmed: 5 });
    const memory = { ...FRESH_MEMORY, signs: 3, tookMs: 2_000, by: "log" };
    expect(of({ memory })).toMatchObject({ seconds: 8, reportSeconds: 2, reportBy: "log" });
    expect(shownRamp(of({ memory }))).toBe("about 8 s");
  });

  it("includes the wait for the lanes that go first", () => {
    expect(of({ memory: { ...FRESH_MEMORY, startsMs: MIN } })).toMatchObject({ seconds: 5 * 60 });
  });

  it("ends with a person's word where nothing can tell, where the cap is passed, and in a blind lane", () => {
    expect(of({}, { hearing: { any: false, arrivals: false } }).seconds).toBeNull();
    expect(of({}, { hearing: { any: true, arrivals: false }, waiting: 200 }).seconds).toBeNull();
    const blind = of({ ids: ["4FA1B2C3D4"] }, { state: "blind" });
    expect(blind).toMatchObject({ seconds: null, atRelay: { count: 5, command: "postsuper -h 4FA1B2C3D4" } });
    expect(shownRamp(blind)).toBeNull();
  });

  it("is over when the rest may leave, or a person said so", () => {
    expect(of({ unconfirmed: 0 }, { waiting: 5 }).seconds).toBe(0);
    expect(of({ byPerson: true }).seconds).toBe(0);
  });
});
