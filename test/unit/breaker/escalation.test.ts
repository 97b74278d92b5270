// When the lanes of a campaign stop together, and when one lane's hold is enough.
import { describe, expect, it } from "vitest";
import { addCause } from "../../../src/breaker/cause.ts";
import { escalationOf, type LaneAtOnce } from "../../../src/breaker/escalation.ts";
import type { Evidence } from "../../../src/breaker/evidence.ts";
import { describeHold } from "../../../src/breaker/hold.ts";

const MINUTE = 60_000;
const HELD_AT = 10 * MINUTE;

function running(provider: string, size: number, confirmedMs = 0): LaneAtOnce {
  return { provider, size, state: "ramping", hold: null, pulse: { cause: null, confirmedMs } };
}

function held(
  provider: string,
  atMs = HELD_AT,
  detector: "sender" | "content" | "pace" = "sender",
): LaneAtOnce {
  const fault = detector === "content" ? "content" : "sender";
  const reason = detector === "content" ? "spam" : detector === "pace" ? "rate-limited" : "reverse-dns";
  const trip = { detector, reason, fault, scope: "provider" } as const;
  const hold = describeHold({ provider, trip, nowMs: atMs, replies: [] });
  return { ...running(provider, 100), state: "held", hold };
}

describe("two providers held for a cause of ours", () => {
  it("stop the campaign when nobody of weight takes our mail meanwhile", () => {
    const lanes = [held("google"), held("yahoo", HELD_AT + MINUTE), running("orange", 300, HELD_AT - 1)];
    expect(escalationOf(lanes, { sinceMs: 0 })).toEqual({ reason: "reverse-dns", by: ["google", "yahoo"] });
  });

  it("do not while a large lane was confirmed since", () => {
    const lanes = [held("google"), held("yahoo", HELD_AT + MINUTE), running("orange", 300, HELD_AT + 1)];
    expect(escalationOf(lanes, { sinceMs: 0 })).toBeNull();
  });

  it("do when only small lanes were: a handful of mails proves little", () => {
    const small = Array.from({ length: 5 }, (_, i) => running(`small${i}`, 20, HELD_AT + MINUTE));
    expect(escalationOf([held("google"), held("yahoo"), ...small], { sinceMs: 0 })).not.toBeNull();
  });

  it("one alone does not, whatever share of what remains it has", () => {
    expect(escalationOf([held("google"), running("orange", 1)], { sinceMs: 0 })).toBeNull();
  });

  it.each(["content", "pace"] as const)("do not when one of them is held for its %s", (detector) => {
    expect(escalationOf([held("google"), held("yahoo", HELD_AT, detector)], { sinceMs: 0 })).toBeNull();
  });

  it("stop nothing again that a person let go on", () => {
    const lanes = [held("google"), held("yahoo")];
    expect(escalationOf(lanes, { sinceMs: HELD_AT + 1 })).toBeNull();
    expect(escalationOf([...lanes, held("orange", HELD_AT + 2)], { sinceMs: HELD_AT + 1 })).not.toBeNull();
  });
});

describe("the long tail", () => {
  const refusal = (unit: string | null, atMs: number, reason: Evidence["reason"] = "auth"): Evidence => ({
    kind: "refused",
    reason,
    fault: "sender",
    scope: "provider",
    hard: true,
    speaker: "provider",
    unit,
    fresh: true,
    door: false,
    knownGood: false,
    atMs,
    reply: null,
  });
  const tail = (units: readonly string[], confirmedMs = 0): LaneAtOnce => {
    let cause: ReturnType<typeof addCause> | null = null;
    for (const [i, unit] of units.entries()) cause = addCause(cause, refusal(unit, 1000 + i), "other");
    return { ...running("other", 40, confirmedMs), pulse: { cause, confirmedMs } };
  };

  it("stops the campaign when four sites in a row say the same", () => {
    expect(escalationOf([tail(["a", "b", "c"])], { sinceMs: 0 })).toBeNull();
    expect(escalationOf([tail(["a", "b", "c", "d"])], { sinceMs: 0 })).toEqual({
      reason: "auth",
      by: ["a", "b", "c", "d"],
    });
  });

  it("counts a site once, and small lanes of known providers as sites", () => {
    expect(escalationOf([tail(["a", "b", "c", "a", "b"])], { sinceMs: 0 })).toBeNull();
    const google = {
      ...running("google", 2),
      pulse: { cause: addCause(null, refusal(null, 9), "google"), confirmedMs: 0 },
    };
    expect(escalationOf([tail(["a", "b", "c"]), google], { sinceMs: 0 })?.by).toEqual([
      "a",
      "b",
      "c",
      "google",
    ]);
  });

  it("begins anew at each success, wherever it was", () => {
    expect(escalationOf([tail(["a", "b", "c", "d"]), running("orange", 1, 1001)], { sinceMs: 0 })).toBeNull();
  });

  it("does not add up different causes", () => {
    const other = addCause(addCause(null, refusal("a", 1), "other"), refusal("b", 2, "blocked"), "other");
    expect(other).toEqual({ reason: "blocked", sites: { b: 2 } });
  });

  it("remembers few sites, however many there are", () => {
    let cause: ReturnType<typeof addCause> | null = null;
    for (let i = 0; i < 1000; i++) cause = addCause(cause, refusal(`mx${i}`, i), "other");
    expect(Object.keys(cause?.sites ?? {})).toHaveLength(8);
  });
});
