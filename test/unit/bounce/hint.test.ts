// What providers say about how long to wait. Real replies have their source; "form" marks those that we wrote to show
// how a time may stand in a sentence. Addresses are replaced by those of RFC 5737 and RFC 2606.
import { describe, expect, it, test } from "vitest";
import { hintOf, PAGES } from "../../../src/bounce/hint.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** [reply, what it asks for, where it was seen]. */
const SAID: readonly (readonly [string, number, string])[] = [
  [
    "451 4.7.1 Greylisted, please try again in 300 seconds",
    5 * MINUTE,
    "Postgrey, as rules/generic-system.ts has it",
  ],
  [
    "450 4.2.0 <x@example.com>: Recipient address rejected: example.com greylisted for 60 seconds by ZEROSPAM",
    MINUTE,
    "smtpfieldmanual.com, zerospam",
  ],
  [
    "451 4.7.1 <x@example.com>: Recipient address rejected: Greylisted for 5 minutes",
    5 * MINUTE,
    "smtpfieldmanual.com, barracuda",
  ],
  ["451 4.7.1 Greylisting in action, please come back in 00:04:55", 295_000, "milter-greylist"],
  [
    "451-4.7.1 Greylisting in action,\r\n451 4.7.1 please come back in 01:02:03",
    3_723_000,
    "milter-greylist",
  ],
  ["450 4.7.1 You are being rate limited. Try again in 15 minutes.", 15 * MINUTE, "form"],
  ["421 4.7.0 Too many messages, retry after 300 seconds", 5 * MINUTE, "form"],
  ["421 4.7.0 throttled; retry-after: 600", 10 * MINUTE, "form"],
  ["452 4.3.1 Rate limit exceeded. Please wait 2 hours before sending again", 2 * HOUR, "form"],
  ["421 Please try again in one hour", HOUR, "form"],
  ["421 Trop de connexions, veuillez patienter 10 minutes", 10 * MINUTE, "form"],
  ["451 Bitte versuchen Sie es in 15 Minuten erneut", 15 * MINUTE, "form"],
  ["450 4.7.1 Your message is delayed for 10 min", 10 * MINUTE, "form"],
  ["451 In 20 minutes you may try again", 20 * MINUTE, "form"],
];

/** No time at all, or one that is not a wait. */
const SILENT = [
  "421 4.7.28 Gmail has detected an unusual rate of unsolicited mail originating from your IP address. - gsmtp",
  "451 4.7.500 Server busy. Please try again later from [192.0.2.1]. (AS77712321) [x.prod.outlook.com]",
  "451 4.7.652 The mail server [192.0.2.1] has exceeded the maximum number of connections. (S3115)",
  "421 mwinf5c79 ME Trop de connexions, veuillez verifier votre configuration. Too many connections, slow down. OFR004_104 [104]",
  "451 Ratelimit exceeded. http://help.mail.ru/mail-help/errors",
  "421 4.7.0 Deferred: more than 300 messages in 5 minutes",
  "450 4.7.1 Try again later, the limit is 100 mails per 60 minutes",
  "550 5.2.121 recipient's per hour message receive limit from specific sender exceeded",
  "451 4.3.0 Temporary system problem. Try again later (12).",
  "421 4.7.0 Try again later, closing connection. (EHLO) 5b1f17b1804b1-42 - gsmtp",
];

describe("the wait that a reply asks for", () => {
  it.each(SAID)("%s", (reply, waitMs) => {
    expect(hintOf(reply)).toEqual({ waitMs, basis: "reply" });
  });

  it.each(SILENT)("is not in: %s", (reply) => {
    expect(hintOf(reply)).toBeNull();
  });

  it("is never shorter than half a minute, nor longer than four hours", () => {
    expect(hintOf("451 try again in 2 seconds")?.waitMs).toBe(30_000);
    expect(hintOf("451 try again in 90 hours")?.waitMs).toBe(4 * HOUR);
    expect(hintOf("451 try again in 0 minutes")).toBeNull();
    expect(hintOf(null)).toBeNull();
  });
});

test.each(PAGES.flatMap((page) => page.examples.map((example) => [example, page.waitMs] as const)))(
  "what the provider's page says of it: %s",
  (reply, waitMs) => {
    expect(hintOf(reply)).toEqual({ waitMs, basis: "page" });
  },
);
