// Deaths in a cluster: of workers, of the server, of Redis and of PostgreSQL; and a Redis that forgets or sleeps.
import { setTimeout as sleep } from "node:timers/promises";
import { CONNECTIONS } from "../../test/world/campaign-folder.ts";
import type { Cluster } from "../../test/world/cluster.ts";
import { startMailer } from "../../test/world/process.ts";
import type { Setting } from "./cluster-place.ts";
import type { Fault } from "./run.ts";

export function deaths({ place, random }: Setting): Fault<Cluster>[] {
  const { postgres, redis } = place;
  const open = () => place.open();
  const worker = async (cluster: Cluster) => {
    const alive = cluster.workers.filter((one) => one.running);
    return alive[Math.floor(random() * alive.length)] ?? cluster.addWorker();
  };
  return [
    {
      name: "kill -9 of a worker",
      bound: 2 * CONNECTIONS,
      open,
      strike: async (cluster) => {
        await (await worker(cluster)).kill();
        await cluster.addWorker();
      },
    },
    {
      name: "SIGTERM of a worker in a burst",
      bound: 0,
      open,
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
      open,
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
      open,
      strike: async () => {
        await redis.kill();
        await sleep(random() * 1_500);
        await redis.start();
      },
    },
    { name: "FLUSHALL in Redis", bound: 0, open, strike: () => redis.flush() },
    {
      name: "Redis silent for some seconds",
      bound: 0,
      open,
      strike: async () => {
        redis.freeze();
        await sleep(500 + random() * 3_500);
        redis.thaw();
      },
    },
    {
      name: "kill -9 of PostgreSQL",
      bound: 0,
      open,
      strike: async () => {
        await postgres.kill();
        await sleep(random() * 1_000);
        await postgres.start();
      },
    },
  ];
}
