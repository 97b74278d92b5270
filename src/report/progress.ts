// How far a campaign is, for a bar that is drawn twice a second: one statement, nothing but numbers; and how often a
// bar may ask for them, because what counts a million rows sends nothing meanwhile.
import type { CampaignState } from "../campaign/campaign.ts";
import type { Start } from "../campaign/start.ts";
import type { Clock } from "../clock.ts";
import type { LaneState } from "../provider/lane.ts";
import { holdOf, noCampaign } from "./report.ts";
import type { ReportStore } from "./store.ts";
import { addCounts, noTotals, untoldOf } from "./totals.ts";

export interface LaneProgress {
  provider: string;
  state: LaneState;
  size: number;
  /** Accepted, handed over or complained of. */
  told: number;
  deferred: number;
  bounced: number;
  /** Waiting, claimed or on the wire. */
  pending: number;
  uncertain: number;
  /** How many unconfirmed mails the lane may have out. */
  window: number;
}

export interface Progress {
  campaign: number;
  name: string;
  state: CampaignState;
  /** When it shall begin; null: it has begun. */
  start: Start | null;
  size: number;
  told: number;
  /** The largest first. */
  lanes: LaneProgress[];
}

/** @throws BellwetherError("campaign-missing") */
export async function progressOf(store: ReportStore, campaignId: number): Promise<Progress> {
  const snapshot = await store.snapshot(campaignId);
  if (snapshot === null) throw noCampaign(campaignId);
  const { id, name, state, start } = snapshot.campaign;
  const lanes = snapshot.lanes.map((lane): LaneProgress => {
    const totals = noTotals();
    addCounts(totals, lane.counts);
    const { deferred, bounced, pending, uncertain } = totals;
    return {
      provider: lane.provider,
      state: holdOf(lane, state) === null ? lane.state : "held",
      size: totals.recipients,
      told: totals.recipients - untoldOf(totals),
      deferred,
      bounced,
      pending,
      uncertain,
      window: lane.window,
    };
  });
  lanes.sort((a, b) => b.size - a.size || (a.provider < b.provider ? -1 : 1));
  const sum = (key: "size" | "told") => lanes.reduce((total, lane) => total + lane[key], 0);
  return { campaign: id, name, state, start, size: sum("size"), told: sum("told"), lanes };
}

/** A look takes at most this share of the time between two looks. */
const SHARE = 0.05;

/**
 * `progressOf` for whoever asks often: answers with the last numbers until they are 20 times as old as they took to
 * count. At 10,000 rows that is each time; at a million, every three seconds.
 */
export function watchProgress(options: {
  store: ReportStore;
  clock: Clock;
  campaignId: number;
}): () => Promise<Progress> {
  const { store, clock, campaignId } = options;
  let known: Progress | null = null;
  let nextLook = 0;
  return async () => {
    const begun = clock.monotonic();
    if (known !== null && begun < nextLook) return known;
    known = await progressOf(store, campaignId);
    const ended = clock.monotonic();
    nextLook = ended + (ended - begun) / SHARE;
    return known;
  };
}
