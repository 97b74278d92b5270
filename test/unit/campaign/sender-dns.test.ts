// What DNS says of the sender, asked of a real server: each finding where it belongs, nothing where all is well, and no
// blocker from what was not answered.
import { generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { createRecordResolver } from "../../../src/adapters/dns.ts";
import { arpaName, isGenericName, sameAddress } from "../../../src/campaign/preflight/address-names.ts";
import {
  checkSender,
  SENDER_CHECKS,
  type SenderCheck,
  type SenderIdentity,
} from "../../../src/campaign/preflight/sender-check.ts";
import { type DnsServer, startDnsServer } from "../../world/dns-server.ts";

const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const key = publicKey.export({ type: "spki", format: "der" }).toString("base64");
const pkcs1 = publicKey.export({ type: "pkcs1", format: "der" }).toString("base64");
const other = generateKeyPairSync("rsa", { modulusLength: 2048 })
  .publicKey.export({ type: "spki", format: "der" })
  .toString("base64");

const SENDER: SenderIdentity = {
  addresses: ["192.0.2.1", "2001:db8::1"],
  fromDomain: "news.hosting.example",
  returnDomain: "bounces.hosting.example",
  dkim: { selector: "s1", domain: "hosting.example", key },
};

/** Everything as it should be. */
async function goodServer(): Promise<DnsServer> {
  const dns = await startDnsServer();
  dns.setReverse("192.0.2.1", "mail.hosting.example");
  dns.setReverse("2001:db8::1", "mail.hosting.example");
  dns.set("TXT", "bounces.hosting.example", "some-token=1", "v=spf1 ip4:192.0.2.1 -all");
  dns.set("MX", "bounces.hosting.example", "mail.hosting.example");
  dns.set("A", "news.hosting.example", "192.0.2.80");
  dns.set("TXT", "s1._domainkey.hosting.example", `v=DKIM1; k=rsa; p=${key}`);
  dns.set("TXT", "_dmarc.hosting.example", "v=DMARC1; p=none");
  return dns;
}

async function found(
  dns: DnsServer,
  checks: readonly SenderCheck[] = SENDER_CHECKS,
  identity: SenderIdentity = SENDER,
) {
  const resolver = createRecordResolver({ servers: [dns.address], timeoutMs: 300 });
  const findings = await checkSender({ identity, resolver, checks });
  return [...findings.values()].flat();
}
const codes = async (...args: Parameters<typeof found>) =>
  (await found(...args)).map(({ code, severity, basis }) => `${severity} ${basis} ${code}`);

describe("a sender whose records are right", () => {
  it("has nothing to repair, by the organisation's DMARC record too", async () => {
    expect(await found(await goodServer())).toEqual([]);
  });

  it("may publish its key in the other form that keys have", async () => {
    const dns = await goodServer();
    dns.set("TXT", "s1._domainkey.hosting.example", `k=rsa; p=${pkcs1}`);
    expect(await found(dns, ["dkim"])).toEqual([]);
  });

  it("may have one more name, as long as one leads back", async () => {
    const dns = await goodServer();
    dns.set("PTR", arpaName("192.0.2.1"), "old.hosting.example", "mail.hosting.example");
    expect(await found(dns, ["reverse-dns"])).toEqual([]);
  });
});

describe("each fault is found", () => {
  type Case = [string, SenderCheck, (dns: DnsServer) => void, string, RegExp];
  const cases: Case[] = [
    [
      "an IPv6 address without a PTR record",
      "reverse-dns",
      (dns) => dns.set("PTR", arpaName("2001:db8::1")),
      "reverse-dns-missing",
      /^2001:db8::1 has no reverse DNS name: there is no PTR record at 1\.0\.0.*\.ip6\.arpa\.$/,
    ],
    [
      "a name without an address",
      "reverse-dns",
      (dns) => dns.set("AAAA", "mail.hosting.example"),
      "reverse-dns-unconfirmed",
      /mail\.hosting\.example has no AAAA record/,
    ],
    [
      "a name with another address",
      "reverse-dns",
      (dns) => dns.set("A", "mail.hosting.example", "192.0.2.9"),
      "reverse-dns-unconfirmed",
      /mail\.hosting\.example has 192\.0\.2\.9/,
    ],
    [
      "no SPF",
      "spf",
      (dns) => dns.set("TXT", "bounces.hosting.example", "v=spf10 no"),
      "spf-missing",
      /no SPF/,
    ],
    [
      "two SPF records",
      "spf",
      (dns) => dns.set("TXT", "bounces.hosting.example", "v=spf1 -all", "V=SPF1 ~all"),
      "spf-several",
      /2 SPF records/,
    ],
    [
      "no DKIM key",
      "dkim",
      (dns) => dns.set("TXT", "s1._domainkey.hosting.example"),
      "dkim-missing",
      /no DKIM key/,
    ],
    [
      "another DKIM key",
      "dkim",
      (dns) => dns.set("TXT", "s1._domainkey.hosting.example", `p=${other}`),
      "dkim-differs",
      /not the one we sign with/,
    ],
    [
      "a revoked DKIM key",
      "dkim",
      (dns) => dns.set("TXT", "s1._domainkey.hosting.example", "v=DKIM1; p="),
      "dkim-differs",
      /revoked/,
    ],
    [
      "no DMARC",
      "dmarc",
      (dns) => dns.set("TXT", "_dmarc.hosting.example"),
      "dmarc-missing",
      /no DMARC record/,
    ],
    [
      "two DMARC records",
      "dmarc",
      (dns) => dns.set("TXT", "_dmarc.hosting.example", "v=DMARC1; p=none", "v=DMARC1; p=reject"),
      "dmarc-missing",
      /counts as none/,
    ],
    [
      "a domain that takes no mail",
      "domain",
      (dns) => dns.set("MX", "bounces.hosting.example"),
      "sender-domain-unknown",
      /takes no mail/,
    ],
  ];
  it.each(cases)("%s", async (_, check, breakIt, code, says) => {
    const dns = await goodServer();
    breakIt(dns);
    const [finding, ...more] = await found(dns);
    expect(more).toEqual([]);
    expect(finding).toMatchObject({ code, severity: "blocker", basis: "measured" });
    expect(finding?.message).toMatch(says);
    expect(await codes(dns, [check])).toEqual([`blocker measured ${code}`]);
  });

  it("IPv6 before IPv4", async () => {
    const dns = await startDnsServer();
    const subjects = (await found(dns, ["reverse-dns"])).map((one) => one.subject);
    expect(subjects).toEqual(["2001:db8::1", "192.0.2.1"]);
  });

  it("a name that anybody could have been given is only a remark", async () => {
    const dns = await goodServer();
    dns.setReverse("192.0.2.1", "static.1.2.0.192.clients.provider.example");
    expect(await codes(dns)).toEqual(["info measured reverse-dns-generic"]);
  });
});

describe("what was not seen blocks nobody", () => {
  it.each(["servfail", "silent"] as const)("a server that answers %s", async (how) => {
    const dns = await goodServer();
    const dmarc = ["_dmarc.news.hosting.example"];
    for (const name of [
      arpaName("2001:db8::1"),
      SENDER.returnDomain ?? "",
      "s1._domainkey.hosting.example",
      ...dmarc,
    ])
      dns.fail(name, how);
    expect(new Set(await codes(dns))).toEqual(new Set(["warning assumed dns-unanswered"]));
  });

  it("a failure on the way back is not a wrong name", async () => {
    const dns = await goodServer();
    dns.fail("mail.hosting.example", "servfail");
    expect(new Set(await codes(dns, ["reverse-dns"]))).toEqual(new Set(["warning assumed dns-unanswered"]));
  });

  it("a relay of which nobody says from where it sends, and a signature that is not ours", async () => {
    const dns = await startDnsServer();
    const unknown = { ...SENDER, addresses: [], dkim: null };
    expect(await codes(dns, ["reverse-dns", "dkim"], unknown)).toEqual([
      "info assumed sender-addresses-unknown",
    ]);
    expect(dns.asked).toEqual([]);
  });
});

describe("addresses and their names", () => {
  it("are turned round for DNS", () => {
    expect(arpaName("192.0.2.10")).toBe("10.2.0.192.in-addr.arpa");
    const full = "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4.ip6.arpa";
    expect(arpaName("4321:0:1:2:3:4:567:89ab")).toBe(full);
    expect(arpaName("::ffff:192.0.2.1")).toBe(arpaName("::ffff:c000:201"));
  });

  it("are the same in every spelling", () => {
    expect(sameAddress("2001:DB8:0:0::1", "2001:db8::1")).toBe(true);
    expect(sameAddress("2001:db8::1", "2001:db8::2")).toBe(false);
    expect(sameAddress("192.0.2.1", "::192.0.2.1")).toBe(false);
  });

  it.each([
    ["ip-192-0-2-1.provider.example", "192.0.2.1", true],
    ["192.0.2.1.static.provider.example", "192.0.2.1", true],
    ["dyn-42.provider.example", "192.0.2.1", true],
    ["pool12.provider.example", "192.0.2.1", true],
    ["2001-0db8-0000-0000-0000-0000-0000-0001.v6.example", "2001:db8::1", true],
    ["mail.hosting.example", "192.0.2.1", false],
    ["mail.hosting.example", "2001:db8::1", false],
    ["mx1.liverpool.example", "192.0.2.1", false],
    ["s12.hosting.example", "192.0.2.12", false],
  ])("%s for %s: generic is %s", (name, address, expected) => {
    expect(isGenericName(name, address)).toBe(expected);
  });
});
