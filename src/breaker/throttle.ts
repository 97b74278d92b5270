// How fast a lane may go, by what its provider has said of our pace: less at once and fewer a second at a request,
// a little more for each while in which it confirms. Pure; the numbers live in the lane's pulse, so that what they
// allow holds over all workers: a claim takes what they leave. When the lane rests or is held is breaker.ts' part.
import { hintOf } from "../bounce/hint.ts";
import type { Evidence } from "./evidence.ts";
import { isPace } from "./evidence.ts";

export interface Throttle {
  /** Mails out at once, over all workers; null: as many as the window and the route allow. Grows in parts of one. */
  atOnce: number | null;
  /** `atOnce` never grows beyond it: the connections of the route, or what the provider says; null: not known. */
  most: number | null;
  /** `most` is the provider's own limit: it is kept, however well all goes. */
  strict: boolean;
  /** Mails a second; null: no limit. */
  rate: number | null;
  /** Until when the places of the rate are taken, ms since the epoch. */
  tatMs: number;
  /** Mails a second that were too many for it, or about which it was in trouble; 0: never. */
  asked: number;
  /** What `rate` gains at each raise. */
  step: number;
  /** When there was last a raise, and a cut; ms since the epoch. */
  raisedMs: number;
  cutMs: number;
  /** Evidence that the provider is in trouble, as a detector's number, and since when it is above zero. */
  strain: number;
  strainedMs: number;
  /** Confirmed in the minute that began at `sinceMs`, and in the one before it. */
  count: number;
  before: number;
  sinceMs: number;
  /** The address from which this lane's route sends; null: the system's choice. */
  from: string | null;
}

export const FRESH_THROTTLE: Throttle = {
  atOnce: null,
  most: null,
  strict: false,
  rate: null,
  tatMs: 0,
  asked: 0,
  step: 0,
  raisedMs: 0,
  cutMs: 0,
  strain: 0,
  strainedMs: 0,
  count: 0,
  before: 0,
  sinceMs: 0,
  from: null,
};

const MINUTE_MS = 60_000;
/** What is too much is halved; who is only in trouble gets a fifth less. */
const CUT = 0.5;
const EASE = 0.8;
const LOWEST_RATE = 0.05;
/** A raise at most so often: after a cut to the half, five minutes until it is what it was. */
const RAISE_MS = 10_000;
const RAISES_TO_ASKED = 60;
const RAISES_AFTER_TROUBLE = 10;
const CONNECTION_STEP = 1 / 6;
/** Twice what was too much, and nobody minds: the limit is over. */
const FORGET_AT = 2;
/** 10 % put off is a provider's ordinary day, 50 % is not; five in a row from rest. */
const STRAIN = { bad: Math.log(0.5 / 0.1), good: Math.log(0.5 / 0.9), limit: 8, most: 16 };
/** A burst is over by then, and what goes on is looked at again after as long. */
const TROUBLE_MS = 10_000;
/** Trouble takes no more than this part away, and says nothing of a lane that has hardly begun. */
const TROUBLE_FLOOR = 1 / 8;
const BEGUN_MS = 5_000;

/** Mails confirmed a second over the last minute or two, or over what there is of them (a second at least). */
export function confirmedRate(t: Throttle, nowMs: number): number | null {
  const total = t.before + t.count;
  if (total === 0 || nowMs - t.sinceMs >= 2 * MINUTE_MS) return null;
  return (total * 1000) / Math.max(1000, spanMs(t, nowMs));
}

function spanMs({ before, sinceMs }: Throttle, nowMs: number): number {
  return nowMs - sinceMs + (before > 0 ? MINUTE_MS : 0);
}

/** One more was confirmed. `outstanding`: mails still out. */
export function eased(t: Throttle, { nowMs, outstanding }: { nowMs: number; outstanding: number }): Throttle {
  const next = { ...t, strain: Math.max(0, t.strain + STRAIN.good) };
  if (nowMs - t.sinceMs < MINUTE_MS) next.count += 1;
  else {
    const isNext = nowMs - t.sinceMs < 2 * MINUTE_MS;
    next.before = isNext ? t.count : 0;
    next.sinceMs = isNext ? t.sinceMs + MINUTE_MS : nowMs;
    next.count = 1;
  }
  const limited = t.rate !== null || t.atOnce !== null;
  if (limited && t.raisedMs === 0) next.raisedMs = nowMs;
  return limited && t.raisedMs > 0 && nowMs - t.raisedMs >= RAISE_MS
    ? raised(next, nowMs, outstanding)
    : next;
}

function raised(t: Throttle, nowMs: number, outstanding: number): Throttle {
  const next = { ...t, raisedMs: nowMs };
  if (t.rate !== null) {
    next.rate = t.rate + t.step;
    if (next.rate >= t.asked * FORGET_AT) next.rate = null;
  }
  // Only what is used shows that more may be asked for.
  if (t.atOnce !== null && outstanding + 1 >= Math.floor(t.atOnce)) {
    const most = t.most ?? Number.POSITIVE_INFINITY;
    next.atOnce = Math.min(t.atOnce + CONNECTION_STEP, most);
    // From here on the route's own connections bound it.
    if (next.atOnce === most && !t.strict) next.atOnce = null;
  }
  return next;
}

/** It asks for fewer: mails a second, or mails at once where it speaks of connections alone. */
export function slowedDown(
  t: Throttle,
  { nowMs, outstanding, reply }: { nowMs: number; outstanding: number; reply: string | null },
): Throttle {
  const atOnce = Math.max(1, Math.floor(inUse(t, outstanding) * CUT));
  const next = { ...t, atOnce, cutMs: nowMs, raisedMs: nowMs, strain: 0 };
  const asked = reply !== null && speaksOfConnections(reply) ? null : rateInUse(t, nowMs);
  if (asked === null) return next;
  const rate = Math.max(LOWEST_RATE, asked * CUT);
  return { ...next, asked, rate, step: asked / RAISES_TO_ASKED };
}

function inUse({ atOnce, most }: Throttle, outstanding: number): number {
  return Math.min(atOnce ?? most ?? outstanding + 1, most ?? Number.POSITIVE_INFINITY);
}

/**
 * What it took is measured by what it confirmed, rests included: who allows 100 in a minute and gets them in a second
 * is understood after a few requests. Below the half of what was allowed the measure may say more about our rests.
 */
function rateInUse(t: Throttle, nowMs: number): number | null {
  const confirmed = confirmedRate(t, nowMs);
  if (t.rate === null) return confirmed;
  return confirmed === null ? t.rate : Math.min(t.rate, Math.max(confirmed, t.rate / 2));
}

const CONNECTIONS =
  /(?:concurrent|simultaneous|number of|too many|max\w*|trop de) (?:\w+ )?(?:connections?|connexions?|sessions?)|4\.7\.652\b|connections? limit/i;
const RATES = /rate|per (?:second|minute|hour|day)|unusual|volume|too fast/i;

/** Of connections, and of nothing else. */
export function speaksOfConnections(reply: string): boolean {
  return CONNECTIONS.test(reply) && !RATES.test(reply);
}

/** The provider's own trouble, which fewer mails may help: 4xx of its system, or greylisting that goes on. */
export function isTrouble(e: Evidence): boolean {
  if (e.kind !== "refused" || e.hard || e.speaker !== "provider" || e.scope !== "provider") return false;
  return e.reason === "system" || (e.reason === "greylisted" && !e.fresh);
}

function troubled(t: Throttle, { nowMs, outstanding }: { nowMs: number; outstanding: number }): Throttle {
  const strain = Math.min(t.strain + STRAIN.bad, STRAIN.most);
  const strainedMs = t.strain === 0 ? nowMs : t.strainedMs;
  const isBegun = confirmedRate(t, nowMs) !== null && spanMs(t, nowMs) >= BEGUN_MS;
  const lasts = nowMs - strainedMs >= TROUBLE_MS && nowMs - t.cutMs >= TROUBLE_MS;
  if (strain < STRAIN.limit || !isBegun || !lasts) return { ...t, strain, strainedMs };
  const inUseNow = rateInUse(t, nowMs) ?? LOWEST_RATE;
  const asked = t.rate === null ? inUseNow : Math.max(t.asked, inUseNow);
  const rate = Math.max(LOWEST_RATE, asked * TROUBLE_FLOOR, inUseNow * EASE);
  // A request of the provider stays what it is, whatever its troubles.
  const step =
    t.rate === null ? asked / RAISES_AFTER_TROUBLE : Math.min(t.step, asked / RAISES_AFTER_TROUBLE);
  const most = inUse(t, outstanding);
  const atOnce = t.atOnce === null ? null : Math.min(t.atOnce, Math.max(1, most * EASE));
  return { ...t, strain, strainedMs, cutMs: nowMs, raisedMs: nowMs, asked, rate, step, atOnce };
}

export interface Paced {
  throttle: Throttle;
  /** How long the provider wants us to wait, at least; null: it does not say. */
  waitMs: number | null;
}

/**
 * Steps the pace of a lane by what the breaker has just heard. `slowed`: requests since the last confirmation, this one
 * included; 0 where it is none.
 */
export function stepThrottle(
  t: Throttle,
  e: Evidence,
  at: { nowMs: number; outstanding: number; slowed: number },
): Paced {
  if (e.kind === "confirmed") return { throttle: eased(t, at), waitMs: null };
  if (at.slowed > 0 && isPace(e)) {
    const hint = hintOf(e.reply);
    // What a page says of all such replies is for those that come again.
    const waitMs = hint === null || (hint.basis === "page" && at.slowed < 2) ? null : hint.waitMs;
    return { throttle: slowedDown(t, { ...at, reply: e.reply }), waitMs };
  }
  return { throttle: isTrouble(e) ? troubled(t, at) : t, waitMs: null };
}

/** A place that nobody took is good for so long: workers look every tenth of a second. */
const BURST_MS = 200;
/** A state later than that comes from a clock that was put back. */
const FAR_INTERVALS = 1_000;

function intervalOf(rate: number): number {
  return 1000 / rate;
}

/** Mails that may be claimed now by the rate, and when there will be another one; without a rate any number. */
export function placesNow(t: Throttle, nowMs: number): { count: number; nextMs: number } {
  if (t.rate === null) return { count: Number.POSITIVE_INFINITY, nextMs: nowMs };
  const first = firstPlace(t, t.rate, nowMs);
  if (first > nowMs) return { count: 0, nextMs: first };
  return { count: Math.floor((nowMs - first) / intervalOf(t.rate)) + 1, nextMs: nowMs };
}

/** So many places were taken. */
export function takePlaces(t: Throttle, nowMs: number, count: number): Throttle {
  if (t.rate === null || count === 0) return t;
  return { ...t, tatMs: firstPlace(t, t.rate, nowMs) + count * intervalOf(t.rate) };
}

function firstPlace({ tatMs }: Throttle, rate: number, nowMs: number): number {
  if (tatMs > nowMs + FAR_INTERVALS * intervalOf(rate)) return nowMs;
  return Math.max(tatMs, nowMs - BURST_MS);
}

/** Mails that may be out at once. */
export function mostAtOnce({ atOnce }: Throttle): number {
  return atOnce === null ? Number.POSITIVE_INFINITY : Math.max(1, Math.floor(atOnce));
}

/** "with 10 mails at once and 30 a minute": the limits in words; empty without any. */
export function describeLimits(t: Throttle): string {
  const parts: string[] = [];
  if (t.atOnce !== null) parts.push(`${mostAtOnce(t)} ${mostAtOnce(t) === 1 ? "mail" : "mails"} at once`);
  if (t.rate !== null) {
    const a =
      t.rate >= 2 ? `${Math.round(t.rate)} a second` : `${Math.max(1, Math.round(t.rate * 60))} a minute`;
    parts.push(a);
  }
  return parts.length === 0 ? "" : `with ${parts.join(" and ")}`;
}
