import { describe, expect, it } from "vitest";
import { FAULT_OF, type Reason } from "../../../src/bounce/reason.ts";
import { FRESH_PULSE, type LaneStep, type Pulse, stepLane } from "../../../src/breaker/breaker.ts";
import type { Evidence } from "../../../src/breaker/evidence.ts";
import { REFUSED } from "../../world/evidence.ts";
import { BREAKER } from "../../world/ledger.ts";

const evidence = (over: Partial<Evidence>): Evidence => ({ ...REFUSED, ...over });
const good = evidence({ kind: "confirmed" });
const bad = (reason: Reason, over: Partial<Evidence> = {}) =>
  evidence({ reason, fault: FAULT_OF[reason], reply: `550 ${reason}`, ...over });

/** Steps a lane through a history; returns each step. */
function play(
  history: readonly Evidence[],
  start: { window?: number; pulse?: Partial<Pulse>; provider?: string } = {},
): LaneStep[] {
  let lane = { window: start.window ?? 1, pulse: { ...FRESH_PULSE, ...start.pulse } };
  return history.map((one) => {
    const step = stepLane({ ...lane, provider: start.provider ?? "google" }, one, BREAKER);
    lane = { window: step.window, pulse: step.pulse };
    return step;
  });
}
const times = (count: number, one: Evidence) => Array.from({ length: count }, () => one);
const tripAt = (steps: readonly LaneStep[]) => steps.findIndex((step) => step.trip !== null) + 1;

describe("a lane's step", () => {
  it("trips at the third sender fault in a row, with its reason", () => {
    const steps = play(times(3, bad("reverse-dns")));
    expect(tripAt(steps)).toBe(3);
    expect(steps[2]?.trip).toEqual({
      detector: "sender",
      reason: "reverse-dns",
      fault: "sender",
      scope: "provider",
    });
    expect(steps[2]?.pulse.recent).toHaveLength(3);
  });

  it("is eased by what is confirmed between", () => {
    const mixed = [...times(2, bad("blocked")), ...times(40, good), ...times(2, bad("blocked"))];
    expect(tripAt(play(mixed))).toBe(0);
  });

  it("keeps its detectors apart", () => {
    expect(
      tripAt(play([bad("reverse-dns"), bad("spam"), bad("user-unknown"), bad("reverse-dns"), bad("spam")])),
    ).toBe(0);
  });

  it("grows its window by confirmation alone", () => {
    const kinds = ["handed-over", "unreachable", "uncertain"] as const;
    expect(play(kinds.map((kind) => evidence({ kind }))).at(-1)?.window).toBe(1);
    expect(play(times(3, bad("greylisted", { hard: false }))).at(-1)?.window).toBe(1);
    expect(play(times(7, good)).at(-1)).toMatchObject({ window: 8, pulse: { confirmed: 7, good: 7 } });
  });

  it("takes a retry in the same epoch for no new evidence", () => {
    const again = bad("reverse-dns", { hard: false, fresh: false });
    const steps = play([bad("reverse-dns", { hard: false }), ...times(20, again)]);
    expect(tripAt(steps)).toBe(0);
    expect(steps.at(-1)?.pulse.sender).toBe(steps[0]?.pulse.sender);
  });

  it("does not change the pulse that it is given", () => {
    const pulse = Object.freeze({ ...FRESH_PULSE, units: Object.freeze({}) as never });
    stepLane({ window: 4, pulse, provider: "other" }, bad("policy", { unit: "mx.example" }), BREAKER);
    expect(pulse).toEqual(FRESH_PULSE);
  });

  it("remembers the last six replies", () => {
    const replies = Array.from({ length: 9 }, (_, i) => bad("user-unknown", { reply: `550 ${i}` }));
    expect(
      play(replies.slice(0, 7))
        .at(-1)
        ?.pulse.recent.map((one) => one.reply),
    ).toEqual([1, 2, 3, 4, 5, 6].map((i) => `550 ${i}`));
  });
});

describe("a lane that is half-open", () => {
  const halfOpen = { pulse: { halfOpen: true } };

  it.each(["reverse-dns", "spam"] as const)("trips at the first %s", (reason) => {
    expect(tripAt(play([good, bad(reason)], halfOpen))).toBe(2);
  });

  it.each(["user-unknown", "unclassified", "mailbox-full"] as const)(
    "does not trip at the first %s",
    (reason) => {
      expect(tripAt(play([good, bad(reason)], halfOpen))).toBe(0);
    },
  );

  it("is not held again by one tenant's rule, however often it is said, but by six tenants", () => {
    const rule = (unit: string) => bad("policy", { scope: "organisation", unit });
    const start = { ...halfOpen, provider: "microsoft365" };
    expect(tripAt(play([rule("a"), rule("a"), rule("a"), rule("a")], start))).toBe(0);
    expect(tripAt(play(["a", "b", "c", "d", "e", "f"].map(rule), start))).toBe(6);
  });

  it("is on trial until its window has passed eight", () => {
    const steps = play(times(15, good), halfOpen);
    expect(steps[13]).toMatchObject({ window: 8, pulse: { halfOpen: true } });
    expect(steps[14]).toMatchObject({ window: 16, pulse: { halfOpen: false } });
    expect(tripAt(play([...times(15, good), bad("reverse-dns")], halfOpen))).toBe(0);
  });
});

describe("a lane that is asked for less", () => {
  const slow = bad("rate-limited", { hard: false });

  it("halves its window and rests, twice as long each time, up to a quarter of an hour", () => {
    const steps = play(times(5, slow), { window: 64 });
    expect(steps.map((step) => step.window)).toEqual([32, 16, 8, 4, 2]);
    expect(steps.map((step) => step.restMs)).toEqual([15_000, 30_000, 60_000, 120_000, 240_000]);
    expect(tripAt(steps)).toBe(0);
  });

  it("is held for an hour when it lasts, and that is no sender detector's work", () => {
    const steps = play(times(6, slow), { window: 64 });
    expect(steps[5]).toMatchObject({
      trip: { detector: "pace", reason: "rate-limited", resumeAfterMs: 3_600_000 },
      restMs: null,
      pulse: { sender: 0 },
    });
  });

  it("begins anew once something was confirmed", () => {
    const steps = play([...times(5, slow), good, slow]);
    expect(steps.at(-1)).toMatchObject({ restMs: 15_000, trip: null });
  });

  it("does not hear what is one recipient's limit", () => {
    expect(play([bad("rate-limited", { hard: false, scope: "recipient" })], { window: 8 })[0]).toMatchObject({
      window: 8,
      restMs: null,
      trip: null,
    });
  });
});

describe("a unit", () => {
  const tenant = (unit: string) => bad("policy", { scope: "organisation", unit });

  it("counts once an epoch, and is set aside at its second refusal", () => {
    const steps = play(times(6, tenant("dupont.example")), { provider: "microsoft365" });
    expect(tripAt(steps)).toBe(0);
    expect(steps.map((step) => step.setAside)).toEqual([null, ...times(5, good).map(() => "dupont.example")]);
  });

  it("beside others is evidence: six organisations trip the lane, where three recipients of a provider's rule do", () => {
    const units = ["a", "b", "c", "d", "e", "f"].map((name) => `${name}.example`);
    const steps = play(units.map(tenant), { provider: "microsoft365" });
    expect(tripAt(steps)).toBe(6);
  });

  it("in a hundred of them refuses us, and no lane is held by it, however many there are", () => {
    let seed = 20_270_428;
    const random = () => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed / 2_147_483_647;
    };
    let held = 0;
    for (let lane = 0; lane < 40; lane++) {
      let pulse = FRESH_PULSE;
      for (let i = 0; i < 10_000; i++) {
        const one = random() < 0.01 ? tenant(`u${i}.example`) : good;
        const step = stepLane(
          { window: 1024, pulse: { ...pulse, units: {} }, provider: "google" },
          one,
          BREAKER,
        );
        pulse = step.pulse;
        if (step.trip !== null) held += 1;
      }
    }
    expect(held).toBe(0);
  });

  it("in the long tail is one site, whatever the scope; elsewhere the provider's word counts each time", () => {
    const site = bad("reverse-dns", { unit: "mx.example" });
    expect(tripAt(play(times(6, site), { provider: "other" }))).toBe(0);
    expect(tripAt(play(times(6, site), { provider: "google" }))).toBe(3);
  });

  it("without a name counts each recipient", () => {
    expect(tripAt(play(times(6, bad("policy", { scope: "organisation", unit: null }))))).toBe(6);
  });

  it("does not make addresses count less", () => {
    const gone = bad("user-unknown", { unit: "dupont.example", scope: "recipient" });
    expect(tripAt(play(times(8, gone), { provider: "other" }))).toBe(8);
  });

  it("is set aside for a fault of the sender alone", () => {
    const spam = bad("spam", { unit: "mx.example" });
    expect(play(times(3, spam), { provider: "other" }).every((step) => step.setAside === null)).toBe(true);
  });
});

describe("a complaint", () => {
  const complaint = evidence({ kind: "complained", reason: "complaint", fault: "feedback" });

  it("holds the lane when there are too many for what was sent", () => {
    const steps = play([...times(40, good), ...times(8, complaint)]);
    const at = tripAt(steps) - 1;
    expect(at - 39).toBe(6);
    expect(steps[at]?.trip).toEqual({
      detector: "complaint",
      reason: "complaint",
      fault: "feedback",
      scope: "provider",
    });
  });

  it("of fewer than three clients holds nothing, however touchy the detector is", () => {
    const touchy = { ...BREAKER, complaint: { p0: 0.001, p1: 0.9, h: 1 } };
    let pulse = FRESH_PULSE;
    const trips = times(3, complaint).map((one) => {
      const step = stepLane({ window: 8, pulse, provider: "google" }, one, touchy);
      pulse = step.pulse;
      return step.trip !== null;
    });
    expect(trips).toEqual([false, false, true]);
  });

  it("of one client who complains twice counts once", () => {
    const steps = play([complaint, ...times(9, { ...complaint, fresh: false })]);
    expect(steps.at(-1)?.pulse.complaints).toBe(1);
  });

  it("is rare at one in a thousand", () => {
    const calm = Array.from({ length: 20 }, () => [...times(999, good), complaint]).flat();
    expect(tripAt(play(calm))).toBe(0);
  });
});

describe("a provider that puts everything off", () => {
  const later = (minute: number, fresh: boolean) =>
    bad("system", { hard: false, fresh, atMs: 1 + minute * 60_000 });
  const firsts = (count: number) => Array.from({ length: count }, () => later(0, true));

  it("holds its lane after half an hour, for an hour", () => {
    const steps = play([...firsts(6), later(29, false), later(31, false)]);
    expect(tripAt(steps)).toBe(8);
    expect(steps[7]?.trip).toEqual({
      detector: "deferral",
      reason: "system",
      fault: "temporary",
      scope: "provider",
      resumeAfterMs: 3_600_000,
    });
  });

  it("does not when it takes a mail between, or when there are too few", () => {
    expect(tripAt(play([...firsts(6), { ...good, atMs: 60_000 }, later(31, false), later(40, true)]))).toBe(
      0,
    );
    expect(tripAt(play([...firsts(4), later(31, false), later(600, false)]))).toBe(0);
  });
});

describe("addresses that took our mail before", () => {
  const gone = bad("user-unknown", { knownGood: true, scope: "recipient" });

  it("and are unknown now trip as the provider's incident, long before the list's detector", () => {
    const steps = play(times(8, gone));
    expect(tripAt(steps)).toBe(4);
    expect(steps[3]?.trip).toMatchObject({ detector: "provider-incident", reason: "user-unknown" });
  });

  it("within ten mails when nine of ten are refused", () => {
    const nineOfTen = Array.from({ length: 30 }, (_, i) => (i % 10 === 9 ? good : gone));
    for (let shift = 0; shift < 10; shift++) {
      const at = tripAt(play(nineOfTen.slice(shift)));
      expect(at).toBeGreaterThan(0);
      expect(at).toBeLessThanOrEqual(10);
    }
  });

  it("and vanish at one in two hundred trip nothing", () => {
    const calm = Array.from({ length: 50 }, () => [...times(199, good), gone]).flat();
    expect(tripAt(play(calm))).toBe(0);
  });
});

describe("a closed door", () => {
  it("answers for all mail behind it: two trip the lane", () => {
    expect(tripAt(play(times(3, bad("blocked", { door: true }))))).toBe(2);
  });

  it("once, among mails that are taken, trips nothing", () => {
    expect(
      tripAt(play([bad("blocked", { door: true }), ...times(40, good), bad("blocked", { door: true })])),
    ).toBe(0);
  });
});
