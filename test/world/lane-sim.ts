// A lane played against a simulated provider in simulated time, a tenth of a second at a time: claims by what window,
// cap and rate leave, outcomes folded as a settle folds them, rests ended as the tick ends them. No database, no wire.
import { FRESH_PULSE } from "../../src/breaker/breaker.ts";
import { type LaneRecord, roomOf } from "../../src/breaker/lane-record.ts";
import { placesNow, type Throttle, takePlaces } from "../../src/breaker/throttle.ts";
import { foldLane } from "../../src/delivery/settle.ts";
import { isRunnable } from "../../src/provider/lane.ts";
import { BREAKER, outcomeFor, type Said } from "./ledger.ts";

export const TICK_MS = 100;

export interface Played {
  lane: LaneRecord;
  accepted: number;
  /** Of these, how many a second, tick by tick. */
  refused: number;
  refusedAtMs: number[];
  /** When the last mail was accepted. */
  endMs: number;
  /** What was accepted in each second. */
  perSecond: number[];
  rests: number;
  text: string[];
}

/** Sends until `mails` are accepted or the time is over. `says` is asked for each mail, in order. */
export function playLane(options: {
  mails: number;
  says: (nowMs: number, atOnce: number) => Said;
  /** Mails that the connections can carry in a second. */
  speed: number;
  connections?: number;
  limitMs: number;
  throttle?: Partial<Throttle>;
  window?: number;
}): Played {
  const { mails, says, speed, connections = 20, limitMs } = options;
  let lane: LaneRecord = {
    id: 1,
    campaignId: 1,
    provider: "google",
    route: "default",
    feedback: "final",
    state: "ramping",
    epoch: 1,
    size: mails,
    window: options.window ?? 1,
    outstanding: 0,
    unconfirmed: 0,
    sent: 0,
    pulse: { ...FRESH_PULSE, throttle: { ...FRESH_PULSE.throttle, most: connections, ...options.throttle } },
    hold: null,
    untilMs: null,
    nextDueMs: 0,
    lastHandoverMs: null,
    byPerson: false,
  };
  const played = {
    accepted: 0,
    refused: 0,
    refusedAtMs: [] as number[],
    endMs: 0,
    perSecond: [] as number[],
    rests: 0,
    text: [] as string[],
  };
  const startMs = Date.UTC(2027, 3, 27, 8);
  for (let ms = 0; ms < limitMs && played.accepted < mails; ms += TICK_MS) {
    const nowMs = startMs + ms;
    if (lane.untilMs !== null && lane.untilMs <= nowMs)
      lane = {
        ...lane,
        state: "ramping",
        untilMs: null,
        hold: null,
        window: lane.state === "held" ? 1 : lane.window,
      };
    for (let left = Math.ceil((speed * TICK_MS) / 1000); left > 0 && isRunnable(lane.state); ) {
      const places = placesNow(lane.pulse.throttle, nowMs).count;
      const count = Math.min(roomOf(lane), places, connections, left, mails - played.accepted);
      if (count <= 0) break;
      left -= count;
      lane = { ...lane, pulse: { ...lane.pulse, throttle: takePlaces(lane.pulse.throttle, nowMs, count) } };
      lane.outstanding += count;
      const settled = Array.from({ length: count }, (_, i) => {
        const outcome = outcomeFor(says(nowMs, count));
        const isTaken = outcome.event === "accepted";
        if (isTaken) played.accepted += 1;
        else {
          played.refused += 1;
          played.refusedAtMs.push(ms);
        }
        if (isTaken) played.endMs = ms;
        const second = Math.floor(ms / 1000);
        played.perSecond[second] = (played.perSecond[second] ?? 0) + Number(isTaken);
        const next = {
          state: isTaken ? "accepted" : "deferred",
          dueAtMs: nowMs + 30_000,
          waited: 30,
          losses: 0,
        } as const;
        const tried = {
          delivery: i,
          campaignId: 1,
          laneId: 1,
          attempt: 1,
          try: 1,
          epoch: lane.epoch,
          atMs: nowMs,
        };
        return {
          ...tried,
          outcome,
          next,
          from: "sending" as const,
          unit: null,
          evidence: 0,
          knownGood: false,
        };
      });
      const fold = foldLane(lane, settled, BREAKER);
      lane = fold.lane;
      played.rests += fold.events.filter((one) => one.event === "slowed").length;
      played.text.push(...fold.events.map((one) => one.text));
    }
  }
  return { lane, ...played };
}

/** Allows so many in each full second of the clock, and refuses the rest. */
export function perSecond(limit: number, refusal: Said): (nowMs: number) => Said {
  return inSpan(limit, 1000, refusal);
}

export function inSpan(limit: number, spanMs: number, refusal: Said): (nowMs: number) => Said {
  let span = -1;
  let seen = 0;
  return (nowMs) => {
    const now = Math.floor(nowMs / spanMs);
    if (now !== span) seen = 0;
    span = now;
    seen += 1;
    return seen <= limit ? "accepted" : refusal;
  };
}
