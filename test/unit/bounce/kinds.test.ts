// What came back is told apart: complaints, machines' answers, receipts, news, and mail that is none of ours.
import { describe, expect, it } from "vitest";
import { readReport } from "../../../src/bounce/read-report.ts";
import { summarise } from "../../../src/bounce/summary.ts";
import { mail, RETURNED } from "./mails.ts";

function feedback(fields: readonly string[], returned: readonly string[] = RETURNED): string {
  return mail(
    "From: Feedback <feedback@provider.example>",
    "Subject: complaint",
    'Content-Type: multipart/report; report-type=feedback-report; boundary="b"',
    "",
    "--b",
    "Content-Type: text/plain",
    "",
    "This is an email abuse report.",
    "--b",
    "Content-Type: message/feedback-report",
    "",
    ...fields,
    "--b",
    "Content-Type: message/rfc822",
    "",
    ...returned,
    "",
    "Hello.",
    "--b--",
  );
}

describe("a feedback report", () => {
  it.each(["abuse", "fraud", "virus", "opt-out", "other"])("of type %s is a complaint", (type) => {
    const raw = feedback([`Feedback-Type: ${type}`, "Version: 1", "Original-Rcpt-To: <jane@client.example>"]);
    expect(summarise(readReport(raw))).toMatchObject({
      kind: "feedback",
      reason: "complaint",
      fault: "feedback",
      hard: false,
      recipients: ["jane@client.example"],
    });
  });

  it("names everybody whom it names", () => {
    const raw = feedback([
      "Feedback-Type: abuse",
      "Original-Rcpt-To: jane@client.example",
      "Original-Rcpt-To: joe@client.example",
    ]);
    expect(readReport(raw).recipients.map((one) => one.address)).toEqual([
      "jane@client.example",
      "joe@client.example",
    ]);
  });

  it("that names nobody is about whom we wrote to, not about the mailbox in which the mail ended", () => {
    const returned = [
      "X-Original-To: desk@provider.example",
      "Delivered-To: desk@provider.example",
      ...RETURNED,
    ];
    const [one] = readReport(feedback(["Feedback-Type: abuse"], returned)).recipients;
    expect(one?.address).toBe("jane@client.example");
  });

  it("that says not-spam, or that a signature failed, is nobody's complaint", () => {
    expect(readReport(feedback(["Feedback-Type: not-spam"])).recipients).toMatchObject([
      { action: "delivered", classification: null },
    ]);
    expect(readReport(feedback(["Feedback-Type: auth-failure"])).recipients).toMatchObject([
      { action: "delivered", classification: { reason: "auth", fault: "sender" } },
    ]);
  });

  it("of Hotmail's own form tells whose it is in a header of the returned mail", () => {
    const raw = mail(
      "From: staff@hotmail.com",
      "Subject: complaint about message from 192.0.2.7",
      'Content-Type: multipart/mixed; boundary="b"',
      "",
      "--b",
      "Content-Type: message/rfc822",
      "",
      "X-HmXmrOriginalRecipient: <jane@hotmail.com>",
      ...RETURNED.filter((line) => !line.startsWith("To:")),
      "",
      "Hello.",
      "--b--",
    );
    expect(readReport(raw)).toMatchObject({
      kind: "feedback",
      recipients: [{ address: "jane@hotmail.com", action: "complained" }],
    });
  });
});

function answer(headers: readonly string[], body = "I am away until Monday."): string {
  return mail("From: Jane <jane@client.example>", "To: support@example.com", ...headers, "", body);
}

describe("a machine's answer", () => {
  it.each([
    ["Auto-Submitted: auto-replied (vacation)"],
    ["X-Autoreply: yes"],
    ["Precedence: auto_reply"],
    ["Subject: Automatic reply: Maintenance"],
    ["Subject: Out of Office: Maintenance"],
    ["Subject: Automatische Antwort: Wartung"],
    ["Subject: =?utf-8?Q?R=C3=A9ponse_automatique?= : Maintenance"],
    ["Subject: Respuesta autom=?utf-8?B?w6E=?=tica: Maintenance"],
    ["Subject: Risposta automatica: Manutenzione"],
    ["Subject: =?iso-2022-jp?B?GyRCPCtGMEp2PXAbKEI=?= x", "Auto-Submitted: auto-replied"],
    ["Subject: =?utf-8?B?6Ieq5YuV6L+U5L+h?="],
  ])("is known by %s", (...headers) => {
    expect(summarise(readReport(answer(headers)))).toMatchObject({
      kind: "auto-reply",
      reason: "auto-reply",
      fault: "none",
      hard: false,
      recipients: ["jane@client.example"],
    });
  });

  it("that holds the mail back until somebody confirms says so in its advice", () => {
    const raw = answer(
      ["Subject: Please confirm your message to jane", "Auto-Submitted: auto-replied"],
      "Please confirm that you are human.",
    );
    expect(readReport(raw)).toMatchObject({
      kind: "auto-reply",
      recipients: [{ action: "replied", classification: { advice: expect.stringContaining("confirms") } }],
    });
  });

  it("that a program sends for a bounce is a bounce all the same", () => {
    const raw = mail(
      "From: MAILER-DAEMON@example.com",
      "Auto-Submitted: auto-replied",
      "Subject: Undelivered Mail Returned to Sender",
      "",
      "I'm sorry to have to inform you that your message could not be delivered.",
      "",
      "<jane@client.example>: user unknown",
    );
    expect(readReport(raw)).toMatchObject({
      kind: "bounce",
      recipients: [{ address: "jane@client.example", action: "failed" }],
    });
  });

  it("that the mail was displayed is news", () => {
    const raw = mail(
      "From: jane@client.example",
      "Subject: Read: Maintenance",
      'Content-Type: multipart/report; report-type=disposition-notification; boundary="b"',
      "",
      "--b",
      "",
      "Your message was read.",
      "--b",
      "Content-Type: message/disposition-notification",
      "",
      "Final-Recipient: rfc822; jane@client.example",
      "Disposition: manual-action/MDN-sent-manually; displayed",
      "--b--",
    );
    expect(readReport(raw)).toMatchObject({
      kind: "notice",
      recipients: [{ address: "jane@client.example", action: "delivered" }],
    });
  });
});

describe("a mail that is none of these", () => {
  it.each([
    [
      "a question",
      mail(
        "From: jane@client.example",
        "To: support@example.com",
        "Subject: When exactly?",
        "",
        "When is it?",
      ),
    ],
    [
      "a complaint in a person's words",
      mail("From: jane@client.example", "Subject: my site", "", "My site failed to load, error 550."),
    ],
    [
      "an answer that quotes our mail",
      mail(
        "From: jane@client.example",
        "Subject: Re: Maintenance",
        "",
        "Thanks.",
        "> could you deliver my mail?",
      ),
    ],
    [
      "a newsletter about delivery",
      mail(
        "From: news@shop.example",
        "Subject: Your delivery",
        "",
        "Your parcel will be delivered to jane@client.example.",
      ),
    ],
    [
      "a person who sends a report on",
      mail(
        "From: jane@client.example",
        "Subject: Fwd: Undelivered Mail Returned to Sender",
        "",
        "See below: your message could not be delivered.",
      ),
    ],
    ["nothing", ""],
    ["headers alone", "From: a@b.example\r\nSubject: x"],
    ["a text", "hello"],
  ])("is not a bounce: %s", (_, raw) => {
    expect(summarise(readReport(raw))).toMatchObject({
      kind: "not-a-bounce",
      reason: "not-a-bounce",
      fault: "none",
      hard: false,
      recipients: [],
    });
  });
});

describe("a notification of Amazon SES", () => {
  const wrap = (json: unknown) =>
    mail(
      "From: SES <no-reply@sns.amazonaws.com>",
      "Subject: AWS Notification Message",
      "",
      JSON.stringify(json),
      "",
      "--",
      "If you wish to stop receiving these, click here.",
    );
  const message = {
    messageId: "0100ab-cd",
    destination: ["jane@client.example"],
    commonHeaders: { messageId: "<a1@example.com>" },
  };

  it("of a bounce is a bounce, with the id that SES gave the mail", () => {
    const bounce = {
      notificationType: "Bounce",
      bounce: {
        bounceType: "Permanent",
        timestamp: "2027-04-22T09:00:00.000Z",
        reportingMTA: "dns; a27-33.smtp-out.amazonses.com",
        bouncedRecipients: [
          {
            emailAddress: "jane@client.example",
            action: "failed",
            status: "5.1.1",
            diagnosticCode: "smtp; 550 5.1.1 user unknown",
          },
        ],
      },
      mail: message,
    };
    for (const raw of [wrap(bounce), wrap({ Type: "Notification", Message: JSON.stringify(bounce) })]) {
      expect(readReport(raw)).toMatchObject({
        kind: "bounce",
        reporter: "a27-33.smtp-out.amazonses.com",
        atMs: Date.parse("2027-04-22T09:00:00Z"),
        recipients: [{ address: "jane@client.example", classification: { reason: "user-unknown" } }],
        marks: { messageIds: ["a1@example.com"], relayIds: ["0100ab-cd"] },
      });
    }
  });

  it("of a complaint, a delay and a delivery is what it says", () => {
    const complaint = {
      eventType: "Complaint",
      complaint: { complainedRecipients: [{ emailAddress: "jane@client.example" }] },
      mail: message,
    };
    const delay = {
      eventType: "DeliveryDelay",
      deliveryDelay: {
        delayedRecipients: [
          {
            emailAddress: "jane@client.example",
            status: "4.4.1",
            diagnosticCode: "smtp; 421 4.4.1 timed out",
          },
        ],
      },
      mail: message,
    };
    const delivery = {
      notificationType: "Delivery",
      delivery: { recipients: ["jane@client.example"], smtpResponse: "250 ok" },
      mail: message,
    };
    expect(
      [complaint, delay, delivery].map((one) => [
        readReport(wrap(one)).kind,
        readReport(wrap(one)).recipients[0]?.action,
      ]),
    ).toEqual([
      ["feedback", "complained"],
      ["notice", "delayed"],
      ["notice", "delivered"],
    ]);
  });
});
