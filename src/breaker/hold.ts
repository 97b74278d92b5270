// The hold card: why a lane was stopped, for its three readers - who must act now, who must repair, who answers
// the phone. Sentences only; whether to hold was decided in breaker.ts.
import { adviceFor, describeReason } from "../bounce/advice.ts";
import type { Fault, Reason, Scope } from "../bounce/reason.ts";
import { redactReply } from "../bounce/redact.ts";
import { providerTitle } from "../provider/directory.ts";
import type { Trip } from "./breaker.ts";

/** Why a lane was stopped. Kept with the lane until it is resumed. */
export interface Hold {
  reason: Reason;
  fault: Fault;
  scope: Scope;
  /** Which statistic tripped. */
  detector: string;
  /** ISO time. */
  at: string;
  /** What happened, in one sentence. */
  message: string;
  /** What an engineer must do: record, value, where. */
  advice: string;
  /** What to tell clients who ask on the phone. */
  tell: string;
  /** Up to three verbatim replies, redacted. */
  evidence: string[];
  /** Mails that were on the wire when the lane was held and ended after it. */
  leaked: number;
  /** ISO time from which a resume makes sense, after a trial that failed; absent: at once. */
  resumeFrom?: string;
}

export interface HoldInput {
  provider: string;
  trip: Trip;
  nowMs: number;
  /** The last replies that counted, oldest first. */
  replies: readonly string[];
  /** The classifier's own advice for the reply that tripped; the reason's general one without it. */
  advice?: string | undefined;
}

export function describeHold({ provider, trip, nowMs, replies, advice }: HoldInput): Hold {
  const who = trip.scope === "route" ? "Your own relay" : providerTitle(provider);
  return {
    reason: trip.reason,
    fault: trip.fault,
    scope: trip.scope,
    detector: trip.detector,
    at: new Date(nowMs).toISOString(),
    message: `${who} ${messageOf(trip, nowMs)}`,
    advice: advice ?? adviceFor(trip.reason),
    tell: tellOf(who, trip),
    evidence: replies.slice(-3).map((reply) => redactReply(reply)),
    leaked: 0,
  };
}

/** Held because addresses "do not exist": none of them is proven gone by it. */
export function doubtsAddresses(hold: Pick<Hold, "detector"> | null): boolean {
  return hold?.detector === "address" || hold?.detector === "provider-incident";
}

/** A person's order: nothing is anybody's fault. `scope` "provider": for every campaign; "route" never. */
export function describeHandHold(options: {
  provider: string;
  /** ISO time. */
  at: string;
  why: string;
  /** Every campaign's mail to it, or this one's alone. */
  all: boolean;
}): Hold {
  const { provider, at, why, all } = options;
  const who = providerTitle(provider);
  return {
    reason: "notice",
    fault: "none",
    scope: "provider",
    detector: "person",
    at,
    message: `A person holds ${all ? "all mail" : "this campaign's mail"} to ${who}: ${why} Nothing more is sent there until somebody resumes it.`,
    advice: "Nothing is broken as far as is known: ask whoever gave the order.",
    tell: `We have stopped our mail to ${who} for a moment. Nothing is wrong with your mailbox; you get the notice later.`,
    evidence: [],
    leaked: 0,
  };
}

/** "14:05 UTC on 28 April" is too long for who looks on the same day: hour and minute. */
export function shownHour(ms: number): string {
  return `${new Date(ms).toISOString().slice(11, 16)} UTC`;
}

function messageOf(trip: Trip, nowMs: number): string {
  const what = describeReason(trip.reason);
  if (trip.detector === "provider-incident")
    return "says that addresses do not exist which took our mail not long ago. It is most likely disturbed: nobody is marked as gone.";
  if (trip.detector === "deferral")
    return `has put off all our mail for half an hour and longer: ${what}. The lane rests and goes on by itself.`;
  if (trip.detector === "complaint")
    return "hears too many complaints about this mail from those who got it. Nothing more is sent there until you resume.";
  switch (trip.fault) {
    case "sender":
      return trip.detector === "pace"
        ? `keeps asking for fewer mails: ${what}. The lane rests${untilOf(trip, nowMs)} and goes on by itself.`
        : `refuses our mail, and the cause lies with us: ${what}. Nothing more is sent there until you resume.`;
    case "content":
      return `refuses this message for what it contains: ${what}. Nothing more is sent there until you resume.`;
    case "address":
      return `says that too many of these addresses do not exist: ${what}. The list may be old, or the provider disturbed.`;
    default:
      return "refuses our mail in words that are not known. Read the replies below before you resume.";
  }
}

function untilOf({ resumeAfterMs }: Trip, nowMs: number): string {
  return resumeAfterMs === undefined ? "" : ` until ${shownHour(nowMs + resumeAfterMs)}`;
}

function tellOf(who: string, trip: Trip): string {
  if (trip.scope === "route") {
    return "Our own mail system is disturbed at the moment. Nothing is wrong with your mailbox; you get the notice as soon as we have repaired it.";
  }
  if (trip.fault === "address") {
    return "We are checking our list of addresses. Please tell us the address at which you read mail.";
  }
  if (trip.detector === "provider-incident")
    return `${who} is disturbed at the moment. Your address is fine; you get the notice as soon as they have repaired it.`;
  if (trip.detector === "complaint")
    return "We have stopped this mail, as several readers did not want it. You need not do anything.";
  if (trip.detector === "pace" || trip.detector === "deferral")
    return `Mail to ${who} is slow at the moment; the notice is on its way.`;
  return `${who} does not accept our mail at the moment. Nothing is wrong with your mailbox; you get the notice as soon as we have repaired our side.`;
}
