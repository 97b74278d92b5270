// How far a campaign is, for a bar that is drawn twice a second: one statement, nothing but numbers; and how often a
// bar may ask for them, because what counts a million rows sends nothing meanwhile.
import type { CampaignState } from "../campaign/campaign.ts";
import type { Start } from "../campaign/start.ts";
import type { Clock } from "../clock.ts";
import { describeSentinel } from "../delivery/sentinel.ts";
import type { LaneState } from "../provider/lane.ts";
import { rampReport, shownRamp } from "./ramp.ts";
import { holdOf, noCampaign, waitingOf } from "./report.ts";
import type { LaneSnapshot, ReportStore, Snapshot } from "./store.ts";
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
  /** Behind a relay: about how long its ramp will take, in words; absent when that is nothing, or a person decides. */
  ramp?: string;
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
  /** What became of the mails that must come back, one sentence each. */
  sentinels: string[];
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
      ...rampOf(lane, snapshot),
    };
  });
  lanes.sort((a, b) => b.size - a.size || (a.provider < b.provider ? -1 : 1));
  const sentinels = snapshot.sentinels.map((row) => describeSentinel(row, snapshot));
  const sum = (key: "size" | "told") => lanes.reduce((total, lane) => total + lane[key], 0);
  return { campaign: id, name, state, start, size: sum("size"), told: sum("told"), lanes, sentinels };
}

function rampOf(lane: LaneSnapshot, snapshot: Snapshot): { ramp?: string } {
  const { relay } = lane;
  if (relay === undefined || lane.state === "done" || holdOf(lane, snapshot.campaign.state) !== null)
    return {};
  const ramp = shownRamp(rampReport({ ...lane, relay }, { ...snapshot, waiting: waitingOf(lane.counts) }));
  return ramp === null ? {} : { ramp };
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
