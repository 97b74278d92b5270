import { describe, expect, it } from "vitest";
import type { Clock } from "../../../src/clock.ts";
import { createProviderLookup, type MxRecord, type MxResolver } from "../../../src/provider/lookup.ts";

/** A clock that jumps to the next alarm as soon as everybody waits. */
function jumpingClock(): Clock {
  let now = 0;
  const alarms = new Set<{ at: number; ring: () => void }>();
  let pumping = false;
  const pump = async () => {
    if (pumping) return;
    pumping = true;
    while (alarms.size > 0) {
      await new Promise((resolve) => setImmediate(resolve));
      const [next] = [...alarms].sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      now = Math.max(now, next.at);
      next.ring();
    }
    pumping = false;
  };
  return {
    now: () => now,
    monotonic: () => now,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve();
        const alarm = { at: now + ms, ring: () => {} };
        alarm.ring = () => {
          alarms.delete(alarm);
          resolve();
        };
        signal?.addEventListener("abort", alarm.ring, { once: true });
        alarms.add(alarm);
        void pump();
      }),
  };
}

type Zone = Record<string, MxRecord[] | string>;

function resolverOf(zone: Zone, delay?: (domain: string) => Promise<unknown>) {
  const asked: string[] = [];
  let now = 0;
  let most = 0;
  const resolver: MxResolver = {
    async resolveMx(domain) {
      asked.push(domain);
      most = Math.max(most, ++now);
      try {
        await delay?.(domain);
        const answer = zone[domain] ?? [{ exchange: `mx.${domain}`, priority: 10 }];
        if (typeof answer === "string") throw Object.assign(new Error(answer), { code: answer });
        return answer;
      } finally {
        now -= 1;
      }
    },
  };
  return { resolver, asked, most: () => most };
}

const never = () => new Promise(() => {});
const domains = (count: number) => Array.from({ length: count }, (_, i) => `d${i}.example`);
const mx = (...hosts: [string, number][]): MxRecord[] =>
  hosts.map(([exchange, priority]) => ({ exchange, priority }));

describe("the lookup of providers", () => {
  it("asks DNS only for domains that the table does not know, and once for each", async () => {
    const { resolver, asked } = resolverOf({ "dupont.fr": mx(["aspmx.l.google.com", 1]) });
    const lookup = createProviderLookup({ resolver, clock: jumpingClock() });
    const answers = await lookup.providersOf(["gmail.com", "dupont.fr", "dupont.fr", "Dupont.fr"]);
    expect(answers.get("gmail.com")).toEqual({ provider: "google", basis: "table", site: null });
    expect(answers.get("dupont.fr")).toEqual({ provider: "google", basis: "mx", site: "google.com" });
    expect(answers.get("Dupont.fr")).toEqual(answers.get("dupont.fr"));
    expect(asked).toEqual(["dupont.fr"]);
    expect(lookup.stats()).toEqual({
      table: 1,
      asked: 1,
      answered: 1,
      none: 0,
      failed: 0,
      timedOut: 0,
      skipped: 0,
      gaveUp: null,
    });
  });

  it.each<[string, MxRecord[] | string, object]>([
    [
      "the preferred MX decides, not a backup",
      mx(["mx.google.com", 20], ["mx.hoster.example", 10]),
      { provider: "other", basis: "mx", site: "hoster.example" },
    ],
    [
      "equal MX: the known one decides",
      mx(["a.example", 5], ["eu1.mimecast.com", 5]),
      { provider: "mimecast", basis: "mx", site: "mimecast.com" },
    ],
    [
      "equal MX in any order give one site",
      mx(["mx.b.example", 5], ["mx.a.example", 5]),
      { provider: "other", basis: "mx", site: "a.example" },
    ],
    [
      "no MX: the domain itself is the site",
      "ENODATA",
      { provider: "other", basis: "mx", site: "dupont.fr" },
    ],
    ["an empty answer: the same", [], { provider: "other", basis: "mx", site: "dupont.fr" }],
    ["null MX", mx(["", 0]), { provider: "other", basis: "none", site: null }],
    ["null MX with its dot", mx([".", 0]), { provider: "other", basis: "none", site: null }],
    ["no such domain", "ENOTFOUND", { provider: "other", basis: "none", site: null }],
    ["a broken zone", "ESERVFAIL", { provider: "other", basis: "failed", site: null }],
    ["no resolver", "ECONNREFUSED", { provider: "other", basis: "failed", site: null }],
  ])("%s", async (_, answer, expected) => {
    const { resolver } = resolverOf({ "dupont.fr": answer });
    const lookup = createProviderLookup({ resolver, clock: jumpingClock() });
    expect(await lookup.providerOf("dupont.fr")).toEqual(expected);
  });

  it("keeps to its concurrency, also between callers", async () => {
    const clock = jumpingClock();
    const { resolver, most, asked } = resolverOf({}, () => clock.sleep(20));
    const lookup = createProviderLookup({ resolver, clock, concurrency: 4 });
    await Promise.all([
      lookup.providersOf(domains(30)),
      lookup.providersOf(domains(60)),
      ...domains(90).map((domain) => lookup.providerOf(domain)),
    ]);
    expect(most()).toBe(4);
    expect(asked).toHaveLength(90);
  });

  it("does not wait longer for a query than its limit, and goes on", async () => {
    const clock = jumpingClock();
    const { resolver } = resolverOf({}, (domain) => (domain === "d3.example" ? never() : Promise.resolve()));
    const lookup = createProviderLookup({ resolver, clock, timeoutMs: 500 });
    const answers = await lookup.providersOf(domains(50));
    expect([...answers].filter(([, { basis }]) => basis === "failed").map(([domain]) => domain)).toEqual([
      "d3.example",
    ]);
    expect(clock.monotonic()).toBe(500);
    expect(lookup.stats()).toMatchObject({ asked: 50, answered: 49, failed: 1, timedOut: 1, gaveUp: null });
  });

  it("gives up on a silent resolver after one time limit, though 100,000 domains wait", async () => {
    const clock = jumpingClock();
    const { resolver, asked } = resolverOf({}, never);
    const lookup = createProviderLookup({ resolver, clock });
    const answers = await lookup.providersOf(domains(100_000));
    expect(answers.size).toBe(100_000);
    expect(new Set([...answers.values()].map(({ provider, basis }) => `${provider} ${basis}`))).toEqual(
      new Set(["other failed"]),
    );
    expect(clock.monotonic()).toBe(3_000);
    expect(asked.length).toBeLessThanOrEqual(64);
    const { asked: sent, failed, skipped, gaveUp } = lookup.stats();
    expect(gaveUp).toBe("silent");
    expect(failed).toBe(sent);
    expect(sent + skipped).toBe(100_000);
  });

  it.each([1, 4])(
    "spends no more than its budget on a resolver that hardly answers, %i at a time",
    async (concurrency) => {
      const clock = jumpingClock();
      const { resolver } = resolverOf({}, (domain) => (/[05]\./.test(domain) ? Promise.resolve() : never()));
      const lookup = createProviderLookup({ resolver, clock, concurrency, budgetMs: 10_000 });
      await lookup.providersOf(domains(1_000));
      expect(lookup.stats().gaveUp).toBe("budget");
      expect(clock.monotonic()).toBeLessThanOrEqual(10_000);
      expect(lookup.stats().answered).toBeGreaterThan(0);
    },
  );

  it.each([1, 8])(
    "asks a healthy resolver to the end, far beyond its budget, %i at a time",
    async (concurrency) => {
      const clock = jumpingClock();
      const { resolver } = resolverOf({}, () => clock.sleep(80));
      const lookup = createProviderLookup({ resolver, clock, concurrency, budgetMs: 1_000 });
      const answers = await lookup.providersOf(domains(400));
      expect(clock.monotonic()).toBeGreaterThanOrEqual(4_000);
      expect([...answers.values()].every(({ basis }) => basis === "mx")).toBe(true);
      expect(lookup.stats()).toMatchObject({ answered: 400, skipped: 0, gaveUp: null });
    },
  );

  it("takes single broken zones for what they are, however many there are", async () => {
    const zone = Object.fromEntries(domains(100).map((domain) => [domain, "ESERVFAIL"]));
    const { resolver } = resolverOf(zone);
    const lookup = createProviderLookup({ resolver, clock: jumpingClock(), concurrency: 1 });
    await lookup.providersOf([...domains(100), "dupont.fr"]);
    expect(lookup.stats()).toMatchObject({ failed: 100, timedOut: 0, answered: 1, gaveUp: null });
  });

  it("forgets the oldest answers when its cache is full", async () => {
    const { resolver, asked } = resolverOf({});
    const lookup = createProviderLookup({ resolver, clock: jumpingClock(), cacheLimit: 2, concurrency: 1 });
    await lookup.providersOf(domains(3));
    await lookup.providerOf("d2.example");
    await lookup.providerOf("d0.example");
    expect(asked).toEqual(["d0.example", "d1.example", "d2.example", "d0.example"]);
  });
});
