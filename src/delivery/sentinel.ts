// The sentinel: one mail a launch and relay to an address that must bounce. When it comes back, bad news is seen; it is
// nobody's delivery, suppresses nobody and steps no breaker. Here: its names, its mail, and what its state is called.
import { shownDuration } from "../breaker/silence.ts";
import { type MessageName, makeMessageName, makeToken, readToken, type TokenContent } from "./token.ts";
import type { Mail } from "./transport.ts";

/** No name below it ever exists (RFC 2606 section 2). */
export const SENTINEL_DOMAIN = "bellwether.invalid";
/** Attempts and revisions of deliveries begin at 1: 0 is nobody's. */
const NOBODYS = 0;

/** As its row says. */
export interface SentinelRow {
  id: number;
  campaignId: number;
  route: string;
  state: "sending" | "sent" | "refused" | "back";
  sentAtMs: number;
  /** When it came back. */
  backAtMs: number | null;
  /** The intake that brought it. */
  by: string | null;
  /** With which words the relay refused it. */
  reply: string | null;
}

/** `missing`: it should have come back by now. `refused`: the relay did not take it, which says nothing. */
export type SentinelStatus = "on-its-way" | "came-back" | "missing" | "refused";

/** After so many soaks it is missing. */
const SOAKS_UNTIL_MISSING = 3;

export function statusOf(
  row: SentinelRow,
  { nowMs, soakMs }: { nowMs: number; soakMs: number },
): SentinelStatus {
  if (row.state === "back") return "came-back";
  if (row.state === "refused") return "refused";
  return row.sentAtMs + SOAKS_UNTIL_MISSING * soakMs <= nowMs ? "missing" : "on-its-way";
}

/** One sentence for people. */
export function describeSentinel(row: SentinelRow, times: { nowMs: number; soakMs: number }): string {
  switch (statusOf(row, times)) {
    case "came-back":
      return `The sentinel came back after ${shownDuration((row.backAtMs ?? 0) - row.sentAtMs)} (${row.by ?? "by hand"}).`;
    case "refused":
      return `The relay refused the sentinel, which says nothing of reports: ${row.reply ?? "without a word"}`;
    case "missing":
      return `The sentinel is missing: it was sent ${shownDuration(times.nowMs - row.sentAtMs)} ago, must bounce, and has not come back.`;
    case "on-its-way":
      return `The sentinel is on its way since ${shownDuration(times.nowMs - row.sentAtMs)}.`;
  }
}

/** The id of the sentinel that signed names mean; null: they mean something else. */
export function sentinelOf({
  token,
  message,
}: {
  token: TokenContent | null;
  message: MessageName | null;
}): number | null {
  if (token?.attempt === NOBODYS) return token.delivery;
  return message?.revision === NOBODYS ? message.delivery : null;
}

/** What a sentinel's own address names: a relay's log may tell nothing else of it. */
export function tokenOfSentinel(address: string | null, secret: string): TokenContent | null {
  const [local, domain] = (address ?? "").toLowerCase().split("@");
  if (local === undefined || domain !== SENTINEL_DOMAIN) return null;
  return readToken(local, secret);
}

/** Its mail: plain text, ASCII, small. `id`: of its row. `from`: with a `{token}` in it where one can be put. */
export function sentinelMail(options: {
  id: number;
  secret: string;
  from: string;
  returnPath: string | null;
  /** Right side of the Message-ID. */
  domain: string;
  nowMs: number;
}): Mail {
  const { id, secret, from, returnPath, domain, nowMs } = options;
  const token = makeToken({ delivery: id, attempt: NOBODYS }, secret);
  const to = `${token}@${SENTINEL_DOMAIN}`;
  const lines = [
    `From: ${from}`,
    `To: ${to}`,
    "Subject: Do bounces come back?",
    `Date: ${new Date(nowMs).toUTCString().replace("GMT", "+0000")}`,
    `Message-ID: <${makeMessageName({ delivery: id, revision: NOBODYS }, secret)}@${domain}>`,
    "Auto-Submitted: auto-generated",
    `X-Bellwether-Delivery: ${token}`,
    "MIME-Version: 1.0",
    "Content-Type: text/plain; charset=us-ascii",
    "",
    "This mail goes to an address that does not exist. It must come back: by it",
    "Bellwether knows that it would see the bounces of the mails that follow.",
    "",
  ];
  return {
    from: returnPath?.replace("{token}", token) ?? from,
    to,
    raw: Buffer.from(lines.join("\r\n"), "latin1"),
    smtpUtf8: false,
    envid: token,
  };
}

/** The port behind which sentinels are kept. */
export interface SentinelStore {
  /** Campaigns that run and the relay routes of theirs that have none yet. */
  due(): Promise<{ campaignId: number; route: string }[]>;
  /** Makes its row, before anything is sent; null: somebody else did. */
  begin(campaignId: number, route: string): Promise<number | null>;
  /** The relay took it, refused it with these words, or could not be reached: then it is tried again later. */
  settle(
    id: number,
    heard: { is: "sent" } | { is: "refused"; reply: string } | { is: "unreachable" },
  ): Promise<void>;
}
