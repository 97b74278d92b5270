// Progress: the same numbers as the report, and a watch on them that leaves the time to the sending.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createReportStore } from "../../../src/adapters/store/reports.ts";
import { systemClock } from "../../../src/clock.ts";
import { progressOf, watchProgress } from "../../../src/report/progress.ts";
import type { ReportStore } from "../../../src/report/store.ts";
import { NO_REVERSE_DNS, openRows, type Rows } from "../../world/rows.ts";

let world: Rows;
let store: ReportStore;
beforeAll(async () => {
  world = await openRows();
  store = createReportStore(world.db);
});
afterAll(() => world.close());

describe("progress", () => {
  it("has the numbers of each lane, the largest first", async () => {
    const id = await world.campaign({
      lanes: {
        orange: { accepted: 1, "handed-over": 1, complained: 1, uncertain: 1 },
        google: { accepted: 2, bounced: 3, pending: 4, sending: 1, deferred: 2 },
      },
      holds: { google: NO_REVERSE_DNS },
    });
    expect(await progressOf(store, id)).toEqual({
      campaign: id,
      sentinels: [],
      name: "Server s12 is replaced",
      state: "running",
      start: null,
      size: 16,
      told: 5,
      lanes: [
        {
          provider: "google",
          state: "held",
          size: 12,
          told: 2,
          deferred: 2,
          bounced: 3,
          pending: 5,
          uncertain: 0,
          window: 1,
        },
        {
          provider: "orange",
          state: "ramping",
          size: 4,
          told: 3,
          deferred: 0,
          bounced: 0,
          pending: 0,
          uncertain: 1,
          window: 1,
        },
      ],
    });
    await expect(progressOf(store, 999_999)).rejects.toMatchObject({ code: "campaign-missing" });
  });

  it("counts again only when the last count is 20 times as old as it took", async () => {
    const campaignId = await world.campaign({ lanes: { google: { accepted: 1 } } });
    let now = 1_000;
    let counts = 0;
    const slow: ReportStore = {
      ...store,
      snapshot: (id) => {
        counts += 1;
        now += 100;
        return store.snapshot(id);
      },
    };
    const look = watchProgress({ store: slow, clock: { ...systemClock, monotonic: () => now }, campaignId });
    const first = await look();
    now += 1_999;
    expect(await look()).toBe(first);
    expect(counts).toBe(1);
    now += 1;
    expect(await look()).toEqual(first);
    expect(counts).toBe(2);
  });
});
