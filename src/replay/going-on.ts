// When a lane of a replay goes on: a rest or a timed hold is over by the log's own time, or the log shows that a person
// resumed it. Half-open, as a real resume.
import { halfOpen } from "../breaker/half-open.ts";
import type { Lane } from "./book.ts";

/** Ends what only lasts for a time. */
export function endTimes(lane: Lane, nowMs: number): void {
  const { record } = lane;
  if (record.untilMs === null || nowMs < record.untilMs) return;
  if (record.state === "backing-off") {
    record.state = "ramping";
    record.untilMs = null;
  } else if (record.state === "held") {
    halfOpen(record);
    lane.halt = null;
  }
}

/** A person let it go on, whatever held it. */
export function resumeHalted(lane: Lane, nowMs: number): void {
  const { campaign, route } = lane;
  if (lane.record.state === "held") halfOpen(lane.record);
  if (campaign.halt !== null) campaign.resumedMs = nowMs;
  lane.halt = null;
  campaign.halt = null;
  route.halt = null;
}
