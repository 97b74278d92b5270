// The MIME composer: what is the same for every mail of a campaign (fixed headers, boundaries, attachments) is made
// once, a mail encodes only what is its own. Gives bytes with CRLF line ends; dots are the connection's to double.
import { createHash } from "node:crypto";
import { base64Lines, encodedWords, is7bit, mailbox, structured, unstructured } from "./mime.ts";
import { createQuotedPrintable } from "./quoted-printable.ts";

export interface Attachment {
  filename: string;
  /** "application/pdf"; parameters allowed. */
  contentType: string;
  content: Buffer;
}

export interface Mail {
  to: { name: string | null; address: string };
  subject: string;
  html: string;
  text: string;
  /** Left side of the Message-ID; the composer's domain is put behind it. A whole id with "@" is kept. */
  messageId: string;
  date: Date;
  /** Headers of this mail alone: List-Unsubscribe, Feedback-ID, ... */
  headers: readonly (readonly [string, string])[];
}

export interface Composed {
  raw: Buffer;
  /** True when an address has a non-ASCII local part: the next hop must offer SMTPUTF8 (RFC 6531). */
  smtpUtf8: boolean;
  /** Bodies are 7bit or quoted-printable always. */
  eightBit: false;
}

/**
 * Text of people (subject, names) has control characters collapsed to a space; a line break in a header that the
 * program made is refused.
 * @throws BellwetherError `address-invalid`, `internal` for an unfit header
 */
export function createComposer(options: {
  from: { name?: string; address: string };
  replyTo?: { name?: string; address: string };
  /** Right side of the Message-ID. */
  domain: string;
  fixedHeaders: readonly (readonly [string, string])[];
  attachments?: readonly Attachment[];
}): (mail: Mail) => Composed {
  const from = mailbox("From", options.from);
  const replyTo = options.replyTo === undefined ? null : mailbox("Reply-To", options.replyTo);
  const fixedUtf8 = from.smtpUtf8 || (replyTo?.smtpUtf8 ?? false);
  // "=_" can occur neither in quoted-printable nor in base64; a 7bit body that has it is sent as quoted-printable.
  const mark = createHash("sha256")
    .update(JSON.stringify([options.from.address, options.domain, options.fixedHeaders]))
    .digest("hex")
    .slice(0, 16);
  const alternative = `=_alt_${mark}`;
  const mixed = `=_mix_${mark}`;
  const attachments = options.attachments ?? [];
  const fixed = [
    ...(replyTo === null ? [] : [replyTo.line]),
    "MIME-Version: 1.0",
    ...options.fixedHeaders.map(([name, value]) => structured(name, value)),
  ].join("\r\n");
  const alternativeType = `Content-Type: multipart/alternative;\r\n boundary="${alternative}"\r\n\r\n`;
  const opening =
    attachments.length === 0
      ? alternativeType
      : `Content-Type: multipart/mixed;\r\n boundary="${mixed}"\r\n\r\n--${mixed}\r\n${alternativeType}`;
  const closing = Buffer.from(
    attachments.length === 0
      ? ""
      : `${attachments.map((attachment) => `--${mixed}\r\n${attachmentPart(attachment)}\r\n`).join("")}--${mixed}--\r\n`,
    "latin1",
  );
  let lastSubject = "";
  let lastSubjectLine = unstructured("Subject", "");

  const quotedPrintable = createQuotedPrintable();

  function bodyPart(type: "plain" | "html", text: string): string {
    // A lone CR counts as a line end too.
    const lines = text.includes("\r") ? text.replace(/\r\n?/g, "\n") : text;
    const plain = is7bit(lines) && !lines.includes(mark);
    const head = `--${alternative}\r\nContent-Type: text/${type}; charset=utf-8\r\nContent-Transfer-Encoding: `;
    return plain
      ? `${head}7bit\r\n\r\n${lines.replaceAll("\n", "\r\n")}\r\n`
      : `${head}quoted-printable\r\n\r\n${quotedPrintable(lines)}\r\n`;
  }

  return (mail) => {
    const to = mailbox("To", mail.to);
    // Most mails of a campaign carry the same subject as the one before.
    if (mail.subject !== lastSubject) {
      lastSubjectLine = unstructured("Subject", mail.subject);
      lastSubject = mail.subject;
    }
    const id = mail.messageId.replace(/^<|>$/g, "");
    let head = `${from.line}\r\n${to.line}\r\n${lastSubjectLine}\r\nDate: ${rfc5322Date(mail.date)}\r\n`;
    head += `${structured("Message-ID", `<${id.includes("@") ? id : `${id}@${options.domain}`}>`)}\r\n${fixed}\r\n`;
    for (const [name, value] of mail.headers) head += `${structured(name, value)}\r\n`;
    const body = `${bodyPart("plain", mail.text)}${bodyPart("html", mail.html)}--${alternative}--\r\n`;
    const smtpUtf8 = fixedUtf8 || to.smtpUtf8;
    const message = Buffer.from(`${head}${opening}${body}`, smtpUtf8 ? "utf8" : "latin1");
    return {
      raw: closing.length === 0 ? message : Buffer.concat([message, closing]),
      smtpUtf8,
      eightBit: false,
    };
  };
}

function attachmentPart({ filename, contentType, content }: Attachment): string {
  const type = structured("Content-Type", contentType);
  return [
    `${type}${fileParameter(filename, "name")}`,
    `Content-Disposition: attachment${fileParameter(filename, "filename")}`,
    "Content-Transfer-Encoding: base64",
    "",
    base64Lines(content),
  ].join("\r\n");
}

/** RFC 2231 section 4 for what is not ASCII; `name` also as encoded words, as older programs read only that. */
function fileParameter(filename: string, parameter: "name" | "filename"): string {
  // Lone surrogates are no characters: encodeURIComponent would throw.
  const clean = Buffer.from(filename.replace(/[\x00-\x1f\x7f]+/g, " ")).toString();
  if (/^[\x20-\x7e]*$/.test(clean) && clean.length < 60)
    return `;\r\n ${parameter}="${clean.replace(/["\\]/g, "\\$&")}"`;
  if (parameter === "name") return `;\r\n name="${encodedWords(clean, 7).replaceAll(" ", "\r\n ")}"`;
  const pieces: string[] = [];
  let piece = "";
  for (const character of clean) {
    const encoded = encodeURIComponent(character).replace(/['()*!]/g, percent);
    if (piece.length + encoded.length > 50) {
      pieces.push(piece);
      piece = "";
    }
    piece += encoded;
  }
  pieces.push(piece);
  return pieces
    .map((part, index) => `;\r\n filename*${index}*=${index === 0 ? "utf-8''" : ""}${part}`)
    .join("");
}

function percent(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}

function rfc5322Date(date: Date): string {
  return date.toUTCString().replace("GMT", "+0000");
}
