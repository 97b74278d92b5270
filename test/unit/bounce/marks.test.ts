// By what the mail that a report is about can be known again.
import { describe, expect, it } from "vitest";
import { readReport } from "../../../src/bounce/read-report.ts";
import { dsn, mail, RETURNED } from "./mails.ts";

const TOKEN = "1x-2-0123456789abc";
const STATUS = [
  "Reporting-MTA: dns; relay.example.com",
  "X-Postfix-Queue-ID: 4FzX1k2Qz9",
  "",
  "Final-Recipient: rfc822; jane@client.example",
  "Action: failed",
  "Status: 5.1.1",
];

describe("the marks of a report", () => {
  it("are the token, the Message-ID and the relay's ids, each once", () => {
    const { tokens, messageIds, relayIds } = readReport(dsn({ status: STATUS })).marks;
    expect(tokens).toEqual([TOKEN]);
    expect(messageIds).toEqual(["a1.b2@example.com"]);
    expect(relayIds).toEqual(["4FzX1k2Qz9"]);
  });

  it.each([
    [
      "To",
      mail(
        "From: MAILER-DAEMON@x.example",
        `To: <bounces+${TOKEN}@bounces.example.com>`,
        "Subject: failure notice",
        "",
        "user unknown",
      ),
    ],
    [
      "Delivered-To",
      mail(
        "From: MAILER-DAEMON@x.example",
        `Delivered-To: bounces+${TOKEN.toUpperCase()}@bounces.example.com`,
        "",
        "x",
      ),
    ],
    [
      "X-Original-To",
      mail("From: a@x.example", `X-Original-To: bounces+${TOKEN}@bounces.example.com`, "", "I am away."),
    ],
    [
      "Original-Envelope-Id",
      dsn({ headers: [], returned: ["Subject: x"], status: [`Original-Envelope-Id: ${TOKEN}`, ...STATUS] }),
    ],
    [
      "the returned Return-Path",
      mail(
        "From: MAILER-DAEMON@x.example",
        "Subject: failure notice",
        "",
        "Could not deliver.",
        "",
        "--- Below this line is a copy of the message.",
        "",
        `Return-Path: <bounces+${TOKEN}@bounces.example.com>`,
        "",
        "Hello.",
      ),
    ],
    [
      "our header in the returned mail",
      mail(
        "From: MAILER-DAEMON@x.example",
        "Subject: failure notice",
        "",
        "Could not deliver.",
        "",
        "----- Original message -----",
        "",
        "Subject: x",
        `X-Bellwether-Delivery: ${TOKEN}`,
        "",
        "Hello.",
      ),
    ],
    [
      "MAIL FROM in prose",
      mail(
        "From: MAILER-DAEMON@x.example",
        "Subject: failure notice",
        "",
        `Message details:`,
        `  MAIL FROM:<bounces+${TOKEN}@bounces.example.com>`,
      ),
    ],
  ])("hold the token that stands in %s", (_, raw) => {
    expect(readReport(raw).marks.tokens).toEqual([TOKEN]);
  });

  it("hold no token where something longer merely contains one", () => {
    const raw = mail("From: a@x.example", `To: bounces+z${TOKEN}z9@bounces.example.com`, "", "x");
    expect(readReport(raw).marks.tokens).toEqual([]);
  });

  it.each([
    ["In-Reply-To of an answer", mail("From: a@x.example", "In-Reply-To: <a1.b2@example.com>", "", "away")],
    ["References of an answer", mail("From: a@x.example", "References: <a1.b2@example.com>", "", "away")],
    [
      "prose",
      mail(
        "From: MAILER-DAEMON@x.example",
        "Subject: failure notice",
        "",
        "Could not deliver",
        "  Message-Id: <a1.b2@example.com>",
      ),
    ],
    ["returned headers alone", dsn({ status: STATUS, returnedType: "text/rfc822-headers" })],
    [
      "returned headers in base64",
      dsn({
        status: STATUS,
        returnedType: "message/rfc822\r\nContent-Transfer-Encoding: base64",
        returned: [Buffer.from(RETURNED.join("\r\n")).toString("base64")],
      }),
    ],
  ])("hold the Message-ID from %s", (_, raw) => {
    expect(readReport(raw).marks.messageIds).toContain("a1.b2@example.com");
  });

  it("hold the id by which Amazon SES knows a mail, and Exim's", () => {
    const ses = [
      "Message-ID: <0100018f2a3b4c5d-6e7f8091-aaaa-bbbb-cccc-0123456789ab-000000@email.amazonses.com>",
      "To: jane@client.example",
    ];
    expect(readReport(dsn({ status: STATUS, returned: ses })).marks.relayIds).toContain(
      "0100018f2a3b4c5d-6e7f8091-aaaa-bbbb-cccc-0123456789ab-000000",
    );
    const exim = mail(
      "From: MAILER-DAEMON@x.example",
      "Subject: Warning: message delayed",
      "",
      "A message that you sent has not yet been delivered",
      "The message identifier is:     1a2b3c-000001-AB",
    );
    expect(readReport(exim).marks.relayIds).toContain("1a2b3c-000001-AB");
  });
});
