// A lane's row as the deciding code sees it: everything that a settle reads and writes under the lane's lock.
import type { LaneState } from "../provider/lane.ts";
import type { Pulse } from "./breaker.ts";
import type { Hold } from "./hold.ts";
import { FRESH_MEMORY, placesHeld } from "./ramp-memory.ts";
import { mostAtOnce } from "./throttle.ts";

export interface LaneRecord {
  id: number;
  campaignId: number;
  provider: string;
  route: string;
  feedback: "relay" | "final";
  state: LaneState;
  epoch: number;
  /** Deliveries planned in this lane. */
  size: number;
  window: number;
  /** claimed + sending. */
  outstanding: number;
  /** Handed over to a relay and not confirmed yet. */
  unconfirmed: number;
  /** Tries that reached the wire and were answered or lost. */
  sent: number;
  pulse: Pulse;
  hold: Hold | null;
  /** When a rest or a timed hold ends, ms since the epoch. */
  untilMs: number | null;
  /** When the next delivery may be claimed; null: nothing waits. */
  nextDueMs: number | null;
  lastHandoverMs: number | null;
  /** A person let the lane go on without signs from its relay. */
  byPerson: boolean;
}

/** How many more deliveries may be claimed now. */
export function roomOf(lane: LaneRecord): number {
  const atOnce = mostAtOnce(lane.pulse.throttle) - lane.outstanding;
  return Math.max(0, Math.min(lane.window - lane.outstanding - unprovenOf(lane), atOnce));
}

/** Places that are taken behind a relay, beside what is out. */
function unprovenOf({ feedback, byPerson, pulse, unconfirmed, outstanding, window }: LaneRecord): number {
  if (feedback === "final" || byPerson) return 0;
  const held = placesHeld(pulse.ramp ?? FRESH_MEMORY, unconfirmed);
  // What a provider refused through the relay makes no room for more until something has arrived: the canary is all
  // that is risked. One at a time goes on, so that the lane ends in a hold or in an arrival.
  const all = held + pulse.refusals;
  return held + outstanding === 0 ? Math.min(all, window - 1) : all;
}
