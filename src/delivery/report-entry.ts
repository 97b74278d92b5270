// From what an intake brings to what the ledger can match: one entry a recipient, with those marks that prove
// themselves (our signatures), and whether the road itself can be believed. Pure.
import type { Classification } from "../bounce/reason.ts";
import type { ReportAction, ReportKind } from "../bounce/report.ts";
import { readAddress } from "../client/address.ts";
import type { Incoming } from "./intake.ts";
import { tokenOfSentinel } from "./sentinel.ts";
import { type MessageName, readMessageName, readToken, type TokenContent } from "./token.ts";

export interface ReportEntry {
  /** Key of what was brought, and the number of the recipient in it. */
  key: string;
  intake: string;
  receivedAtMs: number;
  /** When it happened; when it was received, where the reporter does not say or names the future. */
  atMs: number;
  kind: ReportKind;
  /** null: the report speaks of nobody. */
  action: ReportAction | null;
  recipient: string | null;
  /** The recipient as deliveries are compared by. */
  recipientKey: string | null;
  reporter: string | null;
  reply: string;
  classification: Classification | null;
  excerpt: string;
  /** It came by a road that only the relay, the service or our own staff can use: no stranger can have written it. */
  trusted: boolean;
  token: TokenContent | null;
  message: MessageName | null;
  relayIds: readonly string[];
}

/** A mailbox and a listener take from everybody; the others are signed, or are our own files. */
const OPEN_ROADS: ReadonlySet<string> = new Set(["imap", "smtp"]);

/** The entries of one thing brought: at least one, so that nothing is dropped. */
export function entriesOf(incoming: Incoming, secret: string): ReportEntry[] {
  const { key, intake, receivedAtMs, report, excerpt } = incoming;
  const { kind, reporter, marks } = report;
  const common = {
    intake,
    receivedAtMs,
    atMs: report.atMs === null ? receivedAtMs : Math.min(report.atMs, receivedAtMs),
    kind,
    reporter,
    trusted: !OPEN_ROADS.has(intake),
    token: firstOf(marks.tokens, (text) => readToken(text, secret)),
    message: firstOf(marks.messageIds, (id) => readMessageName(id, secret)),
    relayIds: marks.relayIds.slice(0, MARKS_KEPT),
  };
  if (report.recipients.length === 0) {
    const nobody = { action: null, recipient: null, recipientKey: null, reply: "", classification: null };
    return [{ ...common, ...nobody, key: `${key}/0`, excerpt }];
  }
  return report.recipients.map((one, index) => ({
    ...common,
    key: `${key}/${index}`,
    token: common.token ?? tokenOfSentinel(one.address, secret),
    action: one.action,
    recipient: one.address,
    recipientKey: keyOf(one.address),
    reply: one.reply,
    classification: one.classification,
    // Once is enough for the eye.
    excerpt: index === 0 ? excerpt : "",
  }));
}

/** A report may quote a whole thread; the mail that it is about is among the first. */
const MARKS_KEPT = 20;

function firstOf<T>(texts: readonly string[], read: (text: string) => T | null): T | null {
  for (const text of texts.slice(0, MARKS_KEPT)) {
    const found = read(text);
    if (found !== null) return found;
  }
  return null;
}

function keyOf(address: string | null): string | null {
  if (address === null) return null;
  const read = readAddress(address);
  return typeof read === "string" ? null : read.key;
}
