// What watching asks of the database. The gauges come from its lanes and from the queue: eight short statements a
// scrape, whatever a campaign's size, since a lane's row holds its own counts.
import { readPulse } from "../../breaker/breaker.ts";
import type { Hold } from "../../breaker/hold.ts";
import type { JobQueue } from "../../delivery/queue.ts";
import type { LaneState } from "../../provider/lane.ts";
import type { GaugeSource, LaneGauge } from "../../report/gauges.ts";
import { isAlive } from "../../report/intakes.ts";
import type { Database } from "../database/database.ts";
import { countOpen } from "../store/alerts.ts";
import { createIntakeStore } from "../store/intakes.ts";
import { createReturnedSource } from "../store/returned.ts";
import { countAlive } from "../store/workers.ts";

const DAY_MS = 24 * 60 * 60_000;

export function createGaugeSource(options: {
  db: Pick<Database, "read" | "now" | "write">;
  /** Null: this process has no queue of its own to look into. */
  queue: Pick<JobQueue, "depth"> | null;
}): GaugeSource {
  const { db, queue } = options;
  const { read } = db;
  const sources = createIntakeStore(db);
  const reports = createReturnedSource(db);
  return {
    read: async () => {
      const open = await read.campaign.findMany({
        where: { state: { in: ["running", "paused"] } },
        select: { id: true },
      });
      const [rows, workers, routesHeld, held, intakes, unmatched, alerts] = await Promise.all([
        read.lane.findMany({ where: { campaignId: { in: open.map((campaign) => campaign.id) } } }),
        countAlive(db),
        read.route.count({ where: { state: "held" } }),
        read.$queryRawUnsafe<{ provider: string }[]>("SELECT provider FROM provider_hold"),
        sources.intakes(),
        reports.unmatchedSince(db.now() - DAY_MS),
        countOpen(db),
      ]);
      const lanes = rows.map(toGauge);
      const depth = new Map<string, number>();
      if (queue !== null) {
        for (const provider of new Set(lanes.map((lane) => lane.provider))) {
          depth.set(provider, await queue.depth(provider));
        }
      }
      return {
        lanes,
        workers,
        routesHeld,
        providersHeld: held.map((one) => one.provider),
        depth,
        intakes: intakes.map((one) => ({ name: one.name, alive: isAlive(one), lagMs: one.lagMs })),
        unmatched,
        alerts,
      };
    },
  };
}

/** What /readyz asks: does the database answer, and is this process one of its senders? */
export function readyCheck(options: {
  db: Pick<Database, "read">;
  /** This process's engine; null while it does not drive. */
  engine: () => { readonly registered: boolean } | null;
}): () => Promise<string | null> {
  return async () => {
    try {
      await options.db.read.$queryRawUnsafe("SELECT 1");
    } catch {
      return "the database does not answer";
    }
    return options.engine()?.registered === true ? null : "not registered as a sender";
  };
}

function toGauge(row: {
  id: number;
  campaignId: number;
  provider: string;
  state: string;
  size: number;
  window: number;
  outstanding: number;
  unconfirmed: number;
  pulse: string;
  hold: string | null;
}): LaneGauge {
  const { id, campaignId, provider, size, window, outstanding, unconfirmed } = row;
  const pulse = readPulse(row.pulse);
  const hold: Hold | null = row.hold === null ? null : JSON.parse(row.hold);
  return {
    ...{ id, campaignId, provider, size, window, outstanding, unconfirmed },
    state: row.state as LaneState,
    breaker: { sender: pulse.sender, address: pulse.address },
    hold: hold === null ? null : { reason: hold.reason, atMs: Date.parse(hold.at) },
  };
}
