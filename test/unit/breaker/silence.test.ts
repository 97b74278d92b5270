// What a lane behind a relay does while it hears nothing: the table, with one thing different at a time.
import { describe, expect, it } from "vitest";
import { FRESH_PULSE } from "../../../src/breaker/breaker.ts";
import type { LaneRecord } from "../../../src/breaker/lane-record.ts";
import { FRESH_MEMORY } from "../../../src/breaker/ramp-memory.ts";
import { judgeSilence, type RouteHearing, UNCONFIRMED_CAP } from "../../../src/breaker/silence.ts";

const SOAK = 60_000;
const lane: LaneRecord = {
  id: 1,
  campaignId: 1,
  provider: "google",
  route: "default",
  feedback: "relay",
  state: "ramping",
  epoch: 1,
  size: 100,
  window: 5,
  outstanding: 0,
  unconfirmed: 5,
  sent: 5,
  pulse: { ...FRESH_PULSE, ramp: FRESH_MEMORY },
  hold: null,
  untilMs: null,
  nextDueMs: 0,
  lastHandoverMs: 0,
  byPerson: false,
};
/** A relay that tells of no arrivals, and a sentinel that has come back. */
const hearing: RouteHearing = { any: true, arrivals: false, trouble: null, provenMs: SOAK, sentinel: null };
const judge = (
  changed: {
    lane?: Partial<LaneRecord>;
    hearing?: Partial<RouteHearing>;
    nowMs?: number;
    hasMore?: boolean;
  } = {},
) =>
  judgeSilence(
    { ...lane, ...changed.lane },
    {
      hasMore: changed.hasMore ?? true,
      hearing: { ...hearing, ...changed.hearing },
      nowMs: changed.nowMs ?? SOAK,
      soakMs: SOAK,
    },
  );
const remembering = (more: Partial<typeof FRESH_MEMORY>) => ({
  pulse: { ...FRESH_PULSE, ramp: { ...FRESH_MEMORY, ...more } },
});

describe("a lane that has used up its window", () => {
  it("grows by the soak alone, and not before it is over", () => {
    expect(judge()).toEqual({ is: "grown", window: 10 });
    expect(judge({ nowMs: SOAK - 1 })).toEqual({ is: "waiting" });
    expect(judge({ lane: { window: 80, unconfirmed: 80 } })).toEqual({
      is: "grown",
      window: UNCONFIRMED_CAP,
    });
  });

  it.each([
    ["arrivals can be told of", { hearing: { arrivals: true } }],
    ["nothing is configured", { hearing: { any: false } }],
    ["reports cannot be seen", { hearing: { trouble: "dead" } }],
    ["nothing is proven", { hearing: { provenMs: null } }],
    ["what was proven is older than the soak", { hearing: { provenMs: -1 } }],
    ["the relay says that it defers", { lane: remembering({ delayed: 1 }) }],
    ["the cap is reached", { lane: { window: UNCONFIRMED_CAP, unconfirmed: UNCONFIRMED_CAP } }],
    ["there is room", { lane: { unconfirmed: 4 } }],
    ["the provider answers itself", { lane: { feedback: "final" as const } }],
    ["a person let it go on", { lane: { byPerson: true } }],
  ])("does not where %s", (_, changed) => {
    expect(judge(changed).is).not.toBe("grown");
    expect(judge({ ...changed, nowMs: 2 * SOAK }).is).not.toBe("grown");
  });

  it("is blind after three soaks without a sign, counted from the last handover and the last sign", () => {
    const deaf = { hearing: { arrivals: true } };
    expect(judge({ ...deaf, nowMs: 3 * SOAK - 1 }).is).not.toBe("blind");
    expect(judge({ ...deaf, nowMs: 3 * SOAK })).toMatchObject({ is: "blind" });
    expect(judge({ ...deaf, lane: remembering({ signMs: SOAK }), nowMs: 3 * SOAK }).is).not.toBe("blind");
    expect(judge({ ...deaf, lane: { lastHandoverMs: 1 }, nowMs: 3 * SOAK }).is).not.toBe("blind");
  });

  it("says what keeps it, once a soak is over", () => {
    expect(judge({ hearing: { trouble: "the log is gone." } })).toEqual({
      is: "kept",
      why: "Reports cannot be seen: the log is gone.",
    });
    expect(judge({ hearing: { provenMs: null, sentinel: "The sentinel is missing." } })).toMatchObject({
      is: "kept",
      why: expect.stringContaining("The sentinel is missing."),
    });
  });
});

describe("a lane with nothing left to send", () => {
  it("waits for news of what the relay has, for three soaks, if any can come", () => {
    expect(judge({ hasMore: false })).toEqual({ is: "waiting" });
    expect(judge({ hasMore: false, nowMs: 3 * SOAK })).toEqual({ is: "done" });
    expect(judge({ hasMore: false, hearing: { any: false } })).toEqual({ is: "done" });
    expect(judge({ hasMore: false, lane: { unconfirmed: 0 } })).toEqual({ is: "done" });
    expect(judge({ hasMore: false, lane: { byPerson: true } })).toEqual({ is: "done" });
  });
});
