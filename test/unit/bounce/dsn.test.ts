// Delivery status notifications: the machine's part in all forms that RFC 3464 and RFC 6533 allow, and in those that
// mail programs made of it.
import { describe, expect, it } from "vitest";
import { readReport } from "../../../src/bounce/read-report.ts";
import { summarise } from "../../../src/bounce/summary.ts";
import { dsn, mail, RETURNED } from "./mails.ts";

const FAILED = [
  "Reporting-MTA: dns; relay.example.com",
  "Arrival-Date: Thu, 22 Apr 2027 09:00:00 +0000",
  "",
  "Final-Recipient: rfc822; jane@client.example",
  "Action: failed",
  "Status: 5.1.1",
  "Remote-MTA: dns; mx.client.example",
  "Diagnostic-Code: smtp; 550 5.1.1 <jane@client.example>: no such user",
];

describe("a delivery status notification", () => {
  it("tells who failed, why, when, and who says so", () => {
    const report = readReport(dsn({ status: FAILED }));
    expect(report).toMatchObject({
      kind: "bounce",
      reporter: "relay.example.com",
      atMs: Date.parse("2027-04-22T09:00:00Z"),
      recipients: [
        {
          address: "jane@client.example",
          action: "failed",
          reply: "550 5.1.1 <jane@client.example>: no such user",
          classification: {
            reason: "user-unknown",
            fault: "address",
            hard: true,
            code: 550,
            enhanced: "5.1.1",
          },
        },
      ],
    });
  });

  it("keeps several recipients apart, each with an action and words of its own", () => {
    const { kind, recipients } = readReport(
      dsn({
        status: [
          ...FAILED,
          "",
          "Final-Recipient: rfc822; joe@client.example",
          "Action: delayed",
          "Status: 4.7.23",
          "Diagnostic-Code: smtp; 421-4.7.23 The sending IP address doesn't have a PTR record",
          "",
          "Final-Recipient: rfc822; list@client.example",
          "Action: expanded",
          "Status: 2.1.5",
          "",
          "Final-Recipient: rfc822; far@client.example",
          "Action: relayed",
          "Status: 2.0.0",
        ],
      }),
    );
    expect(kind).toBe("bounce");
    expect(
      recipients.map(({ address, action, classification }) => [address, action, classification?.reason]),
    ).toEqual([
      ["jane@client.example", "failed", "user-unknown"],
      ["joe@client.example", "delayed", "reverse-dns"],
      ["list@client.example", "expanded", undefined],
      ["far@client.example", "relayed", undefined],
    ]);
  });

  it("is a notice when nothing has ended, and still tells that the delay means us", () => {
    const report = readReport(
      dsn({
        status: [
          "Reporting-MTA: dns; relay.example.com",
          "",
          "Final-Recipient: rfc822; jane@gmail.com",
          "Action: delayed",
          "Status: 4.7.23",
          "Remote-MTA: dns; gmail-smtp-in.l.google.com",
          "Diagnostic-Code: smtp; 421 4.7.23 The sending IP address does not have a PTR record",
        ],
      }),
    );
    expect(report.kind).toBe("notice");
    expect(report.recipients[0]?.classification).toMatchObject({
      reason: "reverse-dns",
      fault: "sender",
      hard: false,
      provider: "google",
    });
    expect(summarise(report)).toMatchObject({ kind: "notice", reason: "reverse-dns", hard: false });
  });

  it("of success confirms and blames nobody", () => {
    const report = readReport(
      dsn({
        status: [
          "Reporting-MTA: dns; mx.example",
          "",
          "Final-Recipient: rfc822; jane@client.example",
          "Action: delivered",
          "Status: 2.0.0",
        ],
      }),
    );
    expect(report.recipients).toMatchObject([{ action: "delivered", classification: null }]);
    expect(summarise(report)).toMatchObject({ kind: "notice", reason: "notice", fault: "none", hard: false });
  });

  it("names the recipient as we wrote to it, and where it ended", () => {
    const report = readReport(
      dsn({
        status: [
          ...FAILED.slice(0, 3),
          "Original-Recipient: rfc822;j+2Bnews@client.example",
          ...FAILED.slice(3),
        ],
      }),
    );
    expect(report.recipients[0]).toMatchObject({
      address: "j+news@client.example",
      final: "jane@client.example",
    });
  });

  it.each([
    ["utf-8; jané@client.example", "jané@client.example"],
    ["utf-8; jan\\x{E9}@client.example", "jané@client.example"],
    ["rfc822;<jane@client.example>", "jane@client.example"],
    ["RFC822; jane@client.example (Jane)", "jane@client.example"],
    ["jane@client.example", "jane@client.example"],
  ])("reads the recipient of %s", (value, address) => {
    const raw = dsn({
      statusType: "message/global-delivery-status",
      returnedType: "message/global",
      status: [`Final-Recipient: ${value}`, "Action: failed", "Status: 5.1.1"],
    });
    expect(readReport(raw).recipients[0]?.address).toBe(address);
  });

  it("asks the prose and the returned mail when the field names a program", () => {
    const raw = dsn({
      status: ["Final-Recipient: rfc822;|/usr/bin/procmail", "Action: failed", "Status: 5.0.0"],
    });
    expect(readReport(raw).recipients[0]?.address).toBe("jane@client.example");
  });

  it("is read when fields are folded badly, repeated, or stand without empty lines between", () => {
    const raw = dsn({
      status: [
        "Reporting-MTA: dns; relay.example.com",
        "Final-Recipient: rfc822; jane@client.example",
        "Action: failed",
        "Diagnostic-Code: smtp; 552 5.2.2",
        "over quota",
        "Final-Recipient: rfc822; joe@client.example",
        "Action: failed (permanent)",
        "Status: 5.1.1 (user unknown)",
      ],
    });
    expect(
      readReport(raw).recipients.map(({ address, classification }) => [address, classification?.reason]),
    ).toEqual([
      ["jane@client.example", "mailbox-full"],
      ["joe@client.example", "user-unknown"],
    ]);
  });

  it("is read when the parts have lost their boundary", () => {
    const raw = mail(
      "From: MAILER-DAEMON@example.com",
      "Subject: Returned mail: Service unavailable",
      'Content-Type: multipart/report; report-type=delivery-status; boundary="gone"',
      "",
      "The original message was received at noon.",
      "",
      ...FAILED,
      "",
      ...RETURNED,
    );
    expect(readReport(raw)).toMatchObject({
      kind: "bounce",
      recipients: [{ address: "jane@client.example", classification: { reason: "user-unknown" } }],
    });
  });

  it("is read when somebody sends it on as a quotation", () => {
    const raw = mail(
      "From: Joe <joe@example.com>",
      "Subject: Fwd: Returned mail",
      "",
      "What is this?",
      "",
      "> From: MAILER-DAEMON",
      "> Could not be delivered.",
      ...FAILED.map((line) => `> ${line}`),
    );
    expect(readReport(raw)).toMatchObject({
      kind: "bounce",
      recipients: [{ address: "jane@client.example", classification: { reason: "user-unknown" } }],
    });
  });

  it("takes the prose's words where the machine's part says nothing", () => {
    const raw = dsn({
      prose: [
        "<jane@client.example>: host mx.client.example[192.0.2.9] said: 550-Message blocked.",
        "    See Spamhaus (in reply to MAIL FROM command)",
      ],
      status: ["Final-Recipient: rfc822; jane@client.example", "Action: failed", "Status: 5.0.0"],
    });
    expect(readReport(raw).recipients[0]?.classification).toMatchObject({
      reason: "blocked",
      fault: "sender",
    });
  });

  it.each([
    ["4.4.7", "expired"],
    ["5.2.3", "too-big"],
    ["4.4.1", "expired"],
    ["5.4.6", "network"],
    ["5.1.2", "host-unknown"],
  ])("with no word but %s means %s", (status, reason) => {
    const raw = dsn({
      prose: [""],
      status: ["Final-Recipient: rfc822; jane@client.example", "Action: failed", `Status: ${status}`],
    });
    expect(readReport(raw).recipients[0]?.classification?.reason).toBe(reason);
  });

  it("knows the provider by the host that refused, else by the address", () => {
    const by = (...status: string[]) =>
      readReport(dsn({ prose: [""], status: [...status, "Action: failed", "Diagnostic-Code: smtp; 550 no"] }))
        .recipients[0]?.classification?.provider;
    expect(by("Final-Recipient: rfc822; a@corp.example", "Remote-MTA: dns; aspmx.l.google.com")).toBe(
      "google",
    );
    expect(by("Final-Recipient: rfc822; a@yahoo.com")).toBe("yahoo");
  });
});
