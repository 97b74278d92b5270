// How long the other side asks us to wait: read from its reply, or from what it writes about that reply on its own
// page. Pure; what the wait is used for - a delivery's next try, a lane's rest - is decided by the callers.
import { readReply } from "./reply-text.ts";

export interface Hint {
  /** Between 30 s and 4 h, whatever was asked. */
  waitMs: number;
  /** The reply names the time itself, or the provider's page does for all replies of this kind. */
  basis: "reply" | "page";
}

const SHORTEST_MS = 30_000;
const LONGEST_MS = 4 * 60 * 60_000;

/** null: no time is named. */
export function hintOf(reply: string | null): Hint | null {
  if (reply === null) return null;
  const text = readReply(reply).folded;
  const saidMs = clockIn(text) ?? spanIn(text) ?? secondsIn(text);
  if (saidMs !== null && saidMs > 0) return { waitMs: bounded(saidMs), basis: "reply" };
  const page = PAGES.find(({ pattern }) => pattern.test(text));
  return page === undefined ? null : { waitMs: bounded(page.waitMs), basis: "page" };
}

function bounded(ms: number): number {
  return Math.min(Math.max(ms, SHORTEST_MS), LONGEST_MS);
}

/** What asks for a wait. Without such a word a time is one of a limit ("300 mails in 5 minutes") or of something past. */
const ASKING =
  "re-?try(?:ing)?|try(?:ing)?|again|come back|wait|resend|reconnect|back off|gr[ea]y-?list(?:ed|ing)?|defer(?:red)?|delay(?:ed)?|postponed|suspended|later|allow|reessayer|patienter|patientez|erneut|versuchen";
/** Between that word and the time: no other number, and nothing that makes the time one of a limit. */
const BETWEEN = "(?:(?!\\b(?:per|limits?|than|last|past|every|max(?:imum)?|ago|since)\\b)[^0-9]){0,40}?";
const NUMBER = "(\\d{1,5}|an?|one|two|five|ten|fifteen|thirty|une?|eine[r]?)";
const UNIT =
  "(s|secs?|seconds?|secondes?|sekunden?|m|mins?|minutes?|minuten?|h|hrs?|hours?|heures?|stunden?)";

const ASKED_THEN_SPAN = new RegExp(`\\b(?:${ASKING})\\b${BETWEEN}\\b${NUMBER}[ -]?${UNIT}\\b`);
const SPAN_THEN_ASKED = new RegExp(
  `\\b(?:in|after|for|dans) ${NUMBER}[ -]?${UNIT}\\b.{0,30}\\b(?:${ASKING})\\b`,
);
const WORDS: Readonly<Record<string, number>> = {
  a: 1,
  an: 1,
  one: 1,
  un: 1,
  une: 1,
  eine: 1,
  einer: 1,
  two: 2,
  five: 5,
  ten: 10,
  fifteen: 15,
  thirty: 30,
};

function spanIn(text: string): number | null {
  const match = ASKED_THEN_SPAN.exec(text) ?? SPAN_THEN_ASKED.exec(text);
  const [, number, unit] = match ?? [];
  if (number === undefined || unit === undefined) return null;
  const count = WORDS[number] ?? Number(number);
  const unitMs =
    unit.startsWith("s") && !unit.startsWith("st") ? 1_000 : unit.startsWith("m") ? 60_000 : 3_600_000;
  return count * unitMs;
}

/** As milter-greylist writes it: hours, minutes, seconds. */
const CLOCK = new RegExp(`\\b(?:${ASKING})\\b${BETWEEN}\\b(\\d{1,2}):(\\d{2}):(\\d{2})\\b`);

function clockIn(text: string): number | null {
  const [, hours, minutes, seconds] = CLOCK.exec(text) ?? [];
  if (hours === undefined) return null;
  return (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1000;
}

/** As the header of HTTP (RFC 9110 section 10.2.3), which some front ends repeat: seconds without a unit. */
const RETRY_AFTER = /\bretry[- ]after[:= ]{1,2}(\d{1,5})\b(?![.:])/;

function secondsIn(text: string): number | null {
  const [, seconds] = RETRY_AFTER.exec(text) ?? [];
  return seconds === undefined ? null : Number(seconds) * 1000;
}

export interface PageHint {
  /** Of the folded reply. */
  pattern: RegExp;
  waitMs: number;
  source: string;
  examples: readonly string[];
}

/** What providers write about replies that name no time. */
export const PAGES: readonly PageHint[] = [
  {
    // "try to resend ... 4 hours after you receive the error"; that it comes again means that it was too early.
    pattern: /\[tss?\d{2}\]|messages from .{0,45}temporarily deferred/,
    waitMs: 4 * 60 * 60_000,
    source: "https://help.yahoo.com/kb/review-xx-smtp-sln26151.html",
    examples: [
      "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected volume or user complaints - 4.16.55.1; see https://postmaster.yahooinc.com/error-codes",
      "421 4.7.0 [TS02] Messages from 192.0.2.1 temporarily deferred - 4.16.56.1",
    ],
  },
];
