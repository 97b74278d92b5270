// What is said of an audience: mistyped providers, dead domains, functions, who is left out, who goes where.
import { describe, expect, it, test } from "vitest";
import { checkAudience, isRole } from "../../../src/campaign/preflight/audience-checks.ts";
import { emptyTally } from "../../../src/campaign/preflight/tally.ts";
import { meantDomain } from "../../../src/campaign/preflight/typo-domains.ts";
import { PROVIDERS } from "../../../src/provider/directory.ts";
import type { ProviderAnswer } from "../../../src/provider/lookup.ts";

describe("a mistyped provider", () => {
  test.each([
    ["gmial.com", "gmail.com"],
    ["gamil.com", "gmail.com"],
    ["gmai.com", "gmail.com"],
    ["gmaill.com", "gmail.com"],
    ["gnail.com", "gmail.com"],
    ["gmail.con", "gmail.com"],
    ["gmail.co", "gmail.com"],
    ["hotmial.com", "hotmail.com"],
    ["hotmail.cmo", "hotmail.com"],
    ["hotmal.fr", "hotmail.fr"],
    ["yaho.fr", "yahoo.fr"],
    ["yahooo.com", "yahoo.com"],
    ["outlok.com", "outlook.com"],
    ["oultook.com", "outlook.com"],
    ["orang.fr", "orange.fr"],
    ["iclould.com", "icloud.com"],
  ])("%s is %s", (domain, meant) => {
    expect(meantDomain(domain)).toBe(meant);
  });

  test.each([
    // Other people's real names.
    "mail.com email.com cloud.com ymail.com gmx.net gmx.de web.de aol.com col.com grange.fr online.de skynet.de",
    "acme.example hosting.example gmail.example yahoo.example hotmail.dk live.it my-gmail.com gmail.com.example",
  ])("%s are nobody's slips", (domains) => {
    for (const domain of domains.split(" ")) expect(meantDomain(domain), domain).toBeNull();
  });

  it("is no domain of any provider", () => {
    for (const domain of PROVIDERS.flatMap((one) => one.domains))
      expect(meantDomain(domain), domain).toBeNull();
  });

  it("is found in a hundred thousand domains in no time", () => {
    const began = process.cpuUsage();
    for (let i = 0; i < 100_000; i++) meantDomain(`company-number-${i}.example`);
    expect(process.cpuUsage(began).user / 1000).toBeLessThan(3_000);
  });
});

test.each([
  ["info@acme.example", true],
  ["no-reply@acme.example", true],
  ["abuse+list@acme.example", true],
  ["anna.info@acme.example", false],
  ["informatique@acme.example", false],
  ["anna@info.example", false],
])("%s belongs to a function: %s", (key, role) => {
  expect(isRole(key)).toBe(role);
});

describe("the findings", () => {
  const answer = (basis: ProviderAnswer["basis"], provider = "other"): ProviderAnswer => ({
    provider,
    basis,
    site: null,
  });
  const of = (given: Partial<Parameters<typeof checkAudience>[0]>) =>
    checkAudience({
      recipients: 10,
      domains: new Map(),
      answers: new Map(),
      roles: emptyTally(),
      suppressed: new Map(),
      providers: [["other", 10]],
      isSandbox: false,
      ...given,
    });

  it("are none for an audience in which nothing is odd", () => {
    const domains = new Map([
      ["acme.example", 6],
      ["gmail.com", 4],
    ]);
    const answers = new Map([
      ["acme.example", answer("failed")],
      ["gmail.com", answer("table", "google")],
    ]);
    expect(of({ domains, answers })).toEqual([]);
  });

  it("suggest what was meant, unless a provider's MX stands behind the name", () => {
    const domains = new Map([["gmial.com", 3]]);
    const [finding] = of({ domains, answers: new Map([["gmial.com", answer("none")]]) });
    expect(finding).toMatchObject({ code: "domain-mistyped", severity: "warning" });
    expect(finding?.message).toContain("3 at gmial.com (gmail.com?)");
    expect(of({ domains, answers: new Map([["gmial.com", answer("mx", "microsoft365")]]) })).toEqual([]);
  });

  it("name a domain that takes no mail, if DNS has said so", () => {
    const domains = new Map([
      ["gone.example", 2],
      ["there.example", 1],
      ["unheard.example", 1],
    ]);
    const answers = new Map([
      ["gone.example", answer("none")],
      ["there.example", answer("mx")],
      ["unheard.example", answer("failed")],
    ]);
    const [finding, ...others] = of({ domains, answers });
    expect(others).toEqual([]);
    expect(finding).toMatchObject({ code: "domain-takes-no-mail", severity: "warning" });
    expect(finding?.message).toBe(
      "2 addresses are at a domain that does not exist or takes no mail: 2 at gone.example.",
    );
    expect(of({ domains, answers, isSandbox: true })).toEqual([]);
  });

  it("name twenty domains, those with most addresses, and count the rest", () => {
    const names = Array.from({ length: 500 }, (_, i) => `gone${i}.example`);
    const domains = new Map(names.map((name, i) => [name, i + 1]));
    const [finding] = of({ domains, answers: new Map(names.map((name) => [name, answer("none")])) });
    expect(finding?.message).toContain(": 500 at gone499.example, 499 at gone498.example,");
    expect(finding?.message).toContain("481 at gone480.example and 480 more domains.");
  });

  it("count who is left out, and warn when nobody else is there", () => {
    const [some] = of({
      suppressed: new Map([
        ["by-hand", 2],
        ["user-unknown", 3],
      ]),
    });
    expect(some).toMatchObject({ code: "suppressed", severity: "info" });
    expect(some?.message).toContain(
      "5 of 10 addresses are suppressed and get no mail: 3 (the mailbox does not exist), 2 (by hand)",
    );
    expect(of({ suppressed: new Map([["complaint", 10]]) })).toMatchObject([{ severity: "warning" }]);
  });

  it("tell the shares from a hundred addresses on", () => {
    const providers = [
      ["google", 150],
      ["other", 49],
      ["yahoo", 1],
    ] as const;
    const [shares] = of({ recipients: 200, providers });
    expect(shares).toMatchObject({ code: "audience-shares", severity: "info" });
    expect(shares?.message).toContain("Gmail / Google Workspace 75 %");
    expect(shares?.message).toContain("under 1 %");
    expect(shares?.message).toContain("The largest lane is Gmail / Google Workspace with 150.");
    expect(of({ recipients: 99, providers })).toEqual([]);
  });
});
