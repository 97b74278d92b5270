// Full disks under the servers of a cluster. PostgreSQL refuses to write rows, or panics over its log and ends; what an
// operator does then, free some space and start it, is done here. Redis, with its append-only file, refuses writes.
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import type { Cluster } from "../../test/world/cluster.ts";
import {
  type PostgresService,
  postgresService,
  type RedisService,
  redisService,
} from "../../test/world/services.ts";
import { mountSmallDisk, type SmallDisk } from "../../test/world/small-disk.ts";
import type { Place, Setting } from "./cluster-place.ts";
import type { Fault } from "./run.ts";

const POSTGRES_MEGABYTES = 400;
const REDIS_MEGABYTES = 64;

export function fullDisks({ place, random }: Setting): Fault<Cluster>[] {
  const postgresDisk = onSmallDisk(place, POSTGRES_MEGABYTES, postgresService);
  const redisDisk = onSmallDisk(place, REDIS_MEGABYTES, redisService);
  const count = { panics: 0, refusals: 0, strikes: 0 };
  return [
    {
      name: "disk of PostgreSQL full, freed again",
      bound: 0,
      open: async () => place.open({ postgres: (await postgresDisk()).service }),
      strike: async () => {
        const { disk, service } = await postgresDisk();
        disk.fill();
        // Every second time it is the log that finds no room, which it does not survive.
        if (random() < 0.5) await switchLog(service);
        await sleep(500 + random() * 2_500);
        if (!(await answers(service))) count.panics += 1;
        disk.free();
        for (;;) {
          // It may end yet, over the recovery that it has begun.
          await service.start();
          if (await answers(service)) break;
          await sleep(100);
        }
      },
      note: () => `PostgreSQL ended or recovered ${count.panics} times`,
    },
    {
      name: "disk of Redis full, freed again",
      bound: 0,
      open: async () => place.open({ redis: (await redisDisk()).service }),
      strike: async (cluster) => {
        const { disk } = await redisDisk();
        const said = () => cluster.workers.filter((one) => one.stderr().includes("MISCONF")).length;
        disk.fill();
        await sleep(1_500 + random() * 3_000);
        disk.free();
        count.strikes += 1;
        if (said() > 0) count.refusals += 1;
      },
      note: () => `workers told of refused writes in ${count.refusals} of ${count.strikes}`,
    },
  ];
}

/** Made when it is first asked for: not every run has a full disk in it. */
function onSmallDisk<S extends PostgresService | RedisService>(
  place: Place,
  megabytes: number,
  start: (where: { within: string }) => Promise<S>,
): () => Promise<{ disk: SmallDisk; service: S }> {
  let made: Promise<{ disk: SmallDisk; service: S }> | null = null;
  const make = async () => {
    const disk = mountSmallDisk(megabytes);
    const service = await start({ within: disk.folder });
    place.atEnd.push(async () => {
      await service.end();
      disk.unmount();
    });
    return { disk, service };
  };
  return () => {
    made ??= make();
    return made;
  };
}

async function withClient(
  service: PostgresService,
  work: (client: pg.Client) => Promise<unknown>,
): Promise<boolean> {
  const client = new pg.Client({ connectionString: service.url, connectionTimeoutMillis: 2_000 });
  client.on("error", () => undefined);
  try {
    await client.connect();
    await work(client);
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Uses up the segments of the log that it has in stock. */
async function switchLog(service: PostgresService): Promise<void> {
  await withClient(service, async (client) => {
    for (let i = 0; i < 8; i++) {
      await client.query(
        "SELECT pg_logical_emit_message(false, 'bellwether', repeat('x', 100000)), pg_switch_wal()",
      );
    }
  });
}

function answers(service: PostgresService): Promise<boolean> {
  return withClient(service, (client) => client.query("SELECT 1"));
}
