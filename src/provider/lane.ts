// The lane: one campaign x one provider, the unit that ramps, is throttled, is held and is shown. This file
// holds its states; how its numbers step is decided in breaker/, why it was stopped stands in breaker/hold.ts.
import type { Moves } from "../transition.ts";

export type LaneState = "ramping" | "open" | "backing-off" | "blind" | "held" | "done";

/** `done` may be held by late reports, and ramps again when a resume returns somebody. */
export const LANE_MOVES: Moves<LaneState> = {
  ramping: ["open", "backing-off", "blind", "held", "done"],
  open: ["backing-off", "blind", "held", "done"],
  "backing-off": ["ramping", "held", "done"],
  blind: ["ramping", "held", "done"],
  held: ["ramping"],
  done: ["held", "ramping"],
};

/** A lane whose work may be claimed and sent. */
export function isRunnable(state: LaneState): boolean {
  return state === "ramping" || state === "open";
}
