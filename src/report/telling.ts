// What all sentences of a post-mortem are made of: the facts, the moments, and the one way in which texts are redacted.
// Also the few words that several of its parts say.

import { redactReply } from "../bounce/redact.ts";
import type { Hold } from "../breaker/hold.ts";
import { type Incident, incidentOf } from "./incident-summary.ts";
import { createMinutes, type Minutes } from "./minutes.ts";
import type { PostMortemFacts } from "./post-mortem-store.ts";
import type { Report } from "./report.ts";

export interface PostMortemInput {
  report: Report;
  facts: PostMortemFacts;
  /** Names of our own hosts. */
  hosts: readonly string[];
  /** Ms since the epoch. */
  nowMs: number;
}

export interface Telling {
  report: Report;
  facts: PostMortemFacts;
  incident: Incident | null;
  minutes: Minutes;
  /** Hides addresses, tokens, our hosts and the names of organisations. */
  clean(text: string, recipient?: string): string;
}

/** What all sentences are made of. */
export function tell({ report, facts, hosts }: PostMortemInput): Telling {
  const incident = incidentOf(report, facts);
  const moments = facts.events.map((one) => one.at);
  const minutes = createMinutes(facts.zone, moments);
  const units = unitsOf(facts);
  const clean = (text: string, recipient?: string) => {
    let shown = text;
    units.forEach((unit, index) => {
      shown = shown.replaceAll(unit, `[organisation ${index + 1}]`);
    });
    return redactReply(shown, { hosts, tokens: true, ...(recipient === undefined ? {} : { recipient }) });
  };
  return { report, facts, incident, minutes, clean };
}

/** Organisations are clients: they are numbered, not named. In the order in which they were set aside. */
export function unitsOf({ events, aside }: PostMortemFacts): string[] {
  const told = events.flatMap(({ event, text }) =>
    event === "set-aside" ? (/^(\S+\.\S+) /.exec(text)?.[1] ?? []) : [],
  );
  return [...new Set([...told, ...aside.map((one) => one.unit)])].filter((unit) => unit.length > 0);
}

/** Whose fault, as a part of a sentence. */
export function faultWords({ fault, scope, detector }: Pick<Hold, "fault" | "scope" | "detector">): string {
  if (scope === "route") return "ours: our own relay refused the mail";
  if (detector === "provider-incident")
    return "not ours, as far as the answers tell: the provider was disturbed and knew its own mailboxes no more";
  switch (fault) {
    case "sender":
      return "ours: the mailboxes were fine";
    case "content":
      return "ours: it lay in the mail itself, the mailboxes were fine";
    case "feedback":
      return "ours: readers complained about this mail";
    case "address":
      return "in the list of addresses, as far as the answers tell";
    case "temporary":
      return "not ours, as far as the answers tell: the provider was disturbed";
    case "none":
      return "nobody's as far as is known: a person gave the order";
    default:
      return "not known: the answers give no reason that we know";
  }
}

export function upper(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
