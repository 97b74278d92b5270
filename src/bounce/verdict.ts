// Of all that a report says about one recipient, finds the words that tell most, and has them classified. A server's
// reply before a person's prose, prose before the bare status code.
import { providerOfDomain, providerOfMx } from "../provider/directory.ts";
import { adviceFor } from "./advice.ts";
import { type Basis, judgeReply } from "./classifier.ts";
import { isRefusedAtRcpt, phaseOf, plainOf, quotedReplies } from "./prose.ts";
import { FOREIGN } from "./prose-words.ts";
import { type Classification, FAULT_OF, type Phase, type Reason } from "./reason.ts";
import { REPLY_LENGTH } from "./report.ts";

export interface Evidence {
  /** The server's reply in a field of its own; "" when there is none. */
  diagnostic: string;
  /** What kind of thing wrote it: "smtp", "x-unix"; "" when that is not told. */
  diagnosticType: string;
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

/**
 * Exit statuses of a local delivery program (sysexits.h) that tell of the address; all others are a trouble of the
 * system that ran it.
 */
const EXIT_STATUS: Readonly<Record<string, Reason>> = { "67": "user-unknown", "68": "host-unknown" };

const RANK: Readonly<Record<Basis, number>> = { words: 5, code: 4, vague: 2, class: 1, nothing: 0 };

/** One of the texts that tell of a failure. */
interface Words {
  text: string;
  /** True when a server said so; false when the mail program that writes the report does. */
  isReply: boolean;
  /** True for the whole prose, which speaks of much besides. */
  isAll?: boolean;
}

export function judgeEvidence(evidence: Evidence): Verdict {
  const { diagnostic, status, words, prose, address } = evidence;
  const provider = evidence.provider ?? providerOfEvidence(evidence);
  const isQuoted = isRefusedAtRcpt(prose, address);
  const phase =
    (diagnostic === "" ? null : phaseOf(diagnostic)) ?? phaseOf(words) ?? (isQuoted ? "rcpt" : null);
  let best: (Verdict & { rank: number; own: boolean; isReply: boolean }) | null = null;
  for (const { text, isReply, isAll } of textsOf(evidence)) {
    if (text.trim() === "") continue;
    const { classification, basis, own } = judgeReply(
      text.slice(0, REPLY_LENGTH),
      contextOf(provider, phase),
    );
    // Prose about everything that might have been is worth less than one reply.
    const rank: number = RANK[basis] - (isAll && best !== null ? 0.5 : 0);
    if (best === null || rank > best.rank) best = { reply: text, classification, rank, own, isReply };
    if (best.rank >= RANK.code) break;
  }
  if (best !== null) {
    const { reply: text, isReply, own } = best;
    best.classification = inReport(best.classification, {
      text,
      isReply,
      own,
      phase,
      isQuoted,
      status,
      words,
      prose,
    });
  }
  const foreign = best === null || best.rank < RANK.code ? foreignReason(`${words}\n${prose}`) : null;
  const given = STATUS.find(([pattern]) => pattern.test(status))?.[1] ?? null;
  let { reply, classification } = best ?? {
    reply: status,
    classification: judgeReply(status, contextOf(provider, phase)).classification,
  };
  const rank = best?.rank ?? 0;
  const exit = exitReason(evidence);
  if (exit !== null) {
    reply = diagnostic;
    classification = reasoned(classification, exit);
  } else if (rank < RANK.code) {
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

/** All that is said of the recipient, the most telling first; mostly the first decides. */
function* textsOf({ diagnostic, diagnosticType, status, words, prose }: Evidence): Generator<Words> {
  // Only servers speak in codes; a mail program that looked itself has none to repeat.
  const tell = (text: string): Words => ({ text, isReply: CODE.test(text) || DOTS.test(text) });
  if (diagnostic !== "") {
    const isReply = !diagnosticType.startsWith("x-") || CODE.test(diagnostic);
    yield { text: withStatus(diagnostic, status), isReply };
  }
  const quoted = quotedReplies(words);
  yield* quoted.map(tell);
  // Gateways put what the server said in brackets beside the address.
  const first = paragraphs(words.split(/\n\s{0,80}\n/, 1)[0] ?? "");
  yield { text: first, isReply: tell(first).isReply || /^[[(][^\n]{1,400}[\])]$/.test(first) };
  yield tell(paragraphs(words));
  if (diagnostic === "" && quoted.length === 0) yield* quotedReplies(prose).map(tell);
  yield { ...tell(paragraphs(prose)), isAll: true };
}

/** KDDI's reports open with what is the matter with the account, and go on with "user unknown" for all of it. */
const ACCOUNT = /\buser\(s\) account is (?:temporarily )?(over quota|disabled|limited)/i;

/** As Sendmail answers: the address or a name, three dots, the reason. */
const DOTS = /\.\.\. ?user unknown/i;

const CODE = /(?:^|[^\w.])[45]\d\d(?![\w.])|\b[45]\.\d{1,2}\.\d{1,3}\b/;

/** What a delivery program's bare exit status means; null when the diagnostic is none. */
function exitReason({ diagnostic, diagnosticType }: Evidence): Reason | null {
  const exit = diagnosticType === "x-unix" ? /^\d{1,3}$/.exec(diagnostic.trim())?.[0] : undefined;
  return exit === undefined ? null : (EXIT_STATUS[exit] ?? "system");
}

interface Setting extends Words {
  phase: Phase | null;
  /** A transcript shows RCPT with this address, and its refusal. */
  isQuoted: boolean;
  /** The words are known to be those of one provider. */
  own: boolean;
  /** Code of the report itself, all that it says of the recipient, and in all. */
  status: string;
  words: string;
  prose: string;
}

/**
 * A name that was not found, in words that do not tell whether it was asked for in vain. Postfix and Sendmail give
 * 5.4.4 and 5.1.2 where the answer was that there is none, 4.4.3 and 4.4.7 where there was no answer; class 4 says
 * that it may pass (RFC 3463 section 3.1).
 */
const NOT_FOUND = /(?:domain|host)(?: or domain)?(?: name)?:? not found|nxdomain/i;

/**
 * What a report adds to a reply: that it was given up, at which command, with which code, in whose words.
 *
 * "User unknown" is of the address where RCPT was refused, where a code says so, where the provider is known to mean
 * it, or where the mail program looked itself. Filters - those of Japan's mobile carriers above all - use the same
 * words after DATA, when RCPT had been accepted; a server's word that tells neither command nor code is no proof
 * (so decides https://metacpan.org/pod/Sisimai::Reason::Filtered too).
 */
function inReport(
  classification: Classification,
  { text, isReply, own, phase, isQuoted, status, words, prose }: Setting,
): Classification {
  const { reason } = classification;
  const code = classification.enhanced ?? status;
  const account = reason === "user-unknown" ? ACCOUNT.exec(prose)?.[1]?.toLowerCase() : undefined;
  if (account !== undefined)
    return reasoned(classification, account === "over quota" ? "mailbox-full" : "disabled");
  if (reason === "user-unknown" && isReply) {
    const said = phase ?? phaseOf(text);
    const atRecipient = said === "rcpt" || (said === null && /\bRCPT\b/.test(text));
    // RFC 3463 section 3.3: 5.2.0 and 5.2.1 are of a mailbox that exists. Only the command itself says otherwise.
    const lives = /^5\.2\.[01]$/.test(code) && !isQuoted && !/\brcpt/i.test(`${text} ${words}`);
    if (lives || (!atRecipient && !own && !/^[45]\.1\./.test(code))) {
      return reasoned(classification, "filtered");
    }
  }
  // An Exim's own words: none of its routers knows a way, which for another's address means its domain.
  if (reason === "user-unknown" && !isReply && /unroute?able address/i.test(text)) {
    return reasoned(classification, "host-unknown");
  }
  if (reason === "host-unknown" && code.startsWith("4.") && NOT_FOUND.test(text)) {
    return reasoned(classification, "network");
  }
  if (reason === "network" && /timed? ?out|accept our requests to connect/i.test(text)) {
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
