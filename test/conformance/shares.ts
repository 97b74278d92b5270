// The conformance suite of the port by which sending processes share a route: never more connections than its limit,
// never more mails than its rate, and an equal part for everybody who has work.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Database } from "../../src/adapters/database/database.ts";
import { createSharedRoutes } from "../../src/adapters/store/shared-routes.ts";
import { systemClock } from "../../src/clock.ts";
import { createPacer } from "../../src/delivery/pace.ts";
import type { RouteShares, Share } from "../../src/delivery/share.ts";
import type { LedgerWorld } from "../world/ledger.ts";
import fc from "../world/property.ts";
import { LEASE_MS } from "./ledger-hands.ts";

export interface SharesWorld extends LedgerWorld {
  /** The same database as another process has it, by the system's time; each its own where processes can share it. */
  reopen(count: number): Promise<Database[]>;
}

/** A process as it obeys the port: it never has more open than the last answer allows. */
class SimWorker {
  share: Share = { owned: 0, target: 0 };
  open = 0;
  isDead = false;
  readonly id: string;
  readonly #shares: RouteShares;
  readonly #route: string;
  readonly #limit: number;

  constructor(id: string, shares: RouteShares, route: string, limit: number) {
    this.id = id;
    this.#shares = shares;
    this.#route = route;
    this.#limit = limit;
  }

  /** One round: ends some, asks, and opens all that it may. */
  async round(wanted: number, ends = this.open): Promise<Share> {
    const { owned, target } = this.share;
    this.open = Math.max(this.open - ends, Math.min(this.open, target, wanted));
    const keep = Math.min(owned, Math.max(this.open, Math.min(target, wanted)));
    this.share = { owned: keep, target };
    this.share = await this.#shares.share({
      worker: this.id,
      route: this.#route,
      limit: this.#limit,
      keep,
      wanted,
    });
    // Whoever died meanwhile opens nothing any more: its lease has run out.
    if (!this.isDead) this.open = Math.max(this.open, Math.min(wanted, this.share.owned, this.share.target));
    return this.share;
  }
}

export function describeShares(name: string, makeWorld: () => Promise<SharesWorld>): void {
  describe(`the shares of a route on ${name}`, () => {
    let world: SharesWorld;
    let shares: RouteShares;
    let made = 0;
    beforeEach(async () => {
      world = await makeWorld();
      shares = createSharedRoutes(world.db);
    });
    afterEach(() => world.close());

    async function workersOf(count: number, limit: number): Promise<SimWorker[]> {
      made += 1;
      const workers = Array.from(
        { length: count },
        (_, i) => new SimWorker(`r${made}-w${i + 1}`, shares, `route-${made}`, limit),
      );
      for (const { id } of workers)
        await world.ledger.register({ id, host: "here", pid: 1, exclusive: false });
      return workers;
    }

    /** Everybody alive says so, and the others are found dead. */
    async function reap(alive: readonly SimWorker[]): Promise<void> {
      world.clock.advance(LEASE_MS + 1);
      for (const { id } of alive) await world.ledger.heartbeat(id);
      await world.ledger.reap({ leaseMs: LEASE_MS, self: alive[0]?.id ?? "nobody" });
    }

    const rows = (route: string) => world.db.read.share.findMany({ where: { route } });

    test("four workers never have more open than the limit, whatever they want, end, and when one dies", async () => {
      const step = fc.record({ wanted: fc.nat(8), ends: fc.nat(4) });
      await fc.assert(
        fc.asyncProperty(
          fc.integer({ min: 1, max: 7 }),
          fc.array(fc.array(step, { minLength: 1, maxLength: 7 }), { minLength: 4, maxLength: 4 }),
          fc.option(fc.nat(6)),
          async (limit, plans, dies) => {
            const workers = await workersOf(4, limit);
            const route = `route-${made}`;
            let most = 0;
            const look = () => {
              const live = workers.filter((one) => !one.isDead);
              const total = (of: (one: SimWorker) => number) => live.reduce((sum, one) => sum + of(one), 0);
              most = Math.max(
                most,
                total((one) => one.open),
                total((one) => one.share.owned),
              );
            };
            const [mortal, ...others] = workers;
            await Promise.all(
              plans.map(async (plan, i) => {
                const worker = workers[i];
                for (const [at, { wanted, ends }] of plan.entries()) {
                  if (worker === undefined || worker.isDead) return;
                  await worker.round(wanted, ends);
                  look();
                  if (worker !== mortal || at !== dies) continue;
                  // Its lease has run out before others may call it dead.
                  worker.isDead = true;
                  await reap(others);
                  expect(await worker.round(8)).toEqual({ owned: 0, target: 0 });
                }
              }),
            );
            expect(most).toBeLessThanOrEqual(limit);
            const owned = (await rows(route)).reduce((sum, row) => sum + row.owned, 0);
            expect(owned).toBeLessThanOrEqual(limit);
            // Nothing is lost by it: all that nobody has is there to be had.
            for (const one of others) await one.round(0);
            if (mortal?.isDead === false) await mortal.round(0);
            const [last] = others;
            expect((await last?.round(8))?.owned).toBe(Math.min(8, limit));
            for (const one of workers) if (!one.isDead) await one.round(0);
            expect(await rows(route)).toEqual([]);
          },
        ),
        { numRuns: 25 },
      );
    });

    test("a newcomer gets its equal part within two rounds, and only as connections end", async () => {
      const workers = await workersOf(3, 8);
      const [a, b, c] = workers as [SimWorker, SimWorker, SimWorker];
      expect(await a.round(20)).toMatchObject({ owned: 8 });
      expect(await b.round(20)).toMatchObject({ owned: 0 });
      // Nothing of `a` has ended.
      expect(await a.round(20, 0)).toEqual({ owned: 8, target: 4 });
      expect(a.open).toBe(8);
      for (const one of [a, b]) await one.round(20);
      expect([a.open, b.open]).toEqual([4, 4]);
      await c.round(20);
      for (let i = 0; i < 2; i++) for (const one of workers) await one.round(20);
      expect([a.open, b.open, c.open]).toEqual([3, 3, 2]);
    });

    test("what one has no work for is the others'; whoever ends gives back all", async () => {
      const [a, b] = (await workersOf(2, 8)) as [SimWorker, SimWorker];
      await a.round(1);
      expect(await b.round(20)).toEqual({ owned: 7, target: 7 });
      await a.round(0);
      expect(await b.round(20)).toEqual({ owned: 8, target: 8 });
      await b.round(0);
      expect(await rows(`route-${made}`)).toEqual([]);
    });

    test("of more workers than connections some have none, always the same ones", async () => {
      const workers = await workersOf(4, 2);
      for (let i = 0; i < 3; i++) for (const one of workers) await one.round(5);
      expect(workers.map((one) => one.open)).toEqual([1, 1, 0, 0]);
    });

    test("an answer that was lost takes nothing away: asked again, the same is said", async () => {
      const [a, b] = (await workersOf(2, 6)) as [SimWorker, SimWorker];
      const request = { route: `route-${made}`, limit: 6, keep: 0, wanted: 4 };
      await shares.share({ ...request, worker: a.id });
      expect(await shares.share({ ...request, worker: a.id })).toMatchObject({ owned: 4 });
      expect((await b.round(6)).owned).toBe(2);
    });

    test("a limit that was lowered is reached as connections end", async () => {
      const [a, b] = (await workersOf(2, 8)) as [SimWorker, SimWorker];
      await a.round(20);
      const request = { worker: b.id, route: `route-${made}`, limit: 3, keep: 0, wanted: 3 };
      expect((await shares.share(request)).owned).toBe(0);
      const lowered = { worker: a.id, route: `route-${made}`, limit: 3, keep: 8, wanted: 3 };
      const { owned, target } = await shares.share(lowered);
      expect([owned, target]).toEqual([8, 2]);
      await shares.share({ ...lowered, keep: target });
      expect((await shares.share(request)).owned).toBe(1);
    });

    test("the connections of a dead worker come back with the reaper, even while it asks", async () => {
      for (let i = 0; i < 10; i++) {
        const [a, b] = (await workersOf(2, 5)) as [SimWorker, SimWorker];
        await a.round(20);
        expect((await b.round(20)).owned).toBe(0);
        world.clock.advance(LEASE_MS + 1);
        await world.ledger.heartbeat(b.id);
        await Promise.all([
          world.ledger.reap({ leaseMs: LEASE_MS, self: b.id }),
          ...[1, 2, 3].map(() =>
            shares.share({ worker: a.id, route: `route-${made}`, limit: 5, keep: 5, wanted: 5 }),
          ),
        ]);
        expect((await rows(`route-${made}`)).map((row) => row.workerId)).toEqual([b.id]);
        expect((await b.round(20)).owned).toBe(5);
        await b.round(0);
      }
    });

    test("the rate holds over four workers, by the clock, in few transactions", async () => {
      const rate = { count: 500, perMs: 1000 };
      const databases = await world.reopen(4);
      const stop = new AbortController();
      const startsMs: number[] = [];
      let reservations = 0;
      const connections = databases.flatMap((db) => {
        const routes = createSharedRoutes(db);
        const pacer = createPacer({
          rate,
          clock: systemClock,
          signal: stop.signal,
          reserve: (rate, count) => {
            reservations += 1;
            return routes.reserve({ route: "paced", rate, count });
          },
        });
        return Array.from({ length: 5 }, async (_, i) => {
          for (;;) {
            await pacer.take();
            if (stop.signal.aborted) return;
            startsMs.push(systemClock.monotonic());
            await systemClock.sleep(i);
          }
        });
      });
      await systemClock.sleep(2_000);
      stop.abort();
      await Promise.all(connections);
      for (const db of databases) await db.close();
      const first = startsMs[0] ?? 0;
      const tookMs = (startsMs.at(-1) ?? 0) - first;
      const perMs = rate.count / rate.perMs;
      // The processes' ideas of the database's time differ by some milliseconds.
      const disagreedMs = 10;
      let lowest = Number.POSITIVE_INFINITY;
      const bursts = startsMs.map((atMs, i) => {
        lowest = Math.min(lowest, i - atMs * perMs);
        return i - atMs * perMs - lowest + 1;
      });
      expect(Math.max(...bursts)).toBeLessThanOrEqual((100 + disagreedMs) * perMs + 1);
      expect(startsMs.length).toBeGreaterThan(0.8 * perMs * tookMs);
      expect(reservations).toBeLessThan(startsMs.length / 3);
    });

    test("places that were reserved together follow one another, and a clock that was put back does not stop a route", async () => {
      const route = "paced";
      const rate = { count: 10, perMs: 1000 };
      const [one, two] = [
        await shares.reserve({ route, rate, count: 3 }),
        await shares.reserve({ route, rate, count: 2 }),
      ];
      expect([...one, ...two].map((ms) => Math.round(ms))).toEqual([0, 100, 200, 300, 400]);
      world.clock.advance(250);
      expect((await shares.reserve({ route, rate, count: 1 })).map(Math.round)).toEqual([250]);
      world.clock.jump(-3_600_000);
      expect((await shares.reserve({ route, rate, count: 1 })).map(Math.round)).toEqual([0]);
    });
  });
}
