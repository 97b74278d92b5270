import { beforeEach, describe, expect, it } from "vitest";
import { createDoors, type Doors } from "../../../src/delivery/door.ts";
import { createTestClock, type TestClock } from "../../world/clock.ts";

describe("the doors of a route", () => {
  let clock: TestClock;
  let doors: Doors;
  let opens: number;

  beforeEach(() => {
    clock = createTestClock();
    opens = 0;
    const { signal } = new AbortController();
    doors = createDoors({
      clock,
      signal,
      onOpen: () => {
        opens += 1;
      },
    });
  });
  const pass = async (ms: number) => {
    clock.advance(ms);
    await new Promise(setImmediate);
  };

  it("stand open until somebody was turned away, each for itself", () => {
    expect(doors.mayKnock("mx1")).toBe(true);
    doors.knock("mx1");
    expect(doors.mayKnock("mx1")).toBe(true);
    doors.shut("mx1");
    expect(doors.mayKnock("mx1")).toBe(false);
    expect(doors.mayKnock("mx2")).toBe(true);
  });

  it("rest half a second, then let one try; the others follow when it gets in", async () => {
    doors.shut("mx1");
    await pass(499);
    expect(doors.mayKnock("mx1")).toBe(false);
    await pass(1);
    expect(opens).toBe(1);
    expect(doors.mayKnock("mx1")).toBe(true);
    doors.knock("mx1");
    expect(doors.mayKnock("mx1")).toBe(false);
    expect(doors.opened("mx1")).toBe(true);
    expect(opens).toBe(2);
    expect(doors.mayKnock("mx1")).toBe(true);
    expect(doors.opened("mx1")).toBe(false);
  });

  it("rest longer each time that the one who tries is turned away, at most half a minute", async () => {
    const rests = [];
    for (let i = 0; i < 9; i++) {
      doors.shut("mx1");
      let ms = 0;
      while (!doors.mayKnock("mx1")) {
        await pass(500);
        ms += 500;
      }
      rests.push(ms);
      doors.knock("mx1");
    }
    expect(rests).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
  });

  it("count twenty connections that are turned away at once as one", async () => {
    for (let i = 0; i < 20; i++) doors.shut("mx1");
    await pass(500);
    expect(doors.mayKnock("mx1")).toBe(true);
    doors.knock("mx1");
    doors.shut("mx1");
    await pass(999);
    expect(doors.mayKnock("mx1")).toBe(false);
    await pass(1);
    expect(doors.mayKnock("mx1")).toBe(true);
  });

  it("let another try when the one who was to do so went elsewhere", async () => {
    doors.shut("mx1");
    await pass(500);
    doors.knock("mx1");
    doors.leave("mx1");
    expect(doors.mayKnock("mx1")).toBe(true);
    doors.leave("mx2");
    expect(doors.mayKnock("mx2")).toBe(true);
  });
});
