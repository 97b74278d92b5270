// What came back by report, for people: which matched nothing and wants a look, and what each one did.

import type { Fault, Reason } from "../bounce/reason.ts";
import { redactReply } from "../bounce/redact.ts";
import { shownTime } from "./find.ts";
import { safeText } from "./safe-text.ts";

export interface ReturnedReport {
  id: number;
  intake: string;
  /** ISO 8601 UTC: when it happened, by the reporter. */
  at: string;
  receivedAt: string;
  kind: string;
  action: string | null;
  recipient: string | null;
  reporter: string | null;
  reply: string | null;
  reason: Reason | null;
  fault: Fault | null;
  /** "moved" its delivery, was "known", about an "earlier" attempt, "unmatched", or told of a "sentinel". */
  effect: string;
  matchedBy: string | null;
  campaignId: number | null;
  delivery: number | null;
  attempt: number | null;
  excerpt: string | null;
}

export interface ReturnedSource {
  /** The next page, newest first, before that id (null: from the newest). */
  returned(page: { beforeId: number | null; limit: number; unmatched: boolean }): Promise<ReturnedReport[]>;
  /** How many matched nothing since then, ms. */
  unmatchedSince(sinceMs: number): Promise<number>;
}

/** One line for people. */
export function describeReturned(report: ReturnedReport): string {
  const { at, intake, kind, action, recipient, reporter, reason, effect, campaignId, delivery } = report;
  const whose = delivery === null ? "" : ` (campaign ${campaignId}, delivery ${delivery})`;
  const what = [action ?? kind, reason].filter(Boolean).join(", ");
  const who = recipient ?? "nobody named";
  const from = reporter === null ? "" : ` by ${reporter}`;
  return safeText(`${shownTime(at)}  ${intake}  ${who}: ${what}${from}: ${effect}${whose}`);
}

/** The same for those who may not see addresses. */
export function redacted(report: ReturnedReport): ReturnedReport {
  const recipient = report.recipient ?? "";
  const clean = (text: string | null) => (text === null ? null : redactReply(text, { recipient }));
  return {
    ...report,
    recipient: report.recipient === null ? null : "[address]",
    reply: clean(report.reply),
    excerpt: clean(report.excerpt),
  };
}
