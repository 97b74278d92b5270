// What a reply means: reason, fault, scope, whether it is over, what to do. Words decide before codes, and where in
// the dialogue it was said and who said it decide whom it can be about. What becomes of lanes and deliveries is
// decided elsewhere.
import { OTHER } from "../provider/provider.ts";
import { adviceFor } from "./advice.ts";
import { trustedCode } from "./enhanced.ts";
import {
  type Classification,
  FAULT_OF,
  type Phase,
  type Reason,
  type Scope,
  type Speaker,
} from "./reason.ts";
import { type ReplyText, readReply } from "./reply-text.ts";
import { findRule, HOSTED, type Reading } from "./rulebooks.ts";

export interface ReplyContext {
  /** Provider of the lane, by MX. The words of the reply choose the rules all the same. */
  provider?: string;
  phase?: Phase;
  /** Who answers: the relay, or the provider itself (default). */
  speaker?: Speaker;
}

/** Other names under which providers are found in logs of other programs. */
const ALIASES: Readonly<Record<string, string>> = {
  gmail: "google",
  googleworkspace: "google",
  microsoft: "microsoft365",
  exchangeonline: "microsoft365",
  office365: "microsoft365",
  hotmail: "outlook",
  yahooinc: "yahoo",
  aol: "yahoo",
  icloud: "apple",
  franceptt: "orange",
  wanadoo: "orange",
  gmx: "unitedinternet",
  webde: "unitedinternet",
  ionos: "unitedinternet",
};

interface Verdict {
  reason: Reason;
  scope?: Scope | undefined;
  hard?: boolean | undefined;
  advice?: string | undefined;
}

/** Phases in which nobody has been named yet: what is refused there is the sender. */
const BEFORE_RECIPIENT: ReadonlySet<Phase> = new Set<Phase>(["connect", "ehlo", "tls", "auth", "mail"]);

/** What a verdict rests on: words of a rule, a trusted code, words that say little, the reply's class, nothing. */
export type Basis = "words" | "code" | "vague" | "class" | "nothing";

/** Classifies an SMTP reply of any length and shape; never throws. */
export function classifyReply(text: string, context: ReplyContext = {}): Classification {
  return judgeReply(text, context).classification;
}

/**
 * The same, and what it rests on: for who has several texts about one failure and looks for the one that tells.
 * `own` is true when the words are known to be those of one provider.
 */
export function judgeReply(
  text: string,
  context: ReplyContext = {},
): { classification: Classification; basis: Basis; own: boolean } {
  const reply = readReply(text);
  const given = context.provider === undefined ? null : (own(ALIASES, context.provider) ?? context.provider);
  // A relay's words are not the provider's, unless it quotes them.
  const byRoute = context.speaker === "route" && !reply.quoted;
  const reading = findRule(reply.folded, byRoute ? null : given, reply.replyClass);
  const provider = given ?? reading.writer ?? OTHER;
  const phase = context.phase ?? reply.phase;
  const writers = [reading.writer, byRoute ? null : given].filter((id) => id !== null);
  const { decided, basis } = decide(reply, reading, writers);
  const verdict = inPhase(decided, phase, basis);
  const classification: Classification = {
    reason: verdict.reason,
    fault: FAULT_OF[verdict.reason],
    scope: scopeOf(verdict, writers[0] ?? OTHER, byRoute, phase),
    hard: verdict.hard ?? reply.replyClass === 5,
    provider,
    code: reply.code,
    enhanced: reply.enhanced,
    advice: verdict.advice ?? adviceFor(verdict.reason),
  };
  return { classification, basis, own: reading.own };
}

function decide(
  reply: ReplyText,
  reading: Reading,
  writers: readonly string[],
): { decided: Verdict; basis: Basis } {
  if (reading.rule) return { decided: reading.rule, basis: "words" };
  const code = reply.enhanced === null ? undefined : trustedCode(reply.enhanced, writers);
  if (code) return { decided: code, basis: "code" };
  if (reading.vague) return { decided: reading.vague, basis: "vague" };
  // RFC 5321 sections 4.2.1 and 4.2.2: 4yz is a trouble that may pass; 5yz says no, and nothing of whose fault.
  if (reply.replyClass === 4) return { decided: { reason: "system" }, basis: "class" };
  // RFC 7504 section 4: 521 "does not accept mail" of the host, 556 of the domain.
  if (reply.code === 556 || reply.code === 521) return { decided: { reason: "host-unknown" }, basis: "code" };
  return { decided: { reason: "unclassified" }, basis: reply.replyClass === null ? "nothing" : "class" };
}

/** Before RCPT a refusal is about us: it can be no address's, no mailbox's, and of no content but its size. */
function inPhase(verdict: Verdict, phase: Phase | null, basis: Basis): Verdict {
  if (phase === null || !BEFORE_RECIPIENT.has(phase)) return verdict;
  const { reason, hard } = verdict;
  const fault = FAULT_OF[reason];
  if (reason === "unclassified") {
    if (phase === "tls") return { reason: "tls", hard };
    return { reason: phase === "auth" ? "policy" : "blocked", hard };
  }
  // Nothing but the address has been seen yet.
  if (phase === "connect" && basis === "vague" && reason === "policy") return { reason: "blocked", hard };
  if (reason === "mailbox-full") return { reason: "system", hard };
  if (reason === "too-big") return verdict;
  // A name that is not found there is the one that we gave as ours.
  if (fault === "address" || fault === "recipient" || reason === "malformed")
    return { reason: phase === "connect" || phase === "ehlo" ? "blocked" : "policy", hard };
  if (fault === "content") return { reason: "blocked", hard };
  return verdict;
}

function scopeOf(verdict: Verdict, writer: string, byRoute: boolean, phase: Phase | null): Scope {
  const { reason } = verdict;
  const fault = FAULT_OF[reason];
  if (verdict.scope === "recipient" || reason === "suppressed-by-relay") return "recipient";
  if (fault === "address" || fault === "recipient" || reason === "mailbox-full") {
    return reason === "filtered" ? (verdict.scope ?? "recipient") : "recipient";
  }
  // Whatever else a relay says is about the way that it offers.
  if (byRoute) return "route";
  if (verdict.scope !== undefined) return verdict.scope;
  // Nobody's tenant has been named before RCPT; a gateway that refuses us there refuses us for all.
  const named = phase === null || !BEFORE_RECIPIENT.has(phase);
  if (reason === "policy" && named && HOSTED.has(writer)) return "organisation";
  // Said by an MX itself, "relaying denied" means that this domain is not its customer.
  if (reason === "relay-denied" && named) return "organisation";
  return "provider";
}

function own(table: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}
