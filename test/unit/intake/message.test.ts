// How a mail is known again and how it is shown, whatever is in it.
import { expect, test } from "vitest";
import { excerptOf, KEPT_BYTES, messageKey } from "../../../src/adapters/intake/message.ts";
import { EXCERPT_LENGTH } from "../../../src/delivery/intake.ts";
import { bounceMail, tokenOf } from "../../world/reports.ts";

const mail = bounceMail(tokenOf(1));
const keyOf = (text: string, more: string[] = []) => messageKey(Buffer.from(text), more);

test("what a delivery adds to a mail does not change its key", () => {
  const added = "Return-Path: <>\r\nDelivered-To: a@b.example\r\nReceived: from x\r\n by y;\r\n\tlater\r\n";
  expect(keyOf(`${added}${mail}`)).toBe(keyOf(mail));
  // Folded anew by a relay.
  expect(keyOf(mail.replace("Subject: Undelivered Mail", "Subject: Undelivered\r\n Mail"))).toBe(keyOf(mail));
});

test("where a big mail was cut off does not change its key", () => {
  const big = Buffer.from(bounceMail(tokenOf(1), { body: "x".repeat(2 * KEPT_BYTES) }));
  const key = messageKey(big);
  expect(messageKey(big.subarray(0, KEPT_BYTES))).toBe(key);
  expect(messageKey(big.subarray(0, KEPT_BYTES - 500))).toBe(key);
});

test.each([
  ["another Message-ID", mail.replace("Message-ID: <", "Message-ID: <x")],
  ["another recipient", mail.replace(/To: .*/, "To: somebody@bounces.example.com")],
  ["another text", mail.replace("no such user", "no such host")],
  ["no header at all", "no such user"],
  ["nothing", ""],
])("a mail with %s has another key", (_what, other) => {
  expect(keyOf(other)).not.toBe(keyOf(mail));
  expect(keyOf(other)).toMatch(/^[0-9a-f]{64}$/);
});

test("what it was delivered to can tell mails apart", () => {
  expect(new Set([keyOf(mail), keyOf(mail, ["a"]), keyOf(mail, ["a", "b"]), keyOf(mail, ["ab"])]).size).toBe(
    4,
  );
});

test("an excerpt is text that every database takes, of bounded length", () => {
  const head = "Subject: a\u0000b\r\nX-Spam: no\r\n\r\n";
  expect(excerptOf(Buffer.from(`${head}one\r\n\u001b[31mtwo\u0007`))).toBe("Subject: ab\n\none\n[31mtwo");
  // "Subject: ab", an empty line, and pairs from an odd place on: the last one would be cut in two.
  const long = excerptOf(Buffer.from(`${head}${"\u{1f600}".repeat(EXCERPT_LENGTH)}`));
  expect(long).toHaveLength(EXCERPT_LENGTH - 1);
  expect(() => encodeURIComponent(long)).not.toThrow();
  expect(excerptOf(Buffer.from([0xff, 0xfe, 0x00]))).toBe("\n\n");
});
