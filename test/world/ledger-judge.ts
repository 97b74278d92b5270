// The invariants of the ledger, looked at after every step of a model-based test through a connection of its own:
// counts, legal moves, bounds. What went over the wire is judged in ledger-model.ts.
import DatabaseFile from "better-sqlite3";
import { CAMPAIGN_MOVES, type CampaignState } from "../../src/campaign/campaign.ts";
import { DELIVERY_MOVES, DELIVERY_STATES, type DeliveryState } from "../../src/delivery/delivery.ts";
import { LANE_MOVES, type LaneState } from "../../src/provider/lane.ts";
import type { Moves } from "../../src/transition.ts";
import { CONNECTIONS, Violation } from "./ledger-model.ts";

export interface DeliveryRow {
  id: number;
  lane_id: number;
  state: DeliveryState;
  attempt: number;
  try: number;
  worker_id: string | null;
  fault: string | null;
}

export interface LaneRow {
  id: number;
  provider: string;
  state: LaneState;
  epoch: number;
  window_size: number;
  outstanding: number;
  unconfirmed: number;
  hold: string | null;
}

interface Snapshot {
  deliveries: Map<number, DeliveryRow>;
  lanes: Map<number, LaneRow>;
  campaign: CampaignState;
}

export interface Judge {
  /** Reads everything and compares it with what was seen before; throws a Violation. */
  look(after: string): Snapshot;
  close(): void;
}

/** Is there a way of so many moves at most? */
function reaches<S extends string>(moves: Moves<S>, from: S, to: S, hops: number): boolean {
  return from === to || (hops > 0 && moves[from].some((between) => reaches(moves, between, to, hops - 1)));
}

/** One transaction may make two: a lane is slowed and then held, a mail comes back and is cancelled. */
const MOST_MOVES = 2;

export function createJudge(file: string, campaignId: number, planned: number): Judge {
  const db = new DatabaseFile(file, { readonly: true });
  const deliveriesOf = db.prepare(
    "SELECT id, lane_id, state, attempt, try, worker_id, fault FROM delivery WHERE campaign_id = ?",
  );
  const lanesOf = db.prepare(
    "SELECT id, provider, state, epoch, window_size, outstanding, unconfirmed, hold FROM lane WHERE campaign_id = ?",
  );
  const stateOf = db.prepare("SELECT state FROM campaign WHERE id = ?").pluck();
  let before: Snapshot | null = null;

  return {
    look: (after) => {
      const check = (good: boolean, what: string) => {
        if (!good) throw new Violation(`after ${after}: ${what}`);
      };
      const now: Snapshot = {
        deliveries: new Map((deliveriesOf.all(campaignId) as DeliveryRow[]).map((row) => [row.id, row])),
        lanes: new Map((lanesOf.all(campaignId) as LaneRow[]).map((row) => [row.id, row])),
        campaign: stateOf.get(campaignId) as CampaignState,
      };
      check(now.deliveries.size === planned, `${now.deliveries.size} rows, planned were ${planned}`);

      const out = new Map<number, number>();
      const sending = new Map<string, number>();
      for (const row of now.deliveries.values()) {
        check(DELIVERY_STATES.includes(row.state), `delivery ${row.id} is "${row.state}"`);
        const isOut = row.state === "claimed" || row.state === "sending";
        check(
          isOut === (row.worker_id !== null),
          `delivery ${row.id} is ${row.state} of worker ${row.worker_id}`,
        );
        if (isOut) out.set(row.lane_id, (out.get(row.lane_id) ?? 0) + 1);
        if (row.state === "sending" && row.worker_id !== null) {
          sending.set(row.worker_id, (sending.get(row.worker_id) ?? 0) + 1);
        }
      }
      for (const lane of now.lanes.values()) {
        check(
          lane.outstanding === (out.get(lane.id) ?? 0),
          `lane ${lane.provider} says ${lane.outstanding} are out, its rows say ${out.get(lane.id) ?? 0}`,
        );
        check(
          (lane.hold !== null) === (lane.state === "held"),
          `lane ${lane.provider}: hold in ${lane.state}`,
        );
        check(lane.unconfirmed >= 0 && lane.window_size >= 1, `lane ${lane.provider}: numbers`);
      }
      for (const [worker, count] of sending) {
        check(count <= 2 * CONNECTIONS, `worker ${worker} has ${count} sending`);
      }

      if (before !== null) {
        check(
          reaches(CAMPAIGN_MOVES, before.campaign, now.campaign, 1),
          `campaign ${before.campaign} -> ${now.campaign}`,
        );
        for (const lane of now.lanes.values()) {
          const was = before.lanes.get(lane.id);
          if (was === undefined) continue;
          check(
            reaches(LANE_MOVES, was.state, lane.state, MOST_MOVES),
            `lane ${lane.provider} ${was.state} -> ${lane.state}`,
          );
          check(lane.epoch >= was.epoch, `lane ${lane.provider}: epoch went back`);
          const fenced = was.state !== "held" && lane.state === "held";
          check(!fenced || lane.epoch > was.epoch, `lane ${lane.provider}: held without a new epoch`);
        }
        for (const row of now.deliveries.values()) {
          const was = before.deliveries.get(row.id);
          if (was === undefined) continue;
          check(
            reaches(DELIVERY_MOVES, was.state, row.state, MOST_MOVES),
            `delivery ${row.id} ${was.state} -> ${row.state}`,
          );
          // A site that was set aside for our own cause comes back with the lane, as what it refused does.
          const ended = was.state === "bounced" || was.state === "suppressed";
          const returned = ended && row.state === "pending";
          check(
            row.attempt === was.attempt + (returned ? 1 : 0),
            `delivery ${row.id}: attempt ${row.attempt}`,
          );
          check(
            !returned || ["sender", "content", "unknown"].includes(was.fault ?? ""),
            `delivery ${row.id} returned though its fault was ${was.fault}`,
          );
        }
      }
      before = now;
      return now;
    },
    close: () => db.close(),
  };
}
