// The faults of a cluster, each many times at random moments of real campaigns, judged by the provider's journal.
// Usage: npm run build && tsx bench/faults/cluster.ts [times = 20] [seed = 1] [part of a fault's name].
// Prints one row a fault; exit 1 when somebody was told twice, was lost, or too many are uncertain.
import { setTimeout as sleep } from "node:timers/promises";
import { CONNECTIONS } from "../../test/world/campaign-folder.ts";
import { type Cluster, openCluster } from "../../test/world/cluster.ts";
import { RESUME, randomOf } from "../../test/world/crashes.ts";
import { startDeafProxy } from "../../test/world/deaf-proxy.ts";
import { runMailer, startMailer } from "../../test/world/process.ts";
import { postgresService, redisService } from "../../test/world/services.ts";

const times = Number(process.argv[2] ?? 20);
const random = randomOf(Number(process.argv[3] ?? 1));
const only = process.argv[4] ?? "";

/** Mails of a campaign, and faults in it: more, and little but dying would be left. */
const MAILS = 1_500;
const FAULTS_A_CAMPAIGN = 5;
const WORKERS = 3;

const postgres = await postgresService();
const redis = await redisService();
const { hostname, port } = new URL(postgres.url);
const proxy = await startDeafProxy({ host: hostname, port: Number(port) });

interface Fault {
  name: string;
  /** Uncertain mails that one of them may leave. */
  bound: number;
  strike: (cluster: Cluster) => Promise<void>;
  viaProxy?: boolean;
}

const worker = async (cluster: Cluster) => {
  const alive = cluster.workers.filter((one) => one.running);
  return alive[Math.floor(random() * alive.length)] ?? cluster.addWorker();
};

const FAULTS: readonly Fault[] = [
  {
    name: "kill -9 of a worker",
    bound: 2 * CONNECTIONS,
    strike: async (cluster) => {
      await (await worker(cluster)).kill();
      await cluster.addWorker();
    },
  },
  {
    name: "SIGTERM of a worker in a burst",
    bound: 0,
    strike: async (cluster) => {
      const one = await worker(cluster);
      one.signal("SIGTERM");
      await cluster.addWorker();
      await one.ended;
    },
  },
  {
    name: "kill -9 of the server",
    bound: 0,
    strike: async (cluster) => {
      const server = startMailer(cluster.world.folder, ["serve"]);
      await server.said("Coordinating");
      await sleep(random() * 300);
      await server.kill();
    },
  },
  {
    name: "kill -9 of Redis, back with its data",
    bound: 0,
    strike: async () => {
      await redis.kill();
      await sleep(random() * 1_500);
      await redis.start();
    },
  },
  { name: "FLUSHALL in Redis", bound: 0, strike: () => redis.flush() },
  {
    name: "Redis silent for some seconds",
    bound: 0,
    strike: async () => {
      redis.freeze();
      await sleep(500 + random() * 3_500);
      redis.thaw();
    },
  },
  {
    name: "kill -9 of PostgreSQL",
    bound: 0,
    strike: async () => {
      await postgres.kill();
      await sleep(random() * 1_000);
      await postgres.start();
    },
  },
  {
    name: "the answer to COMMIT is lost",
    bound: 0,
    viaProxy: true,
    strike: async () => proxy.lose(5),
  },
];

const table: Record<string, unknown>[] = [];
let good = true;
for (const fault of FAULTS.filter((one) => one.name.includes(only))) {
  const row = {
    fault: fault.name,
    times: 0,
    campaigns: 0,
    twice: 0,
    lost: 0,
    uncertain: 0,
    arrived: 0,
    sums: "right",
  };
  while (row.times < times) {
    const cluster = await openCluster({
      postgres,
      redis,
      clients: MAILS,
      workers: WORKERS,
      sink: { replyDelayMs: 10 },
      ...(fault.viaProxy === true ? { databaseVia: async (url) => proxy.urlOf(url) } : {}),
    });
    try {
      let struck = 0;
      const step = MAILS / (FAULTS_A_CAMPAIGN + 2);
      for (let i = 1; i <= FAULTS_A_CAMPAIGN && row.times + struck < times; i++) {
        const reached = await cluster.taken(Math.round((i + random() - 0.5) * step)).then(
          () => true,
          () => false,
        );
        if (!reached) break;
        await fault.strike(cluster);
        struck += 1;
      }
      const ended = await cluster.watcher.ended;
      // The command that watches may have lost its database; what it started goes on without it.
      const last = ended.code === 0 ? ended : await runMailer(cluster.world.folder, RESUME);
      const verdict = await cluster.world.judge(last);
      row.times += struck;
      row.campaigns += 1;
      row.twice += verdict.twice.length;
      row.lost += verdict.lost.length;
      row.uncertain += verdict.uncertain.length;
      row.arrived += verdict.arrived;
      if (verdict.sums !== null) row.sums = verdict.sums;
    } finally {
      await cluster.close();
    }
  }
  if (fault.viaProxy === true) row.times = proxy.lost;
  const within = row.uncertain <= row.times * fault.bound;
  good &&= row.twice === 0 && row.lost === 0 && row.sums === "right" && within;
  table.push({ ...row, bound: `${fault.bound} each`, well: within });
  console.error(JSON.stringify(table.at(-1)));
}
console.table(table);
await proxy.close();
await postgres.end();
await redis.end();
process.exitCode = good ? 0 : 1;
