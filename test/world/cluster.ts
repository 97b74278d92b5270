// A cluster as an operator runs it: workers as processes on one PostgreSQL and one Redis, a campaign that is submitted
// and watched by `send`, and a provider in another process that keeps a journal.
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { type CampaignFolder, createCampaignFolder } from "./campaign-folder.ts";
import { SEND } from "./crashes.ts";
import type { Query } from "./outcome-fold.ts";
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
  /** Asks the database, past whatever stands between it and the workers; again until it answers. */
  query: Query;
  /** How many deliveries a worker's process has claimed, and how many of its intents stand. */
  holds(worker: Mailer): Promise<{ claimed: number; sending: number }>;
  close(): Promise<void>;
}

export async function openCluster(options: {
  postgres: Pick<PostgresService, "createDatabase">;
  redis: Pick<RedisService, "url">;
  clients: number;
  workers: number;
  /** Another way to the database of this cluster, and to its Redis: a network that can fail. */
  databaseVia?: (url: string) => string | Promise<string>;
  redisVia?: (url: string) => string;
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
  const { databaseVia = (url) => url, redisVia = (url) => url } = options;
  const database = await options.postgres.createDatabase();
  const world = await createCampaignFolder({
    ...options,
    database: await databaseVia(database.url),
    redis: redisVia(options.redis.url),
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
  const query = queryOf(database.url);
  const isOver = async () => {
    const [campaign] = await query<{ state: string }>("SELECT state FROM campaign");
    return campaign === undefined || campaign.state.startsWith("completed");
  };
  return {
    world,
    workers,
    watcher,
    addWorker,
    query,
    taken: async (mails) => {
      while (world.accepted() < mails) {
        // The command that watches may have lost its database: the workers go on without it.
        if (!watcher.running && (await isOver()))
          throw new Error(`it ended before ${mails} mails: ${watcher.stderr()}`);
        await sleep(20);
      }
    },
    holds: async ({ pid }) => {
      const [row] = await query<{ claimed: number; sending: number }>(
        `SELECT CAST(count(*) FILTER (WHERE d.state = 'claimed') AS int) AS claimed,
                CAST(count(*) FILTER (WHERE d.state = 'sending') AS int) AS sending
         FROM delivery d JOIN worker w ON w.id = d.worker_id WHERE w.pid = ${pid} AND w.dead = false`,
      );
      return row ?? { claimed: 0, sending: 0 };
    },
    close: async () => {
      await endMailers(world.folder);
      await world.close();
      await database.drop();
    },
  };
}

const PATIENCE_MS = 30_000;

/** A connection for each question: the server may have died since the last one. */
function queryOf(url: string): Query {
  const ask = async (sql: string) => {
    const client = new pg.Client({ connectionString: url });
    client.on("error", () => undefined);
    try {
      await client.connect();
      return (await client.query(sql)).rows;
    } finally {
      await client.end().catch(() => undefined);
    }
  };
  return async (sql) => {
    const until = Date.now() + PATIENCE_MS;
    for (;;) {
      try {
        return await ask(sql);
      } catch (error) {
        if (Date.now() > until) throw error;
        await sleep(100);
      }
    }
  };
}
