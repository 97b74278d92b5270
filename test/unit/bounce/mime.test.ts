// A mail is taken apart as well as it can be: encodings, charsets, parts that are broken.
import { describe, expect, it } from "vitest";
import { headerOf, looksLikeMail, readMail, textOf } from "../../../src/bounce/mime.ts";
import { mail } from "./mails.ts";

const textsOf = (raw: string) => readMail(raw).leaves.map(textOf);
const bytes = (text: string) => Buffer.from(text, "utf8").toString("latin1");

describe("a mail", () => {
  it("has its headers unfolded and their words decoded", () => {
    const { headers } = readMail(
      mail("Subject: =?utf-8?B?6YCB5L+h?=", " =?utf-8?B?44Ko44Op44O8?=", "X-Long: one", "\ttwo", "", "x"),
    );
    expect(headerOf(headers, "subject")).toBe("送信エラー");
    expect(headerOf(headers, "x-long")).toBe("one two");
  });

  it("has leaves at any reasonable depth, whatever stands around them", () => {
    const raw = mail(
      "From MAILER-DAEMON Thu Apr 22 2027",
      'Content-Type: multipart/mixed; boundary="a" (a comment)',
      "",
      "preamble",
      "--a",
      "Content-Type: multipart/alternative;",
      ' boundary="b b"',
      "",
      "--b b",
      "",
      "one",
      "--b b",
      "Content-Type: text/html",
      "",
      "<p>two</p>",
      "--b b--",
      "--a",
      "Content-Type: text/plain",
      "",
      "three",
      "--a--",
      "epilogue",
    );
    expect(textsOf(raw).map((text) => text.trim())).toEqual(["one", "<p>two</p>", "three"]);
  });

  it.each([
    ["quoted-printable", "iso-8859-1", "caf=E9 =\r\nnoir", "café noir"],
    ["base64", "utf-8", Buffer.from("déjà vu").toString("base64"), "déjà vu"],
    ["7bit", "iso-2022-jp", "\x1b$B%a!<%k\x1b(B", "メール"],
    ["8bit", "shift_jis", "\x83\x81\x81[\x83\x8b", "メール"],
    ["8bit", "gb2312", "\xd3\xca\xbc\xfe", "邮件"],
    ["8bit", "us-ascii", bytes("メール"), "メール"],
    ["8bit", "no-such-charset", "caf\xe9", "café"],
    ["8bit", "", "caf\xe9", "café"],
  ])("in %s and %s is read", (encoding, charset, body, text) => {
    const raw = mail(
      `Content-Type: text/plain; charset="${charset}"`,
      `Content-Transfer-Encoding: ${encoding}`,
      "",
      body,
    );
    expect(textsOf(raw)).toEqual([text]);
  });

  it.each([
    [
      "that names no boundary",
      mail("Content-Type: multipart/mixed", "", "--abc", "Content-Type: text/plain", "", "one", "--abc--"),
      "one",
    ],
    [
      "whose boundary never comes",
      mail('Content-Type: multipart/mixed; boundary="x"', "", "all of it"),
      "all of it",
    ],
    [
      "whose boundary never ends",
      mail('Content-Type: multipart/mixed; boundary="x"', "", "--x", "", "all of it"),
      "all of it",
    ],
  ])("%s gives what there is", (_, raw, text) => {
    expect(textsOf(raw).map((one) => one.trim())).toEqual([text]);
  });

  it("without headers is all body", () => {
    expect(textsOf("hello\r\nworld")).toEqual(["hello\nworld"]);
  });
});

describe("what looks like a mail", () => {
  it.each([
    "Received: from x",
    "From: a@b.example",
    "From a@b Thu Apr 22 09:00:00 2027\nReturn-Path: <>",
    "\r\nSubject: x",
    "X-Mailer: y",
  ])("is %j", (raw) => {
    expect(looksLikeMail(raw)).toBe(true);
  });

  it.each([
    "550 5.1.1 user unknown",
    "host x said: 550 no",
    "Recipient address rejected: user unknown",
    "",
    "From the server: 550 no",
  ])("is not %j", (raw) => {
    expect(looksLikeMail(raw)).toBe(false);
  });
});
