// The returned mail inside a report: where it begins in prose, whom it was written to, and by which marks it can be
// known again. All of it is what a stranger says; whether a mark is ours is decided elsewhere.
import { addressesIn, addressIn } from "./mail-address.ts";
import { type Headers, headersOf, type Leaf, type Mail, readHeaderBlock, textOf } from "./mime.ts";
import type { Marks } from "./report.ts";

const MARKS_LIMIT = 20;
const RETURNED = new Set([
  "message/rfc822",
  "message/global",
  "text/rfc822-headers",
  "text/rfc822",
  "message/rfc822-headers",
  "message/global-headers",
  "message/partial",
]);

/** Lines that announce the returned mail, in the words of many mail programs; tested on trimmed lower case. */
const ANNOUNCES =
  /^[-=*_#>+. ]{0,40}(?:begin )?(?:original (?:message|mail|email|nachricht)|below this line is|enclosed is a copy|(?:this is|here is|below is|attached is|included is|following is|the following is) (?:a |the |an? )?(?:complete |full )?(?:copy|original|header|the original)|returned (?:message|mail)|(?:the )?(?:message|mail|original|original message|original mail) headers?(?: of the original)?(?: message)?(?: is| are)? ?(?:follow|:|\*|$|=|-)|(?:the )?headers? of (?:the|your) (?:original )?(?:message|mail)|unsent message|undelivered message|message text follows|original message (?:headers|follows|header)|your (?:original )?message (?:reads|follows|headers|begins)|copy of (?:the|your) (?:original )?(?:message|mail)|(?:original )?(?:message|mail) follows|header of (?:the )?(?:original )?message|message content follows|rejected message|received headers?|mensaje original|messaggio originale|message d'origine|message original|ursprungliche nachricht|text of message|diagnosti[ck] .{0,20}message header|the (?:text|body) of (?:the|your) message|transcript of message follows)/;
/** The returned headers themselves, where nothing announces them. */
const BEGINS = /^(?:Received|Return-Path|DKIM-Signature|DomainKey-Signature|X-Received|ARC-Seal)[ \t]{0,4}:/i;

export interface Prose {
  /** What the reporter writes. */
  said: string;
  /** The returned mail behind it; "" when there is none. */
  returned: string;
}

/** Parts the prose of a report from the returned mail that follows it. */
export function splitProse(text: string): Prose {
  let at = 0;
  while (at < text.length) {
    const newline = text.indexOf("\n", at);
    const end = newline < 0 ? text.length : newline;
    const line = text.slice(at, Math.min(end, at + 200));
    if (BEGINS.test(line)) return { said: text.slice(0, at), returned: text.slice(at) };
    const bare = plain(line);
    if (bare.length > 6 && ANNOUNCES.test(bare)) {
      const rest = text.slice(end + 1);
      // Some announce it in the first lines and say afterwards what is wrong.
      if (
        /\S/.test(text.slice(0, at)) &&
        /^(?:[-=*_# \t>]{0,80}\n){0,3}\s{0,16}[A-Za-z][\w-]{1,40}[ \t]?:/.test(rest)
      ) {
        return { said: text.slice(0, at), returned: rest.replace(/^[-=*_# \t>]{2,80}\n/, "") };
      }
      if (bare.startsWith("-") || bare.startsWith("=") || bare.startsWith("*")) {
        return { said: text.slice(0, at), returned: rest };
      }
    }
    at = end + 1;
  }
  return { said: text, returned: "" };
}

function plain(line: string): string {
  const trimmed = line.trim().toLowerCase();
  return /[^\x00-\x7f]/.test(trimmed) ? trimmed.normalize("NFKD").replace(/[\u0300-\u036f]/g, "") : trimmed;
}

export function isReturned(mail: Mail, leaf: Leaf): boolean {
  if (RETURNED.has(leaf.type)) return true;
  if (leaf.headers === mail.headers) return false;
  // Some hand the headers back as a file of text, or as a part without any header of its own.
  if (leaf.headers.has("received") && leaf.headers.has("message-id")) return true;
  return (
    leaf.type === "text/plain" &&
    /^\s{0,16}(?:Received|X-[\w-]{2,40}|Return-Path): /i.test(leaf.raw.slice(0, 80))
  );
}

/** Headers of the returned mail: of an attached one, else of the one quoted in prose; null: it was not returned. */
export function returnedHeaders(mail: Mail, quoted: string): Headers | null {
  for (const leaf of mail.leaves) {
    if (!isReturned(mail, leaf)) continue;
    if (leaf.headers.has("received")) return leaf.headers;
    const encoded = leaf.headers.has("content-transfer-encoding");
    const headers = readHeaderBlock(encoded ? textOf(leaf) : leaf.raw);
    if (headers.size > 0) return headers;
  }
  if (quoted === "") return null;
  const unindented = /^\s{0,400}\n? {1,8}[A-Za-z][\w-]{1,40}:/.test(quoted)
    ? quoted.slice(0, 16_384).replace(/^[ >]{1,8}/gm, "")
    : quoted.replace(/^\s{1,400}/, "");
  const headers = readHeaderBlock(unindented);
  return headers.size > 0 ? headers : null;
}

/** Whom the returned mail was written to. */
export function writtenTo(original: Headers | null): string[] {
  if (original === null) return [];
  const named = headersOf(
    original,
    "to",
    "cc",
    "x-original-to",
    "delivered-to",
    "x-envelope-to",
    "envelope-to",
  );
  const received = (original.get("received") ?? []).slice(0, 20);
  const all = [
    ...named.flatMap((value) => addressesIn(value, 100)).map((found) => found.address),
    ...received.flatMap((value) => forWhom(value) ?? []),
  ];
  return [...new Set(all)];
}

function forWhom(received: string): string | null {
  const at =
    received.search(/\sfor\s+</) >= 0 ? received.search(/\sfor\s+</) : received.search(/\sfor\s+\S+@/);
  return at < 0 ? null : addressIn(received.slice(at, at + 300));
}

/** Who wrote the returned mail. */
export function writtenBy(original: Headers | null): string[] {
  if (original === null) return [];
  return headersOf(original, "return-path", "from", "sender", "reply-to", "errors-to", "x-envelope-from")
    .flatMap((value) => addressesIn(value, 5))
    .map((found) => found.address);
}

const TOKEN = /(?<![0-9a-z])[0-9a-z]{1,11}-[0-9a-z]{1,6}-[0-9a-z]{13}(?![0-9a-z])/g;
const MESSAGE_ID = /<([^<>\s]{3,250}@[^<>\s]{1,250})>/g;
/** Headers in which relays and sending services name a mail by an id of their own. */
const RELAY_HEADERS = [
  "x-postfix-queue-id",
  "x-queue-id",
  "x-ses-message-id",
  "x-sg-id",
  "x-mailgun-message-id",
  "x-mj-mid",
  "x-pm-message-id",
  "x-mandrill-message-id",
  "x-msys-message-id",
  "x-exim-id",
  "x-halon-id",
  "x-gm-message-state",
];

export interface MarkSources {
  headers: Headers;
  original: Headers | null;
  /** The fields of the report that are about the whole mail. */
  fields: ReadonlyMap<string, string>;
  said: string;
}

export function marksOf({ headers, original, fields, said }: MarkSources): Marks {
  const returned = original ?? new Map<string, readonly string[]>();
  const prose = said.slice(0, 32_768);
  const messageIds = [
    ...headersOf(returned, "message-id", "x-original-message-id", "resent-message-id"),
    ...headersOf(headers, "in-reply-to", "references", "x-original-message-id"),
    ...(fields.get("original-message-id") === undefined ? [] : [fields.get("original-message-id") ?? ""]),
    ...quotedIds(prose),
  ].flatMap(idsIn);
  const tokens = [
    ...headersOf(
      headers,
      "to",
      "delivered-to",
      "x-original-to",
      "envelope-to",
      "x-envelope-to",
      "x-failed-recipients",
    ),
    ...headersOf(returned, "return-path", "x-bellwether-delivery", "x-envelope-from", "errors-to", "sender"),
    fields.get("original-envelope-id") ?? "",
    fields.get("original-mail-from") ?? "",
    ...returnPathsIn(prose),
  ].flatMap((text) => text.slice(0, 2_048).toLowerCase().match(TOKEN) ?? []);
  const relayIds = [
    ...[...fields]
      .filter(([name]) => /^x-.{0,40}(?:queue|message)-?id$/.test(name))
      .map(([, value]) => value),
    fields.get("original-envelope-id") ?? "",
    fields.get("final-log-id") ?? "",
    ...RELAY_HEADERS.flatMap((name) => returned.get(name) ?? []),
    ...messageIds.flatMap((id) => /^([\w-]{20,100})@(?:[\w-]{1,30}\.)?amazonses\.com$/.exec(id)?.[1] ?? []),
    ...(returned.get("received") ?? [])
      .slice(0, 10)
      .flatMap((value) => /\bid ([\w.-]{5,60})/.exec(value)?.[1] ?? []),
    /message identifier is:\s{1,16}([\w-]{5,40})/.exec(prose)?.[1] ?? "",
  ].map((id) => id.trim());
  return {
    tokens: few(tokens),
    messageIds: few(messageIds),
    relayIds: few(relayIds.filter((id) => id !== "" && id.length <= 200)),
  };
}

function idsIn(value: string): string[] {
  const bracketed = [...value.slice(0, 8_192).matchAll(MESSAGE_ID)].flatMap((match) => match[1] ?? []);
  if (bracketed.length > 0) return bracketed;
  const bare = value.trim();
  return /^[^\s<>]{3,250}@[^\s<>]{1,250}$/.test(bare) ? [bare] : [];
}

/** "Message-ID: <...>" in the middle of prose. */
function quotedIds(prose: string): string[] {
  return [...prose.matchAll(/message-?id[ \t]{0,4}:\s{0,16}(<[^<>\s]{3,300}>)/gi)].flatMap(
    (match) => match[1] ?? [],
  );
}

/** "MAIL FROM:<bounces+token@...>" and its like in prose. */
function returnPathsIn(prose: string): string[] {
  return [
    ...prose.matchAll(/(?:mail from|return-path|from)[ \t]{0,4}:[ \t]{0,4}<?([^\s<>]{1,300})/gi),
  ].flatMap((match) => match[1] ?? []);
}

function few(values: readonly string[]): string[] {
  return [...new Set(values)].slice(0, MARKS_LIMIT);
}
