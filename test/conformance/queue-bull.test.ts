// The queue port on Bull and a real Redis, and what only a queue in another process must bear: a Redis that forgets
// everything, that is killed, that is connected and says nothing.
import { randomUUID } from "node:crypto";
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createBullQueue } from "../../src/adapters/queue/bull.ts";
import type { LaneJob } from "../../src/delivery/queue.ts";
import { redisMissing } from "../world/service-binaries.ts";
import { type RedisService, redisService } from "../world/services.ts";
import { describeQueue } from "./queue.ts";

const missing = redisMissing();
const foreign = process.env.BELLWETHER_TEST_REDIS_URL !== undefined;

describe.skipIf(missing !== null)(`on Bull${missing === null ? "" : ` (skipped: ${missing})`}`, () => {
  let redis: RedisService;
  beforeAll(async () => {
    redis = await redisService();
  });
  afterAll(() => redis?.end());

  const made: ReturnType<typeof createBullQueue>[] = [];
  afterEach(async () => {
    await Promise.all(made.splice(0).map((queue) => queue.stop()));
  });

  function makeQueue(prefix = `test-${randomUUID()}`) {
    const troubles: (string | null)[] = [];
    const queue = createBullQueue({
      url: redis.url,
      prefix,
      onTrouble: (trouble) => troubles.push(trouble),
    });
    made.push(queue);
    return { queue, troubles, prefix };
  }

  describeQueue("Bull on Redis", async () => makeQueue().queue);

  /** A started queue that notes what it was handed. */
  async function makeWorker(prefix?: string, work: (job: LaneJob) => Promise<void> = async () => undefined) {
    const worker = makeQueue(prefix);
    const seen: string[] = [];
    await worker.queue.start(async (job, provider) => {
      seen.push(`${provider} ${job.lane}/${job.epoch}`);
      await work(job);
    });
    return { ...worker, seen };
  }

  /** Looks again every 20 ms; what does not come true in time fails with what there was instead. */
  async function until(what: () => unknown, ms: number, holds: () => boolean | Promise<boolean>) {
    const end = performance.now() + ms;
    while (!(await holds())) {
      if (performance.now() > end) expect.fail(`not within ${ms} ms: ${JSON.stringify(what())}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Offers, as a dispatcher does, until the worker has had it; returns the longest that an offer took. */
  async function offerUntil(worker: Awaited<ReturnType<typeof makeWorker>>, job: LaneJob, ms: number) {
    let longestMs = 0;
    await until(
      () => worker.troubles,
      ms,
      async () => {
        const startMs = performance.now();
        await worker.queue.offer("google", job);
        longestMs = Math.max(longestMs, performance.now() - startMs);
        return worker.seen.includes(`google ${job.lane}/${job.epoch}`);
      },
    );
    return longestMs;
  }

  async function inspect<T>(look: (client: Redis) => Promise<T>): Promise<T> {
    const client = new Redis(redis.url);
    try {
      return await look(client);
    } finally {
      client.disconnect();
    }
  }

  const connectionsOf = (client: Redis) =>
    client
      .client("LIST")
      .then((list) => String(list).match(/name=bellwether-\w+/g) ?? [])
      .then((names) => names.length);

  test("a job reaches a worker in another process that never heard of its provider", async () => {
    const worker = await makeWorker();
    const server = makeQueue(worker.prefix);
    await server.queue.offer("yahoo", { lane: 5, epoch: 2 });
    await until(
      () => worker.seen,
      5_000,
      () => worker.seen.length > 0,
    );
    expect(worker.seen).toEqual(["yahoo 5/2"]);
  });

  test("a job that waits is not offered twice by two processes, and is taken by one of two workers", async () => {
    const one = makeQueue();
    const two = makeQueue(one.prefix);
    await one.queue.offer("google", { lane: 1, epoch: 1 });
    await two.queue.offer("google", { lane: 1, epoch: 1 });
    await two.queue.offer("google", { lane: 1, epoch: 2 });
    expect(await two.queue.depth("google")).toBe(2);
    const workers = [await makeWorker(one.prefix), await makeWorker(one.prefix)];
    const seen = () => workers.flatMap((worker) => worker.seen).sort();
    await until(seen, 5_000, () => seen().length === 2);
    expect(seen()).toEqual(["google 1/1", "google 1/2"]);
  });

  test("what another program put into the queue is passed over", async () => {
    const { queue, prefix } = makeQueue();
    await queue.offer("google", { lane: 1, epoch: 1 });
    await queue.offer("google", { lane: 2, epoch: 1 });
    await inspect((client) => client.hset(`${prefix}:google:1`, "data", '{"lane":"x"}'));
    const worker = await makeWorker(prefix);
    await until(
      () => worker.seen,
      5_000,
      () => worker.seen.length > 0,
    );
    expect(worker.seen).toEqual(["google 2/1"]);
  });

  test("a provider that is paused hands out nothing until it is resumed", async () => {
    const worker = await makeWorker();
    await worker.queue.hold(new Set(["google"]));
    await worker.queue.hold(new Set(["google"]));
    await worker.queue.offer("google", { lane: 1, epoch: 1 });
    await worker.queue.offer("yahoo", { lane: 2, epoch: 1 });
    await until(
      () => worker.seen,
      5_000,
      () => worker.seen.length > 0,
    );
    expect(worker.seen).toEqual(["yahoo 2/1"]);
    expect(await worker.queue.depth("google")).toBe(1);
    await worker.queue.hold(new Set());
    await until(
      () => worker.seen,
      5_000,
      () => worker.seen.length > 1,
    );
    expect(worker.seen).toEqual(["yahoo 2/1", "google 1/1"]);
  });

  test("a provider that is held stands still again after a flush, and what somebody else paused goes on", async () => {
    const { queue, prefix } = makeQueue();
    const isPaused = (provider: string) =>
      inspect(async (client) => (await client.exists(`${prefix}:${provider}:meta-paused`)) === 1);
    await queue.offer("yahoo", { lane: 1, epoch: 1 });
    await queue.hold(new Set(["google"]));
    expect(await isPaused("google")).toBe(true);
    await inspect((client) => client.del(`${prefix}:google:meta-paused`, `${prefix}:google:meta`));
    await inspect((client) => client.set(`${prefix}:yahoo:meta-paused`, "1"));
    await queue.hold(new Set(["google"]));
    expect([await isPaused("google"), await isPaused("yahoo")]).toEqual([true, false]);
  });

  test("keys and connections stay few after 10,000 offers to 10 providers", async () => {
    const prefix = `test-${randomUUID()}`;
    const providers = Array.from({ length: 10 }, (_, i) => `provider${i}`);
    let finish = () => {};
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const worker = await makeWorker(prefix, () => finished);
    const before = await inspect(connectionsOf);
    const startMs = performance.now();
    await Promise.all(
      providers.map(async (provider) => {
        for (let lane = 1; lane <= 1_000; lane++) await worker.queue.offer(provider, { lane, epoch: 1 });
      }),
    );
    const tookMs = performance.now() - startMs;
    await until(
      () => worker.seen,
      5_000,
      () => worker.seen.length === 10,
    );
    const { keys, connections, text } = await inspect(async (client) => {
      const keys = await client.keys(`${prefix}:*`);
      return { keys, connections: await connectionsOf(client), text: await everything(client, keys) };
    });
    console.log(
      `10,000 offers in ${Math.round(tookMs)} ms; ${keys.length} keys; connections ${before} -> ${connections}`,
    );
    for (const provider of providers) expect(await worker.queue.depth(provider)).toBeLessThanOrEqual(17);
    // 16 waiting jobs and an active one with its lock, seven keys of Bull's; and the set of the providers.
    expect(keys.length).toBeLessThanOrEqual(10 * (16 + 2 + 7) + 1);
    expect(connections).toBeLessThanOrEqual(2 + 10);
    // Data are lane and epoch alone, and nobody's address is anywhere.
    const data = text.filter(([, field]) => field === "data").map(([, , value]) => value);
    expect(data.length).toBeGreaterThan(100);
    for (const value of data) expect(value).toMatch(/^\{"lane":\d+,"epoch":1\}$/);
    expect(JSON.stringify(text)).not.toContain("@");

    finish();
    await until(
      () => worker.seen.length,
      10_000,
      async () => {
        const depths = await Promise.all(providers.map((provider) => worker.queue.depth(provider)));
        return depths.every((depth) => depth === 0);
      },
    );
    const left = await inspect((client) => client.keys(`${prefix}:*`));
    console.log(`${worker.seen.length} jobs handled; ${left.length} keys left`);
    expect(left.length).toBeLessThanOrEqual(10 * 4 + 1);
    await worker.queue.stop();
    await until(
      () => "connections are left",
      1_000,
      async () => (await inspect(connectionsOf)) < connections - 11,
    );
  });

  test("the text of a handler's error never reaches Redis", async () => {
    const worker = await makeWorker(undefined, async () => {
      throw new Error("no mail for jane@example.com");
    });
    const heard: string[] = [];
    const listener = new Redis(redis.url);
    listener.on("pmessage", (_pattern, channel, message) => heard.push(`${channel} ${message}`));
    await listener.psubscribe("*");
    await worker.queue.offer("google", { lane: 1, epoch: 1 });
    await until(
      () => heard,
      5_000,
      () => heard.some((text) => text.includes("completed")),
    );
    const keys = await inspect(async (client) => everything(client, await client.keys("*")));
    listener.disconnect();
    expect(JSON.stringify([heard, keys])).not.toContain("jane");
  });

  describe.skipIf(foreign)("when Redis fails (only on a Redis of the tests' own)", () => {
    test("everything is forgotten while a handler runs, scripts too: jobs flow again, and no trouble is told", async () => {
      let finish = () => {};
      const held = new Promise<void>((resolve) => {
        finish = resolve;
      });
      const worker = await makeWorker(undefined, (job) => (job.lane === 1 ? held : Promise.resolve()));
      await offerUntil(worker, { lane: 1, epoch: 1 }, 5_000);
      await worker.queue.offer("google", { lane: 2, epoch: 1 });
      await redis.flush();
      await inspect((client) => client.script("FLUSH"));
      finish();
      const startMs = performance.now();
      await offerUntil(worker, { lane: 3, epoch: 1 }, 10_000);
      console.log(`jobs flow ${Math.round(performance.now() - startMs)} ms after a flush`);
      await redis.flush();
      await offerUntil(worker, { lane: 4, epoch: 1 }, 10_000);
      expect(worker.seen).not.toContain("google 2/1");
      expect(worker.troubles).toEqual([]);
    });

    test("kill -9: offers return at once and do not throw, it is told once, and jobs flow again", async () => {
      const worker = await makeWorker();
      await offerUntil(worker, { lane: 1, epoch: 1 }, 5_000);
      await redis.kill();
      let longestMs = 0;
      for (let i = 0; i < 20; i++) {
        const startMs = performance.now();
        await worker.queue.offer(i % 2 === 0 ? "google" : "yahoo", { lane: 100 + i, epoch: 1 });
        await worker.queue.depth("google");
        longestMs = Math.max(longestMs, performance.now() - startMs);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      expect(longestMs).toBeLessThan(2_000);
      expect(worker.troubles).toHaveLength(1);
      expect(worker.troubles[0]).toMatch(/^Redis at 127\.0\.0\.1:\d+ cannot be reached: /);

      await redis.start();
      const startMs = performance.now();
      await offerUntil(worker, { lane: 2, epoch: 1 }, 10_000);
      console.log(
        `kill -9: longest offer ${longestMs.toFixed(1)} ms; jobs flow ${Math.round(performance.now() - startMs)} ms after`,
      );
      await until(
        () => worker.troubles,
        10_000,
        () => worker.troubles.length === 2,
      );
      expect(worker.troubles[1]).toBeNull();
    });

    test("a Redis that was away at the start is used when it comes", async () => {
      await redis.stop();
      const startMs = performance.now();
      const worker = await makeWorker();
      await worker.queue.offer("google", { lane: 1, epoch: 1 });
      expect(performance.now() - startMs).toBeLessThan(2_000);
      expect(worker.seen).toEqual([]);
      await redis.start();
      await offerUntil(worker, { lane: 1, epoch: 1 }, 10_000);
    });

    test("a Redis that is connected and silent costs one second, not one for each offer", async () => {
      const worker = await makeWorker();
      const others = [await makeWorker(), await makeWorker()];
      for (const other of others) await offerUntil(other, { lane: 1, epoch: 1 }, 5_000);
      const stopOther = async () => {
        const startMs = performance.now();
        await others.pop()?.queue.stop();
        const tookMs = Math.round(performance.now() - startMs);
        console.log(`stop while Redis is silent: ${tookMs} ms`);
        expect(tookMs).toBeLessThan(3_000);
      };
      await offerUntil(worker, { lane: 1, epoch: 1 }, 5_000);
      redis.freeze();
      try {
        await stopOther();
        const startMs = performance.now();
        for (let lane = 10; lane < 30; lane++) await worker.queue.offer("google", { lane, epoch: 1 });
        expect(performance.now() - startMs).toBeLessThan(2_000);
        // Long enough that its lines are given up.
        await new Promise((resolve) => setTimeout(resolve, 6_000));
        await stopOther();
      } finally {
        redis.thaw();
      }
      const startMs = performance.now();
      await offerUntil(worker, { lane: 2, epoch: 1 }, 10_000);
      console.log(`jobs flow ${Math.round(performance.now() - startMs)} ms after a silence`);
      await until(
        () => worker.troubles,
        10_000,
        () => worker.troubles.at(-1) === null,
      );
      expect(worker.troubles).toHaveLength(2);
    });

    test("a worker without Redis for two seconds takes its own offers, and shares them again when it is back", async () => {
      const worker = await makeWorker();
      await offerUntil(worker, { lane: 1, epoch: 1 }, 5_000);
      await redis.kill();
      try {
        const tookMs = performance.now();
        await offerUntil(worker, { lane: 2, epoch: 1 }, 5_000);
        expect(performance.now() - tookMs).toBeGreaterThan(1_000);
        // Who has no handler has nobody to hand a job to.
        const server = makeQueue(worker.prefix);
        await new Promise((resolve) => setTimeout(resolve, 2_500));
        await server.queue.offer("google", { lane: 3, epoch: 1 });
        expect(await server.queue.depth("google")).toBe(0);
      } finally {
        await redis.start();
      }
      await until(
        () => worker.troubles,
        10_000,
        () => worker.troubles.at(-1) === null,
      );
      const other = await makeWorker(worker.prefix);
      const seen = () => [...worker.seen, ...other.seen].filter((one) => one === "google 4/1");
      await worker.queue.offer("google", { lane: 4, epoch: 1 });
      await until(seen, 5_000, () => seen().length === 1);
    });

    test("a Redis that refuses to write is told in its own words", async () => {
      const worker = await makeWorker();
      await offerUntil(worker, { lane: 1, epoch: 1 }, 5_000);
      await inspect((client) => client.config("SET", "maxmemory", "1"));
      try {
        await until(
          () => worker.troubles,
          5_000,
          () => worker.troubles.length > 0,
        );
        expect(worker.troubles[0]).toMatch(/refuses: OOM command not allowed/);
      } finally {
        await inspect((client) => client.config("SET", "maxmemory", "0"));
      }
      await offerUntil(worker, { lane: 2, epoch: 1 }, 10_000);
    });

    test("stop waits for the handler, and no longer than it must, when Redis is away", async () => {
      let finish = () => {};
      const held = new Promise<void>((resolve) => {
        finish = resolve;
      });
      const worker = await makeWorker(undefined, () => held);
      await offerUntil(worker, { lane: 1, epoch: 1 }, 5_000);
      await redis.kill();
      try {
        let stopped = false;
        const stopping = worker.queue.stop().then(() => {
          stopped = true;
        });
        await new Promise((resolve) => setTimeout(resolve, 700));
        expect(stopped).toBe(false);
        finish();
        const startMs = performance.now();
        await stopping;
        await worker.queue.stop();
        console.log(`stop without Redis: ${Math.round(performance.now() - startMs)} ms after the handler`);
        expect(performance.now() - startMs).toBeLessThan(3_000);
        const startNeverMs = performance.now();
        await makeQueue().queue.stop();
        expect(performance.now() - startNeverMs).toBeLessThan(3_000);
      } finally {
        await redis.start();
      }
    });
  });
});

/** Every field and value under these keys: key, field, value. */
async function everything(client: Redis, keys: string[]): Promise<[string, string, string][]> {
  const rows: [string, string, string][] = [];
  for (const key of keys) {
    const type = await client.type(key);
    if (type === "hash") {
      for (const [field, value] of Object.entries(await client.hgetall(key))) rows.push([key, field, value]);
    } else if (type === "list") {
      for (const value of await client.lrange(key, 0, -1)) rows.push([key, "list", value]);
    } else if (type === "set") {
      for (const value of await client.smembers(key)) rows.push([key, "set", value]);
    } else if (type === "string") {
      rows.push([key, "string", (await client.get(key)) ?? ""]);
    } else if (type !== "none") {
      throw new Error(`${key} is a ${type}: look into it too`);
    }
  }
  return rows;
}
