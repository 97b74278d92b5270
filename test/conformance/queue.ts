// The conformance suite of the queue port: what every queue must do, and what none needs to. A queue may lose jobs,
// so nothing here asks for delivery after a stop.
import { afterEach, describe, expect, test } from "vitest";
import type { JobQueue, LaneJob } from "../../src/delivery/queue.ts";

export function describeQueue(name: string, makeQueue: () => Promise<JobQueue>): void {
  describe(`the queue port: ${name}`, () => {
    let queue: JobQueue | undefined;
    afterEach(async () => {
      await queue?.stop();
      queue = undefined;
    });

    /** A queue whose handler notes each job and waits until it is let go. */
    async function started() {
      const made = await makeQueue();
      queue = made;
      const seen: { job: LaneJob; provider: string }[] = [];
      const gates: (() => void)[] = [];
      let wake = () => {};
      let finished = false;
      await made.start(async (job, provider) => {
        seen.push({ job, provider });
        wake();
        if (!finished) await new Promise<void>((resolve) => gates.push(resolve));
      });
      const letGo = () => {
        for (const open of gates.splice(0)) open();
      };
      return {
        queue: made,
        seen,
        letGo,
        /** From here on no handler waits. */
        finish: () => {
          finished = true;
          letGo();
        },
        until: async (count: number) => {
          while (seen.length < count) {
            await new Promise<void>((resolve) => {
              wake = resolve;
            });
          }
        },
      };
    }

    test("an offered job reaches the handler with its provider", async () => {
      const { queue: q, seen, until, letGo } = await started();
      await q.offer("google", { lane: 7, epoch: 3 });
      await until(1);
      expect(seen).toEqual([{ job: { lane: 7, epoch: 3 }, provider: "google" }]);
      letGo();
    });

    test("one provider's jobs go one at a time, and do not keep another provider's waiting", async () => {
      const { queue: q, seen, until, letGo, finish } = await started();
      await q.offer("google", { lane: 1, epoch: 1 });
      await q.offer("google", { lane: 2, epoch: 1 });
      await q.offer("yahoo", { lane: 3, epoch: 1 });
      await until(2);
      expect(seen.map((one) => one.job.lane).sort()).toEqual([1, 3]);
      letGo();
      await until(3);
      expect(seen[2]?.job.lane).toBe(2);
      finish();
    });

    test("the number of waiting jobs stays small however many are offered", async () => {
      const { queue: q, until, finish } = await started();
      for (let lane = 1; lane <= 1_000; lane++) await q.offer("google", { lane, epoch: 1 });
      await until(1);
      expect(await q.depth("google")).toBeLessThanOrEqual(32);
      finish();
    });

    test("the same job offered again while it waits is one job", async () => {
      const { queue: q, until, finish } = await started();
      await q.offer("google", { lane: 1, epoch: 1 });
      await until(1);
      for (let i = 0; i < 5; i++) await q.offer("google", { lane: 2, epoch: 1 });
      expect(await q.depth("google")).toBe(2);
      finish();
    });

    test("a handler that throws loses its job and nothing else", async () => {
      const made = await makeQueue();
      queue = made;
      const handled: number[] = [];
      const done = new Promise<void>((resolve) => {
        void made.start(async (job) => {
          handled.push(job.lane);
          if (job.lane === 1) throw new Error("a handler fails");
          resolve();
        });
      });
      await made.offer("google", { lane: 1, epoch: 1 });
      await made.offer("google", { lane: 2, epoch: 1 });
      await done;
      expect(handled).toEqual([1, 2]);
    });

    test("stop waits for the running handler, hands out nothing after it, and may be called twice", async () => {
      const { queue: q, seen, until, letGo } = await started();
      await q.offer("google", { lane: 1, epoch: 1 });
      await q.offer("google", { lane: 2, epoch: 1 });
      await until(1);
      let stopped = false;
      const stopping = q.stop().then(() => {
        stopped = true;
      });
      await new Promise((resolve) => setImmediate(resolve));
      expect(stopped).toBe(false);
      letGo();
      await stopping;
      await q.stop();
      await q.offer("google", { lane: 3, epoch: 1 });
      expect(seen).toHaveLength(1);
    });

    test("a queue that was never started can be stopped", async () => {
      queue = await makeQueue();
      await queue.stop();
      expect(await queue.depth("google")).toBe(0);
    });
  });
}
