import { describe, expect, it } from "vitest";
import { type PostfixLine, readPostfixLine } from "../../../src/adapters/intake/postfix-line.ts";
import { reportOf } from "../../../src/adapters/intake/postfix-report.ts";
import { createQueueIds } from "../../../src/adapters/intake/queue-ids.ts";

const NOW = Date.parse("2026-11-23T02:00:00Z");
const AT = "2026-11-23T01:59:00.123456+00:00 mail ";
const read = (line: string, nowMs = NOW) => readPostfixLine(line, nowMs);

function reported(...lines: string[]) {
  const ids = createQueueIds();
  return lines.flatMap((text) => {
    const line = read(AT + text);
    if (line === null) return [];
    const report = reportOf(line, ids);
    ids.learn(line);
    return report === null ? [] : [report];
  });
}

const REFUSED =
  "postfix/smtp[41]: 4F0000001A: to=<jane@example.com>, relay=mx.example.com[192.0.2.7]:25, delay=1.2, delays=0.1/0/0.6/0.5, dsn=5.1.1, status=bounced (host mx.example.com[192.0.2.7] said: 550 5.1.1 <jane@example.com>: User unknown (in reply to RCPT TO command))";
const SENT = (id: string, relay: string, words: string) =>
  `postfix/smtp[42]: ${id}: to=<jane@example.com>, relay=${relay}, delay=0.4, delays=0.1/0/0.2/0.1, dsn=2.0.0, status=sent (${words})`;

describe("a line of a Postfix log", () => {
  it("is read with either kind of date", () => {
    const iso = read(AT + REFUSED);
    expect(iso).toMatchObject({
      is: "recipient",
      queueId: "4F0000001A",
      to: "jane@example.com",
      agent: "smtp",
      relay: "mx.example.com[192.0.2.7]:25",
      status: "bounced",
      dsn: "5.1.1",
      host: "mail",
      atMs: Date.parse("2026-11-23T01:59:00.123Z"),
    });
    const old = read(`Nov 23 01:59:00 mail ${REFUSED}`);
    expect(old).toEqual({ ...iso, atMs: new Date(2026, 10, 23, 1, 59).getTime() });
    expect(read(`<22>Nov  3 01:59:00 mail ${REFUSED}`)).toMatchObject({
      atMs: new Date(2026, 10, 3, 1, 59).getTime(),
    });
  });

  it("without a year is of the last such day that is not in the future", () => {
    const newYear = new Date(2027, 0, 1, 0, 5).getTime();
    expect(read(`Dec 31 23:59:00 mail ${REFUSED}`, newYear)).toMatchObject({
      atMs: new Date(2026, 11, 31, 23, 59).getTime(),
    });
    // Another host's clock may be a little ahead, into the new year.
    const eve = new Date(2026, 11, 31, 23, 59).getTime();
    expect(read(`Jan  1 00:00:10 mail ${REFUSED}`, eve)).toMatchObject({
      atMs: new Date(2027, 0, 1, 0, 0, 10).getTime(),
    });
  });

  it.each([
    ["postfix-out/smtp[7]", "smtp"],
    ["postfix/relay/smtp[7]", "smtp"],
    ["postfix/lmtp[7]", "lmtp"],
    ["mta-eu/virtual[7]", "virtual"],
  ])("of %s is the agent %s", (program, agent) => {
    expect(read(AT + REFUSED.replace("postfix/smtp[41]", program))).toMatchObject({ agent });
  });

  it("names the address that we wrote to, however odd", () => {
    const aliased = REFUSED.replace("to=<jane@example.com>", "to=<root@host>, orig_to=<jane@example.com>");
    expect(read(AT + aliased)).toMatchObject({ to: "jane@example.com" });
    const odd = REFUSED.replace("to=<jane@example.com>", 'to=<"a>, b"@example.com>');
    expect(read(AT + odd)).toMatchObject({ to: '"a>, b"@example.com' });
  });

  it.each([
    "",
    ": to=<",
    `${AT}postfix/smtpd[4]: NOQUEUE: to=<a@b>, relay=none, dsn=5.0.0, status=bounced (x)`,
    `${AT}postfix/smtpd[4]: NOQUEUE: reject: RCPT from x[1.2.3.4]: 450 4.1.1 <a@b>: x; from=<c@d> to=<a@b>`,
    `${AT}postfix/smtp[4]: 4F0000001A: to=<a@b>, relay=none, delay=0`,
    `${AT}postfix/smtp[4]: 4F0000001A: to=<a@b>, relay=none, dsn=2.0.0, status=deliverable (250 ok)`,
    `${AT}postfix/qmgr[4]: 4F0000001A: from=<a@b>, size=300, nrcpt=1 (queue active)`,
    `${AT}dovecot: lmtp(4): to=<a@b>, relay=x, status=sent (x)`,
    `${REFUSED}`,
    `\u0000\u0000\ufffd\ufffd: to=<a@b>, relay=, status=sent (`,
  ])("that says nothing of a recipient is left aside: %j", (line) => {
    expect(read(line)).toBeNull();
  });

  it("of a hundred thousand characters is read in a moment", () => {
    const started = performance.now();
    for (const filler of ["(", " ", ">, relay=", ", status=", "queued as ", "9"])
      for (const line of [AT + REFUSED + filler.repeat(20_000), filler.repeat(20_000) + AT + REFUSED])
        reportOf(read(line) ?? ({ is: "removed", queueId: "A" } as PostfixLine), createQueueIds());
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});

describe("what a Postfix log says of a mail", () => {
  it("is a bounce by the provider's own words, with the mail's ids", () => {
    expect(reported("postfix/cleanup[9]: 4F0000001A: message-id=<m1@bulk.example>", REFUSED)).toMatchObject([
      {
        kind: "bounce",
        reporter: "mail",
        marks: { relayIds: ["4F0000001A"], messageIds: ["m1@bulk.example"], tokens: [] },
        recipients: [
          {
            address: "jane@example.com",
            action: "failed",
            classification: { reason: "user-unknown", fault: "address", hard: true, code: 550 },
          },
        ],
      },
    ]);
  });

  it("is a delivery when another server took it", () => {
    expect(
      reported(SENT("4F0000001A", "mx.example.com[192.0.2.7]:25", "250 2.0.0 OK 17 gsmtp")),
    ).toMatchObject([{ kind: "notice", recipients: [{ action: "delivered", classification: null }] }]);
  });

  it("is no delivery when a filter gave it back under another id, and that id is the same mail", () => {
    const ids = "postfix/cleanup[9]: 4F0000001A: message-id=<m1@bulk.example>";
    const filtered = [
      ids,
      "postfix/cleanup[9]: 4F0000002B: message-id=<m1@bulk.example>",
      SENT(
        "4F0000001A",
        "127.0.0.1[127.0.0.1]:10024",
        "250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as 4F0000002B",
      ),
      "postfix/qmgr[3]: 4F0000001A: removed",
      REFUSED.replace("4F0000001A", "4F0000002B"),
    ];
    expect(reported(...filtered)).toMatchObject([
      { kind: "bounce", marks: { relayIds: ["4F0000002B", "4F0000001A"], messageIds: ["m1@bulk.example"] } },
    ]);
    // The copy may be quicker than the filter's answer.
    const [a = "", b = "", c = "", d = "", e = ""] = filtered;
    expect(reported(a, b, e, "postfix/qmgr[3]: 4F0000002B: removed", c, d)).toHaveLength(1);
  });

  it("is a delivery when the other side's id only looks like one of ours", () => {
    const [report] = reported(
      "postfix/cleanup[9]: 4F0000001A: message-id=<m1@bulk.example>",
      "postfix/cleanup[9]: 4F0000002B: message-id=<other@bulk.example>",
      SENT("4F0000001A", "mx.example.com[192.0.2.7]:25", "250 2.0.0 Ok: queued as 4F0000002B"),
    );
    expect(report?.recipients[0]?.action).toBe("delivered");
  });

  it("counts a mail that was written again under its Message-ID for itself", () => {
    const [report] = reported(
      "postfix/cleanup[9]: 4F0000001A: message-id=<m1@bulk.example>",
      "postfix/qmgr[3]: 4F0000001A: removed",
      "postfix/cleanup[9]: 4F0000002B: message-id=<m1@bulk.example>",
      REFUSED.replace("4F0000001A", "4F0000002B"),
    );
    expect(report?.marks.relayIds).toEqual(["4F0000002B"]);
  });

  it.each([
    ["connect to mx.example.com[192.0.2.7]:25: Connection timed out", "4.4.1", "network"],
    [
      "Host or domain name not found. Name service error for name=example.com type=MX: Host not found, try again",
      "4.4.3",
      "network",
    ],
    [
      "host mx.example.com[192.0.2.7] said: 451 4.7.1 Greylisted, try again (in reply to RCPT TO command)",
      "4.7.1",
      "greylisted",
    ],
    [
      "host mx.example.com[192.0.2.7] said: 421 4.7.23 The sending IP does not have a PTR record (in reply to end of DATA command)",
      "4.7.23",
      "reverse-dns",
    ],
    [
      "host mx.example.com[192.0.2.7] said: 452 4.2.2 mailbox full (in reply to RCPT TO command)",
      "4.2.2",
      "mailbox-full",
    ],
    ["something that nobody ever said", "4.0.0", "system"],
  ])("delays it when it is deferred: %s", (words, dsn, reason) => {
    const line = `postfix/smtp[4]: 4F0000001A: to=<a@b.example>, relay=none, delay=1, delays=0/0/1/0, dsn=${dsn}, status=deferred (${words})`;
    expect(reported(line)).toMatchObject([
      { kind: "notice", recipients: [{ action: "delayed", classification: { reason, hard: false } }] },
    ]);
  });

  it("ends it for whoever was left when the queue gives it up", () => {
    expect(
      reported("postfix/qmgr[3]: 4F0000001A: from=<b@c>, status=expired, returned to sender"),
    ).toMatchObject([
      {
        kind: "bounce",
        marks: { relayIds: ["4F0000001A"] },
        recipients: [{ address: null, action: "failed", classification: { reason: "expired", hard: true } }],
      },
    ]);
  });

  it("has it still on its way when a program or another queue file took it", () => {
    const to = "4F0000001A: to=<a@b.example>, relay=x, delay=0, dsn=2.0.0, status=sent";
    expect(
      reported(
        `postfix/pipe[4]: ${to} (delivered via filter service)`,
        `postfix/local[4]: ${to} (forwarded as 4F0000002B)`,
        `postfix/local[4]: ${to} (delivered to maildir)`,
        `postfix/discard[4]: ${to} (example.com)`,
      ).map((report) => report.recipients[0]?.action),
    ).toEqual(["relayed", "relayed", "delivered"]);
  });

  it("forgets the oldest ids and not more", () => {
    const ids = createQueueIds(3);
    for (const at of [1, 2, 3, 4])
      ids.learn({ is: "message", queueId: `4F000000${at}`, messageId: `m${at}` });
    expect([1, 2, 3, 4].map((at) => ids.marksOf(`4F000000${at}`).messageIds)).toEqual([
      [],
      ["m2"],
      ["m3"],
      ["m4"],
    ]);
  });
});
