// Reads what mail programs write for people: whom a report is about, and what is said of each. One way of reading
// for all of them - an address alone on its line, at a line's beginning, or behind the words that name a recipient -
// because their texts differ less than their number suggests. What the words mean is for the classifier.
import { addressesIn, type Found, sameAddress } from "./mail-address.ts";
import type { Phase } from "./reason.ts";
import { REPLY_LENGTH } from "./report.ts";

/** Characters of prose that are read. */
export const PROSE_LENGTH = 32_768;
const LINE_LENGTH = 2_000;

export interface Said {
  address: string;
  /** What stands between this address and the next. */
  words: string;
}

/** Words before an address that name who was written to. */
const NAMES_RECIPIENT =
  /(?:rcpt[ _]to|recipients?(?:'s)?(?: e-?mail)?(?: address(?:\(?es\)?)?)?|addressed to|unknown user|user unknown|exceeds allowed size|failed \d{1,4} attempts|(?:message|mail|delivery|deliver\w{0,3}|delivered|delivering|sent|send|e-?mail|contact|gateway|invalid final delivery userid)(?: your| the| this| a)?(?: message| mail| e-?mail)?(?: to| for)(?: the)?(?: user| address| recipient| mailbox)?|(?:mailbox|inbox) (?:is )?full|mailbox|address|generated (?:by|from)|undeliverable to|rejected(?: recipient)?|user|account|destinataires?|adresse|empfanger|an|destinatari[oa]s?|destinat[aá]rio|para|ontvanger|odbiorca|получател\S{0,3}|адрес\S{0,3}|宛先|to)[\s:=<"'([|]{0,12}$/;
/** Words before an address that name who wrote, or whom to ask. */
const NAMES_OTHERS =
  /(?:from|sender|reply-?to|return-?path|mail from|sent by|contact|von|absender|expediteur|de|remitente|mittente|envelope-from|helo|cc|bcc|message-?id|email us|write to|forward(?:ed)? .{0,30}to|mailto:\S{0,80}|information,? .{0,40}|postmaster at|help|support|abuse|administrator|\bid)[\s:=<"'([|]{0,12}$/;

interface Candidate extends Found {
  /** Where its line begins. */
  lineFrom: number;
  weight: number;
}

/** Mailboxes of programs: ours that reports come to, theirs that reports come from. */
const PROGRAMS = /^(?:bounces?|postmaster|mailer-daemon|no-?reply|double-bounce|support|help(?:desk)?)\b/i;

export interface ProseContext {
  /** Addresses that are ours or the reporter's: named only when nobody else is. */
  others: readonly string[];
  /** Whom the returned mail was written to. */
  writtenTo: readonly string[];
}

/** Whom the prose is about, and what it says of each; empty when it names nobody. */
export function readProse(text: string, { others, writtenTo }: ProseContext): Said[] {
  const prose = text.slice(0, PROSE_LENGTH);
  const candidates: Candidate[] = [];
  let at = 0;
  for (const [number, whole] of prose.split("\n").entries()) {
    const line = whole.slice(0, LINE_LENGTH);
    if (line.includes("@")) {
      for (const found of addressesIn(line, 50)) {
        const weight = weigh(line, found, number);
        candidates.push({ ...found, from: at + found.from, to: at + found.to, lineFrom: at, weight });
      }
    }
    at += whole.length + 1;
  }
  const ranked = candidates.map((one) => ({
    ...one,
    isTold: one.weight >= 4,
    weight:
      one.weight -
      (PROGRAMS.test(one.address) || others.some((other) => sameAddress(other, one.address)) ? 6 : 0) +
      (writtenTo.some((other) => sameAddress(other, one.address)) ? 3 : 0),
  }));
  const best = Math.max(...ranked.map((one) => one.weight), -100);
  // Only ourselves and the reporter: nobody is named.
  if (best < -3) return [];
  // Several may be told of. A mere mention beside them is none of them, nor is whom the summary of the mail names.
  const told = ranked.filter((one) => one.isTold && one.weight >= 3);
  const chosen = told.length > 0 ? told : ranked.filter((one) => one.weight === best);
  return saidOf(prose, chosen);
}

function weigh(line: string, { from, to }: Found, number: number): number {
  const before = plainOf(line.slice(Math.max(0, from - 120), from));
  const after = line.slice(to);
  if (/^[\s<"']{0,8}[45]\d\d (?:[45]\.\d{1,3}\.\d{1,3} )?[<"']{0,2}$/.test(before)) return 4;
  const starts = /^[\s>*•·\-–"'<([=:]{0,24}$/.test(before);
  if (starts && /^[\s>"')\].,:;*=]{0,24}$/.test(after)) return 4;
  if (starts && /^[>"']{0,3}(?:<mailto:|[:\s([,;]{1,4}(?!wrote|schrieb|a ecrit))/.test(after)) return 4;
  // "From:" and "To:" of a returned mail's summary stand at a line's beginning and tell both.
  if (
    /\bto[\s:<"]{1,8}$/.test(before) &&
    !/(?:reply|write|forward|sent|send|report|contact|mail|go) to[\s:<"]{1,8}$/.test(before)
  )
    return /rcpt to|deliver\w{0,3} |addressed to/.test(before) ? 4 : 3;
  if (NAMES_OTHERS.test(before)) return -2;
  if (NAMES_RECIPIENT.test(before)) return 4;
  return number < 60 ? 1 : 0;
}

function saidOf(prose: string, chosen: readonly Candidate[]): Said[] {
  const said = new Map<string, { address: string; words: string }>();
  chosen.forEach((one, index) => {
    const next = chosen[index + 1]?.lineFrom ?? prose.length;
    const to = Math.min(Math.max(next, one.to), one.to + REPLY_LENGTH);
    // What stands before it on its line says something too: "Unknown user: x@example.com".
    const label = prose.slice(one.lineFrom, one.from).trim();
    const words = prose.slice(/[a-z0-9]/i.test(label) ? one.lineFrom : one.to, to);
    const key = one.address.toLowerCase();
    const known = said.get(key);
    if (known === undefined) said.set(key, { address: one.address, words });
    else known.words = `${known.words.trimEnd()}\n${words.trimStart()}`.slice(0, REPLY_LENGTH);
  });
  return [...said.values()].map(({ address, words }) => ({
    address,
    words: words.replace(/^[\s>"'<)\].,:;*=]{1,40}/, ""),
  }));
}

/** Lower case, no accents, plain quotes: for the patterns of prose-words.ts. */
export function plainOf(text: string): string {
  const lower = text.toLowerCase();
  if (!/[^\x00-\x7f]/.test(lower)) return lower;
  return (
    lower
      .normalize("NFKD")
      // Latin letters only: others are other letters without theirs.
      .replace(/([a-z])[\u0300-\u036f]{1,4}/g, "$1")
      .normalize("NFC")
      .replace(/[\u2018\u2019\u00b4]/g, "'")
  );
}

/** Text of HTML for the eyes of patterns: no tags, no styles, lines where blocks end. */
export function textOfHtml(html: string): string {
  return html
    .slice(0, PROSE_LENGTH * 4)
    .replace(/<(style|script|head)\b[^<]{0,20000}(?:<(?!\/\1)[^<]{0,20000}){0,50}<\/\1>/gi, " ")
    .replace(/<(?:br|\/p|\/div|\/tr|\/li|\/h\d|\/table|\/td)\b[^<>]{0,200}>/gi, "\n")
    .replace(/<[^<>]{0,2000}>/g, "")
    .replace(/&nbsp;|&#160;/gi, " ")
    .replace(/&lt;|&#60;/gi, "<")
    .replace(/&gt;|&#62;/gi, ">")
    .replace(/&quot;|&#34;/gi, '"')
    .replace(/&#39;|&apos;/gi, "'")
    .replace(/&#(?:64|x40);/gi, "@")
    .replace(/&amp;/gi, "&")
    .replace(/[ \t\u00a0]{1,400}/g, " ")
    .replace(/\n[ \n]{1,400}/g, "\n");
}

/** The parts of some prose that quote a server, the most telling first. */
export function quotedReplies(words: string): string[] {
  const lines = words.split("\n", 60);
  const found: string[] = [];
  for (let at = 0; at < lines.length && found.length < 4; at++) {
    const line = (lines[at] ?? "").slice(0, LINE_LENGTH);
    const labelled =
      /(?:\bdeferred: |\(reason: |\berror_code ?: ?|^\s{0,8}(?:reason|error|diagnostic code): )(?:smtp; ?)?(.{4,})$/i.exec(
        line,
      )?.[1];
    const code =
      labelled ??
      /(?:^|[\s:;"'([<>|#])([45]\d\d(?:[- ]|: |$).{0,})$/.exec(line)?.[1] ??
      (/[45]\.\d{1,2}\.\d{1,3}\b/.test(line) ? line : undefined);
    if (code === undefined) continue;
    const rest: string[] = [];
    while (at + 1 < lines.length && /\S/.test(lines[at + 1] ?? "") && rest.length < 12) {
      const next = (lines[at + 1] ?? "").trim();
      if (/^(?:>>>|giving up on|i'm not going to try|\[rcpt_to\])/i.test(next)) break;
      rest.push(next.replace(/^<<< ?/, ""));
      at++;
    }
    found.push([code, ...rest].join("\n"));
  }
  return found;
}

const AFTER =
  /\b(?:after|in reply to|following|reply to|our|on|for|error after|response to|to) (initial connection|greeting|helo|ehlo|starttls|auth|mail(?: |_)?from|mail|rcpt(?: |_)?to|rcpt|data|end of data|text|body|\.)(?::| command|\b)/;
const PHASES: readonly (readonly [RegExp, Phase])[] = [
  [/^(?:initial connection|greeting)/, "connect"],
  [/^(?:helo|ehlo)/, "ehlo"],
  [/^starttls/, "tls"],
  [/^auth/, "auth"],
  [/^mail/, "mail"],
  [/^rcpt/, "rcpt"],
  [/^data/, "data"],
  [/^(?:end of data|text|body|\.)/, "dot"],
];

/** How far qmail-remote came, in its words. */
const QMAIL_STEPS: Readonly<Record<string, Phase>> = {
  "but greeting failed": "connect",
  "but my name was": "ehlo",
  "but sender was": "mail",
  "failed on data": "data",
  "failed after i sent": "dot",
};

/** Where in the dialogue a server refused, when the prose tells. */
export function phaseOf(words: string): Phase | null {
  const plain = words.slice(0, REPLY_LENGTH).toLowerCase();
  const at = AFTER.exec(plain.replace(/\s{1,200}/g, " "))?.[1];
  if (at !== undefined && /(?:smtp error|command|after|did not like)/.test(plain)) {
    return PHASES.find(([pattern]) => pattern.test(at))?.[1] ?? null;
  }
  if (
    /\[rcpt_to\]|does not like recipient|rcpt to response|smtp:rcpt|rejected recipient|has rejected address/.test(
      plain,
    )
  )
    return "rcpt";
  const qmail = /but (?:greeting failed|my name was|sender was)|failed (?:on data|after i sent)/.exec(
    plain,
  )?.[0];
  if (qmail !== undefined) return QMAIL_STEPS[qmail] ?? null;
  // Gmail's reports of former years number the steps of the dialogue.
  const step = /\(state (1[0-8])\)/.exec(plain)?.[1];
  if (step !== undefined) return Number(step) < 14 ? "mail" : step === "14" ? "rcpt" : "data";
  const sent = [
    ...plain.matchAll(/>>> ?(ehlo|helo|mail|rcpt|data|starttls)\b[^\n]{0,300}\n<<< ?[45]\d\d/g),
  ].at(-1)?.[1];
  const command = sent ?? /\bsmtp command:?\s{1,8}(rcpt|data|mail)\b/.exec(plain)?.[1];
  if (command !== undefined) return PHASES.find(([pattern]) => pattern.test(command))?.[1] ?? null;
  return null;
}

/** Whether a transcript of the dialogue shows that RCPT with this address was refused. */
export function isRefusedAtRcpt(prose: string, address: string | null): boolean {
  if (address === null || !prose.includes(">>>")) return false;
  const plain = prose.toLowerCase();
  const sent = plain.lastIndexOf(`rcpt to:<${address.toLowerCase()}>`);
  return sent > 0 && /^[^\n]{0,300}\n<<< ?[45]\d\d/.test(plain.slice(sent, sent + 1_000));
}
