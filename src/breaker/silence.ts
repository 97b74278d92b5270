// A lane behind a relay that has used up its window and hears nothing good: whether it waits, grows by the soak alone, or
// is blind; and the words that say why. Pure: what the intakes and the sentinel say is handed in.
import type { LaneRecord } from "./lane-record.ts";
import { roomOf } from "./lane-record.ts";
import { FRESH_MEMORY, placesHeld } from "./ramp-memory.ts";

/** A relay that confirms nothing for so many soaks tells us nothing. */
export const SOAKS_UNTIL_BLIND = 3;
/** What a lane may have out without one sign of an arrival, until a person decides. */
export const UNCONFIRMED_CAP = 100;

/** What the configuration lets us hear of mails that a relay took. */
export interface Hearing {
  /** Some intake is configured. */
  any: boolean;
  /** One of them tells of arrivals too: a relay's log, a service's webhook. */
  arrivals: boolean;
}

export const DEAF: Hearing = { any: false, arrivals: false };

/** What is known of a route's reports at this moment. */
export interface RouteHearing extends Hearing {
  /** Why reports cannot be seen now, in words; null: some intake is read, and keeps up. */
  trouble: string | null;
  /** When it was last proven that bad news would be seen, ms; null: it is not. */
  provenMs: number | null;
  /** What became of the sentinel, in words; null: none was sent. */
  sentinel: string | null;
}

export type Verdict =
  | { is: "waiting" }
  /** It would have grown by now. */
  | { is: "kept"; why: string }
  | { is: "grown"; window: number }
  | { is: "blind"; why: string }
  /** Nothing is left to send, and no more news is waited for. */
  | { is: "done" };

/** `hasMore`: deliveries wait to be claimed. The lane is ramping or open and has nothing claimed or on the wire. */
export function judgeSilence(
  lane: LaneRecord,
  {
    hasMore,
    hearing,
    nowMs,
    soakMs,
  }: { hasMore: boolean; hearing: RouteHearing; nowMs: number; soakMs: number },
): Verdict {
  const memory = lane.pulse.ramp ?? FRESH_MEMORY;
  const lastMs = lane.lastHandoverMs ?? nowMs;
  const isSilent = Math.max(lastMs, memory.signMs ?? 0) + SOAKS_UNTIL_BLIND * soakMs <= nowMs;
  if (!hasMore) {
    // Nobody waits for news that nobody can bring.
    const over = lane.unconfirmed === 0 || lane.byPerson || isSilent || !hearing.any;
    return over ? { is: "done" } : { is: "waiting" };
  }
  if (lane.feedback !== "relay" || lane.byPerson || lane.unconfirmed === 0 || roomOf(lane) > 0)
    return { is: "waiting" };
  const soaked = lastMs + soakMs <= nowMs;
  const bySoak = hearing.any && !hearing.arrivals && memory.delayed === 0 && lane.window < UNCONFIRMED_CAP;
  if (soaked && bySoak && isProven(hearing, nowMs, soakMs))
    return { is: "grown", window: Math.min(lane.window * 2, UNCONFIRMED_CAP) };
  if (isSilent) return { is: "blind", why: whyBlind(lane, hearing, soakMs) };
  const keeps = soaked ? whyKept(hearing, nowMs, soakMs) : null;
  return keeps === null ? { is: "waiting" } : { is: "kept", why: keeps };
}

/** Bad news would be seen: something that must come back did, or other mail came within the soak. */
function isProven({ trouble, provenMs }: RouteHearing, nowMs: number, soakMs: number): boolean {
  return trouble === null && provenMs !== null && provenMs + soakMs >= nowMs;
}

function whyKept(hearing: RouteHearing, nowMs: number, soakMs: number): string | null {
  if (!hearing.any) return null;
  if (hearing.trouble !== null) return `Reports cannot be seen: ${hearing.trouble}`;
  if (hearing.arrivals || isProven(hearing, nowMs, soakMs)) return null;
  return `Nothing proves that reports come back. ${hearing.sentinel ?? "No sentinel was sent."}`;
}

function whyBlind(lane: LaneRecord, hearing: RouteHearing, soakMs: number): string {
  const memory = lane.pulse.ramp ?? FRESH_MEMORY;
  const out = placesHeld(memory, lane.unconfirmed);
  const mails = out === 1 ? "1 mail" : `${out} mails`;
  const since = shownDuration(SOAKS_UNTIL_BLIND * soakMs);
  if (memory.delayed > 0) {
    const all = memory.delayed >= out ? "all of them" : `${memory.delayed} of them`;
    return `The relay took ${mails} and says that it could not pass on ${all}: for ${since} none has arrived.`;
  }
  if (!hearing.any) return `The relay took ${mails}, and nothing is configured that would tell of them.`;
  if (hearing.trouble !== null)
    return `The relay took ${mails}, and for ${since} reports could not be seen: ${hearing.trouble}`;
  if (hearing.arrivals)
    return `The relay took ${mails}, and for ${since} it was not told of one that it has arrived.`;
  const sentinel = hearing.sentinel === null ? "" : ` ${hearing.sentinel}`;
  if (lane.window >= UNCONFIRMED_CAP)
    return `${mails} are out, none came back, and nothing here can tell of one that has arrived.${sentinel} So many go without a person's word, and no more.`;
  return `The relay took ${mails}; nothing here can tell of one that has arrived, and nothing proves that those would be seen which come back.${sentinel}`;
}

/** "40 s", "3 min", "2 h". */
export function shownDuration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 100) return `${seconds} s`;
  if (seconds < 100 * 60) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3600)} h`;
}
