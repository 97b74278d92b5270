// One line of an outcome log as a replay takes it: whole, or refused with the field and the reason. What may be missing
// (attempt, provider, reason, fault, scope) is worked out: the provider by the table of domains, without DNS; the
// meaning by the classifier.
import { adviceFor } from "../bounce/advice.ts";
import { classificationOf } from "../bounce/by-reason.ts";
import { classifyReply } from "../bounce/classifier.ts";
import {
  type Classification,
  FAULT_OF,
  FAULTS,
  type Fault,
  type Reason,
  SCOPES,
  type Scope,
} from "../bounce/reason.ts";
import { providerOfDomain } from "../provider/directory.ts";
import { OTHER } from "../provider/provider.ts";
import { LOG_EVENTS, type LogEvent } from "../report/outcome-log.ts";
import type { Id, Problem, ReplayEvent } from "./event.ts";
import { createQuickReader } from "./quick.ts";

export interface EventReader {
  read(line: string): ReplayEvent | Problem;
}

/** Texts that are remembered with what they mean; a refusal says mostly the same. */
const KNOWN_TEXTS = 20_000;

export function createEventReader(): EventReader {
  const known = new Map<string, Classification>();
  const meaningOf = (row: Row, provider: string): Classification | Problem => {
    for (const field of ["reason", "fault", "scope"] as const) {
      const value = row[field] ?? null;
      if (value !== null && typeof value !== "string") return refused(field, "is not a text");
    }
    // Where the log says what the words mean, they are not read.
    const words = typeof row.reason === "string" && typeof row.scope === "string" ? "" : row.reply;
    const key = `${row.event}\n${provider}\n${row.reason}\n${row.fault}\n${row.scope}\n${words}`;
    const before = known.get(key);
    if (before !== undefined) return before;
    const meaning = workOut(row, provider);
    if ("field" in meaning) return meaning;
    if (known.size >= KNOWN_TEXTS) known.clear();
    known.set(key, meaning);
    return meaning;
  };
  const quick = createQuickReader();
  return { read: (line) => quick(line) ?? readEvent(line, meaningOf) };
}

interface Row {
  at?: unknown;
  campaign?: unknown;
  delivery?: unknown;
  attempt?: unknown;
  recipient?: unknown;
  provider?: unknown;
  event?: unknown;
  reply?: unknown;
  reason?: unknown;
  fault?: unknown;
  scope?: unknown;
}

function readEvent(
  line: string,
  meaningOf: (row: Row, provider: string) => Classification | Problem,
): ReplayEvent | Problem {
  let row: Row;
  try {
    row = JSON.parse(line);
  } catch {
    return { field: null, reason: "is not JSON" };
  }
  if (typeof row !== "object" || row === null || Array.isArray(row)) {
    return { field: null, reason: "is not an object" };
  }
  const { event, campaign, delivery, recipient } = row;
  if (!isLogEvent(event)) return refused("event", `is not one of ${LOG_EVENTS.join(", ")}`);
  const atMs = typeof row.at === "string" && DATED.test(row.at) ? Date.parse(row.at) : Number.NaN;
  if (Number.isNaN(atMs)) return refused("at", 'is not a time such as "2027-04-28T06:00:00Z"');
  if (!isId(campaign)) return refused("campaign", "is neither a whole number nor a text");
  if (!isId(delivery)) return refused("delivery", "is neither a whole number nor a text");
  const attempt = row.attempt ?? null;
  if (attempt !== null && !(isWhole(attempt) && attempt >= 1 && attempt <= MOST_ATTEMPTS))
    return refused("attempt", "is not a whole number from 1 on");
  if (typeof recipient !== "string") return refused("recipient", "is not a text");
  const reply = row.reply ?? null;
  if (reply !== null && typeof reply !== "string") return refused("reply", "is not a text");
  const domain = recipient.slice(recipient.lastIndexOf("@") + 1 || recipient.length).toLowerCase();
  const given = row.provider ?? null;
  if (given !== null && (typeof given !== "string" || given === ""))
    return refused("provider", "is not the id of a provider");
  if (given === null && domain === "")
    return refused("recipient", "has no domain, and the line names no provider");
  const provider = given ?? providerOfDomain(domain) ?? OTHER;
  let classification: Classification | null = null;
  if (event !== "accepted" && event !== "uncertain") {
    const meaning = meaningOf(row, provider);
    if ("field" in meaning) return meaning;
    classification = meaning;
  }
  return { atMs, campaign, delivery, attempt, recipient, domain, provider, event, reply, classification };
}

/** A date alone says no moment, and what else Date.parse guesses at depends on where it runs. */
const DATED = /^\d{4}-\d\d-\d\dT\d\d:\d\d/;
/** A resume makes a new one; nobody resumes so often. */
const MOST_ATTEMPTS = 1_000_000;

function refused(field: string, reason: string): Problem {
  return { field, reason };
}

function isLogEvent(value: unknown): value is LogEvent {
  return (LOG_EVENTS as readonly unknown[]).includes(value);
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

function isId(value: unknown): value is Id {
  return (isWhole(value) && value >= 0) || (typeof value === "string" && value !== "");
}

/** For a log that says whose fault it was and not why. */
const REASON_OF: Readonly<Record<Fault, Reason>> = {
  sender: "policy",
  address: "user-unknown",
  temporary: "system",
  content: "spam",
  recipient: "filtered",
  feedback: "complaint",
  none: "notice",
  unknown: "unclassified",
};

function workOut(row: Row, provider: string): Classification | Problem {
  const { event, reply } = row;
  const reason = row.reason ?? null;
  const fault = row.fault ?? null;
  const scope = row.scope ?? null;
  if (reason !== null && !isReason(reason)) return refused("reason", "is none that Bellwether knows");
  if (fault !== null && !(FAULTS as readonly unknown[]).includes(fault))
    return refused("fault", `is not one of ${FAULTS.join(", ")}`);
  if (scope !== null && !(SCOPES as readonly unknown[]).includes(scope))
    return refused("scope", `is not one of ${SCOPES.join(", ")}`);
  if (reason !== null && fault !== null && FAULT_OF[reason] !== fault)
    return refused("fault", `is "${fault}", but "${reason}" is a fault of ${FAULT_OF[reason]}`);
  const over = event !== "deferred";
  const told = event === "complained" || (reason !== null && scope !== null);
  const said = told ? null : readReply(reply, provider);
  const why =
    reason ??
    (event === "complained"
      ? "complaint"
      : fault !== null && said?.fault !== fault
        ? REASON_OF[fault as Fault]
        : (said?.reason ?? "unclassified"));
  // Where the words say the same as the log, they know more about it than the reason alone.
  const base =
    said !== null && said.reason === why
      ? said
      : { ...classificationOf(why, { over }), provider, advice: adviceFor(why) };
  return { ...base, hard: over, scope: scope === null ? base.scope : (scope as Scope) };
}

function readReply(reply: unknown, provider: string): Classification | null {
  return typeof reply === "string" ? classifyReply(reply, { provider }) : null;
}

function isReason(value: unknown): value is Reason {
  return typeof value === "string" && Object.hasOwn(FAULT_OF, value);
}
