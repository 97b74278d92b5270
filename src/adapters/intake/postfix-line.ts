// Reads one line of a Postfix log: what became of a recipient, which Message-ID a queue id has, that a queue id is
// gone. It knows the syslog prefixes of both kinds and the names of several instances; all else is null. Which mail a
// queue id stands for, and what the words mean, is decided elsewhere.

/** What a delivery agent says of one recipient; the words of Postfix (`man 5 bounce`, `DEBUG_README`). */
export type PostfixStatus = "sent" | "deferred" | "bounced";

export type PostfixLine =
  | {
      is: "recipient";
      queueId: string;
      /** As the client wrote it, before aliases: `orig_to` where there is one. */
      to: string;
      /** The agent: "smtp", "lmtp", "local", "virtual", "pipe", "error", "discard", ... */
      agent: string;
      /** As logged: "mx.example.com[192.0.2.1]:25", "local", "none". */
      relay: string;
      status: PostfixStatus;
      /** Enhanced status code, Postfix's own or the one it was told; "" when there is none. */
      dsn: string;
      /** What stands in brackets behind the status. */
      words: string;
      atMs: number | null;
      /** The host that wrote the line. */
      host: string;
    }
  /** A queue file is made; its Message-ID without angle brackets, "" for none. */
  | { is: "message"; queueId: string; messageId: string }
  /** The queue gave it up: what was still deferred goes back to the sender. */
  | { is: "expired"; queueId: string; atMs: number | null; host: string }
  /** The queue file is removed; nothing more will be said of it. */
  | { is: "removed"; queueId: string };

/** "Nov 23 02:00:00 host " (RFC 3164) or "2026-11-23T02:00:00.123456+01:00 host "; some put "<22>" in front. */
const PREFIX =
  /^(?:<\d{1,3}>)?(?:([A-Z][a-z]{2}) {1,2}(\d{1,2}) (\d\d):(\d\d):(\d\d)|(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)))\s(\S{1,255})\s/;
/** "postfix/smtp[123]: ", "postfix-out/smtp[123]: ", "postfix/relay/smtp[123]: ", and then the queue id. */
const PROGRAM = /^\S{1,100}\/([a-z][\w-]{0,30})\[\d{1,10}\]: ([0-9A-Za-z]{5,24}): /;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAY_MS = 86_400_000;
/** RFC 5321 section 4.5.3.1.3 allows 256; what is longer is no address. */
const ADDRESS_LENGTH = 512;

/** Null for all lines that are of no use. Linear in the line's length; never throws. */
export function readPostfixLine(line: string, nowMs: number): PostfixLine | null {
  // Most lines are of other programs or other moments; these words sort them out before anything is taken apart.
  const recipient = line.indexOf(": to=<");
  if (
    recipient < 0 &&
    !line.includes("message-id=") &&
    !line.includes("expired, ") &&
    !line.endsWith(": removed")
  )
    return null;
  const prefix = PREFIX.exec(line);
  if (prefix === null) return null;
  const rest = line.slice(prefix[0].length);
  const program = PROGRAM.exec(rest);
  const [head = "", agent = "", queueId = ""] = program ?? [];
  if (queueId === "" || queueId === "NOQUEUE") return null;
  const said = rest.slice(head.length);
  if (said.startsWith("to=<")) {
    const of = readRecipient(said);
    return (
      of && { is: "recipient", queueId, agent, ...of, atMs: timeOf(prefix, nowMs), host: hostOf(prefix) }
    );
  }
  if (agent === "cleanup" && /^(?:resent-)?message-id=/.test(said)) {
    const messageId = said.slice(said.indexOf("=") + 1).trim();
    return { is: "message", queueId, messageId: messageId.replace(/^<|>$/g, "").slice(0, ADDRESS_LENGTH) };
  }
  if (agent === "qmgr" && /, status=(?:force-)?expired, /.test(said))
    return { is: "expired", queueId, atMs: timeOf(prefix, nowMs), host: hostOf(prefix) };
  if (agent === "qmgr" && said === "removed") return { is: "removed", queueId };
  return null;
}

/** "to=<a@b>, orig_to=<c@b>, relay=host[ip]:25, delay=1, delays=..., dsn=2.0.0, status=sent (250 ok)". */
function readRecipient(said: string) {
  const relayAt = said.indexOf(">, relay=");
  const statusAt = said.indexOf(", status=", relayAt);
  if (relayAt < 0 || relayAt > 2 * ADDRESS_LENGTH || statusAt < 0) return null;
  // An address may hold commas and even ">": it ends where the next field begins.
  const addresses = said.slice("to=<".length, relayAt).split(">, orig_to=<");
  const fields = said.slice(relayAt + ">, relay=".length, statusAt);
  const status = /^(sent|deferred|bounced|SOFTBOUNCE)\b ?/.exec(said.slice(statusAt + ", status=".length));
  if (status === null) return null;
  const rest = said.slice(statusAt + ", status=".length + status[0].length).trim();
  return {
    to: (addresses[1] ?? addresses[0] ?? "").slice(0, ADDRESS_LENGTH),
    relay: fields.split(", ", 1)[0] ?? "",
    dsn: /, dsn=([245]\.\d{1,3}\.\d{1,3})/.exec(fields)?.[1] ?? "",
    // soft_bounce = yes keeps in the queue what would have bounced.
    status: status[1] === "SOFTBOUNCE" ? ("deferred" as const) : (status[1] as PostfixStatus),
    words: rest.startsWith("(") ? rest.slice(1, rest.endsWith(")") ? -1 : undefined) : rest,
  };
}

function hostOf(prefix: RegExpExecArray): string {
  return prefix[7] ?? "";
}

/** RFC 3164 has no year and no zone: the host's own zone, and the last such day that is not in the future. */
function timeOf(prefix: RegExpExecArray, nowMs: number): number | null {
  const [, month = "", day, hour, minute, second, iso] = prefix;
  if (iso !== undefined) {
    const at = Date.parse(iso.replace(",", ".").replace(/([+-]\d\d)(\d\d)$/, "$1:$2"));
    return Number.isNaN(at) ? null : at;
  }
  const index = MONTHS.indexOf(month);
  if (index < 0) return null;
  const inYear = (year: number) =>
    new Date(year, index, Number(day), Number(hour), Number(minute), Number(second)).getTime();
  const year = new Date(nowMs).getFullYear();
  const at = [year + 1, year, year - 1].map(inYear).find((time) => time <= nowMs + DAY_MS);
  return at ?? null;
}
