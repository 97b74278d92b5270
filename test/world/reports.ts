// Mails as they come back, and a small reader of them for the tests of the intakes: it finds the kind by the content
// type and the tokens by their shape, which is all that an intake is interested in.
import type { Report } from "../../src/bounce/report.ts";
import type { Deliver, Incoming } from "../../src/delivery/intake.ts";
import { makeToken } from "../../src/delivery/token.ts";

export const SECRET = "a secret of the tests";

export const tokenOf = (delivery: number, attempt = 1): string => makeToken({ delivery, attempt }, SECRET);

/** A delivery status notification, as an MTA writes it. */
export function bounceMail(
  token: string,
  { id = token, body = "" }: { id?: string; body?: string } = {},
): string {
  return [
    "Received: from relay.example by mx.example; Tue, 27 Apr 2027 08:00:00 +0000",
    "From: MAILER-DAEMON@relay.example",
    `To: bounces+${token}@bounces.example.com`,
    `Message-ID: <${id}@relay.example>`,
    "Subject: Undelivered Mail Returned to Sender",
    'Content-Type: multipart/report; report-type=delivery-status; boundary="b"',
    "",
    "--b",
    "Content-Type: text/plain",
    "",
    "550 5.1.1 no such user",
    "--b",
    "Content-Type: message/delivery-status",
    "",
    "Reporting-MTA: dns; relay.example",
    "",
    "Final-Recipient: rfc822; someone@customer.example",
    "Action: failed",
    "Status: 5.1.1",
    "",
    "--b--",
    body,
  ].join("\r\n");
}

/** A person's mail. */
export function personalMail(subject: string): string {
  return [
    "From: Somebody <somebody@customer.example>",
    "To: support@example.com",
    `Message-ID: <${subject.replaceAll(" ", ".")}@customer.example>`,
    `Subject: ${subject}`,
    "Content-Type: text/plain",
    "",
    "When will it be over?",
    "",
  ].join("\r\n");
}

export function autoReply(to: string, id: string): string {
  return [
    "From: Somebody <somebody@customer.example>",
    `To: ${to}`,
    `Message-ID: <${id}@customer.example>`,
    "Subject: Out of office",
    "Auto-Submitted: auto-replied",
    "",
    "Back on Monday.",
    "",
  ].join("\r\n");
}

export function readSmall(raw: Buffer): Report {
  const text = raw.toString("latin1");
  const bounced = /^Content-Type: multipart\/report/im.test(text);
  const kind = bounced ? "bounce" : /^Auto-Submitted:/im.test(text) ? "auto-reply" : "not-a-bounce";
  const found = text.match(/\b[0-9a-z]{1,11}-[0-9a-z]{1,6}-[0-9a-z]{13}\b/g) ?? [];
  return {
    kind,
    recipients: [],
    marks: { tokens: [...new Set(found)], messageIds: [], relayIds: [] },
    atMs: null,
    reporter: null,
  };
}

/** Keeps what it is given; fails while `failing` says so. */
export function createLedger(): {
  deliver: Deliver;
  /** Calls that were made, those that are under way or failed among them. */
  begun: number;
  calls: (readonly Incoming[])[];
  all: () => Incoming[];
  failing: Error | null;
  /** What a call waits for before it ends. */
  gate: Promise<void> | null;
} {
  const ledger = {
    begun: 0,
    calls: [] as (readonly Incoming[])[],
    failing: null as Error | null,
    gate: null as Promise<void> | null,
    all: () => ledger.calls.flat(),
    deliver: async (incoming: readonly Incoming[]) => {
      ledger.begun++;
      if (ledger.gate !== null) await ledger.gate;
      if (ledger.failing !== null) throw ledger.failing;
      ledger.calls.push(incoming);
    },
  };
  return ledger;
}

/** Polls until it is so; says what was waited for otherwise. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  ms = 20_000,
): Promise<void> {
  const end = Date.now() + ms;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`in ${ms} ms it was never so: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
