// Of all that a report says about one recipient, finds the words that tell most, and has them classified. A server's
// reply before a person's prose, prose before the bare status code.
import { providerOfDomain, providerOfMx } from "../provider/directory.ts";
import { adviceFor } from "./advice.ts";
import { type Basis, judgeReply } from "./classifier.ts";
import { phaseOf, plainOf, quotedReplies } from "./prose.ts";
import { FOREIGN } from "./prose-words.ts";
import { type Classification, FAULT_OF, type Phase, type Reason } from "./reason.ts";
import { REPLY_LENGTH } from "./report.ts";

export interface Evidence {
  /** The server's reply in a field of its own; "" when there is none. */
  diagnostic: string;
  /** Enhanced code of the report itself; "" when there is none. */
  status: string;
  /** What the prose says of this recipient, and in all. */
  words: string;
  prose: string;
  /** Host that refused; "" when it is not told. */
  host: string;
  address: string | null;
  /** What the caller knows; undefined: found by host and address. */
  provider: string | undefined;
  isDelayed: boolean;
}

export interface Verdict {
  reply: string;
  classification: Classification;
}

/**
 * What a status code means that a mail program chose for its own failure (RFC 3463). Asked last: as a server's word it
 * would mean less.
 */
const STATUS: readonly (readonly [RegExp, Reason])[] = [
  [/^[45]\.1\.[013]$|^5\.1\.10$/, "user-unknown"],
  [/^5\.1\.6$|^[45]\.2\.1$/, "disabled"],
  [/^[45]\.2\.2$/, "mailbox-full"],
  [/^[45]\.(?:2\.3|3\.4)$/, "too-big"],
  [/^[45]\.4\.7$/, "expired"],
  [/^[45]\.4\.4$|^[45]\.1\.2$/, "host-unknown"],
  [/^4\.4\.1$/, "expired"],
  [/^[45]\.4\.(?:[269]|31[26])$/, "network"],
  [/^[45]\.(?:3\.[0-35]|4\.[035])$/, "system"],
  [/^[45]\.6\.\d$/, "malformed"],
  [/^[45]\.1\.[78]$/, "policy"],
];

const RANK: Readonly<Record<Basis, number>> = { words: 5, code: 4, vague: 2, class: 1, nothing: 0 };

export function judgeEvidence(evidence: Evidence): Verdict {
  const { diagnostic, status, words, prose, address } = evidence;
  const provider = evidence.provider ?? providerOfEvidence(evidence);
  const quoted = quotedReplies(words);
  const texts = [
    diagnostic === "" ? "" : withStatus(diagnostic, status),
    ...quoted,
    paragraphs(words.split(/\n\s{0,80}\n/, 1)[0] ?? ""),
    paragraphs(words),
    ...(diagnostic === "" && quoted.length === 0 ? quotedReplies(prose) : []),
    paragraphs(prose),
  ].filter((text) => text.trim() !== "");
  const phase = diagnostic === "" ? phaseOf(words) : (phaseOf(diagnostic) ?? phaseOf(words));
  let best: (Verdict & { rank: number }) | null = null;
  for (const [index, text] of texts.entries()) {
    const { classification, basis } = judgeReply(text.slice(0, REPLY_LENGTH), contextOf(provider, phase));
    // Prose about everything that might have been is worth less than one reply.
    const rank = RANK[basis] - (index === texts.length - 1 && index > 0 ? 0.5 : 0);
    if (best === null || rank > best.rank) best = { reply: text, classification, rank };
    if (best.rank >= RANK.code) break;
  }
  if (best !== null) best.classification = inReport(best.classification, best.reply, phase);
  const foreign = best === null || best.rank < RANK.code ? foreignReason(`${words}\n${prose}`) : null;
  const given = STATUS.find(([pattern]) => pattern.test(status))?.[1] ?? null;
  let { reply, classification } = best ?? {
    reply: status,
    classification: judgeReply(status, contextOf(provider, phase)).classification,
  };
  const rank = best?.rank ?? 0;
  if (rank < RANK.code) {
    const reason = foreign ?? (rank < RANK.vague ? (given ?? (evidence.isDelayed ? "expired" : null)) : null);
    if (reason !== null) classification = reasoned(classification, reason);
  }
  if (reply === "" && address !== null) reply = status;
  return {
    reply: reply.slice(0, REPLY_LENGTH),
    classification: {
      ...classification,
      enhanced: classification.enhanced ?? (status === "" ? null : status),
      hard: !evidence.isDelayed,
    },
  };
}

/**
 * All that Japan's mobile carriers say when a subscriber's filter refuses a mail, mostly after they took RCPT; of a
 * mailbox that does not exist they say the same in reply to RCPT.
 */
const CARRIERS_REFUSAL =
  /^550[\s-]{1,4}(?:5\.2\.0 )?(?:unknown user <?\S{1,200}|(?:<?\S{1,200}>?)?\s?:? ?user unknown)\W{0,4}(?:\(in reply[^()]{0,60}\))?\s*$/i;

/** What a report adds to the words of a reply: that it was given up, that RCPT had been accepted. */
function inReport(classification: Classification, reply: string, phase: Phase | null): Classification {
  const { reason, enhanced } = classification;
  const said = phase ?? phaseOf(reply);
  if (reason === "user-unknown" && said !== "rcpt" && !enhanced?.startsWith("5.1.")) {
    // RFC 3463 section 3.3: 5.2.1 is of a mailbox that exists, whatever the words beside it.
    if (enhanced === "5.2.1" || CARRIERS_REFUSAL.test(reply)) return reasoned(classification, "filtered");
  }
  if (reason === "network" && /timed? ?out|accept our requests to connect/i.test(reply)) {
    return reasoned(classification, "expired");
  }
  return classification;
}

function contextOf(provider: string | undefined, phase: Phase | null) {
  return { ...(provider === undefined ? {} : { provider }), ...(phase === null ? {} : { phase }) };
}

function reasoned(classification: Classification, reason: Reason): Classification {
  return {
    ...classification,
    reason,
    fault: FAULT_OF[reason],
    scope: FAULT_OF[reason] === "address" || reason === "mailbox-full" ? "recipient" : classification.scope,
    advice: adviceFor(reason),
  };
}

/** A reply without any code gets the report's: "User unknown" beside 5.1.1. */
function withStatus(diagnostic: string, status: string): string {
  if (status === "" || /\b[245]\.\d{1,3}\.\d{1,3}\b/.test(diagnostic)) return diagnostic;
  if (/^[45]\.0\.0$/.test(status)) return diagnostic;
  const code = /^([45]\d\d)([ -]|$)/.exec(diagnostic);
  if (code?.[1] === undefined) return `${status} ${diagnostic}`;
  return `${code[1]} ${status} ${diagnostic.slice(4)}`;
}

function foreignReason(prose: string): Reason | null {
  if (!/[^\x00-\x7f]/.test(prose)) return null;
  const plain = plainOf(prose.slice(0, 4_096));
  return FOREIGN.find(({ pattern }) => pattern.test(plain))?.reason ?? null;
}

/** Prose on one line each paragraph, without what every report says. */
function paragraphs(text: string): string {
  return text
    .slice(0, REPLY_LENGTH)
    .split(/\n\s{0,80}\n/)
    .map((paragraph) => paragraph.replace(/\s{1,200}/g, " ").trim())
    .filter((paragraph) => paragraph !== "" && !NOISE.test(paragraph.toLowerCase()))
    .join(" ")
    .slice(0, REPLY_LENGTH);
}

const NOISE =
  /^(?:this (?:message was created|is the|is an automat|report relates)|a message that you sent|hi\. this is|i'm (?:afraid|sorry)|for further assistance|please(?:,)? (?:do not|send mail to postmaster|direct)|if you (?:do so|continue)|no action is required|if your message was also|sorry, we were unable|unable to deliver message to the following|the original message was received)/;

function providerOfEvidence({ host, diagnostic, words, address }: Evidence): string | undefined {
  const named =
    host !== ""
      ? host
      : (/\b(?:host|by|server|said|relay|from|at) <?([a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,8})/i.exec(
          `${diagnostic} ${words}`.slice(0, 1_000),
        )?.[1] ?? "");
  const byHost = named === "" ? undefined : providerOfMx(named);
  if (byHost !== undefined) return byHost;
  return address === null ? undefined : providerOfDomain(address.slice(address.lastIndexOf("@") + 1));
}
