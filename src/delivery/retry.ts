// When a deferred delivery is tried again. Waits grow with what was waited so far, not with the number of tries:
// a lane that was held for a day does not come back with every retry exhausted. Pure, and the jitter comes from
// the delivery itself, so that the same history always gives the same plan. What the other side asks for is granted.
import type { Hint } from "../bounce/hint.ts";

/** Only time spent waiting between tries counts; a hold does not use it up. */
export const RETRY_DEADLINE_SECONDS = 24 * 60 * 60;

const FIRST_SECONDS = 30;
const LONGEST_SECONDS = 60 * 60;
/** Each wait is moved by up to this share, so that a thousand deferred together do not come back together. */
const JITTER = 0.2;

/** 30 s, then as long as was waited before in all, at most an hour; +-20 %. Whole seconds, at least one. */
export function retryDelaySeconds(delivery: { id: number; try: number; waited: number }): number {
  const base = Math.min(Math.max(FIRST_SECONDS, delivery.waited), LONGEST_SECONDS);
  const share = hash01(delivery.id * 31 + delivery.try);
  return Math.max(1, Math.round(base * (1 - JITTER + 2 * JITTER * share)));
}

/**
 * The same, and never before what was asked for. A page's word is about replies that come again: it is heard from the
 * second one on. Who asks for the same minute all day gets our own, growing waits.
 */
export function hintedDelaySeconds(
  delivery: { id: number; try: number; waited: number },
  hint: Hint | null,
): number {
  const own = retryDelaySeconds(delivery);
  if (hint === null || (hint.basis === "page" && delivery.waited === 0)) return own;
  const share = hash01(delivery.id * 31 + delivery.try);
  return Math.max(own, Math.ceil((hint.waitMs / 1000) * (1 + JITTER * share)));
}

/** A number in [0, 1) that looks random and is always the same for the same `n`. */
function hash01(n: number): number {
  let x = (n ^ 0x9e3779b9) >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x45d9f3b) >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x45d9f3b) >>> 0;
  return ((x ^ (x >>> 16)) >>> 0) / 2 ** 32;
}
