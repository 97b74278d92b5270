// A table of zones: what is found in each, asked of a real server through the resolver and the SPF evaluator that the
// program uses. A zone is what differs from one where all is well.
import { generateKeyPairSync } from "node:crypto";
import { expect, it } from "vitest";
import { createRecordResolver } from "../../../src/adapters/dns.ts";
import { createSpfEvaluator } from "../../../src/adapters/spf.ts";
import { arpaName } from "../../../src/campaign/preflight/address-names.ts";
import {
  checkSender,
  SENDER_CHECKS,
  type SenderIdentity,
} from "../../../src/campaign/preflight/sender-check.ts";
import { type DnsServer, startDnsServer } from "../../world/dns-server.ts";

const [IPV4, IPV6] = ["192.0.2.1", "2001:db8::1"];
const keyOf = (modulusLength: number) =>
  generateKeyPairSync("rsa", { modulusLength })
    .publicKey.export({ type: "spki", format: "der" })
    .toString("base64");
const key = keyOf(2048);
const short = keyOf(1024);
const DKIM = "s1._domainkey.hosting.example";
const SENDER: SenderIdentity = {
  addresses: [IPV4, IPV6],
  helo: "mail.hosting.example",
  direct: true,
  fromDomain: "news.hosting.example",
  returnDomain: "hosting.example",
  dkim: { selector: "s1", domain: "hosting.example", key },
};

async function zone(): Promise<DnsServer> {
  const dns = await startDnsServer();
  dns.setReverse(IPV4, "mail.hosting.example");
  dns.setReverse(IPV6, "mail.hosting.example");
  dns.set("MX", "hosting.example", "mail.hosting.example");
  dns.set("A", "news.hosting.example", "192.0.2.80");
  spf(dns, `ip4:${IPV4} ip6:2001:db8::/64 -all`);
  dns.set("TXT", DKIM, `v=DKIM1; k=rsa; p=${key}`);
  dns.set("TXT", "_dmarc.hosting.example", "v=DMARC1; p=none");
  return dns;
}

const spf = (dns: DnsServer, terms: string, name = "hosting.example") =>
  dns.set("TXT", name, `v=spf1 ${terms}`);
/** So many records, each of which includes the next; the last lets both addresses send. */
function chain(dns: DnsServer, length: number): void {
  for (let i = 0; i < length; i++)
    spf(dns, `include:s${i + 1}.hosting.example -all`, i === 0 ? undefined : `s${i}.hosting.example`);
  spf(dns, `ip4:${IPV4} ip6:${IPV6} -all`, `s${length}.hosting.example`);
}

type Case = [string, (dns: DnsServer) => void, string[], Partial<SenderIdentity>?];
const ZONES: Case[] = [
  ["all is well", () => {}, []],
  // Reverse DNS.
  [
    "the incident: A with PTR, AAAA without",
    (dns) => dns.set("PTR", arpaName(IPV6)),
    [`blocker reverse-dns-missing ${IPV6}`],
  ],
  [
    "a PTR that does not resolve back",
    (dns) => dns.set("PTR", arpaName(IPV4), "gone.hosting.example"),
    [`blocker reverse-dns-unconfirmed ${IPV4}`],
  ],
  [
    "a name with several addresses, ours among them",
    (dns) => dns.set("A", "mail.hosting.example", "192.0.2.7", "192.0.2.8", IPV4),
    [],
  ],
  [
    "a PTR behind a CNAME, as RFC 2317 delegates",
    (dns) => {
      dns.set("PTR", arpaName(IPV4));
      dns.set("CNAME", arpaName(IPV4), "1.0/25.2.0.192.in-addr.arpa");
      dns.set("PTR", "1.0/25.2.0.192.in-addr.arpa", "mail.hosting.example");
    },
    [],
  ],
  // SPF.
  ["SPF of 10 look-ups", (dns) => chain(dns, 10), []],
  ["SPF of 11 look-ups", (dns) => chain(dns, 11), ["blocker spf-broken hosting.example"]],
  [
    "an include that includes itself",
    (dns) => spf(dns, "include:hosting.example -all"),
    ["blocker spf-broken hosting.example"],
  ],
  [
    "3 look-ups that find nothing",
    (dns) => spf(dns, "a:x.hosting.example a:y.hosting.example a:z.hosting.example ip4:192.0.2.0/24 -all"),
    ["blocker spf-broken hosting.example"],
  ],
  [
    "a word that SPF does not have",
    (dns) => spf(dns, `ipv4:${IPV4} -all`),
    ["blocker spf-broken hosting.example"],
  ],
  [
    "two SPF records",
    (dns) => dns.set("TXT", "hosting.example", "v=spf1 -all", "v=spf1 ~all"),
    ["blocker spf-several hosting.example"],
  ],
  [
    "a redirect",
    (dns) => {
      spf(dns, "redirect=other.example");
      spf(dns, `ip4:${IPV4} ip6:${IPV6} -all`, "other.example");
    },
    [],
  ],
  [
    "a redirect to nowhere",
    (dns) => spf(dns, "redirect=other.example"),
    ["blocker spf-broken hosting.example"],
  ],
  [
    "exists, with a macro for the address",
    (dns) => {
      spf(dns, `exists:%{ir}.ok.hosting.example ip6:${IPV6} -all`);
      dns.set("A", "1.2.0.192.ok.hosting.example", "127.0.0.2");
    },
    [],
  ],
  ["mx and a", (dns) => spf(dns, "mx a:mail.hosting.example -all"), []],
  ["only one of the two addresses", (dns) => spf(dns, `ip4:${IPV4} ~all`), [`blocker spf-fails ${IPV6}`]],
  ["anybody at all", (dns) => spf(dns, "+all"), ["warning spf-open hosting.example"]],
  ["nothing of others", (dns) => spf(dns, `ip4:${IPV4} ip6:${IPV6}`), ["info spf-open hosting.example"]],
  // DKIM.
  [
    "a key that is split over strings, by hand",
    (dns) => dns.set("TXT", DKIM, `v=DKIM1; p=${key.slice(0, 90)} ${key.slice(90)}`),
    [],
  ],
  ["a revoked key", (dns) => dns.set("TXT", DKIM, "v=DKIM1; p="), [`blocker dkim-differs ${DKIM}`]],
  [
    "a short key",
    (dns) => dns.set("TXT", DKIM, `v=DKIM1; p=${short}`),
    [`info dkim-weak ${DKIM}`],
    { dkim: { selector: "s1", domain: "hosting.example", key: short } },
  ],
  // DMARC.
  [
    "another organisation in the envelope and in the signature",
    () => {},
    ["blocker dmarc-unaligned _dmarc.shop.example"],
    { fromDomain: "shop.example" },
  ],
  [
    "the same, and its sp= asks to reject mail of subdomains",
    (dns) => dns.set("TXT", "_dmarc.shop.example", "v=DMARC1; p=none; sp=reject"),
    ["blocker dmarc-rejects _dmarc.shop.example"],
    { fromDomain: "news.shop.example" },
  ],
  [
    "sp= does not concern the domain itself",
    (dns) => dns.set("TXT", "_dmarc.shop.example", "v=DMARC1; p=none; sp=reject"),
    ["blocker dmarc-unaligned _dmarc.shop.example"],
    { fromDomain: "shop.example" },
  ],
  [
    "strict alignment of both, and a subdomain in From",
    (dns) => dns.set("TXT", "_dmarc.hosting.example", "v=DMARC1; p=quarantine; aspf=s; adkim=s"),
    ["blocker dmarc-rejects _dmarc.hosting.example"],
  ],
  [
    "a relay may sign for the domain",
    () => {},
    ["warning dmarc-unaligned _dmarc.shop.example"],
    { fromDomain: "shop.example", dkim: null },
  ],
  // The rest.
  [
    "a From domain that does not exist",
    (dns) => dns.set("A", "news.hosting.example"),
    ["blocker sender-domain-unknown news.hosting.example"],
  ],
  ["an EHLO name that is nowhere", () => {}, ["warning helo-differs laptop.local"], { helo: "laptop.local" }],
  [
    "a server that fails for SPF's include",
    (dns) => {
      spf(dns, "include:far.example -all");
      dns.fail("far.example", "servfail");
    },
    [`warning dns-unanswered ${IPV4}`, `warning dns-unanswered ${IPV6}`],
  ],
  ["a server that is silent for DKIM", (dns) => dns.fail(DKIM, "silent"), [`warning dns-unanswered ${DKIM}`]],
];

it.each(ZONES)("%s", async (_, differ, expected, sender = {}) => {
  const dns = await zone();
  dns.set("A", "shop.example", "192.0.2.80");
  dns.set("A", "news.shop.example", "192.0.2.80");
  if (sender.fromDomain?.endsWith("shop.example")) dns.set("TXT", "_dmarc.shop.example", "v=DMARC1; p=none");
  differ(dns);
  const isSilent = expected.some((one) => one.includes("unanswered"));
  // Long enough that a slow machine loses no packet.
  const resolver = createRecordResolver({ servers: [dns.address], timeoutMs: isSilent ? 600 : 9_000 });
  const findings = await checkSender({
    identity: { ...SENDER, ...sender },
    resolver,
    checks: SENDER_CHECKS,
    spf: createSpfEvaluator(resolver),
  });
  const told = [...findings.values()].flat();
  expect(told.map(({ severity, code, subject }) => `${severity} ${code} ${subject}`)).toEqual(expected);
  // A question is asked once, whoever needs its answer.
  if (!isSilent) expect(dns.asked).toHaveLength(new Set(dns.asked).size);
});

it("writes out the record that lets an address send", async () => {
  const dns = await zone();
  spf(dns, `ip4:${IPV4} include:mail.example ~all`);
  spf(dns, "ip4:192.0.2.99 -all", "mail.example");
  const resolver = createRecordResolver({ servers: [dns.address], timeoutMs: 600 });
  const findings = await checkSender({
    identity: SENDER,
    resolver,
    checks: ["spf"],
    spf: createSpfEvaluator(resolver),
  });
  expect(findings.get("spf")?.[0]?.hint).toContain(
    `TXT "v=spf1 ip4:${IPV4} include:mail.example ip6:${IPV6} ~all"`,
  );
});
