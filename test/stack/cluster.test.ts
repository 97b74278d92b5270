// Many workers on PostgreSQL and Redis, as processes: whatever dies, nobody is told twice, nobody is lost, and the
// campaign ends by itself. Judged by the journal of a provider in another process.
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, type TestContext, test } from "vitest";
import { type CampaignFolder, CONNECTIONS, createCampaignFolder } from "../world/campaign-folder.ts";
import { type Cluster, openCluster } from "../world/cluster.ts";
import { SEND } from "../world/crashes.ts";
import { type CommitKind, startLink } from "../world/link.ts";
import { foldAgain } from "../world/outcome-fold.ts";
import { type Ended, runMailer, startMailer } from "../world/process.ts";
import { postgresMissing, redisMissing } from "../world/service-binaries.ts";
import { type PostgresService, postgresService, type RedisService, redisService } from "../world/services.ts";
import type { SinkOptions } from "../world/sink.ts";

/** All connections wait for an answer in this phase when the SMTP server is killed; then it is started again. */
async function diesIn(world: CampaignFolder, phase: "data" | "dot"): Promise<void> {
  await world.sink.setRules([{ phase, delayMs: 60_000 }]);
  await sleep(300);
  await world.sink.kill();
  await world.restartSink();
}

const missing = postgresMissing() ?? redisMissing();
if (missing !== null) console.warn(`The tests of the cluster are skipped: ${missing}`);

describe.skipIf(missing !== null)("a cluster", () => {
  let postgres: PostgresService;
  let redis: RedisService;
  beforeAll(async () => {
    postgres = await postgresService();
    redis = await redisService();
  });
  afterAll(async () => {
    await postgres.end();
    await redis.end();
  });

  async function startCluster(
    { onTestFinished }: TestContext,
    options: Pick<
      Parameters<typeof openCluster>[0],
      | "clients"
      | "workers"
      | "sink"
      | "databaseVia"
      | "redisVia"
      | "at"
      | "connections"
      | "before"
      | "domains"
    >,
  ): Promise<Cluster> {
    const cluster = await openCluster({ postgres, redis, ...options });
    onTestFinished(() => cluster.close());
    return cluster;
  }

  async function judged(world: CampaignFolder, ended: Ended): Promise<string[]> {
    const verdict = await world.judge(ended);
    expect(verdict).toMatchObject({ twice: [], lost: [], sums: null });
    return verdict.uncertain;
  }

  test("of four workers tells everybody once, and ends in order at SIGTERM", async (context) => {
    const { world, workers, watcher } = await startCluster(context, { clients: 800, workers: 4 });
    expect(await judged(world, await watcher.ended)).toEqual([]);
    for (const worker of workers) worker.signal("SIGTERM");
    for (const worker of workers) expect((await worker.ended).code).toBe(0);
  }, 120_000);

  test("begins a scheduled campaign once, though who submitted it and one server are gone", async (context) => {
    const inAnHour = new Date(Date.now() + 3_600_000);
    const { world, watcher, addWorker } = await startCluster(context, {
      clients: 60,
      workers: 0,
      at: inAnHour,
    });
    await watcher.said("Starts ");
    await watcher.kill();
    const servers = [1, 2, 3].map(() => startMailer(world.folder, ["serve"]));
    await Promise.all(servers.map((server) => server.said("Coordinating")));
    await servers[0]?.kill();
    // Brought forward only now, so that all who may begin it look on.
    const at = new Date(Date.now() + 4_000);
    const file = path.join(world.folder, "campaign.toml");
    writeFileSync(file, readFileSync(file, "utf8").replace(inAnHour.toISOString(), at.toISOString()));
    const again = startMailer(world.folder, SEND);
    await again.said('is replaced" ');
    await again.kill();
    const state = async () =>
      JSON.parse((await runMailer(world.folder, ["status", "--json"])).stdout).state as string;
    while ((await state()) === "scheduled") await sleep(200);
    // There was no worker that might have begun it.
    expect((await world.sink.counts()).accepted).toBe(0);
    await addWorker();
    const ended = await runMailer(world.folder, ["resume", "--json"]);
    expect(await judged(world, ended)).toEqual([]);
    const { timeline } = JSON.parse(ended.stdout) as { timeline: { at: string; event: string }[] };
    const events = timeline.map(({ event }) => event);
    expect(events.filter((event) => /scheduled|launched|planned/.test(event))).toEqual([
      "scheduled",
      "scheduled",
      "launched",
      "planned",
    ]);
    const begunMs = Date.parse(timeline.find(({ event }) => event === "launched")?.at ?? "");
    expect(begunMs - at.getTime()).toBeGreaterThanOrEqual(0);
  }, 120_000);

  test("goes on without a worker that was killed; what it had on the wire is listed", async (context) => {
    const { world, workers, watcher, taken } = await startCluster(context, { clients: 800, workers: 3 });
    await taken(300);
    await workers[0]?.kill();
    const uncertain = await judged(world, await watcher.ended);
    expect(uncertain.length).toBeLessThanOrEqual(2 * CONNECTIONS);
  }, 120_000);

  test("lets a worker that slept for longer than its lease send nothing twice", async (context) => {
    const { world, workers, watcher, taken } = await startCluster(context, { clients: 800, workers: 2 });
    await taken(200);
    workers[0]?.signal("SIGSTOP");
    await sleep(20_000);
    workers[0]?.signal("SIGCONT");
    const uncertain = await judged(world, await watcher.ended);
    expect(uncertain.length).toBeLessThanOrEqual(2 * CONNECTIONS);
  }, 180_000);

  test("whose workers end at SIGTERM in a burst leaves nothing uncertain", async (context) => {
    const { world, workers, watcher, addWorker, taken } = await startCluster(context, {
      clients: 800,
      workers: 2,
    });
    await taken(300);
    for (const worker of workers) worker.signal("SIGTERM");
    for (const worker of [...workers]) expect((await worker.ended).code).toBe(0);
    await addWorker();
    expect(await judged(world, await watcher.ended)).toEqual([]);
  }, 120_000);

  test("whose Redis forgets everything, dies and comes back, loses nothing", async (context) => {
    const { world, watcher, taken } = await startCluster(context, { clients: 900, workers: 2 });
    await taken(200);
    await redis.flush();
    await taken(600);
    if (redis.own) {
      await redis.kill();
      await sleep(2_000);
      await redis.start();
    }
    expect(await judged(world, await watcher.ended)).toEqual([]);
  }, 120_000);

  test("sends a campaign to its end while Redis is gone for all of it", async (context) => {
    const gone = await redisService();
    context.onTestFinished(() => gone.end());
    const cluster = await openCluster({
      postgres,
      redis: gone,
      clients: 400,
      workers: 2,
      before: () => gone.stop(),
    });
    context.onTestFinished(() => cluster.close());
    expect(await judged(cluster.world, await cluster.watcher.ended)).toEqual([]);
  }, 120_000);

  test.skipIf(process.env.BELLWETHER_TEST_POSTGRES_URL !== undefined)(
    "whose PostgreSQL is killed makes nothing uncertain, and goes on when it is back",
    async (context) => {
      const { world, watcher, taken } = await startCluster(context, { clients: 900, workers: 2 });
      await taken(300);
      await postgres.kill();
      await sleep(1_500);
      await postgres.start();
      expect(await judged(world, await watcher.ended)).toEqual([]);
    },
    120_000,
  );

  test("loses answers to COMMIT, of intents and of settles, and stores what its outcome log says", async (context) => {
    const { hostname, port } = new URL(postgres.url);
    const link = await startLink({ host: hostname, port: Number(port) });
    context.onTestFinished(() => link.close());
    const { world, watcher, taken, query } = await startCluster(context, {
      clients: 400,
      workers: 2,
      databaseVia: link.urlOf,
      sink: { rules: [{ share: 0.05, seed: 7, reply: "google-user-unknown", phase: "rcpt" }] },
    });
    const kinds: CommitKind[] = ["both", "intent", "settle", "both"];
    for (const [i, kind] of kinds.entries()) {
      await taken(70 * (i + 1));
      link.lose(5, kind);
    }
    expect(await judged(world, await watcher.ended)).toEqual([]);
    expect(link.lost.intent + link.lost.settle + link.lost.both).toBeGreaterThanOrEqual(10);
    expect(await foldAgain(query)).toEqual([]);
    await query("UPDATE lane SET sent = sent + 1 WHERE provider = 'google'");
    expect(await foldAgain(query)).toEqual([expect.stringContaining("(google)")]);
  }, 120_000);

  test("whose SMTP server dies lists as uncertain what had its final dot, and nothing else", async (context) => {
    const { world, watcher, taken, query } = await startCluster(context, { clients: 400, workers: 2 });
    await taken(80);
    await diesIn(world, "data");
    await taken(200);
    expect(await query("SELECT id FROM delivery WHERE state = 'uncertain'")).toEqual([]);
    await diesIn(world, "dot");
    const uncertain = await judged(world, await watcher.ended);
    expect(uncertain.length).toBeGreaterThan(0);
    expect(uncertain.length).toBeLessThanOrEqual(CONNECTIONS);
    expect(await foldAgain(query)).toEqual([]);
  }, 120_000);

  test("gives the same report as the embedded mode", async (context) => {
    const sink: SinkOptions = {
      // So few that nothing is held.
      rules: [{ share: 0.03, seed: 7, reply: "google-user-unknown", phase: "rcpt" }],
    };
    const { watcher } = await startCluster(context, { clients: 400, workers: 2, sink });
    const embedded = await createCampaignFolder({ clients: 400, sink: { replyDelayMs: 5, ...sink } });
    context.onTestFinished(() => embedded.close());
    const reports = [await watcher.ended, await runMailer(embedded.folder, SEND)].map(({ stdout }) => {
      const { state, totals, lanes } = JSON.parse(stdout);
      const short = lanes.map((lane: Record<string, unknown>) => [lane.provider, lane.state, lane.totals]);
      return { state, totals, lanes: short.sort() };
    });
    expect(reports[0]).toEqual(reports[1]);
    expect(reports[0]?.totals.bounced).toBeGreaterThan(0);
  }, 120_000);

  test("stands still at a provider held by hand, though Redis forgets it, and goes on after it", async (context) => {
    const { world, watcher, taken } = await startCluster(context, { clients: 600, workers: 2 });
    await taken(100);
    expect((await runMailer(world.folder, ["pause", "--provider", "google"])).code).toBe(0);
    await redis.flush();
    const ended = await watcher.ended;
    expect(ended.code).toBe(4);
    const totals = (report: string) =>
      JSON.parse(report).lanes.map((lane: Record<string, unknown>) => [lane.provider, lane.state]);
    expect(totals(ended.stdout).filter(([, state]: string[]) => state !== "done")).toEqual([
      ["google", "held"],
    ]);
    const resumed = await runMailer(world.folder, ["resume", "--provider", "google", "--json"]);
    expect(await judged(world, resumed)).toEqual([]);
  }, 120_000);

  test("is refused by a provider from mid-campaign on: three, and one for each connection", async (context) => {
    const workers = 4;
    const { world, watcher, taken } = await startCluster(context, {
      clients: 1_500,
      workers,
      sink: { replyDelayMs: 1 },
    });
    await taken(400);
    await world.sink.setRules([{ domains: ["gmail.com"], reply: "google-no-ptr", phase: "dot" }]);
    const ended = await watcher.ended;
    expect(ended.code).toBe(4);
    const { refused } = await world.sink.counts();
    expect(refused).toBeGreaterThanOrEqual(3);
    expect(refused).toBeLessThanOrEqual(3 + workers * CONNECTIONS);
    const report = JSON.parse(ended.stdout);
    const lanes = new Map(
      report.lanes.map((lane: { provider: string; state: string }) => [lane.provider, lane.state]),
    );
    expect(lanes.get("google")).toBe("held");
    expect([...lanes.values()].filter((state) => state === "done")).toHaveLength(lanes.size - 1);
  }, 120_000);
});
