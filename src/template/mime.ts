// How text becomes what may stand on the wire: 7bit bodies, RFC 2047 encoded words, folded headers, addresses. Pure; which parts a mail has is decided in compose.ts.
import { domainToASCII } from "node:url";
import { BellwetherError } from "../errors.ts";

/** Lines a header should keep to (RFC 5322 section 2.1.1 says 78; RFC 2047 section 2 wants 76 for encoded words). */
const FOLD_AT = 76;
/** Octets that no line may exceed, without its CRLF (RFC 5322 section 2.1.1). */
const LINE_LIMIT = 998;

const NOT_7BIT = /[^\t\n\x20-\x7e]/;

/** True when `text` (with LF line ends) may travel as it is: relays strip trailing spaces and mend "From ". */
export function is7bit(text: string): boolean {
  if (NOT_7BIT.test(text) || text.includes(" \n") || text.includes("\t\n") || /[ \t]$/.test(text.slice(-1)))
    return false;
  if (text.startsWith("From ") || text.includes("\nFrom ")) return false;
  for (let start = 0; start < text.length; ) {
    const end = text.indexOf("\n", start);
    if ((end < 0 ? text.length : end) - start > LINE_LIMIT) return false;
    if (end < 0) break;
    start = end + 1;
  }
  return true;
}

/** Lines of 76. */
export function base64Lines(content: Buffer): string {
  return content.toString("base64").replace(/.{76}(?=.)/g, "$&\r\n");
}

const PRINTABLE = /^[\x20-\x7e]*$/;
const OVERLONG_WORD = /[^ ]{67}/;

/** ASCII that can be folded without loss: some readers take a folded run of spaces for one. */
function isFoldable(text: string): boolean {
  if (!PRINTABLE.test(text) || text.includes("=?") || OVERLONG_WORD.test(text)) return false;
  return text.length <= 60 || !text.includes("  ");
}

/** Unstructured text (RFC 5322 section 2.2.1), folded; `name` is the header's name, whose length counts. */
export function unstructured(name: string, text: string): string {
  const clean = collapse(text);
  const words = isFoldable(clean) ? clean : encodedWords(clean, name.length + 2);
  return `${name}: ${fold(words, name.length + 2)}`;
}

/** A program-made header whose long words (URLs) are kept whole. @throws BellwetherError `internal` */
export function structured(name: string, value: string): string {
  if (!/^[\x21-\x39\x3b-\x7e]+$/.test(name)) throw unfit(name, "its name is not a header name");
  if (/[\x00-\x08\x0a-\x1f\x7f]/.test(value))
    throw unfit(name, "its value holds a line break or control character");
  if (!PRINTABLE.test(value)) return unstructured(name, value);
  const line = `${name}: ${fold(value.trim(), name.length + 2)}`;
  if (line.split("\r\n").some((part) => part.length > LINE_LIMIT))
    throw unfit(name, `its value has a part of more than ${LINE_LIMIT} characters that cannot be folded`);
  return line;
}

function unfit(name: string, why: string): BellwetherError {
  return new BellwetherError(
    "internal",
    `The header ${JSON.stringify(name)} cannot be written: ${why}.`,
    "Look for a line break or an overlong text in what was configured for it.",
  );
}

/** Breaks before spaces; what has no space is not broken. Unfolding gives back the very same text. */
export function fold(text: string, column: number): string {
  if (column + text.length <= FOLD_AT) return text;
  let out = "";
  let lineStart = 0;
  let room = FOLD_AT - column;
  while (text.length - lineStart > room) {
    // Not at the very beginning: a line of nothing but white space would end the header for some readers.
    let at = breakBefore(text, lineStart + room, lineStart + 1);
    if (at < 0) at = breakAfter(text, lineStart + room + 1);
    if (at < 0) break;
    out += `${text.slice(lineStart, at)}\r\n`;
    lineStart = at;
    room = FOLD_AT;
  }
  return out + text.slice(lineStart);
}

function breakBefore(text: string, from: number, lowest: number): number {
  for (let at = from; at >= lowest; at--) if (isLoneSpace(text, at)) return at;
  return -1;
}

function breakAfter(text: string, from: number): number {
  for (let at = from; at < text.length; at++) if (isLoneSpace(text, at)) return at;
  return -1;
}

function isLoneSpace(text: string, at: number): boolean {
  return text[at] === " " && text[at - 1] !== " " && text[at + 1] !== " " && at + 1 < text.length;
}

/**
 * RFC 2047: the whole text as encoded words of 75 characters at most, each of whole characters, with a space
 * between; Q or B, whichever is shorter.
 */
export function encodedWords(text: string, column: number): string {
  const words: string[] = [];
  const useQ = qLength(text) <= Math.ceil(Buffer.byteLength(text) / 3) * 4;
  let room = Math.min(75, FOLD_AT - column) - "=?UTF-8?Q??=".length;
  let chunk = "";
  let size = 0;
  const flush = () => {
    if (chunk === "") return;
    words.push(useQ ? `=?UTF-8?Q?${chunk}?=` : `=?UTF-8?B?${Buffer.from(chunk).toString("base64")}?=`);
    chunk = "";
    size = 0;
    room = 75 - "=?UTF-8?Q??=".length;
  };
  for (const character of text) {
    const encoded = useQ ? qEncode(character) : character;
    const width = useQ ? encoded.length : Buffer.byteLength(character);
    if ((useQ ? size + width : Math.ceil((size + width) / 3) * 4) > room) flush();
    chunk += encoded;
    size += width;
  }
  flush();
  return words.join(" ");
}

// RFC 2047 section 5 (3): the characters that Q may leave bare in a display name, the strictest place.
const Q_BARE = /^[A-Za-z0-9!*+/-]$/;

function qEncode(character: string): string {
  if (Q_BARE.test(character)) return character;
  if (character === " ") return "_";
  let out = "";
  for (const byte of Buffer.from(character)) out += `=${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  return out;
}

function qLength(text: string): number {
  const bare = text.match(/[A-Za-z0-9!*+/ -]/g)?.length ?? 0;
  return bare + (Buffer.byteLength(text) - bare) * 3;
}

export interface Mailbox {
  name?: string | null;
  address: string;
}

/** `Name <address>` folded, and whether the address needs SMTPUTF8 (RFC 6532). @throws `address-invalid` */
export function mailbox(header: string, { name, address }: Mailbox): { line: string; smtpUtf8: boolean } {
  const wire = wireAddress(address);
  const smtpUtf8 = !PRINTABLE.test(wire);
  const phrase = collapse(name ?? "").trim();
  if (phrase === "") return { line: `${header}: ${wire}`, smtpUtf8 };
  return {
    line: `${header}: ${fold(`${displayName(phrase, header.length + 2)} <${wire}>`, header.length + 2)}`,
    smtpUtf8,
  };
}

function displayName(phrase: string, column: number): string {
  if (!isFoldable(phrase)) return encodedWords(phrase, column);
  if (/^[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+$/.test(phrase) && !/ {2}/.test(phrase)) return phrase;
  return `"${phrase.replace(/["\\]/g, "\\$&")}"`;
}

/** The address with its domain as A-labels; the local part stays as it is (RFC 6531). */
export function wireAddress(address: string): string {
  const at = address.lastIndexOf("@");
  const [local, domain] = [address.slice(0, at), address.slice(at + 1)];
  const quoted = /^"(?:[^"\\\x00-\x1f\x7f]|\\[\x20-\x7e])*"$/.test(local);
  const bad = at < 1 || domain === "" || (!quoted && /[\s\x00-\x1f\x7f-\x9f<>()[\]:;,\\"@]/.test(local));
  const ascii = bad ? "" : PRINTABLE.test(domain) ? domain : domainToASCII(domain);
  if (bad || ascii === "" || (!/^[\w.-]+$/.test(ascii) && !/^\[[\w.:]+\]$/.test(ascii)))
    throw new BellwetherError(
      "address-invalid",
      `${JSON.stringify(address)} cannot stand in a mail header.`,
      "Correct the address.",
    );
  return `${local}@${ascii}`;
}

/** Line breaks and control characters in what people wrote become one space: nothing begins another header. */
function collapse(text: string): string {
  return /[\x00-\x1f\x7f-\x9f\u2028\u2029]/.test(text)
    ? text.replace(/\s*[\x00-\x1f\x7f-\x9f\u2028\u2029]+\s*/g, " ").trim()
    : text.trim();
}
