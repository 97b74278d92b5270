// A provider turns against us in the middle of a campaign that four workers send, with 80 connections busy: how many
// refusals stand in its own log, when nothing else is wrong and when the database is slow, Redis is gone, or the process
// that holds the lane dies before it can tell anybody. Afterwards a second campaign writes to that provider.
// Usage: npm run build && tsx bench/faults/turn.ts [times = 3] [mails = 20000] [part of a row's name].
// Prints one row a campaign; exit 1 when a bound is broken.
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type Cluster, openCluster } from "../../test/world/cluster.ts";
import { runMailer } from "../../test/world/process.ts";
import { postgresService, redisService } from "../../test/world/services.ts";
import { type SlowProxy, startSlowProxy } from "../../test/world/slow-proxy.ts";

const times = Number(process.argv[2] ?? 3);
const mails = Number(process.argv[3] ?? 20_000);
const only = process.argv[4] ?? "";

const WORKERS = 4;
/** Of the route, over all workers: 20 each. */
const CONNECTIONS = 80;
const BOUND = 3 + CONNECTIONS;
const LATE_MS = 200;

interface Case {
  name: string;
  /** Mails that the provider takes before it turns; null: it never does, and the campaign is sent to its end. */
  turnsAfter: number | null;
  mails: number;
  redis?: "stopped";
  answerDelayMs?: number;
  kills?: boolean;
}

const turnsAfter = Math.min(3_000, Math.round(mails / 4));
const CASES: readonly Case[] = [
  { name: "sent to its end", turnsAfter: null, mails },
  { name: "turns", turnsAfter, mails },
  { name: "turns, Redis stopped", turnsAfter, mails, redis: "stopped" },
  { name: "turns, the tripping worker killed after COMMIT", turnsAfter, mails, kills: true },
  {
    name: "sent to its end, database 200 ms away",
    turnsAfter: null,
    mails: Math.min(2_000, mails),
    answerDelayMs: LATE_MS,
  },
  {
    name: "turns, database 200 ms away",
    turnsAfter: Math.min(700, turnsAfter),
    mails: Math.min(2_000, mails),
    answerDelayMs: LATE_MS,
  },
];

const postgres = await postgresService();
const redis = await redisService();
const table: Record<string, unknown>[] = [];
let good = true;

for (const one of CASES.filter((each) => each.name.includes(only))) {
  for (let time = 0; time < times; time++) {
    const row = await run(one);
    good &&= row.well;
    table.push(row);
    console.error(JSON.stringify(row));
  }
}
console.table(table);
await postgres.end();
await redis.end();
process.exitCode = good ? 0 : 1;

async function run(one: Case) {
  const proxies: SlowProxy[] = [];
  let killed = 0;
  const cluster: Cluster = await openCluster({
    postgres,
    redis,
    clients: one.mails,
    workers: WORKERS,
    connections: CONNECTIONS,
    // All at one provider, so that every connection is at it when it turns.
    domains: ["gmail.com"],
    sink: { replyDelayMs: 1 },
    workerVia: async (url, worker) => {
      const proxy = await startSlowProxy({
        target: url,
        ...(one.answerDelayMs === undefined ? {} : { answerDelayMs: one.answerDelayMs }),
        ...(one.kills === true
          ? {
              onHold: () => {
                // The one that trips is the first; the others write the same into the row with what they settle.
                if (killed > 0) return false;
                killed += 1;
                void cluster.workers[worker]?.kill();
                return true;
              },
            }
          : {}),
      });
      proxies.push(proxy);
      return proxy.urlOf(url);
    },
  });
  try {
    await cluster.taken(Math.min(100, one.mails / 10));
    const startMs = performance.now();
    const before = (await cluster.world.sink.counts()).accepted;
    const tripsBefore = proxies.reduce((sum, proxy) => sum + proxy.roundTrips, 0);
    if (one.redis === "stopped") await redis.kill();
    if (one.turnsAfter !== null) {
      await cluster.taken(one.turnsAfter);
      await cluster.world.sink.setRules([{ domains: ["gmail.com"], reply: "google-no-ptr", phase: "dot" }]);
    }
    const turnedMs = performance.now();
    const ended = await cluster.watcher.ended;
    const seconds = ((one.turnsAfter === null ? performance.now() : turnedMs) - startMs) / 1000;
    const { accepted, refused } = await cluster.world.sink.counts();
    const trips = proxies.reduce((sum, proxy) => sum + proxy.roundTrips, 0) - tripsBefore;
    const heldAfterMs = Math.round(performance.now() - turnedMs);
    const second = one.turnsAfter === null ? null : await secondCampaign(cluster);
    const report = JSON.parse(ended.stdout);
    const told = await cluster.world.told();
    const well =
      told.twice === 0 &&
      (one.turnsAfter === null
        ? ended.code === 0 && accepted === one.mails
        : ended.code === 4 && refused >= 3 && refused <= BOUND && second === 3) &&
      (one.kills !== true || killed === 1);
    return {
      case: one.name,
      accepted,
      twice: told.twice,
      uncertain: report.totals.uncertain,
      refused,
      bound: BOUND,
      "held after ms": one.turnsAfter === null ? null : heldAfterMs,
      "second campaign's refusals": second,
      "mails/s": Math.round((accepted - before) / seconds),
      "round trips/mail": Math.round((trips / (accepted - before)) * 100) / 100,
      well,
    };
  } finally {
    if (one.redis === "stopped") await redis.start();
    await cluster.close();
    for (const proxy of proxies) await proxy.close();
  }
}

/** Its lane is its own: it asks the provider itself, and is held by what it hears. Returns its refusals. */
async function secondCampaign({ world }: Cluster): Promise<number> {
  const before = (await world.sink.counts()).refused;
  const rows = Array.from({ length: 30 }, (_, i) => `other${i}@gmail.com,Client ${i},en,s12`);
  writeFileSync(path.join(world.folder, "second.csv"), `email,name,locale,server\n${rows.join("\n")}\n`);
  const first = readFileSync(path.join(world.folder, "campaign.toml"), "utf8");
  writeFileSync(
    path.join(world.folder, "second.toml"),
    first.replace(/^name = .*$/m, 'name = "The second"').replace("clients.csv", "second.csv"),
  );
  await runMailer(world.folder, ["send", "second.toml", "--yes", "--json"]);
  return (await world.sink.counts()).refused - before;
}
