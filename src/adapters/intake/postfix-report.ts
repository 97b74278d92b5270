// Turns what a Postfix log says of a recipient into a report. A mail that only went through a filter of the same
// host is no news; one that local delivery put somewhere else has not arrived yet.

import { classificationOf } from "../../bounce/by-reason.ts";
import type { Report, ReportedRecipient } from "../../bounce/report.ts";
import { meaningOf, replyText } from "./meaning.ts";
import type { PostfixLine } from "./postfix-line.ts";
import type { QueueIds } from "./queue-ids.ts";

type Recipient = Extract<PostfixLine, { is: "recipient" }>;

/** Null: nothing that anybody waits for. */
export function reportOf(line: PostfixLine, ids: QueueIds): Report | null {
  if (line.is === "expired") {
    // The recipients' own lines came before, each as deferred; this one names none.
    const expired = "4.4.7 message expired in the relay's queue";
    const recipient: ReportedRecipient = {
      address: null,
      action: "failed",
      reply: expired,
      classification: classificationOf("expired", { over: true }),
    };
    return report("bounce", recipient, line, ids);
  }
  if (line.is !== "recipient") return null;
  switch (line.status) {
    case "sent": {
      if (line.agent === "discard" || ids.isHandedOn(line.queueId, line.words)) return null;
      const reply = replyText(line.words);
      const action = isOnItsWay(line) ? "relayed" : "delivered";
      return report("notice", { address: line.to, action, reply, classification: null }, line, ids);
    }
    case "deferred":
      return report("notice", { ...said(line, false), action: "delayed" }, line, ids);
    case "bounced":
      return report("bounce", { ...said(line, true), action: "failed" }, line, ids);
  }
}

/** Given to a program, or to another queue file: nobody has it yet. */
function isOnItsWay({ agent, words }: Recipient): boolean {
  return agent === "pipe" || /^forwarded as /.test(words);
}

function said(line: Recipient, over: boolean): Omit<ReportedRecipient, "action"> {
  const quoted = /\bsaid: /.test(line.words);
  // Postfix's own words have their code in `dsn`; to what it quotes, the server gave its own.
  const reply = replyText(quoted || line.dsn === "" ? line.words : `${line.dsn} ${line.words}`);
  const classification = meaningOf(reply, { over, otherwise: over ? undefined : "network" });
  // "Host not found, try again": the name server did not answer, which says nothing of the address.
  const unsure = !over && !quoted && classification.fault === "address";
  return {
    address: line.to,
    reply,
    classification: unsure ? classificationOf("network", { over }) : classification,
  };
}

function report(
  kind: Report["kind"],
  recipient: ReportedRecipient,
  line: { queueId: string; atMs: number | null; host: string },
  ids: QueueIds,
): Report {
  return {
    kind,
    recipients: [recipient],
    marks: { tokens: [], ...ids.marksOf(line.queueId) },
    atMs: line.atMs,
    reporter: line.host,
  };
}
