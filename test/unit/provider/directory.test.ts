import { describe, expect, it } from "vitest";
import {
  isFreemail,
  isHosted,
  organisationOf,
  PROVIDERS,
  providerOfDomain,
  providerOfMx,
  providerTitle,
  siteOfMx,
} from "../../../src/provider/directory.ts";

describe("the directory of providers", () => {
  it("names each id, each domain and each MX suffix once, in lower case, suffixes with their dot", () => {
    const ids = PROVIDERS.map(({ id }) => id);
    const domains = PROVIDERS.flatMap((provider) => provider.domains);
    const suffixes = PROVIDERS.flatMap((provider) => provider.mx);
    expect(ids).toHaveLength(34);
    for (const names of [ids, domains, suffixes]) expect(new Set(names).size).toBe(names.length);
    for (const id of ids) expect(id).toMatch(/^[a-z0-9]+$/);
    for (const domain of domains) expect(domain).toMatch(/^[a-z0-9-]+(\.[a-z0-9-]+)+$/);
    for (const suffix of suffixes) expect(suffix).toMatch(/^(\.[a-z0-9-]+){2,}$/);
  });

  it("finds every entry of its own tables", () => {
    for (const { id, mx, domains } of PROVIDERS) {
      for (const domain of domains) expect(providerOfDomain(domain)).toBe(id);
      for (const suffix of mx) expect(providerOfMx(`mx1${suffix}`)).toBe(id);
    }
  });

  it.each([
    ["GMAIL.com.", "google"],
    ["hotmail.fr", "outlook"],
    ["live.fr", "outlook"],
    ["yahoo.co.jp", "yahoojp"],
    ["yahoo.co.uk", "yahoo"],
    ["wanadoo.fr", "orange"],
    ["contoso.onmicrosoft.com", "microsoft365"],
    ["mail.gmail.com", undefined],
    ["notgmail.com", undefined],
    ["constructor", undefined],
  ])("knows the domain %j as %j", (domain, id) => {
    expect(providerOfDomain(domain)).toBe(id);
  });

  it.each([
    ["aspmx.l.google.com", "google"],
    ["ALT1.ASPMX.L.GOOGLE.COM.", "google"],
    ["fr-fr.olc.protection.outlook.com", "outlook"],
    ["dupont-fr.mail.protection.outlook.com", "microsoft365"],
    ["mx.yandex.net", "yandex"],
    ["eu-smtp-inbound-1.mimecast.com", "mimecast"],
    ["smtp.secureserver.net", "godaddy"],
    ["ip-192-0-2-1.secureserver.net", undefined],
    ["mx.notgoogle.com", undefined],
    ["", undefined],
  ])("knows the MX %j as %j", (host, id) => {
    expect(providerOfMx(host)).toBe(id);
  });

  it("has names for people, for the long tail and for ids of an older or newer table too", () => {
    expect(providerTitle("google")).toBe("Gmail / Google Workspace");
    expect(providerTitle("other")).toBe("other providers");
    expect(providerTitle("somebody")).toBe("somebody");
  });

  it("tells where a domain stands for an organisation from where it stands for strangers", () => {
    expect([isHosted("google"), isHosted("mimecast"), isHosted("outlook"), isHosted("other")]).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect(["gmail.com", "Orange.FR", "web.de"].every(isFreemail)).toBe(true);
    expect(["dupont.fr", "contoso.onmicrosoft.com", "onmicrosoft.com"].some(isFreemail)).toBe(false);
  });

  it.each([
    ["mail.paris.dupont.fr", "dupont.fr"],
    ["a.b.example.co.uk", "example.co.uk"],
    ["Example.COM.", "example.com"],
    ["dupont.uk.com", "dupont.uk.com"],
    ["mail.contoso.onmicrosoft.com", "contoso.onmicrosoft.com"],
    ["co.uk", "co.uk"],
    ["relay", "relay"],
  ])("%j belongs to the organisation %j", (domain, organisation) => {
    expect(organisationOf(domain)).toBe(organisation);
  });

  it("takes a cloud's MX hosts as one site", () => {
    expect(siteOfMx("inbound-smtp.us-east-1.amazonaws.com")).toBe("amazonaws.com");
    expect(siteOfMx("192.0.2.1")).toBe("192.0.2.1");
  });
});
