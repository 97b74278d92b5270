// What a lane forgets and keeps when it is let go on after a hold: its detectors are at rest, its first mail is a trial.
// Pure; which deliveries come back is the store's.
import { LANE_MOVES } from "../provider/lane.ts";
import { move } from "../transition.ts";
import { DETECTORS, type DetectorName } from "./evidence.ts";
import type { LaneRecord } from "./lane-record.ts";
import { afterResume } from "./ramp-memory.ts";

const AT_REST = Object.fromEntries(DETECTORS.map((name) => [name, 0])) as Record<DetectorName, number>;

/** Changes `lane`: half-open, under a new epoch. Throws `illegal-transition` from a state that nothing holds. */
export function halfOpen(lane: LaneRecord): void {
  lane.state = move("lane", LANE_MOVES, lane.state, "ramping");
  lane.epoch += 1;
  lane.untilMs = null;
  lane.hold = null;
  lane.window = 1;
  lane.pulse = {
    ...lane.pulse,
    ...AT_REST,
    cohort: 0,
    slowed: 0,
    deferredMs: 0,
    complaints: 0,
    refusals: 0,
    cause: null,
    // An organisation that was set aside stays so until somebody asks for it by name.
    units: Object.fromEntries(setAsideOf(lane).map((unit) => [unit, lane.pulse.units[unit] ?? 0])),
    recent: [],
    halfOpen: true,
    // What the relay still holds is not sent again, and does not keep the lane from going on.
    ramp: lane.pulse.ramp === null ? null : afterResume(lane.pulse.ramp, lane.unconfirmed),
  };
}

/** Organisations that refused us twice in this lane. */
export function setAsideOf(lane: Pick<LaneRecord, "pulse">): string[] {
  return Object.entries(lane.pulse.units)
    .filter(([, refusals]) => refusals > 1)
    .map(([unit]) => unit);
}
