// What a report adds to the words of a reply: the command that was refused, the code beside it, whose words they are.
// "User unknown" is proof of a dead address only with one of them.
import { describe, expect, it } from "vitest";
import { readReport } from "../../../src/bounce/read-report.ts";
import { summarise } from "../../../src/bounce/summary.ts";
import { dsn, mail } from "./mails.ts";

interface Told {
  prose?: readonly string[];
  status?: string;
  action?: string;
  diagnostic?: string;
  host?: string;
}

function read({ prose, status = "5.0.0", action = "failed", diagnostic, host = "mx.client.example" }: Told) {
  const fields = [
    "Reporting-MTA: dns; relay.example.com",
    "",
    "Final-Recipient: rfc822; jane@client.example",
    `Action: ${action}`,
    `Status: ${status}`,
    `Remote-MTA: dns; ${host}`,
    ...(diagnostic === undefined ? [] : [`Diagnostic-Code: ${diagnostic}`]),
  ];
  const { reason, fault, hard } = summarise(
    readReport(dsn({ status: fields, ...(prose === undefined ? {} : { prose }) })),
  );
  return { reason, fault, hard };
}

function prose(...body: readonly string[]) {
  const raw = mail(
    "Return-Path: <>",
    "From: MAILER-DAEMON@mx.example",
    "To: support@example.com",
    "Subject: failure notice",
    "",
    ...body,
  );
  const { reason, recipients } = summarise(readReport(raw));
  return { reason, recipients };
}

const LIVE = { reason: "filtered", fault: "recipient", hard: false };
const DEAD = { reason: "user-unknown", fault: "address", hard: true };

describe('a server\'s "user unknown"', () => {
  it("is a filter's word, where neither command nor code is told", () => {
    expect(read({ diagnostic: "smtp; 550 <jane@client.example>... No such user" })).toEqual(LIVE);
  });

  it("is a filter's word after DATA, when RCPT had been accepted", () => {
    const said = [
      "<jane@client.example>: host mx.client.example said: 550 Unknown user (in reply to end of DATA",
    ];
    expect(read({ prose: [...said, "    command)"], diagnostic: "smtp; 550 Unknown user" })).toEqual(LIVE);
  });

  it("is a dead address in reply to RCPT", () => {
    const said = [
      "<jane@client.example>: host mx.client.example said: 550 Unknown user (in reply to RCPT TO",
    ];
    expect(read({ prose: [...said, "    command)"], diagnostic: "smtp; 550 Unknown user" })).toEqual(DEAD);
  });

  it("is a dead address with a code that names it, in the reply or of the report", () => {
    expect(read({ diagnostic: "smtp; 550 5.1.1 Unknown user" })).toEqual(DEAD);
    expect(read({ status: "5.1.1", diagnostic: "smtp; 550 Unknown user" })).toEqual(DEAD);
  });

  it("is a dead address of a provider that is known to mean it", () => {
    expect(
      read({
        host: "mta7.am0.yahoodns.net",
        diagnostic:
          "smtp; 552 1 Requested mail action aborted, mailbox not found (in reply to end of DATA command)",
      }),
    ).toEqual(DEAD);
  });

  it("beside 5.2.1 is of a mailbox that exists, unless RCPT itself is quoted", () => {
    const diagnostic = "smtp; 550 5.2.1 <jane@client.example>... User unknown";
    const rejected = [
      "Recipient address: jane@client.example",
      "Reason: Remote SMTP server has rejected address",
    ];
    expect(read({ status: "5.2.1", diagnostic, prose: rejected })).toEqual(LIVE);
    const quoted = [
      ">>> RCPT To:<jane@client.example>",
      "<<< 550 5.2.1 <jane@client.example>... User unknown",
    ];
    expect(read({ status: "5.2.1", diagnostic, prose: ["<jane@client.example>", ...quoted] })).toEqual(DEAD);
  });

  it("in brackets beside the address is the server's all the same", () => {
    expect(
      prose("The following addresses had delivery errors", "", "jane@client.example [User unknown]"),
    ).toEqual({
      reason: "filtered",
      recipients: ["jane@client.example"],
    });
  });

  it("is less than what KDDI's report says of the account", () => {
    const reply = "<jane@client.example>: 550 user unknown (in reply to RCPT TO command)";
    expect(prose("The user(s) account is temporarily over quota.", "", reply).reason).toBe("mailbox-full");
    expect(prose("The user(s) account is disabled.", "", reply).reason).toBe("disabled");
  });

  it("is what the mail program says itself, when it looked itself", () => {
    expect(prose("Unknown user: jane@client.example").reason).toBe("user-unknown");
    expect(prose("Mail delivery failed", "", "jane@client.example", "Delivery... User unknown").reason).toBe(
      "filtered",
    );
    expect(read({ diagnostic: "x-postfix; unknown user" })).toEqual(DEAD);
  });

  it.each([
    [13, "policy"],
    [14, "user-unknown"],
    [17, "filtered"],
    [18, "filtered"],
  ])("in step %i of Gmail's numbered dialogue is %s", (step, reason) => {
    expect(
      prose(
        "Delivery to the following recipient failed permanently:",
        "",
        "     jane@client.example",
        "",
        "The error that the other server returned was:",
        `550 550 Unknown user jane@client.example (state ${step}).`,
      ).reason,
    ).toBe(reason);
  });
});

describe("a name that was not found", () => {
  it("may be found another day, where the report's code says so", () => {
    const diagnostic = "smtp; DNS lookup responded with code NXDOMAIN";
    expect(read({ status: "4.0.0", diagnostic }).reason).toBe("network");
    expect(read({ status: "5.1.2", diagnostic }).reason).toBe("host-unknown");
  });

  it("is a dead domain, whatever the code, when the domain takes no mail", () => {
    expect(read({ status: "4.0.0", diagnostic: "smtp; No MX found for domain" }).reason).toBe("host-unknown");
  });

  it("is the domain's in an Exim's own words, and the mailbox's in a server's", () => {
    const exim = ["A message that you sent could not be delivered to one or more of its recipients.", ""];
    expect(prose(...exim, "  jane@client.example", "    Unrouteable address").reason).toBe("host-unknown");
    const rcpt = "    SMTP error from remote mail server after RCPT TO:<jane@client.example>:";
    expect(prose(...exim, "  jane@client.example", rcpt, "    550 Unrouteable address").reason).toBe(
      "user-unknown",
    );
  });
});

describe("a delivery program's exit status", () => {
  const prose = ["Warning: message still undelivered after 4 hours"];
  it("is a trouble of the system, however long it was tried", () => {
    expect(read({ prose, action: "delayed", status: "4.5.0", diagnostic: "X-Unix; 71" }).reason).toBe(
      "system",
    );
  });
  it("is of the address where it says so", () => {
    expect(read({ prose, diagnostic: "X-Unix; 67" }).reason).toBe("user-unknown");
    expect(read({ prose, diagnostic: "X-Unix; 68" }).reason).toBe("host-unknown");
  });
});

describe("how far qmail came", () => {
  it.each([
    ["Connected to 192.0.2.9 but greeting failed.", "554 no", "blocked"],
    ["Connected to 192.0.2.9 but my name was rejected.", "501 Invalid domain name", "blocked"],
    ["Connected to 192.0.2.9 but sender was rejected.", "550 No such user", "policy"],
    ["192.0.2.9 does not like recipient.", "550 No such user", "user-unknown"],
    ["192.0.2.9 failed on DATA command.", "550 No such user", "filtered"],
    ["192.0.2.9 failed after I sent the message.", "550 No such user", "filtered"],
  ])("%s %s: %s", (step, reply, reason) => {
    const said = prose(
      "Hi. This is the qmail-send program at mx.example.",
      "I'm afraid I wasn't able to deliver your message to the following addresses.",
      "",
      "<jane@client.example>:",
      step,
      `Remote host said: ${reply}`,
      "Giving up on 192.0.2.9.",
    );
    expect(said).toEqual({ reason, recipients: ["jane@client.example"] });
  });
});

describe("a report that is wrapped in another notice", () => {
  it("tells whom it is about, when the notice names nobody", () => {
    const wrapped = [
      "Return-Path: <>",
      "From: MAILER-DAEMON@relay.example",
      "To: list-owner@lists.example",
      "",
      "This is the mail system at host relay.example.",
      "",
      "Reporting-MTA: dns; relay.example",
      "",
      "Final-Recipient: rfc822; jane@client.example",
      "Action: failed",
      "Status: 5.2.2",
      "Diagnostic-Code: smtp; 552 5.2.2 mailbox full",
    ];
    const notice = ["I'm sorry to have to inform you that a mail could not be delivered.", ""];
    expect(prose(...notice, ...wrapped)).toEqual({
      reason: "mailbox-full",
      recipients: ["jane@client.example"],
    });
    // A report that could not be delivered itself is about whom it was meant for.
    expect(prose(...notice, "<joe@client.example>: 550 5.1.1 no such user", "", ...wrapped)).toEqual({
      reason: "user-unknown",
      recipients: ["joe@client.example"],
    });
  });
});
