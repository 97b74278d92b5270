// How a lane goes slower and faster again: single steps as a table, and whole campaigns against simulated providers.
import { describe, expect, it } from "vitest";
import { FAULT_OF, type Reason } from "../../../src/bounce/reason.ts";
import type { Evidence } from "../../../src/breaker/evidence.ts";
import {
  confirmedRate,
  describeLimits,
  eased,
  FRESH_THROTTLE,
  isTrouble,
  mostAtOnce,
  placesNow,
  slowedDown,
  speaksOfConnections,
  stepThrottle,
  type Throttle,
  takePlaces,
} from "../../../src/breaker/throttle.ts";
import { inSpan, perSecond, playLane } from "../../world/lane-sim.ts";
import type { Said } from "../../world/ledger.ts";
import fc from "../../world/property.ts";

const NOW = Date.UTC(2027, 3, 27, 8);
const HOUR = 3_600_000;
const SLOW: Said = {
  reason: "rate-limited",
  hard: false,
  reply: "421 4.7.28 unusual rate of unsolicited mail",
};

const refused = (reason: Reason, over: Partial<Evidence> = {}): Evidence => ({
  kind: "refused",
  reason,
  fault: FAULT_OF[reason],
  scope: "provider",
  hard: false,
  speaker: "provider",
  unit: null,
  fresh: true,
  door: false,
  knownGood: false,
  atMs: NOW,
  reply: null,
  ...over,
});

/** Confirms so many a second for so many seconds. */
function confirmed(t: Throttle, aSecond: number, seconds: number, fromMs = NOW): Throttle {
  let now = t;
  for (let i = 0; i < aSecond * seconds; i++)
    now = eased(now, { nowMs: fromMs + Math.floor((i * 1000) / aSecond), outstanding: 20 });
  return now;
}

describe("what a lane is measured at", () => {
  it.each([
    [5, 30],
    [50, 90],
    [200, 200],
  ])("%d a second over %d s", (aSecond, seconds) => {
    const t = confirmed(FRESH_THROTTLE, aSecond, seconds);
    expect(confirmedRate(t, NOW + seconds * 1000)).toBeCloseTo(aSecond, 0);
  });

  it("is a second's worth at most when it has just begun, and nothing after two minutes of silence", () => {
    const t = confirmed(FRESH_THROTTLE, 1000, 0.03);
    expect(confirmedRate(t, NOW + 30)).toBe(30);
    expect(confirmedRate(t, NOW + 121_000)).toBeNull();
    expect(confirmedRate(FRESH_THROTTLE, NOW)).toBeNull();
  });
});

describe("a request to slow down", () => {
  it("halves what was out at once and what was confirmed a second", () => {
    const before = { ...confirmed(FRESH_THROTTLE, 40, 30), most: 20 };
    const t = slowedDown(before, { nowMs: NOW + 30_000, outstanding: 180, reply: "421 4.7.28 unusual rate" });
    expect(mostAtOnce(t)).toBe(10);
    expect(t.rate).toBeCloseTo(20, 0);
    expect(describeLimits(t)).toBe("with 10 mails at once and 20 a second");
  });

  it("leaves the rate alone when it speaks of connections", () => {
    const before = { ...confirmed(FRESH_THROTTLE, 40, 30), most: 20 };
    const reply = "421 4.7.0 Too many concurrent connections from 192.0.2.1";
    const t = slowedDown(before, { nowMs: NOW + 30_000, outstanding: 19, reply });
    expect(t).toMatchObject({ atOnce: 10, rate: null });
  });

  it("leaves at least one mail at once and three a minute", () => {
    let t = confirmed(FRESH_THROTTLE, 1, 10);
    for (let i = 0; i < 20; i++) t = slowedDown(t, { nowMs: NOW + 10_000, outstanding: 3, reply: null });
    expect(t).toMatchObject({ atOnce: 1, rate: 0.05 });
  });

  it("sets no rate where nothing was confirmed: the window is one then", () => {
    const t = slowedDown(FRESH_THROTTLE, { nowMs: NOW, outstanding: 0, reply: null });
    expect(t.rate).toBeNull();
  });

  it("gives back a sixtieth of what was too much each ten seconds, and is forgotten at twice of it", () => {
    const cut = slowedDown(confirmed(FRESH_THROTTLE, 60, 60), {
      nowMs: NOW + 60_000,
      outstanding: 20,
      reply: null,
    });
    const step = (cut.asked ?? 0) / 60;
    const once = eased(cut, { nowMs: NOW + 70_000, outstanding: 20 });
    expect(once.rate).toBeCloseTo((cut.rate ?? 0) + step, 6);
    expect(eased(once, { nowMs: NOW + 79_999, outstanding: 20 }).rate).toBe(once.rate);
    let t = cut;
    let raises = 0;
    for (; t.rate !== null; raises++)
      t = eased(t, { nowMs: NOW + 70_000 + raises * 10_000, outstanding: 20 });
    expect(raises).toBe(90);
  });

  it("never goes beyond what the provider itself says", () => {
    let t: Throttle = { ...FRESH_THROTTLE, atOnce: 1, most: 2, strict: true };
    for (let i = 1; i < 100; i++) t = eased(t, { nowMs: NOW + i * 10_000, outstanding: 1 });
    expect(mostAtOnce(t)).toBe(2);
    expect(mostAtOnce({ ...t, atOnce: 1.9 })).toBe(1);
  });

  it("grows what is used at once, and nothing else", () => {
    const t: Throttle = { ...FRESH_THROTTLE, atOnce: 5, most: 20, raisedMs: NOW - 10_000 };
    expect(eased(t, { nowMs: NOW, outstanding: 4 }).atOnce).toBeCloseTo(5 + 1 / 6);
    expect(eased(t, { nowMs: NOW, outstanding: 2 }).atOnce).toBe(5);
  });
});

describe("what the provider says about waiting", () => {
  const at = { nowMs: NOW, outstanding: 3 };
  it("is the rest; what only its page says, from the second request on", () => {
    const said = refused("rate-limited", { reply: "421 try again in 15 minutes" });
    expect(stepThrottle(FRESH_THROTTLE, said, { ...at, slowed: 1 }).waitMs).toBe(900_000);
    const page = refused("rate-limited", {
      reply: "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred",
    });
    expect(stepThrottle(FRESH_THROTTLE, page, { ...at, slowed: 1 }).waitMs).toBeNull();
    expect(stepThrottle(FRESH_THROTTLE, page, { ...at, slowed: 2 }).waitMs).toBe(4 * HOUR);
  });

  it.each([
    ["421 4.7.0 Too many concurrent SMTP connections from this IP address; please try again later.", true],
    ["451 4.7.652 The mail server [192.0.2.1] has exceeded the maximum number of connections. (S3115)", true],
    ["421 mwinf5c79 ME Trop de connexions, veuillez verifier votre configuration. OFR005_104 [104]", true],
    ["452 4.3.2 Connection rate limit exceeded", false],
    ["421 4.7.28 Gmail has detected an unusual rate of unsolicited mail", false],
    ["421 4.7.0 [TSS04] temporarily deferred due to unexpected volume or user complaints", false],
  ])("%s", (reply, isOfConnections) => {
    expect(speaksOfConnections(reply)).toBe(isOfConnections);
  });
});

describe("a provider in trouble", () => {
  it.each([
    [refused("system"), true],
    [refused("system", { scope: "recipient" }), false],
    [refused("system", { speaker: "route", scope: "route" }), false],
    [refused("greylisted"), false],
    [refused("greylisted", { fresh: false }), true],
    [refused("mailbox-full", { scope: "recipient" }), false],
    [refused("rate-limited"), false],
  ])("%#", (evidence, expected) => {
    expect(isTrouble(evidence)).toBe(expected);
  });

  const at = (s: number) => ({ nowMs: NOW + 60_000 + s * 1000, outstanding: 20, slowed: 0 });
  const trouble = (t: Throttle, s: number) => stepThrottle(t, refused("system"), at(s)).throttle;

  it("gets a fifth less when it has lasted for ten seconds, and again after ten more", () => {
    let t = confirmed(FRESH_THROTTLE, 50, 60);
    for (let i = 0; i < 100; i++) t = trouble(t, i / 10);
    expect(t.rate).toBeNull();
    t = trouble(t, 10);
    expect(t.rate).toBeCloseTo(0.8 * (3000 / 70), 1);
    const once = t.rate;
    for (let i = 100; i < 200; i++) t = trouble(t, i / 10);
    expect(t.rate).toBe(once);
    expect(trouble(t, 20).rate).toBeLessThan(once ?? 0);
  });

  it("never gets less than an eighth, and has all back within two minutes", () => {
    let t = confirmed(FRESH_THROTTLE, 50, 60);
    for (let s = 0; s < 600; s++) {
      for (let i = 0; i < 10; i++) t = trouble(t, s);
      t = stepThrottle(t, refused("notice", { kind: "confirmed" }), at(s)).throttle;
    }
    expect(t.rate).toBeGreaterThanOrEqual(t.asked / 8);
    for (let s = 600; s < 730; s++)
      for (let i = 0; i < 5; i++) t = eased(t, { nowMs: NOW + 60_000 + s * 1000, outstanding: 20 });
    expect(t.rate ?? Number.POSITIVE_INFINITY).toBeGreaterThan(t.asked);
  });
});

describe("the places of a rate", () => {
  it("never give more than the rate and a fifth of a second's worth, in any span, whoever takes them", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.05, max: 500, noNaN: true }),
        fc.array(fc.tuple(fc.integer({ min: 0, max: 3000 }), fc.integer({ min: 1, max: 300 })), {
          maxLength: 60,
        }),
        (rate, asks) => {
          let t: Throttle = { ...FRESH_THROTTLE, rate };
          let nowMs = NOW;
          const taken: { atMs: number; count: number }[] = [];
          for (const [waitMs, wanted] of asks) {
            nowMs += waitMs;
            const { count, nextMs } = placesNow(t, nowMs);
            expect(count === 0 ? nextMs > nowMs : nextMs === nowMs).toBe(true);
            const got = Math.min(count, wanted);
            t = takePlaces(t, nowMs, got);
            taken.push({ atMs: nowMs, count: got });
          }
          for (let from = 0; from < taken.length; from++) {
            let sum = 0;
            for (const one of taken.slice(from)) {
              sum += one.count;
              const spanMs = one.atMs - (taken[from]?.atMs ?? 0);
              expect(sum).toBeLessThanOrEqual((rate * (spanMs + 200)) / 1000 + 1.000001);
            }
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  it("begin anew when the clock was put back", () => {
    const t = { ...FRESH_THROTTLE, rate: 10, tatMs: NOW + HOUR };
    expect(placesNow(t, NOW).count).toBe(1);
  });
});

describe("a lane against a provider", () => {
  it.each([5, 20, 100])("that takes %d a second settles under it, with few refusals", (limit) => {
    const mails = limit * 240;
    const played = playLane({ mails, says: perSecond(limit, SLOW), speed: 1000, limitMs: HOUR });
    expect(played.accepted).toBe(mails);
    // Each request costs what was out at that moment: a request for 20 at once at most.
    expect(played.rests).toBeLessThanOrEqual(5);
    expect(played.refused).toBeLessThanOrEqual(played.rests * 20);
    // And it is not left standing: more than half of what is allowed.
    expect(played.endMs / 1000).toBeLessThan((mails / limit) * 2);
  });

  it("that takes 100 a minute is understood after a few requests", () => {
    const played = playLane({
      mails: 2_000,
      says: inSpan(100, 60_000, SLOW),
      speed: 1000,
      limitMs: 3 * HOUR,
    });
    expect(played.accepted).toBe(2_000);
    expect(played.rests).toBeLessThanOrEqual(8);
    expect(played.endMs / 60_000).toBeLessThan(20 * 2.5);
  });

  it("that takes four at once comes down to that, at full speed", () => {
    const reply = "421 4.7.0 Too many concurrent connections";
    const says = (_: number, atOnce: number): Said =>
      atOnce <= 4 ? "accepted" : { reason: "rate-limited", hard: false, reply };
    const played = playLane({ mails: 20_000, says, speed: 200, limitMs: HOUR });
    expect(played.accepted).toBe(20_000);
    expect(played.lane.pulse.throttle.rate).toBeNull();
    expect(played.rests).toBeLessThanOrEqual(4);
    expect(played.endMs).toBeLessThan(100_000 * 1.7);
  });

  it("that is well, with three deferrals in a hundred in bursts, is as fast as without a throttle", () => {
    // A fixed generator (Park and Miller), so that the figures are the same each time.
    let seed = 20_270_427;
    const random = () => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed / 2_147_483_647;
    };
    let burst = 0;
    const says = (): Said => {
      if (burst === 0 && random() < 0.03 / 20) burst = 20;
      if (burst === 0) return "accepted";
      burst -= 1;
      return { reason: "system", hard: false };
    };
    const played = playLane({ mails: 30_000, says, speed: 100, limitMs: 2 * HOUR });
    expect(played.rests).toBe(0);
    expect(played.refused / 30_000).toBeGreaterThan(0.02);
    // 300 s of sending and 9 s of what is tried again.
    expect(played.endMs / 1000).toBeLessThan(309 * 1.05);
    const slow = played.perSecond.slice(10, -10).filter((count) => count < 50).length;
    expect(slow).toBe(0);
  });
});
