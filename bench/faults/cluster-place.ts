// Where the faults of a cluster happen: one PostgreSQL and one Redis for all campaigns, and ways to them that can fail.
import { type Cluster, openCluster } from "../../test/world/cluster.ts";
import { type Link, startLink } from "../../test/world/link.ts";
import {
  type PostgresService,
  postgresService,
  type RedisService,
  redisService,
} from "../../test/world/services.ts";
import { MAILS, SINK } from "./run.ts";

const WORKERS = 3;

export interface Place {
  postgres: PostgresService;
  redis: RedisService;
  toPostgres: Link;
  toRedis: Link;
  /** A cluster with a campaign under way; by the links where it is said. */
  open(options?: {
    via?: "postgres" | "redis";
    workers?: number;
    postgres?: PostgresService;
    redis?: RedisService;
  }): Promise<Cluster>;
  /** To be done when all is over. */
  atEnd: (() => Promise<void>)[];
}

/** What each list of faults is made with. */
export interface Setting {
  place: Place;
  random: () => number;
}

export async function openPlace(): Promise<Place> {
  const postgres = await postgresService();
  const redis = await redisService();
  const toPostgres = await startLink(placeOf(postgres.url));
  const toRedis = await startLink(placeOf(redis.url));
  return {
    postgres,
    redis,
    toPostgres,
    toRedis,
    open: ({ via, workers = WORKERS, ...others } = {}) =>
      openCluster({
        postgres,
        redis,
        ...others,
        clients: MAILS,
        workers,
        sink: SINK,
        ...(via === "postgres" ? { databaseVia: toPostgres.urlOf } : {}),
        ...(via === "redis" ? { redisVia: toRedis.urlOf } : {}),
      }),
    atEnd: [toPostgres.close, toRedis.close, postgres.end, redis.end],
  };
}

export async function closePlace({ atEnd }: Place): Promise<void> {
  for (const end of atEnd) await end();
}

function placeOf(url: string): { host: string; port: number } {
  const { hostname, port } = new URL(url);
  return { host: hostname, port: Number(port) };
}
