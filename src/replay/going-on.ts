// When a lane of a replay goes on: a rest or a timed hold is over by the log's own time, or the log shows that a person
// resumed it. Half-open, as a real resume.
import { DETECTORS, type DetectorName } from "../breaker/evidence.ts";
import type { LaneRecord } from "../breaker/lane-record.ts";
import type { Lane } from "./book.ts";

/** Ends what only lasts for a time. */
export function endTimes(lane: Lane, nowMs: number): void {
  const { record } = lane;
  if (record.untilMs === null || nowMs < record.untilMs) return;
  if (record.state === "backing-off") {
    record.state = "ramping";
    record.untilMs = null;
  } else if (record.state === "held") {
    reopen(record);
    lane.halt = null;
  }
}

/** A person let it go on, whatever held it. */
export function resumeHalted(lane: Lane, nowMs: number): void {
  const { campaign, route } = lane;
  if (lane.record.state === "held") reopen(lane.record);
  if (campaign.halt !== null) campaign.resumedMs = nowMs;
  lane.halt = null;
  campaign.halt = null;
  route.halt = null;
}

const AT_REST = Object.fromEntries(DETECTORS.map((name) => [name, 0])) as Record<DetectorName, number>;

function reopen(record: LaneRecord): void {
  const { units } = record.pulse;
  record.state = "ramping";
  record.epoch += 1;
  record.untilMs = null;
  record.hold = null;
  record.window = 1;
  // An organisation that was set aside stays so.
  const aside = Object.entries(units).filter(([, refusals]) => refusals > 1);
  record.pulse = {
    ...record.pulse,
    ...AT_REST,
    cohort: 0,
    slowed: 0,
    deferredMs: 0,
    complaints: 0,
    cause: null,
    units: Object.fromEntries(aside),
    recent: [],
    halfOpen: true,
  };
}
