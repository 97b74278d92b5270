import { createSocket, type Socket } from "node:dgram";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createMxResolver } from "../../../src/adapters/dns.ts";
import { systemClock } from "../../../src/clock.ts";
import { createProviderLookup } from "../../../src/provider/lookup.ts";

let server: Socket;
let address = "";

const encodeName = (name: string): Buffer =>
  Buffer.concat([
    ...name
      .split(".")
      .filter(Boolean)
      .map((label) => Buffer.from([label.length, ...Buffer.from(label)])),
    Buffer.from([0]),
  ]);

/** Answers by the first label: "mx", "null", "empty", "nx", "fail"; "silent" never (RFC 1035 section 4.1). */
beforeAll(async () => {
  server = createSocket("udp4");
  server.on("message", (query, { port }) => {
    let end = 12;
    while ((query[end] ?? 0) !== 0) end += 1 + (query[end] ?? 0);
    const question = query.subarray(12, end + 5);
    const kind = query.subarray(13, 13 + (query[12] ?? 0)).toString();
    if (kind === "silent") return;
    const host = kind === "mx" ? "aspmx.l.google.com" : kind === "null" ? "" : undefined;
    const header = Buffer.alloc(12);
    query.copy(header, 0, 0, 2);
    header.writeUInt16BE(0x8180 | (kind === "nx" ? 3 : kind === "fail" ? 2 : 0), 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(host === undefined ? 0 : 1, 6);
    const parts: Uint8Array[] = [header, question];
    if (host !== undefined) {
      const target = encodeName(host);
      parts.push(Buffer.from([0xc0, 12, 0, 15, 0, 1, 0, 0, 0, 60, 0, 2 + target.length, 0, 5]), target);
    }
    server.send(Buffer.concat(parts), port, "127.0.0.1");
  });
  await new Promise<void>((resolve) => server.bind(0, "127.0.0.1", resolve));
  address = `127.0.0.1:${server.address().port}`;
});
afterAll(() => new Promise<void>((resolve) => server.close(() => resolve())));

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
