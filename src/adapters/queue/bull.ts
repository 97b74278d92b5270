// The queue of the cluster: one Bull queue on Redis for each provider, shared by all processes. Redis holds lane and
// epoch, nothing else, and may lose both: a Redis that is away costs time, never a mail. An offer that it does not
// take is dropped, since the dispatcher offers again what the database says is due; and a process that has been without
// Redis for two seconds takes its own offers, as if it were alone: more claims in vain, and nothing stands still.
//
// A process opens two connections, and a blocking one for each provider that has ever had work: the set of those is
// kept in Redis and read each second.
import Bull from "bull";
import type { Redis } from "ioredis";
import type { JobQueue, LaneJob } from "../../delivery/queue.ts";
import { createMemoryQueue } from "./memory.ts";
import { BLOCK_SECONDS, connectRedis, createTroubles, isSilence, settled } from "./redis-link.ts";

/** Stops and resumes whole providers, for every process. Redis forgets it in a flush: who means it says it again. */
export interface ProviderSwitch {
  /** Exactly these stand still from now on; whatever else was paused, by whomever, goes on. */
  hold(providers: ReadonlySet<string>): Promise<void>;
}

/** Jobs kept waiting for one provider; more would only say the same again. */
const FEW = 16;
/** For so long the answer to an offer holds, unless this process takes a job of that provider first. */
const FRESH_MS = 250;
const TICK_MS = 1_000;
/** Without Redis for so long, a process goes by its own offers. */
const ALONE_MS = 2_000;
/** So many silences in a row, and the connections are made anew. */
const SILENCES = 3;
/** After it a worker whose Redis failed asks for a job again. */
const RETRY_MS = 1_000;
/** The longest that stopping waits for Redis; handlers are waited for as long as they take. */
const FAREWELL_MS = 2_000;

interface Line {
  queue: Bull.Queue<LaneJob>;
  /** Bull's loop over this provider's jobs, once it is begun; resolves when it has ended. */
  loop: Promise<void> | null;
  blocking: Redis | null;
  /** What was offered lately, and when: it waits in Redis, or there was no place for it. */
  fresh: Map<string, number>;
  offers: Promise<void>;
}

export function createBullQueue(options: {
  url: string;
  /** The first part of every key; queues of different prefixes know nothing of each other. */
  prefix?: string;
  /** Told once when Redis becomes unusable, and once, with null, when it is fine again. */
  onTrouble: (trouble: string | null) => void;
}): JobQueue & ProviderSwitch {
  const { url, prefix = "bellwether" } = options;
  const troubles = createTroubles(url, options.onTrouble);
  const lines = new Map<string, Line>();
  const running = new Map<Promise<void>, string>();
  const providersKey = `${prefix}:providers`;
  let handler: ((job: LaneJob, provider: string) => Promise<void>) | null = null;
  let subscriber: Redis | null = null;
  /** How often in a row a connected Redis did not answer. */
  let silences = 0;
  let stopped: Promise<void> | null = null;
  const own = createMemoryQueue();
  /** When Redis last did what it was asked. */
  let fineMs = performance.now();

  const client = connectRedis(url, "client", failed);
  client.on("ready", () => {
    silences = 0;
    void tick();
  });
  const opened = settled(client);
  const timer = setInterval(() => void tick(), TICK_MS);

  const isAlone = () => performance.now() - fineMs > ALONE_MS;
  const away = () => stopped !== null || silences > 0 || client.status !== "ready";

  function failed(error: unknown): void {
    if (stopped !== null) return;
    troubles.heard(error);
    // The next tick finds out whether it was one slow answer.
    if (isSilence(error)) silences = Math.max(silences, 1);
  }

  function lineOf(provider: string): Line {
    const known = lines.get(provider);
    if (known !== undefined) return known;
    const line: Line = {
      queue: new Bull<LaneJob>(provider, {
        prefix,
        createClient: (kind) => {
          if (kind === "client") return client;
          if (kind === "bclient") {
            line.blocking = connectRedis(url, kind, failed);
            return line.blocking;
          }
          subscriber ??= connectRedis(url, kind, failed);
          return subscriber;
        },
        settings: {
          drainDelay: BLOCK_SECONDS,
          retryProcessDelay: RETRY_MS,
          // No job is ever delayed, so nothing is late when the timer for those is slow.
          guardInterval: 60_000,
          // A job of a process that died is anybody's again, however often that happens.
          maxStalledCount: 1_000_000,
        },
        defaultJobOptions: { attempts: 1, removeOnComplete: true, removeOnFail: true },
      }),
      loop: null,
      blocking: null,
      fresh: new Map(),
      offers: Promise.resolve(),
    };
    line.queue.setMaxListeners(0);
    line.queue.on("error", failed);
    // It names a connection, and rejects into nowhere when Redis goes away meanwhile, which would end the process.
    Object.assign(line.queue, { setWorkerName: async () => undefined });
    lines.set(provider, line);
    return line;
  }

  function consume(provider: string): void {
    const line = lineOf(provider);
    if (handler === null || stopped !== null || line.loop !== null) return;
    line.loop = line.queue
      .process(1, ({ data }) => run(provider, line, data))
      .catch(async (error: unknown) => {
        // It could not begin. A queue of Bull's begins once, so the next tick makes another.
        failed(error);
        if (stopped === null && lines.get(provider) === line) lines.delete(provider);
        await close(line);
      });
  }

  /** Never rejects: the text of an error has no business in Redis. */
  async function run(provider: string, line: Line, data: unknown): Promise<void> {
    line.fresh.clear();
    if (handler === null || stopped !== null || !isLaneJob(data)) return;
    const work = handler({ lane: data.lane, epoch: data.epoch }, provider).catch(() => undefined);
    running.set(work, provider);
    await work;
    running.delete(work);
  }

  /** Learns which providers have work somewhere, and proves that Redis can be read and written. */
  async function tick(): Promise<void> {
    if (stopped !== null || client.status !== "ready") return;
    try {
      if (lines.size > 0) await client.sadd(providersKey, ...lines.keys());
      const providers = await client.smembers(providersKey);
      silences = 0;
      fineMs = performance.now();
      troubles.fine();
      if (handler !== null) for (const provider of providers) consume(provider);
    } catch (error) {
      failed(error);
      if (!isSilence(error) || stopped !== null) return;
      silences += 1;
      if (silences < SILENCES) return;
      // A peer that vanished never closes its lines: they are ours to cut. They come back by themselves.
      for (const redis of [client, subscriber, ...[...lines.values()].map((line) => line.blocking)]) {
        redis?.disconnect(true);
      }
    }
  }

  async function add(provider: string, line: Line, job: LaneJob): Promise<void> {
    const key = `${job.lane}/${job.epoch}`;
    const freshMs = line.fresh.get(key);
    if (away() || (freshMs !== undefined && performance.now() - freshMs < FRESH_MS)) return;
    try {
      if (await hasPlace(line, job)) {
        await client.sadd(providersKey, provider);
        await line.queue.add({ lane: job.lane, epoch: job.epoch });
      }
      if (line.fresh.size > 1_000) line.fresh.clear();
      line.fresh.set(key, performance.now());
    } catch (error) {
      failed(error);
    }
  }

  /** False: as many wait as should, or this very job does. An active one does not count: its work may be over. */
  async function hasPlace(line: Line, job: LaneJob): Promise<boolean> {
    const count = await line.queue.getWaitingCount();
    if (count === 0 || count >= FEW) return count === 0;
    const waiting = await line.queue.getWaiting(0, FEW);
    return !waiting.some((other) => other?.data?.lane === job.lane && other.data.epoch === job.epoch);
  }

  async function hold(held: ReadonlySet<string>): Promise<void> {
    await opened;
    if (away()) return;
    try {
      // The queues that somebody has opened, and those that are meant.
      for (const provider of new Set([...(await client.smembers(providersKey)), ...lines.keys(), ...held])) {
        const { queue } = lineOf(provider);
        const isPaused = await queue.isPaused();
        if (held.has(provider) && !isPaused) await queue.pause();
        if (!held.has(provider) && isPaused) await queue.resume();
      }
    } catch (error) {
      failed(error);
    }
  }

  async function stop(): Promise<void> {
    clearInterval(timer);
    // From here on nothing is fetched. Closing also reconnects the blocking line, which is then cut for good.
    const closing = [...lines.values()].map(close);
    await Promise.all([own.stop(), ...running.keys()]);
    // The loops end once Redis has heard that their last jobs are done.
    const loops = client.status === "ready" ? [...lines.values()].map((line) => line.loop) : [];
    await atMost(FAREWELL_MS, Promise.allSettled([...closing, ...loops]));
    for (const line of lines.values()) line.blocking?.disconnect();
    subscriber?.disconnect();
    client.disconnect();
  }

  return {
    offer: async (provider, job) => {
      await opened;
      if (stopped === null && handler !== null && isAlone()) await own.offer(provider, job);
      if (away()) return;
      const line = lineOf(provider);
      consume(provider);
      // One after the other, so that what one adds the next one sees.
      line.offers = line.offers.then(() => add(provider, line, job));
      await line.offers;
    },
    start: async (start) => {
      handler = start;
      await own.start(start);
      for (const provider of lines.keys()) consume(provider);
      await opened;
      await tick();
    },
    depth: async (provider) => {
      const mine =
        [...running.values()].filter((one) => one === provider).length + (await own.depth(provider));
      await opened;
      if (away()) return mine;
      const { queue } = lineOf(provider);
      try {
        return (await queue.getWaitingCount()) + (await queue.getActiveCount());
      } catch (error) {
        failed(error);
        return mine;
      }
    },
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
    hold,
  };
}

/** Ends a provider's loop and its blocking connection, without waiting for its job. */
async function close(line: Line): Promise<void> {
  const closing = line.queue.close(true);
  line.blocking?.disconnect();
  await closing.catch(() => undefined);
  line.blocking?.disconnect();
}

/** What is in Redis may be of another program, or of another version of this one. */
function isLaneJob(data: unknown): data is LaneJob {
  if (typeof data !== "object" || data === null) return false;
  const { lane, epoch } = data as Partial<Record<keyof LaneJob, unknown>>;
  return Number.isInteger(lane) && Number.isInteger(epoch);
}

async function atMost(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work, late]);
  clearTimeout(timer);
}
