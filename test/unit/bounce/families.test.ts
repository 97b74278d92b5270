// Bounces that are written for people: one small mail of each family of mail programs, in our wording around the
// words by which the family is known. Whom they are about, and what was the matter.
import { describe, expect, it } from "vitest";
import { plainOf } from "../../../src/bounce/prose.ts";
import * as words from "../../../src/bounce/prose-words.ts";
import { readReport } from "../../../src/bounce/read-report.ts";
import { summarise } from "../../../src/bounce/summary.ts";
import { JANE, OURS } from "./family.ts";
import { SERVERS } from "./family-servers.ts";
import { SERVICES } from "./family-services.ts";
import { mail } from "./mails.ts";

describe("a bounce in prose", () => {
  it.each([...SERVERS, ...SERVICES])(
    "of $family is read",
    ({ from, subject, headers, body, reason, kind, recipients }) => {
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
    },
  );

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

  it("has failed when it speaks of delays and gives up all the same", () => {
    const raw = mail(
      "From: MAILER-DAEMON@mx.example",
      "Subject: Delayed mail",
      "",
      "Your message has been delayed for 5 days and has failed permanently.",
      "",
      `<${JANE}>: mailbox is full`,
    );
    expect(readReport(raw)).toMatchObject({ kind: "bounce", recipients: [{ action: "failed" }] });
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
