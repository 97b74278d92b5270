import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createMxResolver } from "../../../src/adapters/dns.ts";
import { systemClock } from "../../../src/clock.ts";
import { createProviderLookup } from "../../../src/provider/lookup.ts";
import { type DnsServer, type MxAnswer, startDns } from "../../world/dns.ts";

let server: DnsServer;
let address = "";

/** By the first label. */
const ANSWERS: Readonly<Record<string, MxAnswer>> = {
  mx: { host: "aspmx.l.google.com" },
  null: { host: "" },
  empty: "empty",
  nx: "nx",
  fail: "fail",
};
beforeAll(async () => {
  server = await startDns((domain) => ANSWERS[domain.split(".")[0] ?? ""] ?? "silent");
  address = server.address;
});
afterAll(() => server.close());

describe("the resolver over a real DNS server", () => {
  it.each([
    ["mx.example", { provider: "google", basis: "mx", site: "google.com" }],
    ["null.example", { provider: "other", basis: "none", site: null }],
    ["nx.example", { provider: "other", basis: "none", site: null }],
    ["empty.example", { provider: "other", basis: "mx", site: "empty.example" }],
    ["fail.example", { provider: "other", basis: "failed", site: null }],
    ["silent.example", { provider: "other", basis: "failed", site: null }],
  ])("%s", async (domain, expected) => {
    const resolver = createMxResolver({ servers: [address], timeoutMs: 300 });
    const lookup = createProviderLookup({ resolver, clock: systemClock, timeoutMs: 1_000 });
    expect(await lookup.providerOf(domain)).toEqual(expected);
  });

  it("lets go of a query as soon as it is told to", async () => {
    const resolver = createMxResolver({ servers: [address], timeoutMs: 30_000 });
    const stop = new AbortController();
    const query = resolver.resolveMx("silent.example", stop.signal);
    stop.abort();
    await expect(query).rejects.toMatchObject({ code: "ECANCELLED" });
    await expect(resolver.resolveMx("mx.example", stop.signal)).rejects.toThrow();
  });
});
