// What the intakes that bring whole mails have in common: how much of a mail is kept, how it is known again, how it
// is shown to a person. What a mail says is the parser's affair, which they are given.
import { createHash } from "node:crypto";
import { LOOKED_AT } from "../../bounce/mime.ts";
import type { Report } from "../../bounce/report.ts";
import { EXCERPT_LENGTH } from "../../delivery/intake.ts";
import { BellwetherError } from "../../errors.ts";

/** Reads one mail, which may have been cut off at KEPT_BYTES. */
export type ReadMail = (raw: Buffer) => Report | Promise<Report>;

/**
 * Octets of a mail that are kept and read. What a report says of itself stands before the mail that it returns (RFC
 * 3462, now RFC 6522 section 3), and that mail may be of any size.
 */
export const KEPT_BYTES = LOOKED_AT;

/** Octets of the body that count for the key; below KEPT_BYTES, so that where a mail was cut off makes no difference. */
const KEY_BODY = 262_144;

/** What the sender wrote. Received, Delivered-To, ARC and the like are of a delivery, and differ where it is repeated. */
const OF_THE_SENDER = ["message-id", "date", "from", "to", "subject"];

/**
 * The same for the same mail, by whatever way and however often it came: 64 hexadecimal digits. `more` tells mails
 * apart that were written once and delivered to several.
 */
export function messageKey(raw: Buffer, more: readonly string[] = []): string {
  const { headers, body } = split(raw);
  const hash = createHash("sha256");
  for (const name of OF_THE_SENDER) {
    const values = headers.filter((header) => header.name === name).map((header) => header.value);
    hash.update(`${name}:${values.join("\n")}\0`);
  }
  for (const text of more) hash.update(`${text}\0`);
  return hash.update(body.subarray(0, KEY_BODY)).digest("hex");
}

const SHOWN = new Set([
  ...["from", "to", "subject", "date", "message-id", "reply-to", "content-type", "auto-submitted"],
  ...["x-failed-recipients", "x-bellwether-delivery"],
]);

/** Its headers that a person looks at, an empty line, and how the text begins. */
export function excerptOf(raw: Buffer): string {
  const { headers, body } = split(raw);
  const head = headers.filter((header) => SHOWN.has(header.name)).map((header) => header.line);
  const text = `${head.join("\n")}\n\n${body.subarray(0, EXCERPT_LENGTH * 4).toString("utf8")}`;
  return (
    text
      .replace(/\r\n?/g, "\n")
      // No database takes a NUL, and no terminal should get the others.
      .replace(/[\x00-\x08\x0b-\x1f\x7f]/g, "")
      .slice(0, EXCERPT_LENGTH)
      // Half a pair would be refused as malformed text.
      .replace(/[\ud800-\udbff]$/, "")
  );
}

/** What is handed over of a mail on which the parser failed: a person may look at it. */
export const UNREADABLE: Report = {
  kind: "not-a-bounce",
  recipients: [],
  marks: { tokens: [], messageIds: [], relayIds: [] },
  atMs: null,
  reporter: null,
};

/** Why something could not be recorded, in words for IntakeHealth: other errors may name hosts and users. */
export function recordingTrouble(error: unknown): string {
  const why = error instanceof BellwetherError ? `: ${error.message}` : "";
  return `what came in could not be recorded${why}`;
}

interface Header {
  /** Lower case. */
  name: string;
  /** Unfolded. */
  value: string;
  /** Unfolded, as it was written. */
  line: string;
}

function split(raw: Buffer): { headers: Header[]; body: Buffer } {
  const ends = [
    { at: raw.indexOf("\r\n\r\n"), length: 4 },
    { at: raw.indexOf("\n\n"), length: 2 },
  ].filter(({ at }) => at >= 0);
  const end = ends.sort((a, b) => a.at - b.at)[0] ?? { at: raw.length, length: 0 };
  const headers = raw
    .subarray(0, end.at)
    .toString("utf8")
    .replace(/\r?\n[ \t]+/g, " ")
    .split(/\r?\n/)
    .flatMap((line) => {
      const colon = line.indexOf(":");
      if (colon < 1) return [];
      return [{ name: line.slice(0, colon).trim().toLowerCase(), value: line.slice(colon + 1).trim(), line }];
    });
  return { headers, body: raw.subarray(end.at + end.length) };
}
