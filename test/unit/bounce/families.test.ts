// Bounces that are written for people: one small mail of each family of mail programs, in our wording around the
// words by which the family is known. Whom they are about, and what was the matter.
import { describe, expect, it } from "vitest";
import { plainOf } from "../../../src/bounce/prose.ts";
import * as words from "../../../src/bounce/prose-words.ts";
import { readReport } from "../../../src/bounce/read-report.ts";
import { summarise } from "../../../src/bounce/summary.ts";
import { mail } from "./mails.ts";

const JANE = "jane@client.example";
const OURS = [
  "Return-Path: <bounces@example.com>",
  "Message-ID: <a1@example.com>",
  "From: support@example.com",
  `To: ${JANE}`,
  "Subject: Maintenance",
  "",
  "Hello.",
];

interface Case {
  family: string;
  from?: string;
  subject?: string;
  headers?: readonly string[];
  body: readonly string[];
  reason: string;
  kind?: string;
  recipients?: readonly string[];
}

const CASES: readonly Case[] = [
  {
    family: "qmail",
    subject: "failure notice",
    body: [
      "Hi. This is the qmail-send program at mx.example.",
      "I'm afraid I wasn't able to deliver your message to the following addresses.",
      "This is a permanent error; I've given up. Sorry it didn't work out.",
      "",
      `<${JANE}>:`,
      "192.0.2.9 does not like recipient.",
      "Remote host said: 552 mailbox quota exceeded",
      "Giving up on 192.0.2.9.",
      "",
      "--- Below this line is a copy of the message.",
      "",
      ...OURS,
    ],
    reason: "mailbox-full",
  },
  {
    family: "Exim",
    subject: "Mail delivery failed: returning message to sender",
    body: [
      "This message was created automatically by mail delivery software.",
      "",
      "A message that you sent could not be delivered to one or more of its",
      "recipients. This is a permanent error. The following address(es) failed:",
      "",
      `  ${JANE}`,
      "    host mx.client.example [192.0.2.9]",
      `    SMTP error from remote mail server after MAIL FROM:<support@example.com>:`,
      "    550 unknown user",
      "",
      "------ This is a copy of the message, including all the headers. ------",
      "",
      ...OURS,
    ],
    // Before RCPT it can be no address's fault.
    reason: "policy",
  },
  {
    family: "Exim's warning",
    subject: "Warning: message 1a-2b delayed 24 hours",
    body: [
      "This message was created automatically by mail delivery software.",
      "A message that you sent has not yet been delivered to one or more of its",
      "recipients after more than 24 hours on the queue.",
      "",
      "The message identifier is:     1a2b3c-000001-AB",
      "",
      `  ${JANE}`,
      "    Delay reason: SMTP error from remote mail server after RCPT TO:",
      "    450 4.7.1 greylisted, try later",
      "",
      "No action is required on your part.",
    ],
    kind: "notice",
    reason: "greylisted",
  },
  {
    family: "Postfix without a machine's part",
    subject: "Undelivered Mail Returned to Sender",
    body: [
      "This is the mail system at host relay.example.",
      "I'm sorry to have to inform you that your message could not",
      "be delivered to one or more recipients.",
      "",
      `<${JANE}>: host mx.client.example[192.0.2.9] said: 554 5.7.1 Service`,
      "    unavailable; client [192.0.2.7] blocked using zen.spamhaus.org (in reply to",
      "    RCPT TO command)",
    ],
    reason: "blocked",
  },
  {
    family: "sendmail",
    subject: "Returned mail: see transcript for details",
    body: [
      "The original message was received at Thu, 22 Apr 2027 09:00:00 GMT",
      "from app.example.com [192.0.2.7]",
      "",
      "   ----- The following addresses had permanent fatal errors -----",
      `<${JANE}>`,
      "    (reason: 550 5.1.1 User unknown)",
      "",
      "   ----- Transcript of session follows -----",
      "... while talking to mx.client.example.:",
      ">>> DATA",
      "<<< 550 5.1.1 User unknown",
    ],
    reason: "user-unknown",
  },
  {
    family: "old sendmail",
    subject: "Returned mail: Host unknown",
    body: [
      "   ----- Transcript of session follows -----",
      `550 <${JANE}>... Host unknown (Authoritative answer from name server)`,
      "554 <joe@other.example>... 550 Host unknown",
      "",
      "   ----- Unsent message follows -----",
      ...OURS,
    ],
    reason: "host-unknown",
    recipients: [JANE, "joe@other.example"],
  },
  {
    family: "Courier",
    from: "postmaster@mx.example",
    subject: "NOTICE: mail delivery status.",
    body: [
      "This is a delivery status notification from mx.example,",
      "running the Courier mail server, version 1.",
      "",
      "                           UNDELIVERABLE MAIL",
      "",
      "Your message to the following recipients cannot be delivered:",
      "",
      `<${JANE}>:`,
      "    mx.client.example [192.0.2.9]:",
      `>>> RCPT TO:<${JANE}>`,
      "<<< 550 No such user",
    ],
    reason: "user-unknown",
  },
  {
    family: "Exchange 2003",
    from: "postmaster@client.example",
    subject: "Undeliverable: Maintenance",
    body: [
      "Your message",
      "",
      "  To:      someone@example.com",
      "  Subject: Maintenance",
      "",
      "did not reach the following recipient(s):",
      "",
      `${JANE} on Thu, 22 Apr 2027 09:00:00 -0000`,
      "    The recipient name is not recognized",
      "    MSEXCH:IMS:ORG:SITE:HOST 0 (000C05A6) Unknown Recipient",
    ],
    reason: "user-unknown",
  },
  {
    family: "Exchange 2007 and later",
    from: "postmaster@client.example",
    subject: "Undeliverable: Maintenance",
    body: [
      "Delivery has failed to these recipients or groups:",
      "",
      `${JANE}<mailto:${JANE}>`,
      "Your message can't be delivered because delivery to this address is restricted.",
      "",
      "Diagnostic information for administrators:",
      "Generating server: mx.client.example",
      JANE,
      "#550 5.7.1 RESOLVER.RST.AuthRequired; authentication required ##",
      "",
      "Original message headers:",
      "",
      ...OURS,
    ],
    reason: "policy",
  },
  {
    family: "Office 365 in HTML",
    from: "postmaster@client.example",
    subject: "Undeliverable: Maintenance",
    headers: ["Content-Type: text/html; charset=utf-8"],
    body: [
      "<html><head><style>p { color: red }</style></head><body>",
      `<p>Your message to <a href="mailto:${JANE}">${JANE}</a> couldn't be delivered.</p>`,
      "<p>550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup</p>",
      "</body></html>",
    ],
    reason: "user-unknown",
  },
  {
    family: "Lotus Domino",
    subject: "DELIVERY FAILURE: User jane not listed in Domino Directory",
    body: [
      "Your message",
      "",
      "  Subject: Maintenance",
      "",
      "was not delivered to:",
      "",
      `  ${JANE}`,
      "",
      "because:",
      "",
      "  User jane (jane@client.example) not listed in Domino Directory",
    ],
    reason: "user-unknown",
  },
  {
    family: "Notes' old gateway",
    subject: "Message could not be delivered",
    body: [
      "------- Failure Reasons  --------",
      "",
      "User not listed in public Name & Address Book",
      JANE,
      "",
      "------- Returned Message --------",
      ...OURS,
    ],
    reason: "user-unknown",
  },
  {
    family: "Gmail",
    from: "mailer-daemon@googlemail.com",
    subject: "Delivery Status Notification (Failure)",
    body: [
      "Delivery to the following recipient failed permanently:",
      "",
      `     ${JANE}`,
      "",
      "Technical details of permanent failure:",
      "Google tried to deliver your message, but it was rejected by the server for the recipient domain client.example by mx.client.example. [192.0.2.9].",
      "",
      "The error that the other server returned was:",
      "552 5.2.2 Mailbox full",
      "",
      "----- Original message -----",
      ...OURS,
    ],
    reason: "mailbox-full",
  },
  {
    family: "Google Groups, in a language that we do not read",
    from: "mailer-daemon@googlemail.com",
    subject: "Delivery Status Notification (Failure)",
    headers: ["X-Failed-Recipients: team@googlegroups.com", "Content-Type: text/plain; charset=utf-8"],
    body: ["Tere,", "", "Sellesse gruppi ei saa postitada. https://groups.google.com/support/"],
    reason: "policy",
    recipients: ["team@googlegroups.com"],
  },
  {
    family: "Yahoo",
    from: "MAILER-DAEMON@yahoo.com",
    subject: "Failure Notice",
    body: [
      "Sorry, we were unable to deliver your message to the following address.",
      "",
      `<${JANE}>:`,
      "No mx record found for domain=client.example",
      "",
      "--- Below this line is a copy of the message.",
      "",
      ...OURS,
    ],
    reason: "host-unknown",
  },
  {
    family: "GMX and 1&1",
    subject: "Mail delivery failed: returning message to sender",
    body: [
      "This message was created automatically by mail delivery software.",
      "",
      "A message that you sent could not be delivered to one or more of",
      "its recipients. The following address failed:",
      "",
      `"${JANE}":`,
      "SMTP error from remote server after RCPT command:",
      "host: mx.client.example",
      "5.1.1 no such mailbox",
      "",
      "--- The header of the original message is following. ---",
      "",
      ...OURS,
    ],
    reason: "user-unknown",
  },
  {
    family: "Zoho",
    from: "mailer-daemon@mail.zoho.com",
    subject: "Undelivered Mail Returned to Sender",
    body: [
      "This message was created automatically by mail delivery software.",
      "",
      `${JANE} Invalid Address, ERROR_CODE :550, ERROR_CODE :5.1.1 User Unknown`,
      "",
      "Received:from mail.zoho.com by mx.zohomail.com",
      ...OURS,
    ],
    reason: "user-unknown",
  },
  {
    family: "m-FILTER",
    subject: "Undelivered",
    headers: ["Content-Type: text/plain; charset=utf-8"],
    body: [
      "メールの送信に失敗しました。",
      JANE,
      "",
      "-------server message",
      "550 5.7.1 spam detected",
      "",
      "-------SMTP command",
      "DATA",
      "",
      "-------original message",
      ...OURS,
    ],
    reason: "spam",
  },
  {
    family: "McAfee",
    subject: "Delivery problem",
    body: ["    --- The following addresses had delivery problems ---", "", `<${JANE}>   (mailbox is full)`],
    reason: "mailbox-full",
  },
  {
    family: "OpenMail (X1)",
    subject: "Returned mail",
    body: [
      "The original message was received at noon",
      "",
      "---The following addresses had delivery errors---",
      "",
      `${JANE} [mailbox is full]`,
    ],
    reason: "mailbox-full",
  },
  {
    family: "X2",
    subject: "failure delivery",
    body: [
      "Message from  mx.example.",
      "Unable to deliver message to the following address(es).",
      "",
      `<${JANE}>:`,
      "This account is over quota.",
      "",
      "--- Original message follows.",
      "",
      ...OURS,
    ],
    reason: "mailbox-full",
  },
  {
    family: "X3",
    subject: "Mail delivery failure",
    body: [
      "      This is an automatically generated Delivery Status Notification.",
      "",
      "Delevery to the following recipients failed permanently:",
      "",
      `  * ${JANE}`,
      "",
      "Technical details:",
      "SMTP:RCPT host 192.0.2.9: 553 5.3.0 No such user here",
    ],
    reason: "user-unknown",
  },
  {
    family: "X6",
    subject: "There was an error sending your mail",
    body: [
      "We had trouble delivering your message. Full details follow:",
      "",
      "1 error(s):",
      "",
      `SMTP Server <mx.client.example> rejected recipient <${JANE}> (Error following RCPT command). It responded as follows: [550 5.1.1 User unknown]`,
    ],
    reason: "user-unknown",
  },
  {
    family: "IMail",
    from: "postmaster@mx.example",
    subject: "Undeliverable Mail",
    body: [`User mailbox exceeds allowed size: ${JANE}`, "", "", "Original message follows.", "", ...OURS],
    reason: "mailbox-full",
  },
  {
    family: "InterScan",
    from: "postmaster@mx.example",
    subject: "Mail could not be delivered",
    body: ["Sent <<< RCPT TO:<jane@client.example>", "Received >>> 550 5.1.1 user unknown"],
    reason: "user-unknown",
  },
  {
    family: "SurfControl",
    subject: "Maintenance",
    body: [
      "Your message could not be sent.",
      `Addressed To: ${JANE}`,
      "",
      "Failed to send to identified host,",
      `${JANE}: [192.0.2.9], 554 5.7.1 relay access denied`,
      "--- Message non-deliverable.",
    ],
    reason: "relay-denied",
  },
  {
    family: "MailMarshal",
    from: "postmaster@mx.example",
    subject: 'Undeliverable Mail: "Maintenance"',
    body: [
      "Your message:",
      "   From:    support@example.com",
      "   Subject: Maintenance",
      "",
      "Could not be delivered because of",
      "",
      "550 5.1.1 User unknown",
      "",
      "The following recipients were affected:",
      `    ${JANE}`,
    ],
    reason: "user-unknown",
  },
  {
    family: "MailFoundry",
    subject: "Message delivery has failed",
    body: [
      "Unable to deliver message to: <jane@client.example>",
      "Delivery failed for the following reason:",
      "Server mx.client.example[192.0.2.9] failed with: 550 no such user here",
    ],
    reason: "user-unknown",
  },
  {
    family: "OpenSMTPD",
    subject: "Delivery status notification: error",
    body: [
      "    Hi!",
      "",
      "    This is the MAILER-DAEMON, please DO NOT REPLY to this email.",
      "",
      "    An error has occurred while attempting to deliver a message for",
      "    the following list of recipients:",
      "",
      `${JANE}: 550 5.7.26 multiple authentication checks failed`,
      "",
      "    Below is a copy of the original message:",
      "",
      ...OURS,
    ],
    reason: "auth",
  },
  {
    family: "DragonFly",
    subject: "Mail delivery failed",
    body: [
      "This is the DragonFly Mail Agent v0.13 at app.example.com.",
      "",
      `There was an error delivering your mail to <${JANE}>.`,
      "",
      "DNS lookup failure: host client.example not found",
      "",
      "Message headers follow.",
      "",
      ...OURS,
    ],
    reason: "host-unknown",
  },
  {
    family: "Sun Messaging Server",
    from: "postmaster@mx.example",
    subject: "Delivery Notification: Delivery has failed",
    body: [
      "Your message cannot be delivered to the following recipients:",
      "",
      `  Recipient address: ${JANE}`,
      "  Reason: Over quota",
    ],
    reason: "mailbox-full",
  },
  {
    family: "Verizon",
    from: "post_master@client.example",
    subject: "Re:Maintenance",
    body: [
      "Error: Invalid user address",
      "",
      "Error message below:",
      "550 - Requested action not taken: no such user here",
      "",
      "Message details:",
      "  MAIL FROM: support@example.com",
      `  RCPT TO: ${JANE}`,
    ],
    reason: "user-unknown",
  },
  {
    family: "KDDI",
    from: "no-reply@client.example",
    subject: "Mail System Error - Returned Mail",
    body: [
      "Your mail sent on: Thu, 22 Apr 2027 09:00:00 +0900",
      `     Could not be delivered to: <${JANE}>`,
      "     As their mailbox is full.",
    ],
    reason: "mailbox-full",
  },
  {
    family: "a mailing list's manager",
    from: "list-admin@client.example",
    subject: "NOT MEMBER article from support@example.com",
    body: [
      "The mail from (support@example.com) is refused: you are not a member of this mailing list.",
      "Posting is restricted.",
      "",
      "Original mail as follows:",
      "",
      "   Received: from x by y",
      "   To: list@client.example",
    ],
    reason: "policy",
    recipients: ["list@client.example"],
  },
  {
    family: "Biglobe",
    subject: "Returned mail: User unknown",
    body: [
      "   ----- The following addresses had delivery problems -----",
      JANE,
      "",
      "   ----- Non-delivered information -----",
      "The number of messages in recipient's mailbox exceeded the local limit.",
    ],
    reason: "mailbox-full",
  },
  {
    family: "mail.ru",
    from: "mailer-daemon@corp.mail.ru",
    subject: "=?utf-8?B?0J/QuNGB0YzQvNC+INC90LUg0LTQvtGB0YLQsNCy0LvQtdC90L4=?=",
    headers: ["Content-Type: text/plain; charset=utf-8"],
    body: [
      "К сожалению, Ваше письмо не может быть доставлено одному или нескольким получателям:",
      "",
      `  ${JANE}`,
      "    почтовый ящик переполнен",
    ],
    reason: "mailbox-full",
  },
  {
    family: "French words",
    from: "postmaster@client.example",
    subject: "=?iso-8859-1?Q?Message_non_d=E9livr=E9?=",
    headers: ["Content-Type: text/plain; charset=iso-8859-1", "Content-Transfer-Encoding: quoted-printable"],
    body: [
      "Votre message n'a pas pu =EAtre remis au destinataire suivant :",
      "",
      JANE,
      "",
      "Adresse inconnue.",
    ],
    reason: "user-unknown",
  },
  {
    family: "German words",
    from: "postmaster@client.example",
    subject: "Unzustellbar: Wartung",
    headers: ["Content-Type: text/plain; charset=utf-8"],
    body: [
      "Ihre Nachricht konnte nicht zugestellt werden:",
      "",
      JANE,
      "",
      "Das Postfach des Empfängers ist voll.",
    ],
    reason: "mailbox-full",
  },
  {
    family: "Spanish words",
    from: "postmaster@client.example",
    subject: "No se puede entregar: Mantenimiento",
    headers: ["Content-Type: text/plain; charset=utf-8"],
    body: ["No se ha podido entregar su mensaje a:", "", JANE, "", "El usuario no existe."],
    reason: "user-unknown",
  },
  {
    family: "Italian words",
    from: "postmaster@client.example",
    subject: "Mancata consegna: Manutenzione",
    headers: ["Content-Type: text/plain; charset=utf-8"],
    body: ["Impossibile recapitare il messaggio a:", "", JANE, "", "La casella di posta è piena."],
    reason: "mailbox-full",
  },
];

describe("a bounce in prose", () => {
  it.each(CASES)("of $family is read", ({ from, subject, headers, body, reason, kind, recipients }) => {
    const raw = mail(
      "Return-Path: <>",
      `From: ${from ?? "MAILER-DAEMON@mx.example"}`,
      "To: support@example.com",
      `Subject: ${subject}`,
      ...(headers ?? []),
      "",
      ...body,
    );
    const said = summarise(readReport(raw));
    expect({ kind: said.kind, reason: said.reason, recipients: said.recipients }).toEqual({
      kind: kind ?? "bounce",
      reason,
      recipients: recipients ?? [JANE],
    });
  });

  it("names the sender himself when it was his own mailbox that failed", () => {
    const raw = mail(
      "From: MAILER-DAEMON@mx.example",
      "To: support@example.com",
      "Subject: failure notice",
      "",
      "Hi. This is the qmail-send program at mx.example.",
      "",
      "<support@example.com>:",
      "mailbox is full",
    );
    expect(readReport(raw).recipients.map((one) => one.address)).toEqual(["support@example.com"]);
  });

  it("that names nobody is about whom the returned mail was written to", () => {
    const raw = mail(
      "From: postmaster@client.example",
      "To: support@example.com",
      "Subject: Undeliverable: Maintenance",
      "",
      "Your message could not be delivered.",
      "",
      "----- Original message -----",
      "",
      ...OURS,
    );
    expect(readReport(raw).recipients.map((one) => one.address)).toEqual([JANE]);
  });

  it("keeps what each of several recipients was told", () => {
    const raw = mail(
      "From: MAILER-DAEMON@mx.example",
      "Subject: failure notice",
      "",
      "Hi. This is the qmail-send program at mx.example.",
      "",
      "<jane@client.example>:",
      "Sorry, no mailbox here by that name. (#5.1.1)",
      "",
      "<joe@other.example>:",
      "The mailbox is over quota.",
    );
    expect(
      readReport(raw).recipients.map(({ address, classification }) => [address, classification?.reason]),
    ).toEqual([
      ["jane@client.example", "user-unknown"],
      ["joe@other.example", "mailbox-full"],
    ]);
  });
});

describe("the words of other alphabets", () => {
  it.each(words.FOREIGN.flatMap(({ reason, examples }) => examples.map((example) => ({ reason, example }))))(
    "$example means $reason",
    ({ reason, example }) => {
      expect(words.FOREIGN.find(({ pattern }) => pattern.test(plainOf(example)))?.reason).toBe(reason);
    },
  );
});

describe("the patterns of prose", () => {
  const patterns = Object.values(words).flatMap((one): RegExp[] =>
    one instanceof RegExp ? [one] : one.map(({ pattern }) => pattern),
  );

  it("are written for plain text, and cannot repeat without bound", () => {
    expect(patterns.length).toBeGreaterThan(30);
    for (const { source, flags } of patterns) {
      expect(flags).toBe("");
      const bare = source.replace(/\\[SDWB]/g, "");
      expect(plainOf(bare), bare).toBe(bare);
      const loose = source.replace(/\\./g, "x").replace(/\[[^\]]*\]/g, "x");
      expect(loose, source).not.toMatch(/[*+]|\{\d+,\}/);
    }
  });

  it("each need their family's words", () => {
    for (const { family, pattern } of words.SAYS_FAILED) expect(pattern.test(""), family).toBe(false);
  });
});
