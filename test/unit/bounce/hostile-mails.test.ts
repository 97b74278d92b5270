// Mails are written by strangers: whatever they send is answered, in bounded time and memory, and never by a throw.
import { describe, expect, it } from "vitest";
import { LOOKED_AT } from "../../../src/bounce/mime.ts";
import { readReport } from "../../../src/bounce/read-report.ts";
import { REPLY_LENGTH, REPORT_KINDS } from "../../../src/bounce/report.ts";
import { summarise } from "../../../src/bounce/summary.ts";
import fc from "../../world/property.ts";
import { dsn, mail } from "./mails.ts";

const MB = 1024 * 1024;

/** CPU, not wall: the machine's other work is not ours. The best of three when the first is slow. */
function cpuMilliseconds(work: () => unknown, enough: number): number {
  const once = () => {
    const start = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1000;
  };
  const first = once();
  return first < enough ? first : Math.min(once(), once());
}

const DAEMON = ["From: MAILER-DAEMON@x.example", "Subject: Undelivered Mail Returned to Sender"];
const nested = (depth: number) =>
  mail(
    ...DAEMON,
    ...Array.from({ length: depth }, (_, n) => [
      `Content-Type: multipart/mixed; boundary="b${n}"`,
      "",
      `--b${n}`,
    ]).flat(),
    "",
    "deep",
  );
const long = (unit: string, length = MB) => unit.repeat(Math.ceil(length / unit.length)).slice(0, length);

const HOSTILE: readonly (readonly [string, string | Buffer])[] = [
  ["50 MB of zeros", Buffer.alloc(50 * MB)],
  ["50 MB of one line", Buffer.alloc(50 * MB, "a")],
  ["20,000 levels of MIME", nested(20_000)],
  [
    "20,000 parts",
    mail(
      ...DAEMON,
      'Content-Type: multipart/mixed; boundary="b"',
      "",
      ...Array.from({ length: 20_000 }, () => "--b\r\n\r\nx"),
    ),
  ],
  ["100,000 headers", mail(...Array.from({ length: 100_000 }, (_, n) => `X-${n}: y`), "", "body")],
  ["a header of a megabyte", `Subject: ${long("=?utf-8?Q?a?= ")}\r\n\r\nbody`],
  ["a content type of a megabyte", `Content-Type: multipart/mixed; ${long('boundary="a";')}\r\n\r\nbody`],
  [
    "a boundary of a megabyte",
    `Content-Type: multipart/mixed; boundary="${long("-")}"\r\n\r\n--${long("-")}`,
  ],
  [
    "100,000 recipients",
    dsn({
      status: Array.from(
        { length: 100_000 },
        (_, n) => `Final-Recipient: rfc822; a${n}@b.example\r\nAction: failed\r\n`,
      ),
    }),
  ],
  [
    "100,000 recipients in prose",
    mail(
      ...DAEMON,
      "",
      "could not be delivered",
      ...Array.from({ length: 100_000 }, (_, n) => `<a${n}@b.example>: user unknown`),
    ),
  ],
  ["at signs", mail(...DAEMON, "", long("@"))],
  ["open quotes", mail(...DAEMON, "", long('"@'))],
  ["local parts without end", mail(...DAEMON, "", `${long("a")}@b.example`)],
  ["domains without end", mail(...DAEMON, "", `a@${long("b.")}`)],
  ["open tags", mail(...DAEMON, "Content-Type: text/html", "", long("<"))],
  ["open styles", mail(...DAEMON, "Content-Type: text/html", "", long("<style>"))],
  ["entities", mail(...DAEMON, "Content-Type: text/html", "", long("&amp;&#64;"))],
  ["spaces", mail(...DAEMON, "", long(" "))],
  ["empty lines", mail(...DAEMON, "", long("\r\n"))],
  ["blank lines", mail(...DAEMON, "", long(" \n"))],
  ["dashes", mail(...DAEMON, "", long("- "))],
  ["announcements", mail(...DAEMON, "", long("--- Original message\n"))],
  ["codes", mail(...DAEMON, "", long("550 "))],
  ["lines of codes", mail(...DAEMON, "", long("550-5.7.1 x\n"))],
  [
    "equals signs in quoted-printable",
    mail(...DAEMON, "Content-Transfer-Encoding: quoted-printable", "", long("=")),
  ],
  ["base64 that is none", mail(...DAEMON, "Content-Transfer-Encoding: base64", "", long("\x00\xff~"))],
  ["UTF-16 of odd length", mail(...DAEMON, "Content-Type: text/plain; charset=utf-16", "", long("\xd8"))],
  [
    "escapes of ISO-2022-JP",
    mail(...DAEMON, "Content-Type: text/plain; charset=iso-2022-jp", "", long("\x1b$B")),
  ],
  [
    "fields without end",
    dsn({ status: [`Diagnostic-Code: smtp; ${long("550 ")}`, "Final-Recipient: rfc822; a@b.example"] }),
  ],
  [
    "fields folded without end",
    dsn({ status: ["Final-Recipient: rfc822; a@b.example", `Diagnostic-Code: x\r\n${long(" y\r\n")}`] }),
  ],
  [
    "message ids without end",
    mail(...DAEMON, `References: ${long("<a@b> ")}`, "", `message-id:${long(" ")}`),
  ],
  ["open brackets in ids", mail(...DAEMON, `References: ${long("<")}`, "", long("message-id: <"))],
  ["JSON without end", mail(...DAEMON, "", `{"notificationType":${long("[")}`)],
  [
    "Received headers without end",
    mail(
      ...DAEMON,
      "",
      "--- Original message",
      "",
      ...Array.from({ length: 20_000 }, () => `Received: ${" for ".repeat(20)}`),
    ),
  ],
  ["NULs", mail(...DAEMON, "Content-Type: text/\0plain; charset=\0", "", "\0\0<a@b.example>: \0 550")],
  ["carriage returns", `From: MAILER-DAEMON@x.example\r\r\r${long("\r")}`],
  ["words of daemons", mail(...DAEMON, "", long("message could not be "))],
  [
    "words of others",
    mail(...DAEMON, "", long("this is the mail system at host delivery to the following ")),
  ],
];

describe("a hostile mail", () => {
  it.each(HOSTILE)("of %s is answered in half a second of one core", (_, raw) => {
    let kind = "";
    const ms = cpuMilliseconds(() => {
      kind = readReport(raw).kind;
    }, 250);
    expect(REPORT_KINDS).toContain(kind);
    expect(ms).toBeLessThan(500);
  });

  it("costs no more memory than the part of it that is looked at", () => {
    const raw = Buffer.alloc(
      50 * MB,
      "From: MAILER-DAEMON@x.example\nSubject: Undelivered\n\n<a@b.example>: user unknown\n",
    );
    const before = process.memoryUsage().heapUsed;
    const reports = Array.from({ length: 20 }, () => readReport(raw));
    const after = process.memoryUsage().heapUsed;
    expect(reports).toHaveLength(20);
    expect(after - before).toBeLessThan(150 * MB);
  });

  it("has no more to say than its first megabyte", () => {
    const behind = (bytes: number) =>
      mail(
        ...DAEMON,
        'Content-Type: multipart/report; boundary="b"',
        "",
        "--b",
        "Content-Type: image/png",
        "",
        long("x", bytes),
        "--b",
        "Content-Type: message/delivery-status",
        "",
        "Final-Recipient: rfc822; jane@client.example",
        "Action: failed",
        "--b--",
      );
    expect(LOOKED_AT).toBe(MB);
    expect(readReport(behind(MB - 1_000)).recipients[0]?.address).toBe("jane@client.example");
    expect(readReport(behind(MB)).recipients[0]?.address).toBeNull();
  });

  it("names no more recipients than are read, with words no longer than are kept", () => {
    const status = Array.from(
      { length: 5_000 },
      (_, n) =>
        `Final-Recipient: rfc822; a${n}@b.example\r\nAction: failed\r\nDiagnostic-Code: smtp; 550 ${"x".repeat(100)}\r\n`,
    );
    const { recipients } = readReport(dsn({ status }));
    expect(recipients).toHaveLength(1_000);
    const words = readReport(
      dsn({
        status: ["Final-Recipient: rfc822; a@b.example", `Diagnostic-Code: smtp; ${"x ".repeat(5_000)}`],
      }),
    );
    expect(words.recipients[0]?.reply.length).toBeLessThanOrEqual(REPLY_LENGTH);
  });
});

describe("whatever is sent", () => {
  const line = fc.oneof(
    fc.constantFrom(
      "From: MAILER-DAEMON@x.example",
      "Subject: failure notice",
      "Content-Type: multipart/report; boundary=b",
      "Content-Type: message/delivery-status",
      "Content-Type: message/feedback-report",
      "Content-Type: message/rfc822",
      "Content-Type: text/html; charset=iso-2022-jp",
      "Content-Transfer-Encoding: base64",
      "--b",
      "--b--",
      "",
      "",
      "Final-Recipient: rfc822; a@b.example",
      "Action: failed",
      "Status: 5.1.1",
      "Diagnostic-Code: smtp; 550 no",
      "Feedback-Type: abuse",
      "<a@b.example>: user unknown",
      "--- Below this line is a copy of the message.",
      '{"notificationType":"Bounce","bounce":{"bouncedRecipients":[null,1,{}]}}',
    ),
    fc.string({ maxLength: 60, unit: "binary" }),
  );

  it("is answered with a report whose parts fit together", () => {
    fc.assert(
      fc.property(fc.array(line, { maxLength: 25 }), (lines) => {
        const report = readReport(lines.join("\r\n"));
        const said = summarise(report);
        expect(REPORT_KINDS).toContain(report.kind);
        expect(said.kind).toBe(report.kind);
        if (report.kind === "not-a-bounce") expect(report.recipients).toEqual([]);
        if (report.kind === "bounce")
          expect(report.recipients.some((one) => one.action === "failed")).toBe(true);
        if (report.kind === "notice")
          expect(report.recipients.every((one) => one.action !== "failed")).toBe(true);
        for (const { action, classification } of report.recipients) {
          if (action === "failed") expect(classification).not.toBeNull();
        }
      }),
      { numRuns: 500 },
    );
  });

  it("is answered the same from bytes and from text", () => {
    fc.assert(
      fc.property(fc.array(line, { maxLength: 15 }), (lines) => {
        const text = lines.join("\n");
        expect(readReport(Buffer.from(text, "utf8"))).toEqual(readReport(text));
      }),
      { numRuns: 200 },
    );
  });
});
