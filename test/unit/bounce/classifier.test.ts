// What replies mean: the Gmail family, multi-line replies, phases, speakers, scopes, and what decides over what.

import { describe, expect, it } from "vitest";
import { adviceFor, describeReason } from "../../../src/bounce/advice.ts";
import { classifyReply } from "../../../src/bounce/classifier.ts";
import { FAULT_OF, PHASES, type Reason, SCOPES } from "../../../src/bounce/reason.ts";
import fc from "../../world/property.ts";

describe("Gmail's family of replies is told apart", () => {
  it.each([
    [
      "550-5.7.1 [2001:db8::1] This message does not meet IPv6 sending guidelines regarding PTR records\r\n550 5.7.1 and authentication. - gsmtp",
      "reverse-dns",
      /AAAA/,
      true,
    ],
    [
      "550-5.7.25 [192.0.2.1] The IP address sending this message does not have a PTR record setup - gsmtp",
      "reverse-dns",
      /PTR/,
      true,
    ],
    [
      "421-4.7.23 The sending IP address for this message doesn't have a PTR record, your email has been\r\n421 4.7.23 temporarily rate limited - gsmtp",
      "reverse-dns",
      /PTR/,
      false,
    ],
    [
      "421 4.7.0 The IP address sending this message does not have a PTR record setup; mail has been rate limited - gsmtp",
      "reverse-dns",
      /PTR/,
      false,
    ],
    ["550 5.7.27 This mail has been blocked because SPF does not pass - gsmtp", "auth", /v=spf1/, true],
    [
      "421 4.7.30 This mail has been rate limited because DKIM does not pass - gsmtp",
      "auth",
      /_domainkey/,
      false,
    ],
    ["550 5.7.26 not accepted due to domain's DMARC policy - gsmtp", "auth", /_dmarc/, true],
    [
      "550 5.7.26 This mail is unauthenticated, which poses a risk; sender is unauthenticated - gsmtp",
      "auth",
      /neither by SPF nor by DKIM/,
      true,
    ],
    [
      "550 5.7.1 very low reputation of the sending IP address - gsmtp",
      "blocked",
      /postmaster\.google\.com/,
      true,
    ],
    [
      "421 4.7.28 Gmail has detected an unusual rate of unsolicited mail originating 421-4.7.28 from your IP address - gsmtp",
      "rate-limited",
      /Slow down/,
      false,
    ],
    ["452 4.2.2 The recipient's inbox is out of storage space - gsmtp", "mailbox-full", /full|room/, false],
    [
      "550 5.1.1 The email account that you tried to reach does not exist - gsmtp",
      "user-unknown",
      /address/,
      true,
    ],
    ["550 5.2.1 The email account that you tried to reach is disabled - gsmtp", "disabled", /address/, true],
  ] as const)("%s is %s", (text, reason, advice, hard) => {
    const found = classifyReply(text);
    expect(found).toMatchObject({ reason, fault: FAULT_OF[reason], hard, provider: "google" });
    expect(found.advice).toMatch(advice);
  });

  it("a missing PTR reaches the whole provider, with 421 as with 550", () => {
    for (const text of [
      "550 5.7.25 does not have a PTR record setup - gsmtp",
      "421 4.7.23 doesn't have a PTR record - gsmtp",
    ]) {
      expect(classifyReply(text)).toMatchObject({
        reason: "reverse-dns",
        fault: "sender",
        scope: "provider",
      });
    }
  });

  it("a busy mailbox is one recipient's, and is tried again even after a 550", () => {
    const text =
      "550-5.2.1 The user you are trying to contact is receiving mail at a rate that\r\n550-5.2.1 prevents additional messages from being\r\n550 5.2.1 delivered. - gsmtp";
    expect(classifyReply(text)).toMatchObject({ reason: "rate-limited", scope: "recipient", hard: false });
  });

  it.each([
    ["5.7.25", "reverse-dns"],
    ["4.7.23", "reverse-dns"],
    ["5.7.27", "auth"],
    ["4.7.29", "tls"],
  ])("%s decides by itself when Gmail says it, and not when another does", (enhanced, reason) => {
    const text = `${enhanced[0] === "5" ? 550 : 421} ${enhanced} see there`;
    expect(classifyReply(text, { provider: "google" }).reason).toBe(reason);
    expect(classifyReply(text).reason).toBe(enhanced[0] === "5" ? "unclassified" : "system");
  });
});

describe("what decides over what", () => {
  it("a bare 550 is not a dead address, nor are 5.0.0 and 5.7.1", () => {
    for (const text of ["550", "550 5.0.0 no", "550 5.7.1 no", "554 5.5.0 error"]) {
      expect(classifyReply(text)).toMatchObject({ reason: "unclassified", fault: "unknown", hard: true });
    }
  });

  it("4xx of which nothing is known is temporary", () => {
    expect(classifyReply("451 4.9.9 hm")).toMatchObject({
      reason: "system",
      fault: "temporary",
      hard: false,
    });
  });

  it.each([
    ["5.1.1", "user-unknown"],
    ["5.1.2", "host-unknown"],
    ["5.1.6", "disabled"],
    ["5.1.8", "policy"],
    ["5.2.2", "mailbox-full"],
    ["5.7.26", "auth"],
  ])("%s decides alone", (enhanced, reason) => {
    expect(classifyReply(`550 ${enhanced} no`).reason).toBe(reason);
  });

  it("text decides over a trusted code, and the code over vague text", () => {
    expect(classifyReply("552 5.1.1 <x@example.com> mailbox full").reason).toBe("mailbox-full");
    expect(classifyReply("550 5.1.1 Access denied").reason).toBe("user-unknown");
    expect(classifyReply("550 5.7.1 Access denied").reason).toBe("policy");
  });

  it("one provider's rules do not apply to another's reply", () => {
    const dbeb = "550 5.4.1 Recipient address rejected: Access denied";
    expect(classifyReply(dbeb, { provider: "microsoft365" }).reason).toBe("user-unknown");
    expect(classifyReply(`${dbeb} [x.mail.protection.outlook.com]`).reason).toBe("user-unknown");
    expect(classifyReply(dbeb).fault).not.toBe("address");
    expect(classifyReply(dbeb, { provider: "google" }).fault).not.toBe("address");
  });

  it("the words of a reply choose the rules even when the MX is somebody else's", () => {
    const behindGateway =
      "550 5.4.1 Recipient address rejected: Access denied. [x.mail.protection.outlook.com]";
    expect(classifyReply(behindGateway, { provider: "proofpoint" })).toMatchObject({
      reason: "user-unknown",
      provider: "proofpoint",
    });
  });

  it("an address whose letters are a rule's words says nothing", () => {
    expect(classifyReply("550 <virus.spam@user-unknown.example> hm").reason).toBe("unclassified");
  });

  it("permanently deferred is over, also with 421", () => {
    expect(
      classifyReply("421 4.7.1 [TSS09] All messages from 192.0.2.1 will be permanently deferred"),
    ).toMatchObject({
      reason: "blocked",
      hard: true,
      provider: "yahoo",
    });
  });

  it("knows providers by other names too", () => {
    expect(classifyReply("550 5.1.10 not here", { provider: "exchangeonline" })).toMatchObject({
      reason: "user-unknown",
      provider: "microsoft365",
    });
  });
});

describe("phases", () => {
  it.each(["connect", "ehlo", "mail"] as const)(
    "a refusal at %s is about the sender, whatever it says",
    (phase) => {
      expect(classifyReply("554 no", { phase })).toMatchObject({
        reason: "blocked",
        fault: "sender",
        scope: "provider",
      });
      for (const text of [
        "550 5.1.1 User unknown",
        "550 Mailbox disabled",
        "550 Host unknown",
        "501 Syntax error",
        "554 spam",
      ]) {
        expect(classifyReply(text, { phase }).fault).toBe("sender");
      }
    },
  );

  it("reads the phase that a relay wrote down", () => {
    expect(classifyReply("550 5.1.0 user unknown (in reply to MAIL FROM command)").fault).toBe("sender");
    expect(classifyReply("550 5.1.0 user unknown (in reply to RCPT TO command)").fault).toBe("address");
  });

  it("keeps what is more particular", () => {
    expect(classifyReply("554 no PTR record for 192.0.2.1", { phase: "connect" }).reason).toBe("reverse-dns");
    expect(classifyReply("421 too busy, service unavailable", { phase: "connect" })).toMatchObject({
      reason: "system",
      hard: false,
    });
    expect(classifyReply("552 message size exceeds fixed limit", { phase: "mail" }).reason).toBe("too-big");
    expect(classifyReply("452 4.2.2 mailbox full", { phase: "mail" }).reason).toBe("system");
    expect(classifyReply("554 no", { phase: "tls" }).reason).toBe("tls");
    expect(classifyReply("535 no", { phase: "auth" })).toMatchObject({ reason: "policy", fault: "sender" });
  });

  it("leaves RCPT and what follows alone", () => {
    for (const phase of ["rcpt", "data", "dot"] as const) {
      expect(classifyReply("550 5.1.1 User unknown", { phase }).reason).toBe("user-unknown");
      expect(classifyReply("550 no", { phase }).reason).toBe("unclassified");
    }
  });
});

describe("scope", () => {
  it.each([
    "535 5.7.8 authentication failed",
    "554 5.7.1 Relay access denied",
    "454 Daily sending quota exceeded",
    "550 hm",
    "421 4.3.2 shutting down",
  ])("what a relay refuses holds the route: %s", (text) => {
    expect(classifyReply(text, { speaker: "route", provider: "google" }).scope).toBe("route");
  });

  it("what a relay says of one address is that recipient's", () => {
    const scopes = [
      "550 5.1.1 User unknown",
      "552 mailbox full",
      "554 address is on the suppression list",
    ].map((text) => classifyReply(text, { speaker: "route" }).scope);
    expect(scopes).toEqual(["recipient", "recipient", "recipient"]);
    expect(classifyReply("554 address is on the suppression list", { speaker: "route" }).reason).toBe(
      "suppressed-by-relay",
    );
  });

  it("what a relay quotes is the provider's word", () => {
    const quoted =
      "450 4.1.1 undeliverable address: host mx.example.com said: 550 5.7.25 no PTR record - gsmtp";
    expect(classifyReply(quoted, { speaker: "route" })).toMatchObject({
      reason: "reverse-dns",
      scope: "provider",
    });
  });

  it("a relay's word is not read by the rules of the lane's provider", () => {
    expect(classifyReply("550 5.7.29 no", { speaker: "route", provider: "google" }).reason).toBe(
      "unclassified",
    );
  });

  it("a tenant's or a gateway's policy is one organisation's; a block of the address is everybody's", () => {
    const scope = (text: string, provider: string) => classifyReply(text, { provider }).scope;
    expect(scope("550 5.7.1 TRANSPORT.RULES.RejectMessage; policy", "microsoft365")).toBe("organisation");
    expect(scope("550 5.7.124 sender not in allowed-senders list", "microsoft365")).toBe("organisation");
    expect(scope("550 5.7.1 rejected by policy", "proofpoint")).toBe("organisation");
    expect(scope("550 Anti-Spoofing policy - inbound not allowed", "mimecast")).toBe("organisation");
    expect(
      scope("550 5.7.1 a policy that prohibited the mail: the domain has a policy that prohibited", "google"),
    ).toBe("organisation");
    expect(scope("550 5.7.1 rejected by policy", "outlook")).toBe("provider");
    expect(scope("550 5.7.1 blocked using prs.proofpoint.com", "proofpoint")).toBe("provider");
    expect(scope("550 5.7.606 Access denied, banned sending IP", "microsoft365")).toBe("provider");
    expect(scope("550 rejected by policy", "other")).toBe("provider");
  });
});

describe("any text at all", () => {
  const anything = fc.oneof(
    fc.string({ maxLength: 300 }),
    fc.string({ unit: "binary", maxLength: 300 }),
    fc
      .tuple(
        fc.constantFrom("550", "421-", "5.1.1", "host x said: 554", ""),
        fc.array(
          fc.constantFrom(
            "user",
            "spam",
            "\r\n550-",
            "@",
            "quota",
            "blocked",
            "'",
            "\u0000",
            "policy",
            "PTR record",
          ),
          { maxLength: 30 },
        ),
      )
      .map(([front, words]) => `${front} ${words.join(" ")}`),
  );

  it("is classified into the closed set, with the fault that belongs to the reason", () => {
    fc.assert(
      fc.property(
        anything,
        fc.option(fc.constantFrom(...PHASES), { nil: undefined }),
        fc.option(fc.constantFrom("route" as const, "provider" as const), { nil: undefined }),
        fc.option(fc.constantFrom("google", "microsoft365", "__proto__", "nobody"), { nil: undefined }),
        (text, phase, speaker, provider) => {
          const found = classifyReply(text, {
            ...(phase ? { phase } : {}),
            ...(speaker ? { speaker } : {}),
            ...(provider ? { provider } : {}),
          });
          expect(found.fault).toBe(FAULT_OF[found.reason]);
          expect(SCOPES).toContain(found.scope);
          expect(found.advice.length).toBeGreaterThan(10);
          expect(typeof found.hard).toBe("boolean");
          if (found.code !== null) expect(found.code).toBeGreaterThanOrEqual(200);
          if (phase === "connect") expect(["sender", "temporary", "content"]).toContain(found.fault);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it("has words for people for every reason", () => {
    for (const reason of Object.keys(FAULT_OF) as Reason[]) {
      expect(adviceFor(reason).length).toBeGreaterThan(10);
      expect(describeReason(reason)).toMatch(/^[a-z]/);
    }
    expect(describeReason("reverse-dns")).toBe("the sending server's address has no reverse DNS name");
  });
});
