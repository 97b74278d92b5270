// What a sending process says about itself over HTTP, compared with what its database and the provider saw.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { migrateSqlite } from "../../src/adapters/database/migrate.ts";
import { openSqlite } from "../../src/adapters/database/sqlite.ts";
import { createGaugeSource, readyCheck } from "../../src/adapters/observe/gauges.ts";
import { startWatchServer } from "../../src/adapters/observe/http.ts";
import { createMetrics } from "../../src/adapters/observe/metrics.ts";
import { createMemoryQueue } from "../../src/adapters/queue/memory.ts";
import { createSmtpTransport } from "../../src/adapters/smtp/transport.ts";
import { createCampaignStore } from "../../src/adapters/store/campaigns.ts";
import { createLedger } from "../../src/adapters/store/ledger.ts";
import { systemClock } from "../../src/clock.ts";
import { loadConfig } from "../../src/config/load.ts";
import { createEngine } from "../../src/delivery/engine.ts";
import { SimulatedProvider } from "../../src/sandbox/provider-server.ts";
import { BREAKER, runCampaign } from "../world/ledger.ts";
import { MIGRATIONS } from "../world/sqlite.ts";

/** How often a test looks whether it is so far. */
const LOOK_MS = 20;

async function sendingProcess(provider: SimulatedProvider) {
  const folder = mkdtempSync(path.join(tmpdir(), "bellwether-metrics-"));
  const file = path.join(folder, "bellwether.db");
  migrateSqlite(file, MIGRATIONS);
  const db = await openSqlite({ file, clock: systemClock });
  const config = loadConfig({
    cwd: folder,
    env: { BELLWETHER_SMTP_URL: `smtp://127.0.0.1:${provider.port}`, BELLWETHER_SMTP_FEEDBACK: "final" },
  });
  const queue = createMemoryQueue();
  const metrics = createMetrics({ source: createGaugeSource({ db, queue }), clock: systemClock });
  const engine = createEngine({
    ledger: createLedger(db, { breaker: BREAKER }),
    queue,
    transport: createSmtpTransport({
      routes: new Map([["default", config.smtp]]),
      helo: "mail.example.com",
    }),
    mails: {
      load: async () => undefined,
      mailOf: (delivery) => {
        if (delivery.address.startsWith("u3@orange")) throw new Error("a value is missing");
        const raw = Buffer.from("Subject: maintenance\r\n\r\nOn 28 April.\r\n");
        return { from: "support@example.com", to: delivery.address, raw, smtpUtf8: false };
      },
    },
    clock: systemClock,
    limitsOf: () => ({ connections: 3, rate: null }),
    soakMs: 10,
    exclusive: true,
    onNotice: () => undefined,
    observer: metrics.observer,
  });
  const server = await startWatchServer({
    listen: { host: "127.0.0.1", port: 0 },
    metrics,
    ready: readyCheck({ db, engine: () => engine }),
    clock: systemClock,
  });
  onTestFinished(async () => {
    await engine.drain();
    await server.close();
    await db.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const url = `http://127.0.0.1:${server.port}`;
  const scrape = async () => {
    const text = await (await fetch(`${url}/metrics`)).text();
    const series = text
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"))
      .map((line): [string, number] => {
        const space = line.lastIndexOf(" ");
        return [line.slice(0, space), Number(line.slice(space + 1))];
      });
    return { text, of: new Map(series) };
  };
  const until = async (condition: () => Promise<boolean>) => {
    while (!(await condition())) await systemClock.sleep(LOOK_MS);
  };
  return { db, engine, url, scrape, until, campaigns: createCampaignStore(db, { breaker: BREAKER }) };
}

it("counts exactly what the rows and the provider's log say, and names nobody", async () => {
  const provider = await new SimulatedProvider({
    id: "default",
    script: ({ phase, recipient }) => {
      if (phase !== "rcpt" || recipient === null) return undefined;
      if (recipient.startsWith("u7@")) return { reply: "550 5.1.1 <u7@google.example> user unknown" };
      if (recipient.startsWith("u9@")) return { reply: "451 4.7.1 greylisted, try later" };
      return undefined;
    },
  }).start();
  onTestFinished(() => provider.close());
  const { db, engine, url, scrape, until, campaigns } = await sendingProcess(provider);
  expect((await fetch(`${url}/readyz`)).status).toBe(503);
  await runCampaign({ campaigns } as never, [
    { provider: "google", size: 40 },
    { provider: "orange", size: 5 },
  ]);
  await engine.start();
  expect((await fetch(`${url}/readyz`)).status).toBe(200);
  const open = ["pending", "claimed", "sending"];
  await until(async () => (await db.read.delivery.count({ where: { state: { in: open } } })) === 0);

  const { text, of } = await scrape();
  const mails = (name: string, event: string) =>
    of.get(`bellwether_mails_total{provider="${name}",event="${event}"}`);
  expect([mails("google", "accepted"), mails("google", "rejected"), mails("google", "deferred")]).toEqual([
    38, 1, 1,
  ]);
  // The one that cannot be rendered is rejected without a wire, and so without a time.
  expect([mails("orange", "accepted"), mails("orange", "rejected")]).toEqual([4, 1]);
  expect(of.get('bellwether_reply_seconds_count{provider="orange"}')).toBe(4);
  expect(mails("google", "accepted")).toBe(
    [...provider.accepted()].filter(([to]) => /google/.test(to)).length,
  );
  // Each mail is one intent and one settle, and each is in one commit.
  expect(of.get("bellwether_commit_mails_sum")).toBe(90);
  expect(of.get("bellwether_workers")).toBe(1);
  expect(of.get('bellwether_lane_mails{provider="google"}')).toBe(40);
  expect(text).not.toMatch(/@|\bu\d|\.example/);
});

it("tells a server that is not there from mails that were refused", async () => {
  const provider = await new SimulatedProvider({ id: "default" }).start();
  const { engine, scrape, until, campaigns } = await sendingProcess(provider);
  await provider.close();
  await runCampaign({ campaigns } as never, [{ provider: "google", size: 3 }]);
  await engine.start();
  const shut = 'bellwether_doors_shut_total{provider="google",why="unreachable"}';
  await until(async () => ((await scrape()).of.get(shut) ?? 0) > 0);
  expect([...(await scrape()).of.keys()].filter((key) => key.startsWith("bellwether_mails_total"))).toEqual(
    [],
  );
  await provider.start();
  onTestFinished(() => provider.close());
  const accepted = 'bellwether_mails_total{provider="google",event="accepted"}';
  await until(async () => (await scrape()).of.get(accepted) === 3);
});

it("is ready from its registration to its end, and not while its database is gone", async () => {
  const provider = await new SimulatedProvider({ id: "default" }).start();
  onTestFinished(() => provider.close());
  const { db, engine, url } = await sendingProcess(provider);
  const ready = async () => {
    const answer = await fetch(`${url}/readyz`);
    return [answer.status, await answer.text()];
  };
  expect(await ready()).toEqual([503, "not ready: not registered as a sender\n"]);
  await engine.start();
  expect(await ready()).toEqual([200, "ready\n"]);
  await engine.drain();
  expect(await ready()).toEqual([503, "not ready: not registered as a sender\n"]);
  await db.close();
  expect(await ready()).toEqual([503, "not ready: the database does not answer\n"]);
});
