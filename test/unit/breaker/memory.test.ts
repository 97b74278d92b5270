// What the next campaign knows of a provider that refused the last one.
import { describe, expect, it } from "vitest";
import { isTripped, stepDetector } from "../../../src/breaker/detector.ts";
import { MEMORY_MS, remembered, startFrom } from "../../../src/breaker/memory.ts";
import { BREAKER } from "../../world/ledger.ts";

const DAY = 24 * 3_600_000;
const NOW = 100 * DAY;

/** Refusals in a row that hold a lane which begins with this memory. */
function toHold(heldMs: number): number {
  const memory = remembered([{ heldMs, confirmedMs: 0 }], NOW);
  let x = memory === null ? 0 : startFrom(memory, BREAKER);
  for (let n = 1; ; n++) {
    x = stepDetector(x, true, BREAKER.sender);
    if (isTripped(x, BREAKER.sender)) return n;
  }
}

describe("the memory of a refusal", () => {
  it("makes one refusal enough for a day, then two, then three as from rest", () => {
    expect([0, 1, 3, 6, 8].map((days) => toHold(NOW - days * DAY))).toEqual([1, 1, 2, 3, 3]);
  });

  it("is gone after a week, or as soon as the provider took a mail", () => {
    expect(remembered([{ heldMs: NOW - MEMORY_MS, confirmedMs: 0 }], NOW)).toBeNull();
    expect(remembered([{ heldMs: NOW - 1000, confirmedMs: NOW - 500 }], NOW)).toBeNull();
    expect(remembered([{ heldMs: 0, confirmedMs: 0 }], NOW)).toBeNull();
    expect(remembered([], NOW)).toBeNull();
  });

  it("is of the newest refusal and the newest success, in whatever lane", () => {
    const lanes = [
      { heldMs: NOW - DAY, confirmedMs: NOW - 3 * DAY },
      { heldMs: NOW - 2 * DAY, confirmedMs: NOW - 2 * DAY },
    ];
    expect(remembered(lanes, NOW)).toMatchObject({ heldMs: NOW - DAY });
  });

  it("of a clock that is ahead weighs no more than a refusal of now", () => {
    expect(remembered([{ heldMs: NOW + DAY, confirmedMs: 0 }], NOW)?.weight).toBe(1);
  });
});
