// How often a worker waits for PostgreSQL: a database that is far away costs its distance as often as that, and a lane is
// locked as long.
import { describe, expect, test } from "vitest";
import { openPostgresql } from "../../src/adapters/database/postgresql.ts";
import { createLedger } from "../../src/adapters/store/ledger.ts";
import { createTestClock } from "../world/clock.ts";
import { BREAKER, runCampaign, settleOf } from "../world/ledger.ts";
import { openPostgresqlWorld } from "../world/postgresql.ts";
import { endServerAfterAll, postgresServer, withoutPostgres } from "../world/postgresql-server.ts";
import { startSlowProxy } from "../world/slow-proxy.ts";

/** Long enough that all that is sent without waiting is sent before the first answer comes. */
const DELAY_MS = 100;

describe.skipIf(withoutPostgres !== null)("round trips", () => {
  endServerAfterAll();

  test("a commit is two, a claim three, a sign of life one", async ({ onTestFinished }) => {
    const world = await openPostgresqlWorld((await postgresServer()).url);
    onTestFinished(() => world.close());
    const proxy = await startSlowProxy({ target: world.url, answerDelayMs: DELAY_MS });
    onTestFinished(() => proxy.close());
    const clock = createTestClock();
    const db = await openPostgresql({ url: proxy.urlOf(world.url), clock, time: "clock" });
    onTestFinished(() => db.close());
    const ledger = createLedger(db, { breaker: BREAKER });
    await runCampaign(world, [{ provider: "google", size: 20, window: 20 }]);
    await ledger.register({ id: "w1", host: "here", pid: 1, exclusive: false });
    const [lane] = await ledger.lanes();
    if (lane === undefined) throw new Error("There is no lane.");
    const count = async <T>(work: () => Promise<T>): Promise<[number, T]> => {
      const before = proxy.roundTrips;
      const result = await work();
      return [proxy.roundTrips - before, result];
    };

    const [claim, { deliveries }] = await count(() =>
      ledger.claim({ worker: "w1", laneId: lane.id, limit: 20 }),
    );
    expect(deliveries).toHaveLength(20);
    const intents = deliveries.map((one) => ({
      delivery: one.id,
      laneId: one.laneId,
      epoch: one.epoch,
      worker: one.worker,
      try: one.try + 1,
    }));
    const group = { worker: "w1", settles: [], doors: [] };
    await ledger.commit({ ...group, intents: intents.slice(0, 10) });
    const settles = deliveries.slice(0, 10).map((one) => settleOf(one, "accepted", { atMs: clock.now() }));
    const [commit, { intended }] = await count(() =>
      ledger.commit({ ...group, settles, intents: intents.slice(10) }),
    );
    expect(intended.size).toBe(10);
    const [beat] = await count(() => ledger.heartbeat("w1"));
    expect({ claim, commit, beat }).toEqual({ claim: 3, commit: 2, beat: 1 });
  });
});
