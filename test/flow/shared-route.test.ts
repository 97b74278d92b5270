// Two processes' engines on one PostgreSQL database: what a route takes, it takes from both together. Judged by a
// provider in another process.
import { test as anyTest, expect } from "vitest";
import { openPostgresql } from "../../src/adapters/database/postgresql.ts";
import { createMemoryQueue } from "../../src/adapters/queue/memory.ts";
import { createSmtpTransport } from "../../src/adapters/smtp/transport.ts";
import { createCampaignStore } from "../../src/adapters/store/campaigns.ts";
import { createLedger } from "../../src/adapters/store/ledger.ts";
import { createSharedRoutes } from "../../src/adapters/store/shared-routes.ts";
import { systemClock } from "../../src/clock.ts";
import { createEngine, type Engine } from "../../src/delivery/engine.ts";
import type { Rate } from "../../src/delivery/pace.ts";
import { BREAKER, runCampaign } from "../world/ledger.ts";
import { openPostgresqlWorld } from "../world/postgresql.ts";
import { endServerAfterAll, postgresServer, withoutPostgres } from "../world/postgresql-server.ts";
import { type SinkProcess, startSinkProcess } from "../world/sink.ts";

const CONNECTIONS = 5;
const test = anyTest.skipIf(withoutPostgres !== null);
endServerAfterAll();

async function createShared(size: number, rate: Rate | null) {
  const sink = await startSinkProcess({ replyDelayMs: 4 });
  const world = await openPostgresqlWorld((await postgresServer()).url);
  const db = await openPostgresql({ url: world.url, clock: systemClock });
  const campaigns = createCampaignStore(db, { breaker: BREAKER });
  const id = await runCampaign({ ...world, db, campaigns }, [
    { provider: "google", size: size / 2, window: 1_000 },
    { provider: "yahoo", size: size / 2, window: 1_000 },
  ]);
  const ended: (() => Promise<void>)[] = [];

  async function startEngine(): Promise<Engine> {
    const own = await openPostgresql({ url: world.url, clock: systemClock });
    const engine = createEngine({
      ledger: createLedger(own, { breaker: BREAKER }),
      queue: createMemoryQueue(),
      transport: transportTo(sink),
      mails: {
        load: async () => undefined,
        mailOf: ({ address }) => ({
          from: "support@hosting.example",
          to: address,
          raw: Buffer.from("Subject: Maintenance\r\n\r\nTonight.\r\n"),
          smtpUtf8: false,
        }),
      },
      clock: systemClock,
      limitsOf: () => ({ connections: CONNECTIONS, rate }),
      shares: createSharedRoutes(own),
      soakMs: 60_000,
      exclusive: false,
      onNotice: () => undefined,
    });
    await engine.start();
    ended.push(async () => {
      await engine.drain();
      await own.close();
    });
    return engine;
  }

  return {
    sink,
    db,
    startEngine,
    isDone: async () => (await campaigns.find({ id }))?.state === "completed",
    /** How many connections each worker has of the route now. */
    owned: async () => (await db.read.share.findMany()).map((row) => row.owned).sort(),
    /** Ends what is not ended yet. */
    drain: async () => {
      for (const end of ended.splice(0)) await end();
    },
    close: async () => {
      await db.close();
      await world.close();
      await sink.stop();
    },
  };
}

function transportTo({ host, port }: SinkProcess) {
  const target = {
    kind: "relay",
    host,
    port,
    implicitTls: false,
    user: null,
    pass: null,
    lmtp: false,
  } as const;
  return createSmtpTransport({
    routes: new Map([
      [
        "default",
        {
          name: "default",
          provider: null,
          kind: "generic",
          target,
          feedback: "final",
          connections: CONNECTIONS,
          rate: null,
          dailyLimit: null,
          sourceAddress: null,
          tls: "off",
        },
      ],
    ]),
    helo: "mail.hosting.example",
  });
}

async function until(holds: () => Promise<boolean>, withinMs: number): Promise<void> {
  const untilMs = systemClock.monotonic() + withinMs;
  while (!(await holds())) {
    if (systemClock.monotonic() > untilMs) throw new Error("It did not come to it in time.");
    await systemClock.sleep(20);
  }
}

test("two engines have five connections together; the second gets its part while the first is busy", async () => {
  const size = 1_500;
  const shared = await createShared(size, null);
  try {
    await shared.startEngine();
    await until(async () => (await shared.owned()).join() === "5", 10_000);
    await shared.startEngine();
    await until(async () => (await shared.owned()).join() === "2,3", 5_000);
    await until(shared.isDone, 60_000);
    const { connections } = await shared.sink.counts();
    expect(connections.peak).toBe(CONNECTIONS);
    const accepted = await shared.sink.accepted();
    expect(accepted.size).toBe(size);
    expect([...accepted.values()].every((times) => times === 1)).toBe(true);
    await shared.drain();
    expect(await shared.owned()).toEqual([]);
  } finally {
    await shared.drain();
    await shared.close();
  }
});

test("two engines keep one rate", async () => {
  const rate = { count: 100, perMs: 1_000 };
  const shared = await createShared(400, rate);
  try {
    await Promise.all([shared.startEngine(), shared.startEngine()]);
    await until(shared.isDone, 30_000);
    const log = await shared.sink.log();
    const atMs = log.map((entry) => entry.at).sort((a, b) => a - b);
    expect(atMs).toHaveLength(400);
    const tookMs = (atMs.at(-1) ?? 0) - (atMs[0] ?? 0);
    const perMs = rate.count / rate.perMs;
    expect(400).toBeLessThanOrEqual(perMs * (tookMs + 200) + 1);
    expect(400).toBeGreaterThan(0.7 * perMs * tookMs);
  } finally {
    await shared.drain();
    await shared.close();
  }
});
