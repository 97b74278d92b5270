// Mails that come back, as the tests write them: lines joined as SMTP joins them, and a delivery status notification
// from its parts.

export function mail(...lines: readonly string[]): string {
  return lines.join("\r\n");
}

/** What came back of a mail of ours. */
export const RETURNED = [
  "Received: from app.example.com (app.example.com [192.0.2.7])",
  "\tby relay.example.com (Postfix) with ESMTP id 4FzX1k2Qz9;",
  "\tThu, 22 Apr 2027 09:00:00 +0000 (UTC)",
  "Return-Path: <bounces+1x-2-0123456789abc@bounces.example.com>",
  "X-Bellwether-Delivery: 1x-2-0123456789abc",
  "Message-ID: <a1.b2@example.com>",
  "From: Support <support@example.com>",
  "To: jane@client.example",
  "Subject: Maintenance on Wednesday",
] as const;

export interface DsnParts {
  prose?: readonly string[];
  /** Lines of message/delivery-status. */
  status: readonly string[];
  returned?: readonly string[];
  headers?: readonly string[];
  statusType?: string;
  returnedType?: string;
}

export function dsn(parts: DsnParts): string {
  const { prose = ["Your mail could not be delivered."], status, returned = RETURNED } = parts;
  return mail(
    "Return-Path: <>",
    "From: Mail Delivery System <MAILER-DAEMON@relay.example.com>",
    "To: bounces+1x-2-0123456789abc@bounces.example.com",
    "Subject: Undelivered Mail Returned to Sender",
    "Date: Thu, 22 Apr 2027 09:05:00 +0000",
    ...(parts.headers ?? []),
    'Content-Type: multipart/report; report-type=delivery-status; boundary="=_x"',
    "",
    "--=_x",
    "Content-Type: text/plain; charset=utf-8",
    "",
    ...prose,
    "",
    "--=_x",
    `Content-Type: ${parts.statusType ?? "message/delivery-status"}`,
    "",
    ...status,
    "",
    "--=_x",
    `Content-Type: ${parts.returnedType ?? "message/rfc822"}`,
    "",
    ...returned,
    "",
    "Hello.",
    "--=_x--",
    "",
  );
}
