// Makes a verbatim reply fit for those who may not see addresses. Addresses go, in every spelling that replies
// use (plain, in angle brackets, xtext, %40 of a link, VERP and SRS local parts, our own return path with its
// token); IP addresses and the provider's ids stay, because they are the evidence that the reply is shown for.

export interface RedactOptions {
  /** The address of the delivery: its local part is hidden too where it stands alone ("mailbox jdoe is full"). */
  recipient?: string;
  /** Exact strings to hide besides: account numbers, names of clients. Those shorter than 4 characters are ignored. */
  secrets?: readonly string[];
  /** Names of our own hosts, in any case: each becomes "[our host]" where it stands alone. */
  hosts?: readonly string[];
  /** Hide our signed tokens where they stand without an address, too. */
  tokens?: boolean;
}

const MARK = "[address]";
const LOCAL = charset("!#$%&'*+-/=?^_`{|}~.");
/** RFC 5321 section 4.5.3.1.1 allows 64; tokens and rewritten return paths are longer. */
const LOCAL_LIMIT = 256;
const DOMAIN = charset("-._");

/** A delivery, an attempt and 13 characters that prove them: what a return path carries in front of the "@". */
const TOKEN = /\b(?:[a-z0-9._]{1,40}\+)?[0-9a-z]{1,11}-[0-9a-z]{1,6}-[0-9a-z]{13}\b/gi;

/** Replies are cut here before anything looks at them; RFC 5321 section 4.5.3.1.5 allows 512 octets a line. */
export const REPLY_LIMIT = 4096;

/** The reply with every address replaced by "[address]", at most 4096 characters of it. Linear time. */
export function redactReply(text: string, options: RedactOptions = {}): string {
  let shown = replaceAddresses(text.slice(0, REPLY_LIMIT), MARK);
  const local = options.recipient?.slice(0, options.recipient.lastIndexOf("@")) ?? "";
  if (options.recipient) shown = replaceWord(shown, options.recipient);
  if (local.length >= 3) shown = replaceWord(shown, local);
  for (const secret of options.secrets ?? []) {
    if (secret.length >= 4) shown = shown.split(secret).join("[hidden]");
  }
  for (const host of options.hosts ?? [])
    if (host.length >= 4) shown = replaceWord(shown, host, "[our host]");
  if (options.tokens === true) shown = shown.replace(TOKEN, "[token]");
  return shown;
}

/** Replaces what looks like an address: text, "@" (also %40, +40, &#64;), domain or [literal]. */
export function replaceAddresses(text: string, mark: string): string {
  if (!["@", "%40", "+40", "&#64;"].some((sign) => text.includes(sign))) return text;
  let out = "";
  let done = 0;
  for (const at of text.matchAll(/@|%40|\+40(?=[a-z0-9-])|&#64;/gi)) {
    if (at.index < done) continue;
    // A sign without a local part or a domain is no address ("@" alone, "%40" in a query). What stands behind it is looked
    // at first: it ends sooner than what may stand before.
    const end = domainEnd(text, at.index + at[0].length);
    if (end === at.index + at[0].length) continue;
    if (at[0] !== "@" && !text.slice(at.index, end).includes(".")) continue;
    const start = localStart(text, at.index, done);
    if (start === at.index) continue;
    out += text.slice(done, start) + mark;
    done = end;
  }
  return out + text.slice(done);
}

function localStart(text: string, at: number, floor: number): number {
  let start = at;
  if (text[at - 1] === '"') {
    const open = text.lastIndexOf('"', at - 2);
    if (open >= floor && at - open <= 66) return open;
    return at;
  }
  const lowest = Math.max(floor, at - LOCAL_LIMIT);
  while (start > lowest && isIn(LOCAL, text.charCodeAt(start - 1))) start--;
  if (text[at] === "@") return start;
  // In a link the parameter's name is not part of the address: "?email=jdoe%40example.com".
  for (let cut = at; cut > start; cut--) if ("=?&/".includes(text[cut - 1] ?? "")) return cut;
  return start;
}

function domainEnd(text: string, from: number): number {
  if (text[from] === "[") {
    const close = text.indexOf("]", from);
    return close > 0 && close - from <= 50 ? close + 1 : from;
  }
  let end = from;
  while (end < text.length && isIn(DOMAIN, text.charCodeAt(end))) end++;
  // The full stop of the sentence is not the domain's.
  while (end > from && (text[end - 1] === "." || text[end - 1] === "-")) end--;
  return end;
}

function replaceWord(text: string, word: string, mark = MARK): string {
  const lower = text.toLowerCase();
  const wanted = word.toLowerCase();
  // Rare letters change length when lowered; then positions would not fit.
  if (lower.length !== text.length || wanted.length === 0) return text.split(word).join(mark);
  let out = "";
  let done = 0;
  for (let at = lower.indexOf(wanted); at >= 0; at = lower.indexOf(wanted, at + wanted.length)) {
    const before = lower.charCodeAt(at - 1);
    const after = lower.charCodeAt(at + wanted.length);
    if (isWordCode(before) || isWordCode(after)) continue;
    out += text.slice(done, at) + mark;
    done = at + wanted.length;
  }
  return out + text.slice(done);
}

function isWordCode(code: number): boolean {
  return (code >= 48 && code <= 57) || (code >= 97 && code <= 122) || code === 95 || code > 127;
}

/** ASCII letters, digits and the given signs; everything above ASCII belongs too (RFC 6531). */
function charset(signs: string): Uint8Array {
  const set = new Uint8Array(128);
  for (let code = 0; code < 128; code++) {
    if (/[a-z0-9]/i.test(String.fromCharCode(code)) || signs.includes(String.fromCharCode(code)))
      set[code] = 1;
  }
  return set;
}

function isIn(set: Uint8Array, code: number): boolean {
  return code > 127 || set[code] === 1;
}
