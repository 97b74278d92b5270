// Takes a mail apart: headers, and the leaves of its MIME tree with their text. For mails that strangers send: only
// the first megabyte is looked at, depth and counts are bounded, nothing throws, and broken structure (no headers, a
// boundary that never comes, a charset that lies) gives the best that can be had. What a leaf means is decided elsewhere.
import { TextDecoder } from "node:util";
import libmime from "libmime";

/** Bytes of a mail that are looked at. A report says what it has to say before the returned mail. */
export const LOOKED_AT = 1_048_576;
/** Levels of multipart inside multipart. */
const DEPTH_LIMIT = 10;
const LEAF_LIMIT = 60;
const HEADER_BYTES = 131_072;
const HEADER_COUNT = 500;
/** Characters of one header, unfolded. */
const VALUE_LENGTH = 8_192;
/** Bytes of one leaf that are decoded. */
const TEXT_BYTES = 262_144;

/** Names in lower case; values unfolded, as they stand. */
export type Headers = ReadonlyMap<string, readonly string[]>;

export interface Leaf {
  /** "text/plain", lower case, without parameters. */
  type: string;
  headers: Headers;
  charset: string;
  /** The body as it stands, one character a byte. */
  raw: string;
}

export interface Mail {
  headers: Headers;
  leaves: readonly Leaf[];
}

/** Bytes as text, one character a byte, the first LOOKED_AT of them. */
export function bytesOf(raw: Buffer | string): string {
  if (typeof raw !== "string") return raw.toString("latin1", 0, Math.min(raw.length, LOOKED_AT));
  const head = raw.slice(0, LOOKED_AT);
  return /[^\x00-\x7f]/.test(head) ? Buffer.from(head, "utf8").toString("latin1", 0, LOOKED_AT) : head;
}

/** Headers with which mails begin; a server's reply begins with none of them. */
const FIRST =
  /^(?:\u00ef\u00bb\u00bf)?\s{0,16}(?:>?From \S{1,300} [^\n]{1,100}\n)?(?:received|return-path|delivered-to|x-[\w-]{1,60}|from|to|cc|date|subject|message-id|mime-version|content-[\w-]{1,40}|reply-to|sender|auto-submitted|arc-[\w-]{1,40}|dkim-signature|authentication-results|delivery-date|envelope-to|list-[\w-]{1,30}|precedence|importance|thread-[\w-]{1,20}|in-reply-to|references|errors-to|resent-[\w-]{1,20}|received-spf|domainkey-signature|status)[ \t]{0,4}:/i;

/** Whether these bytes begin as a mail does: with a header, or an mbox's "From " line. */
export function looksLikeMail(raw: Buffer | string): boolean {
  return FIRST.test(typeof raw === "string" ? raw.slice(0, 2_048) : raw.toString("latin1", 0, 2_048));
}

/** The mail of these bytes (see bytesOf). */
export function readMail(bytes: string): Mail {
  const start = /^(?:\u00ef\u00bb\u00bf)?[\r\n]{0,8}(?:>?From [^\n]{0,500}\n)?/.exec(bytes)?.[0].length ?? 0;
  const { headers, bodyAt } = readHeaders(bytes, start, bytes.length);
  const leaves: Leaf[] = [];
  walk({ bytes, from: bodyAt, to: bytes.length, headers, depth: 0 }, leaves);
  return { headers, leaves };
}

/** Headers of a mail that stands inside a text, as the returned ones do. */
export function readHeaderBlock(text: string): Headers {
  return readHeaders(text, /^\s{0,64}/.exec(text)?.[0].length ?? 0, text.length).headers;
}

function readHeaders(bytes: string, from: number, to: number): { headers: Headers; bodyAt: number } {
  const headers = new Map<string, string[]>();
  const end = Math.min(to, from + HEADER_BYTES);
  let at = from;
  let count = 0;
  let last: string[] | null = null;
  while (at < end && count < HEADER_COUNT) {
    const newline = bytes.indexOf("\n", at);
    const lineEnd = newline < 0 || newline > end ? end : newline;
    const next = newline < 0 || newline > end ? end : newline + 1;
    const stop = bytes[lineEnd - 1] === "\r" ? lineEnd - 1 : lineEnd;
    if (stop <= at) return { headers, bodyAt: next };
    const first = bytes[at];
    if ((first === " " || first === "\t") && last !== null) {
      const before = last[last.length - 1] ?? "";
      if (before.length < VALUE_LENGTH) {
        last[last.length - 1] = `${before} ${bytes.slice(at, Math.min(stop, at + VALUE_LENGTH)).trim()}`;
      }
    } else {
      const name = /^([!-9;-~]{1,80})[ \t]{0,8}:/.exec(bytes.slice(at, Math.min(stop, at + 100)));
      // A line that is no header: what follows is the body, unless the mail is only a little broken.
      if (name?.[1] === undefined) {
        if (!/^(?:>?From |[!-~]{0,40}$)/.test(bytes.slice(at, Math.min(stop, at + 48))) || count === 0) {
          return { headers, bodyAt: at };
        }
        if (bytes.startsWith("--", at)) return { headers, bodyAt: at };
      } else {
        const key = name[1].toLowerCase();
        const value = bytes.slice(at + name[0].length, Math.min(stop, at + VALUE_LENGTH)).trim();
        last = headers.get(key) ?? [];
        last.push(value);
        headers.set(key, last);
        count += 1;
      }
    }
    at = next;
  }
  return { headers, bodyAt: at };
}

interface Node {
  bytes: string;
  from: number;
  to: number;
  headers: Headers;
  depth: number;
}

function walk(node: Node, leaves: Leaf[]): void {
  if (leaves.length >= LEAF_LIMIT) return;
  const { value, params } = structured(node.headers.get("content-type")?.[0] ?? "");
  const type = /^[\w.+-]{1,60}\/[\w.+-]{1,80}/.exec(value)?.[0] ?? "text/plain";
  if (type.startsWith("multipart/") && node.depth < DEPTH_LIMIT) {
    const boundary = params.boundary || guessBoundary(node);
    if (boundary && splitParts(node, boundary, leaves)) return;
  }
  leaves.push({
    type,
    headers: node.headers,
    charset: (params.charset ?? "").toLowerCase(),
    raw: node.bytes.slice(node.from, node.to),
  });
}

/** Walks the parts; false when the boundary does not stand in the body. */
function splitParts(node: Node, boundary: string, leaves: Leaf[]): boolean {
  const { bytes, to } = node;
  const mark = `--${boundary}`;
  let at = bytes.startsWith(mark, node.from) ? node.from : findMark(bytes, mark, node.from, to);
  if (at < 0) return false;
  // What stands before the first boundary is for old mail programs, except where it is all that there is.
  while (at >= 0 && leaves.length < LEAF_LIMIT) {
    const lineEnd = bytes.indexOf("\n", at + mark.length);
    if (lineEnd < 0 || lineEnd >= to) break;
    if (bytes.startsWith("--", at + mark.length) && !bytes.startsWith("---", at + mark.length)) break;
    const next = findMark(bytes, mark, lineEnd, to);
    const end = next < 0 ? to : next;
    const { headers, bodyAt } = readHeaders(bytes, lineEnd + 1, end);
    walk({ bytes, from: Math.min(bodyAt, end), to: end, headers, depth: node.depth + 1 }, leaves);
    at = next;
  }
  return true;
}

function findMark(bytes: string, mark: string, from: number, to: number): number {
  const found = bytes.indexOf(`\n${mark}`, Math.max(0, from));
  return found < 0 || found >= to ? -1 : found + 1;
}

/** The boundary of a mail that forgot to name it: the first line that looks like one and begins a part. */
function guessBoundary({ bytes, from, to }: Node): string | undefined {
  const head = bytes.slice(from, Math.min(to, from + 65_536));
  return /(?:^|\n)--([^\s]{1,200})\r?\n(?:content-[a-z]{1,30}|mime-version):/i.exec(head)?.[1];
}

function structured(value: string): { value: string; params: Readonly<Record<string, string>> } {
  if (value === "") return { value: "", params: {} };
  const { value: type, params } = libmime.parseHeaderValue(value.slice(0, 2_048), { stripComments: true });
  return { value: type.trim().toLowerCase(), params };
}

/** The first header of that name, decoded; "" when there is none. */
export function headerOf(headers: Headers, name: string): string {
  return decodeHeader(headers.get(name)?.[0] ?? "");
}

/** All headers of these names, decoded. */
export function headersOf(headers: Headers, ...names: readonly string[]): string[] {
  return names.flatMap((name) => (headers.get(name) ?? []).map(decodeHeader));
}

function decodeHeader(value: string): string {
  const text = /[\x80-\xff]/.test(value) ? decodeBytes(Buffer.from(value, "latin1"), "") : value;
  if (!text.includes("=?")) return text;
  return libmime.decodeWords(text.replace(/\?=\s{1,20}=\?/g, "?= =?"));
}

/** A leaf's text: transfer encoding and charset undone, line ends as "\n", at most TEXT_BYTES of it. */
export function textOf(leaf: Leaf): string {
  const encoding = (leaf.headers.get("content-transfer-encoding")?.[0] ?? "").toLowerCase();
  const raw = leaf.raw.length > TEXT_BYTES ? leaf.raw.slice(0, TEXT_BYTES) : leaf.raw;
  let bytes = raw;
  if (encoding.includes("base64")) bytes = Buffer.from(raw, "base64").toString("latin1");
  else if (encoding.includes("quoted-printable")) bytes = unquote(raw);
  const text =
    /[\x80-\xff\x1b]/.test(bytes) || leaf.charset.startsWith("utf-16")
      ? decodeBytes(Buffer.from(bytes, "latin1"), leaf.charset)
      : bytes;
  return text.includes("\r") ? text.replace(/\r\n?/g, "\n") : text;
}

function unquote(text: string): string {
  return text
    .replace(/=[ \t]{0,16}\r?\n/g, "")
    .replace(/=([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

const strict = new TextDecoder("utf-8", { fatal: true });
const decoders = new Map<string, TextDecoder>();

/** Bytes as text. What is valid UTF-8 is UTF-8, whatever is said of it; what says nothing is Windows-1252. */
function decodeBytes(bytes: Buffer, charset: string): string {
  if (bytes.includes("\x1b$") || bytes.includes("\x1b(J")) return decoderOf("iso-2022-jp").decode(bytes);
  if (charset.startsWith("utf-16")) return decoderOf(charset).decode(bytes);
  try {
    return strict.decode(bytes);
  } catch {
    return decoderOf(charset).decode(bytes);
  }
}

function decoderOf(charset: string): TextDecoder {
  const label = charset === "cp932" ? "shift_jis" : charset;
  const known = decoders.get(label);
  if (known) return known;
  let made: TextDecoder;
  try {
    made = new TextDecoder(label === "" || label === "us-ascii" ? "windows-1252" : label);
  } catch {
    made = new TextDecoder("windows-1252");
  }
  // Strangers choose the names: few are kept.
  if (decoders.size < 50) decoders.set(label, made);
  return made;
}
