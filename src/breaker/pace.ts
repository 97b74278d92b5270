// What a lane's step means for its pace: the throttle is stepped with the same evidence, what the provider says about
// waiting prolongs the rest or the hold that the breaker ordered, and the rest is put into words.
import { providerTitle } from "../provider/directory.ts";
import type { LaneStep } from "./breaker.ts";
import type { Evidence } from "./evidence.ts";
import { slows } from "./evidence.ts";
import { shownHour } from "./hold.ts";
import type { LaneRecord } from "./lane-record.ts";
import { describeLimits, stepThrottle } from "./throttle.ts";

/** Completes `step`, which was made of `lane` and `evidence`. */
export function pace(lane: LaneRecord, step: LaneStep, evidence: Evidence, nowMs: number): void {
  const slowed = slows(evidence) ? step.pulse.slowed : 0;
  const { outstanding } = lane;
  const paced = stepThrottle(step.pulse.throttle, evidence, { nowMs, outstanding, slowed });
  step.pulse.throttle = paced.throttle;
  if (paced.waitMs === null) return;
  if (step.restMs !== null) step.restMs = Math.max(step.restMs, paced.waitMs);
  if (step.trip?.resumeAfterMs !== undefined)
    step.trip = { ...step.trip, resumeAfterMs: Math.max(step.trip.resumeAfterMs, paced.waitMs) };
}

/** For the timeline: until when a lane rests that was just asked for less. */
export function describeRest({ provider, untilMs, pulse }: LaneRecord): string {
  const until = untilMs === null ? "" : ` until ${shownHour(Math.ceil(untilMs / 60_000) * 60_000)}`;
  const limits = describeLimits(pulse.throttle);
  const how = limits === "" ? "" : `, ${limits} at most`;
  return `${providerTitle(provider)} asks for fewer mails: the lane rests${until} and goes on by itself${how}.`;
}
