// Reads the machine's part of a delivery status notification (RFC 3464, and RFC 6533 for addresses above ASCII), and
// of a feedback report, which has the same form: groups of fields. What they mean is decided elsewhere.
import { addressIn } from "./mail-address.ts";

/** Recipients of one report that are read. Ours are written to one by one; a longer list is somebody's nonsense. */
export const RECIPIENT_LIMIT = 1_000;
const GROUP_LIMIT = RECIPIENT_LIMIT + 10;
const FIELD_LENGTH = 4_096;

/** Names in lower case; lines of a folded value joined by "\n". */
export type Fields = ReadonlyMap<string, string>;

/** The groups, parted by empty lines, or by a second recipient where the reporter forgot the empty line. */
export function readFieldGroups(text: string): Fields[] {
  const groups: Map<string, string>[] = [];
  let group = new Map<string, string>();
  let last: string | null = null;
  const close = () => {
    if (group.size > 0) groups.push(group);
    group = new Map();
    last = null;
  };
  for (const line of linesOf(text)) {
    if (groups.length >= GROUP_LIMIT) break;
    if (line.trim() === "") {
      close();
      continue;
    }
    const field = /^([a-z][\w-]{1,60})[ \t]{0,8}:(.*)/i.exec(line);
    if (field?.[1] !== undefined && field[2] !== undefined) {
      const name = field[1].toLowerCase();
      if (name === "final-recipient" && group.has(name)) close();
      const before = group.get(name);
      const value = field[2].trim().slice(0, FIELD_LENGTH);
      // Abuse desks repeat Original-Rcpt-To; both are meant.
      group.set(name, before === undefined ? value : `${before}\n${value}`.slice(0, FIELD_LENGTH));
      last = name;
    } else if (last !== null) {
      // Folded, or meant to be.
      group.set(last, `${group.get(last) ?? ""}\n${line.trim()}`.slice(0, FIELD_LENGTH));
    }
  }
  close();
  return groups;
}

function* linesOf(text: string): Generator<string> {
  let at = 0;
  while (at < text.length) {
    const newline = text.indexOf("\n", at);
    const end = newline < 0 ? text.length : newline;
    yield text.slice(at, Math.min(end, at + FIELD_LENGTH));
    at = end + 1;
  }
}

export interface StatusGroup {
  /** As it was written to. */
  original: string | null;
  /** As the reporter had it in the end. */
  final: string | null;
  action: string;
  /** Enhanced code of the field Status, "" when there is none. */
  status: string;
  diagnostic: string;
  /** Whose words the diagnostic is, in lower case: "smtp" of a server, "x-unix" of a program; "" untold. */
  diagnosticType: string;
  remoteMta: string;
  lastAttempt: string;
}

export interface DeliveryStatus {
  message: Fields;
  recipients: readonly StatusGroup[];
}

/** Undefined fields are ""; a text without any recipient's group gives none. */
export function readDeliveryStatus(text: string): DeliveryStatus {
  const message = new Map<string, string>();
  const recipients: StatusGroup[] = [];
  for (const group of readFieldGroups(text)) {
    const isRecipient = ["final-recipient", "original-recipient", "action", "diagnostic-code"].some((name) =>
      group.has(name),
    );
    if (!isRecipient || group.has("reporting-mta") || group.has("original-envelope-id")) {
      for (const [name, value] of group) if (!message.has(name)) message.set(name, value);
    }
    if (!isRecipient || recipients.length >= RECIPIENT_LIMIT) continue;
    recipients.push({
      original: typedAddress(group.get("original-recipient")),
      final: typedAddress(group.get("final-recipient")),
      action: /^[a-z]{1,20}/.exec((group.get("action") ?? "").toLowerCase())?.[0] ?? "",
      status: /\b[245]\.\d{1,3}\.\d{1,3}\b/.exec(group.get("status") ?? "")?.[0] ?? "",
      diagnostic: untyped(group.get("diagnostic-code") ?? ""),
      diagnosticType:
        /^\s{0,8}([\w.-]{1,30})[ \t]{0,4};/.exec(group.get("diagnostic-code") ?? "")?.[1]?.toLowerCase() ??
        "",
      remoteMta: typedHost(group.get("remote-mta") ?? ""),
      lastAttempt: group.get("last-attempt-date") ?? group.get("last-attempt") ?? "",
    });
  }
  return { message, recipients };
}

/** "smtp; 550 ..." without its type. */
function untyped(value: string): string {
  return value.replace(/^\s{0,8}[\w.-]{1,30}[ \t]{0,4};\s{0,8}/, "").trim();
}

/** "dns; mx.example.com (192.0.2.1)" as "mx.example.com". */
export function typedHost(value: string): string {
  return /^[\w.:-]{1,255}/.exec(untyped(value).replace(/^[<["]{1,2}/, ""))?.[0]?.toLowerCase() ?? "";
}

/** The address of "rfc822; user@example.com", "utf-8; ..."; null when it is none (a file, a pipe, a phone number). */
export function typedAddress(value: string | undefined): string | null {
  if (value === undefined) return null;
  const bare = untyped(value.slice(0, 1_024));
  if (/^[|/]/.test(bare)) return null;
  const plain = bare.includes("\\x{")
    ? // RFC 6533 section 3: \x{HHHH} for what is above ASCII.
      bare.replace(/\\x\{([0-9a-f]{2,6})\}/gi, (all, hex: string) => {
        const code = Number.parseInt(hex, 16);
        return code <= 0x10ffff ? String.fromCodePoint(code) : all;
      })
    : bare;
  // RFC 3461 section 4 encodes "=" and "+" as xtext, and reporters hand that on; other signs need none.
  return addressIn(plain)?.replace(/\+3D/g, "=").replace(/\+2B/g, "+") ?? null;
}
