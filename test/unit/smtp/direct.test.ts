import { describe, expect, test } from "vitest";
import { createMailHosts } from "../../../src/adapters/smtp/direct.ts";
import { createSmtpTransport } from "../../../src/adapters/smtp/transport.ts";
import type { MxRecord, MxResolver } from "../../../src/provider/lookup.ts";
import { refuseAll } from "../../../src/sandbox/scripts.ts";
import { always, connect, connected, mail, provider, ROUTE, refused } from "./world.ts";

type Zone = Record<string, MxRecord[] | "ENOTFOUND" | "ENODATA" | "ESERVFAIL">;

function dns(zone: Zone): MxResolver & { asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    resolveMx: async (domain) => {
      asked.push(domain);
      const answer = zone[domain] ?? "ENOTFOUND";
      if (typeof answer !== "string") return answer;
      throw Object.assign(new Error(answer), { code: answer });
    },
  };
}

const ADDRESSES: Record<string, string[]> = {
  "d.example": ["127.0.0.2"],
  "mx1.example": ["127.0.0.1"],
  "mx2.example": ["127.0.0.2"],
  "both.example": ["127.0.0.2", "::1"],
  "self.example": ["127.0.0.2"],
};
const addressesOf = async (host: string): Promise<string[]> => {
  const found = ADDRESSES[host];
  if (found === undefined) throw Object.assign(new Error("no"), { code: "ENOTFOUND" });
  return found;
};
const mx = (...hosts: string[]): MxRecord[] => hosts.map((exchange, i) => ({ exchange, priority: 10 * i }));
const direct = (port: number) => ({ ...ROUTE, target: { kind: "direct", port } as const });

function clockAt() {
  let nowMs = 0;
  return {
    now: () => nowMs,
    monotonic: () => nowMs,
    sleep: async () => {},
    pass: (ms: number) => {
      nowMs += ms;
    },
  };
}

describe("which hosts", () => {
  const hostsOf = (zone: Zone, domain = "d.example") =>
    createMailHosts({ mx: dns(zone), addressesOf, clock: clockAt(), timeoutMs: 1_000 })(domain);

  test("lowest preference first, four at most, the dot at the end left out", async () => {
    const records = [5, 1, 3, 4, 2].map((n) => ({ exchange: `mx${n}.example.`, priority: n }));
    expect(await hostsOf({ "d.example": records })).toEqual({
      kind: "hosts",
      hosts: ["mx1.example", "mx2.example", "mx3.example", "mx4.example"],
    });
  });

  test("hosts of one preference take turns", async () => {
    const records = ["a", "b"].map((exchange) => ({ exchange, priority: 10 }));
    const hosts = createMailHosts({
      mx: dns({ "d.example": records }),
      addressesOf,
      clock: clockAt(),
      timeoutMs: 1_000,
    });
    const first = new Set<string | undefined>();
    for (let i = 0; i < 60; i++) {
      const answer = await hosts("d.example");
      if (answer.kind === "hosts") first.add(answer.hosts[0]);
    }
    expect([...first].sort()).toEqual(["a", "b"]);
  });

  test("no MX: the domain itself; an address literal: the address; a Unicode domain is asked for in ASCII", async () => {
    expect(await hostsOf({ "d.example": "ENODATA" })).toEqual({ kind: "hosts", hosts: ["d.example"] });
    expect(await hostsOf({ "d.example": [] })).toEqual({ kind: "hosts", hosts: ["d.example"] });
    expect(await hostsOf({}, "[IPv6:2001:db8::1]")).toEqual({ kind: "hosts", hosts: ["2001:db8::1"] });
    expect(await hostsOf({ "xn--mnchen-3ya.example": mx("m.example") }, "münchen.example")).toEqual({
      kind: "hosts",
      hosts: ["m.example"],
    });
  });

  test("a null MX and a domain that does not exist take no mail; DNS trouble is no answer", async () => {
    for (const exchange of ["", "."])
      expect(await hostsOf({ "d.example": [{ exchange, priority: 0 }] })).toMatchObject({
        kind: "none",
        reply: expect.stringMatching(/^556 5\.1\.10 The domain d\.example takes no mail/),
      });
    expect(await hostsOf({})).toMatchObject({ kind: "none", reply: expect.stringMatching(/^550 5\.1\.2 /) });
    expect(await hostsOf({ "d.example": "ESERVFAIL" })).toMatchObject({
      kind: "failed",
      failure: { reply: null },
    });
    const silent = { resolveMx: () => new Promise<never>(() => {}) };
    const hosts = createMailHosts({ mx: silent, addressesOf, clock: clockAt(), timeoutMs: 10 });
    expect(await hosts("d.example")).toMatchObject({ kind: "failed" });
  });

  test("an answer is kept for five minutes, trouble is not", async () => {
    const clock = clockAt();
    const zone: Zone = { "d.example": mx("a"), "t.example": "ESERVFAIL" };
    const resolver = dns(zone);
    const hosts = createMailHosts({ mx: resolver, addressesOf, clock, timeoutMs: 1_000 });
    for (const domain of ["d.example", "d.example", "t.example", "t.example"]) await hosts(domain);
    expect(resolver.asked).toEqual(["d.example", "t.example", "t.example"]);
    clock.pass(300_001);
    zone["d.example"] = mx("b");
    expect(await hosts("d.example")).toEqual({ kind: "hosts", hosts: ["b"] });
  });
});

describe("direct to MX", () => {
  test("each domain is a destination of its own; behind a relay all share one", () => {
    const routes = new Map([
      ["d", direct(25)],
      ["r", ROUTE],
    ]);
    const transport = createSmtpTransport({ routes, helo: null });
    expect(transport.destination("d", "Gmail.com")).toBe("gmail.com");
    expect(transport.destination("r", "gmail.com")).toBe("");
  });

  test("the first host that is there takes the mail", async () => {
    const backup = await provider({ host: "127.0.0.2" });
    const options = {
      mx: dns({ "d.example": mx("gone.example", "mx1.example", "mx2.example") }),
      addressesOf,
    };
    const connection = await connected(direct(backup.port), { ...options, destination: "d.example" });
    expect(await connection.send(mail("u@d.example"), always)).toMatchObject({ kind: "accepted" });
    expect([...backup.accepted().keys()]).toEqual(["u@d.example"]);
  });

  test("of a host with both families IPv6 is tried first, and the source address decides when there is one", async () => {
    const four = await provider({ host: "127.0.0.2" });
    const options = { mx: dns({ "d.example": mx("both.example") }), addressesOf, destination: "d.example" };
    expect(await connect(direct(four.port), options)).toMatchObject({ ok: true });
    await four.close();
    expect((await refused(direct(four.port), options)).message).toContain("[::1]".slice(1, -1));
    const bound = { ...direct(four.port), sourceAddress: "127.0.0.1" };
    expect((await refused(bound, options)).message).toContain("127.0.0.2");
  });

  test("a host that refuses us at the door is passed over; when nobody takes us its word is told", async () => {
    const first = await provider({ script: refuseAll("554 5.7.1 blocked", { phase: "connect" }) });
    const second = await provider({ host: "127.0.0.2", port: first.port });
    const options = { mx: dns({ "d.example": mx("mx1.example", "mx2.example") }), addressesOf };
    const to = { ...options, destination: "d.example" };
    expect(await connect(direct(first.port), to)).toMatchObject({ ok: true });
    await second.close();
    expect(await refused(direct(first.port), to)).toMatchObject({
      phase: "connect",
      reply: "554 5.7.1 blocked",
    });
    await first.close();
    expect(await refused(direct(first.port), to)).toMatchObject({
      phase: "connect",
      reply: null,
      message: `nothing listens at mx1.example:${first.port} (127.0.0.1)`,
    });
  });

  test("a connection carries no more mails than the provider wants, by the name of its host", async () => {
    const apple = await provider();
    const resolver = dns({ "icloud.com": mx("mx01.mail.icloud.com"), "d.example": mx("mx1.example") });
    const options = { mx: resolver, addressesOf: async () => ["127.0.0.1"] };
    const connection = await connected(direct(apple.port), { ...options, destination: "icloud.com" });
    expect(await connection.send(mail("u@icloud.com"), () => false)).toEqual({ kind: "returned" });
    for (let i = 0; i < 5; i++) {
      expect(connection.usable).toBe(true);
      await connection.send(mail("u@icloud.com"), always);
    }
    expect(connection.usable).toBe(false);
    await connection.close();
    await apple.when(() => apple.connections.now === 0);
    const other = await connected(direct(apple.port), { ...options, destination: "d.example" });
    for (let i = 0; i < 6; i++) await other.send(mail("u@d.example"), always);
    expect(other.usable).toBe(true);
  });

  test("a null MX refuses each recipient, and only when the mail may begin", async () => {
    const options = { mx: dns({ "d.example": [{ exchange: "", priority: 0 }] }), destination: "d.example" };
    const connection = await connected(direct(25), options);
    expect(await connection.send(mail("u@d.example"), () => false)).toEqual({ kind: "returned" });
    for (let i = 0; i < 2; i++)
      expect(await connection.send(mail("u@d.example"), always)).toMatchObject({
        kind: "refused",
        phase: "rcpt",
        reply: expect.stringMatching(/^556 5\.1\.10 /),
      });
    expect(connection.usable).toBe(true);
  });

  test("without an MX the domain's own address takes the mail; without any, the recipient is refused", async () => {
    const self = await provider({ host: "127.0.0.2" });
    const options = { mx: dns({ "self.example": "ENODATA", "none.example": "ENODATA" }), addressesOf };
    expect(await connect(direct(self.port), { ...options, destination: "self.example" })).toMatchObject({
      ok: true,
    });
    const connection = await connected(direct(self.port), { ...options, destination: "none.example" });
    expect(await connection.send(mail("u@none.example"), always)).toMatchObject({
      kind: "refused",
      phase: "rcpt",
      reply: expect.stringMatching(/^550 5\.1\.2 /),
    });
  });
});
