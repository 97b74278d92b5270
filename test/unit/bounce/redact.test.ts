// What others may see of a reply: everything but the addresses.

import { describe, expect, it } from "vitest";
import { redactReply } from "../../../src/bounce/redact.ts";
import fc from "../../world/property.ts";

describe("redacting a reply", () => {
  it.each([
    ["550 5.1.1 <jdoe@example.com>: User unknown", "550 5.1.1 <[address]>: User unknown"],
    ["550 jdoe+news@example.com is full.", "550 [address] is full."],
    ["User jdoe@example.com.", "User [address]."],
    ['550 <"john doe"@example.com> unknown', "550 <[address]> unknown"],
    ["550 jdoe@[192.0.2.1] unknown", "550 [address] unknown"],
    ["bounces+d123.a1.Zm9vYmFy@bounces.example.com refused", "[address] refused"],
    ["SRS0=HHH=TT=example.com=jdoe@relay.example refused", "[address] refused"],
    ["see http://x.example/?email=jdoe%40example.com&c=1", "see http://x.example/?email=[address]&c=1"],
    ["rfc822;jdoe+2Bnews@example.com", "rfc822;[address]"],
    ["ORCPT=rfc822;jdoe+40example.com", "ORCPT=rfc822;[address]"],
    ["doe&#64;example.com", "[address]"],
    ["jürgen@müller.example gone", "[address] gone"],
    ["a@b.example,c@d.example", "[address],[address]"],
  ])("%s -> %s", (text, shown) => {
    expect(redactReply(text)).toBe(shown);
  });

  it("keeps IP addresses, ids, codes and links: they are the evidence", () => {
    const text =
      "550-5.7.25 [2001:db8::25] no PTR for 192.0.2.1, see https://support.google.com/mail/?p=x a1-2b3c.40 - gsmtp @ 100%";
    expect(redactReply(text)).toBe(text);
  });

  it("hides the local part of the recipient where it stands alone, and other secrets", () => {
    expect(
      redactReply("552 mailbox jdoe of JDoe is full, not jdoes", { recipient: "jdoe@example.com" }),
    ).toBe("552 mailbox [address] of [address] is full, not jdoes");
    expect(redactReply("550 token=s3cr3ttoken x", { secrets: ["s3cr3ttoken", "x"] })).toBe(
      "550 token=[hidden] x",
    );
    const ours = "554 bounces+1z-2-abcdefghij123 from MAIL.hosting.example, not webmail.hosting.example.net";
    expect(redactReply(ours, { hosts: ["mail.hosting.example"], tokens: true })).toBe(
      "554 [token] from [our host], not webmail.hosting.example.net",
    );
    expect(redactReply("550 ab is no user", { recipient: "ab@example.com" })).toBe("550 ab is no user");
  });

  it("leaves no address in any text, whatever stands around it", () => {
    const part = fc.stringMatching(/^[a-z0-9]{1,12}$/);
    fc.assert(
      fc.property(fc.string(), part, part, fc.string(), (before, local, domain, after) => {
        const address = `${local}@${domain}.example`;
        const shown = redactReply(`${before} ${address} ${after}`);
        return !shown.includes(address);
      }),
    );
  });
});
