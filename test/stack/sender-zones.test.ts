// The checks of the sender against a real DNS server: names behind an alias, keys in pieces, answers too long for UDP,
// and a server that goes away.
import { generateKeyPairSync } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createRecordResolver } from "../../src/adapters/dns.ts";
import { createSpfEvaluator } from "../../src/adapters/spf.ts";
import {
  checkSender,
  SENDER_CHECKS,
  type SenderIdentity,
} from "../../src/campaign/preflight/sender-check.ts";
import { systemClock } from "../../src/clock.ts";
import { type KnotService, knotService } from "../world/knot.ts";
import { knotMissing } from "../world/service-binaries.ts";
import { until } from "../world/world.ts";

const missing = knotMissing();
const key = generateKeyPairSync("rsa", { modulusLength: 4096 })
  .publicKey.export({ type: "spki", format: "der" })
  .toString("base64");
const SENDER: SenderIdentity = {
  addresses: ["192.0.2.1", "2001:db8::1"],
  helo: "mail.hosting.example",
  direct: true,
  fromDomain: "hosting.example",
  returnDomain: "bounces.hosting.example",
  dkim: { selector: "s1", domain: "hosting.example", key },
};

function pieces(text: string): string {
  return (text.match(/.{1,200}/g) ?? []).map((piece) => `"${piece}"`).join(" ");
}

const LONG = Array.from({ length: 120 }, (_, i) => `ip4:198.51.100.${i}`).join(" ");
const ZONES = {
  "hosting.example": `
@ MX 10 mail
mail A 192.0.2.1
mail AAAA 2001:db8::1
bounces MX 10 mail
bounces TXT ${pieces(`v=spf1 ${LONG} include:%{d2}._spf.hosting.example -all`)}
hosting.example._spf TXT "v=spf1 mx:hosting.example redirect=end.hosting.example"
end TXT "v=spf1 -all"
s1._domainkey TXT ${pieces(`v=DKIM1; k=rsa; p=${key}`)}
_dmarc TXT "v=DMARC1; p=reject"
elsewhere TXT "v=spf1 include:nowhere.invalid -all"`,
  "2.0.192.in-addr.arpa": `
1 CNAME 1.0/25
1.0/25 PTR mail.hosting.example.`,
  "8.b.d.0.1.0.0.2.ip6.arpa": `
2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0 PTR mail.hosting.example.`,
};

describe.skipIf(missing !== null)(`a real DNS server${missing === null ? "" : ` (${missing})`}`, () => {
  let knot: KnotService;
  beforeAll(async () => {
    knot = await knotService(ZONES);
  });
  afterAll(() => knot?.end());

  function asker() {
    const limitMs = 2_000;
    return createRecordResolver({ servers: [knot.address], timeoutMs: limitMs, limitMs });
  }

  async function found(sender: Partial<SenderIdentity> = {}, resolver = asker()) {
    const findings = await checkSender({
      identity: { ...SENDER, ...sender },
      resolver,
      checks: SENDER_CHECKS,
      spf: createSpfEvaluator(resolver),
    });
    return [...findings.values()].flat().map(({ code, subject }) => `${code} ${subject}`);
  }

  test("an answer that UDP truncates is whole by TCP", async () => {
    const resolver = createRecordResolver({ servers: [knot.address] });
    const answer = await resolver.ask("TXT", "bounces.hosting.example");
    expect(answer).toEqual({ kind: "records", values: [expect.stringMatching(/^v=spf1 .{1800,}-all$/)] });
  });

  test("the incident's zone has its one fault, and the rest is well", async () => {
    expect(await found()).toEqual(["reverse-dns-missing 2001:db8::1"]);
    expect(await found({ addresses: ["192.0.2.1", "2001:db8::2"] })).toEqual([
      "reverse-dns-unconfirmed 2001:db8::2",
      "spf-fails 2001:db8::2",
    ]);
  });

  test("fifty checks at once, which share what was asked, are answered within three seconds", async () => {
    const resolver = asker();
    const beganMs = systemClock.monotonic();
    const all = await Promise.all(
      Array.from({ length: 50 }, () => found({ addresses: ["192.0.2.1"] }, resolver)),
    );
    expect(all.flat()).toEqual([]);
    expect(systemClock.monotonic() - beganMs).toBeLessThan(3_000);
  });

  test("a name that the server is not responsible for was not answered", async () => {
    const codes = await found({ returnDomain: "elsewhere.hosting.example", addresses: ["192.0.2.1"] });
    expect(codes).toEqual(["sender-domain-unknown elsewhere.hosting.example", "dns-unanswered 192.0.2.1"]);
  });

  test("a server that stands still, or has gone, makes no finding but that, within the limit", async () => {
    knot.freeze();
    // Its threads stop one after another.
    await until("Knot is silent", async () => {
      const resolver = createRecordResolver({ servers: [knot.address], timeoutMs: 100 });
      return (await resolver.ask("TXT", "end.hosting.example")).kind === "failed";
    });
    const beganMs = systemClock.monotonic();
    const silent = await found();
    expect(systemClock.monotonic() - beganMs).toBeLessThan(3_000);
    knot.thaw();
    await knot.stop();
    for (const codes of [silent, await found()])
      expect(new Set(codes.map((one) => one.split(" ")[0]))).toEqual(new Set(["dns-unanswered"]));
  });
});
