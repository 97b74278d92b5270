// How far the ramp of a lane behind a relay is, how long it will take, and what keeps it: for the report and the progress.
import { rampDurationMs } from "../breaker/ramp-duration.ts";
import { FRESH_MEMORY, placesHeld, type RampMemory } from "../breaker/ramp-memory.ts";
import { type Hearing, shownDuration } from "../breaker/silence.ts";
import type { LaneState } from "../provider/lane.ts";
import { type AtRelay, describeAtRelay } from "./at-relay.ts";

/** A lane behind a relay as its row says. */
export interface RelayedLane {
  /** At the relay, and nothing confirms them yet. */
  unconfirmed: number;
  byPerson: boolean;
  memory: RampMemory | null;
  /** The relay's ids of some of these; read for a lane that was stopped alone. */
  ids: readonly string[];
}

export interface RampReport {
  window: number;
  unconfirmed: number;
  /** How long it takes until a report tells of an arrival, in seconds; null: none came yet. */
  reportSeconds: number | null;
  /** The intake that brought the last one. */
  reportBy: string | null;
  /** About how long until the last one may leave, in seconds; null: a person must decide before. */
  seconds: number | null;
  /** What keeps it, in words. */
  why: string | null;
  /** Only of a blind lane: what the relay still holds. */
  atRelay?: AtRelay;
}

export function rampReport(
  lane: { state: LaneState; window: number; relay: RelayedLane },
  { waiting, soakMs, hearing, nowMs }: { waiting: number; soakMs: number; hearing: Hearing; nowMs: number },
): RampReport {
  const { unconfirmed, byPerson, ids } = lane.relay;
  const memory = lane.relay.memory ?? FRESH_MEMORY;
  const arrivals = hearing.arrivals || memory.asked || memory.signs > 0;
  const starts = Math.max(0, (memory.startsMs ?? nowMs) - nowMs);
  const ahead = byPerson
    ? 0
    : lane.state === "blind"
      ? null
      : rampDurationMs({
          left: waiting,
          window: lane.window,
          out: placesHeld(memory, unconfirmed),
          confirmMs: memory.tookMs ?? soakMs,
          // Before the first mail nobody knows whether the relay tells of arrivals.
          bySoak: !arrivals && unconfirmed > 0,
        });
  const never = ahead === null || (ahead > 0 && !hearing.any && !arrivals);
  const atRelay = lane.state === "blind" ? describeAtRelay(unconfirmed, ids) : null;
  return {
    window: lane.window,
    unconfirmed,
    reportSeconds: memory.tookMs === null ? null : Math.round(memory.tookMs / 1000),
    reportBy: memory.by,
    seconds: never ? null : Math.round((starts + ahead) / 1000),
    why: memory.why,
    ...(atRelay === null ? {} : { atRelay }),
  };
}

/** "about 3 min"; null: nothing worth a word. */
export function shownRamp(ramp: RampReport): string | null {
  if (ramp.seconds === null || ramp.seconds < 1) return null;
  return `about ${shownDuration(ramp.seconds * 1000)}`;
}
