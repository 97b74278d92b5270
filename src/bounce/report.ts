// What comes back later about a mail that was handed over - one shape, whoever brings it: a bounce mail, a relay's
// log, a webhook. It says what was said of whom and by which marks the mail can be known again; which delivery is
// meant, and what becomes of it, is decided elsewhere.
import type { Classification } from "./reason.ts";

export const REPORT_KINDS = ["bounce", "feedback", "auto-reply", "notice", "not-a-bounce"] as const;
/** `notice`: nothing has ended (delayed, relayed, expanded, delivered). */
export type ReportKind = (typeof REPORT_KINDS)[number];

/** What became of one recipient: RFC 3464 section 2.3.3; `complained` is RFC 5965's; `replied` a machine's answer. */
export const REPORT_ACTIONS = [
  "failed",
  "delayed",
  "delivered",
  "relayed",
  "expanded",
  "complained",
  "replied",
] as const;
export type ReportAction = (typeof REPORT_ACTIONS)[number];

export interface ReportedRecipient {
  /** As we wrote to it where the report tells, else as the reporter names it; null when it hides it. */
  address: string | null;
  /** Where it ended after aliases and forwards, when that is another address. */
  final?: string;
  action: ReportAction;
  /** The words that were classified, at most REPLY_LENGTH characters; "" when nothing was said. */
  reply: string;
  /** What they mean; null for good news (delivered, relayed, expanded). */
  classification: Classification | null;
}

/** By what the mail that a report is about can be known again. All of it is the reporter's word and proves nothing. */
export interface Marks {
  /** Whatever looks like a delivery's token: in the address the report came to, the return path, our own header, ENVID. */
  tokens: readonly string[];
  /** Message-IDs without angle brackets. */
  messageIds: readonly string[];
  /** Ids under which a relay keeps it: a queue id, a provider's message id. */
  relayIds: readonly string[];
}

export interface Report {
  kind: ReportKind;
  recipients: readonly ReportedRecipient[];
  marks: Marks;
  /** When it happened, by the reporter's clock, ms since the epoch; null: it does not say. */
  atMs: number | null;
  /** Who reports: a host name or a service; null: unknown. */
  reporter: string | null;
}

/** Characters kept of what somebody said. */
export const REPLY_LENGTH = 2_000;
