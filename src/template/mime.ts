// How text becomes what may stand on the wire: quoted-printable and 7bit bodies, RFC 2047 encoded words, folded
// headers, addresses. Pure; which parts a mail has is decided in compose.ts.
import { domainToASCII } from "node:url";
import { BellwetherError } from "../errors.ts";

/** Lines a header should keep to (RFC 5322 section 2.1.1 says 78; RFC 2047 section 2 wants 76 for encoded words). */
const FOLD_AT = 76;
/** Octets that no line may exceed, without its CRLF (RFC 5322 section 2.1.1). */
const LINE_LIMIT = 998;

/** CRLF line ends; a lone CR or LF counts as one too. */
export function crlf(text: string): string {
  return text.replace(/\r\n|\r|\n/g, "\r\n");
}

const NOT_7BIT = /[^\t\r\n\x20-\x7e]/;

/** True when `text` (with CRLF line ends) may travel as it is: relays strip trailing spaces and mend "From ". */
export function is7bit(text: string): boolean {
  if (NOT_7BIT.test(text) || text.includes(" \r") || text.includes("\t\r") || /[ \t]$/.test(text.slice(-1)))
    return false;
  if (text.startsWith("From ") || text.includes("\nFrom ")) return false;
  for (let start = 0; start < text.length; ) {
    const end = text.indexOf("\r\n", start);
    if ((end < 0 ? text.length : end) - start > LINE_LIMIT) return false;
    if (end < 0) break;
    start = end + 2;
  }
  return true;
}

const HEX = Buffer.from("0123456789ABCDEF", "latin1");
/** 1: stands for itself anywhere but at the beginning or end of a line (RFC 2045 section 6.7 rules 2 and 3). */
const PLAIN = new Uint8Array(256).map((_, byte) =>
  byte === 9 || (byte >= 32 && byte < 127 && byte !== 61) ? 1 : 0,
);
const [TAB, LF, CR, SPACE, DOT, EQUALS, UPPER_F] = [9, 10, 13, 32, 46, 61, 70];
let scratch = Buffer.allocUnsafe(32 * 1024);

/** Lines that were encoded lately: nearly all lines of a campaign's mails are the same for every client. */
const encodedLines = new Map<string, string>();
const LINES_KEPT = 2_000;

/**
 * RFC 2045 section 6.7 of a text with CRLF line ends: lines of 76 at most, and no character of UTF-8 divided by a
 * soft line break.
 */
export function quotedPrintable(text: string): string {
  let out = "";
  for (let from = 0; ; ) {
    const end = text.indexOf("\r\n", from);
    const line = end < 0 ? text.slice(from) : text.slice(from, end);
    let encoded = encodedLines.get(line);
    if (encoded === undefined) {
      encoded = encodeLine(line);
      if (encodedLines.size >= LINES_KEPT) encodedLines.clear();
      // A copy: a slice would keep the whole mail that it was cut from.
      encodedLines.set(Buffer.from(line, "utf16le").toString("utf16le"), encoded);
    }
    out += encoded;
    if (end < 0) return out;
    out += "\r\n";
    from = end + 2;
  }
}

/** One line without its line end; a lone CR or LF in it is encoded like any other byte. */
function encodeLine(text: string): string {
  const bytes = Buffer.from(text, "utf8");
  const size = bytes.length;
  // At worst each byte becomes three, and a soft break of three comes after every 66 of those.
  if (scratch.length < size * 4 + 16) scratch = Buffer.allocUnsafe(size * 4 + 16);
  const out = scratch;
  let length = 0;
  let column = 0;
  for (let at = 0; at < size; ) {
    // Most of a mail is runs of plain ASCII; the last character before a line end is looked at alone.
    const stop = Math.min(size - 1, at + FOLD_AT - 1 - column);
    while (column > 0 && at < stop && PLAIN[bytes[at] as number] === 1 && bytes[at + 1] !== CR) {
      out[length++] = bytes[at++] as number;
      column++;
    }
    const byte = bytes[at] as number;
    if (byte === CR && bytes[at + 1] === LF) {
      out[length++] = CR;
      out[length++] = LF;
      column = 0;
      at += 2;
      continue;
    }
    let coded = PLAIN[byte] === 0;
    if (byte === SPACE || byte === TAB)
      coded = at === size - 1 || (bytes[at + 1] === CR && bytes[at + 2] === LF);
    // Careless hops double a dot and mend "From " at the beginning of a line.
    else if (column === 0) coded ||= byte === DOT || (byte === UPPER_F && startsWithFrom(bytes, at));
    // A lead byte asks for room for its whole character.
    const width = coded ? 3 * (byte < 0xc0 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4) : 1;
    if (column + width > FOLD_AT - 1) {
      out[length++] = EQUALS;
      out[length++] = CR;
      out[length++] = LF;
      column = 0;
      continue;
    }
    at++;
    if (coded) {
      out[length++] = EQUALS;
      out[length++] = HEX[byte >> 4] as number;
      out[length++] = HEX[byte & 15] as number;
      column += 3;
    } else {
      out[length++] = byte;
      column++;
    }
  }
  return out.toString("latin1", 0, length);
}

function startsWithFrom(bytes: Buffer, at: number): boolean {
  return bytes[at + 1] === 114 && bytes[at + 2] === 111 && bytes[at + 3] === 109 && bytes[at + 4] === 32;
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
