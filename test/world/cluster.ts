// A cluster as an operator runs it: workers as processes on one PostgreSQL and one Redis, a campaign that is submitted
// and watched by `send`, and a provider in another process that keeps a journal.
import { setTimeout as sleep } from "node:timers/promises";
import { type CampaignFolder, createCampaignFolder } from "./campaign-folder.ts";
import { SEND } from "./crashes.ts";
import { endMailers, type Mailer, startMailer } from "./process.ts";
import type { PostgresService, RedisService } from "./services.ts";
import type { SinkOptions } from "./sink.ts";

export interface Cluster {
  world: CampaignFolder;
  workers: Mailer[];
  /** The command that has submitted the campaign, and watches it. */
  watcher: Mailer;
  addWorker(): Promise<Mailer>;
  /** Resolves when the provider has taken so many mails; rejects when the campaign has ended before. */
  taken(mails: number): Promise<void>;
  close(): Promise<void>;
}

export async function openCluster(options: {
  postgres: Pick<PostgresService, "createDatabase">;
  redis: Pick<RedisService, "url">;
  clients: number;
  workers: number;
  /** Another way to the database of this cluster: a proxy. */
  databaseVia?: (url: string) => Promise<string>;
  /** The way of each worker, where it is one of its own. */
  workerVia?: (url: string, worker: number) => Promise<string>;
  connections?: number;
  domains?: readonly string[];
  sink?: SinkOptions;
  /** When the campaign begins; at once unless given. */
  at?: Date;
  /** Done when the workers are there and the campaign is not. */
  before?: () => Promise<void>;
}): Promise<Cluster> {
  const database = await options.postgres.createDatabase();
  const world = await createCampaignFolder({
    ...options,
    database: (await options.databaseVia?.(database.url)) ?? database.url,
    redis: options.redis.url,
    sink: { replyDelayMs: 5, ...options.sink },
    ...(options.at === undefined ? {} : { at: options.at }),
  });
  const workers: Mailer[] = [];
  const addWorker = async () => {
    const url = await options.workerVia?.(database.url, workers.length);
    const env = url === undefined ? undefined : { BELLWETHER_DATABASE_URL: url };
    const worker = startMailer(world.folder, ["worker"], env);
    workers.push(worker);
    await worker.said("Working.");
    return worker;
  };
  await Promise.all(Array.from({ length: options.workers }, addWorker));
  await options.before?.();
  const watcher = startMailer(world.folder, SEND);
  return {
    world,
    workers,
    watcher,
    addWorker,
    taken: async (mails) => {
      while ((await world.sink.counts()).accepted < mails) {
        if (!watcher.running) throw new Error(`it ended before ${mails} mails: ${watcher.stderr()}`);
        await sleep(10);
      }
    },
    close: async () => {
      await endMailers(world.folder);
      await world.close();
      await database.drop();
    },
  };
}
