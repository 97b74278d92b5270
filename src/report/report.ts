// The report of a campaign: what became of everybody, lane by lane, and why a lane stands still. Decides which
// numbers and words machines get; how people read it is report-text.ts.
import type { Hold } from "../breaker/hold.ts";
import { type CampaignState, isFinished } from "../campaign/campaign.ts";
import { BellwetherError } from "../errors.ts";
import type { LaneState } from "../provider/lane.ts";
import { letterTo, type RefusingOrganisation, type SenderFacts } from "./organisations.ts";
import type { LaneSnapshot, ReportStore, TimelineEntry } from "./store.ts";
import { addCounts, noTotals, type Totals } from "./totals.ts";

export type ReportHold = Omit<Hold, "detector">;

export interface LaneReport {
  /** Provider id. */
  provider: string;
  state: LaneState;
  totals: Totals;
  /** Only while the lane is held, by itself or by its route. */
  hold?: ReportHold;
  /** Only while a person holds its provider, for every campaign. */
  forAll?: true;
}

/** Stable: printed by `--json` and read by other programs. */
export interface Report {
  /** Id of the campaign. */
  campaign: number;
  name: string;
  state: CampaignState;
  totals: Totals;
  /** The largest first. */
  lanes: LaneReport[];
  timeline: TimelineEntry[];
  /** Only where there are some: organisations that refuse us by their own rule. `ask`: what to write to them. */
  organisations?: (RefusingOrganisation & { ask?: string })[];
  /** Only of a campaign that has a moment to begin at and has not begun: ISO 8601 UTC, and how people call the zone. */
  start?: { at: string; zone: string };
}

/** Rows, lanes and holds of one moment, and the timeline up to it. @throws BellwetherError("campaign-missing") */
export async function buildReport(
  store: ReportStore,
  campaignId: number,
  sender: SenderFacts | null = null,
): Promise<Report> {
  const snapshot = await store.snapshot(campaignId);
  if (snapshot === null) throw noCampaign(campaignId);
  const { campaign } = snapshot;
  const totals = noTotals();
  const lanes = snapshot.lanes.map((lane) => {
    addCounts(totals, lane.counts);
    return laneReport(lane, campaign.state);
  });
  lanes.sort((a, b) => b.totals.recipients - a.totals.recipients || (a.provider < b.provider ? -1 : 1));
  const timeline = await store.timeline(campaignId, snapshot.lastEvent);
  const { id, name, state, start } = campaign;
  const report: Report = { campaign: id, name, state, totals, lanes, timeline };
  if (snapshot.organisations.length > 0) {
    report.organisations = snapshot.organisations.map((one) =>
      sender === null ? one : { ...one, ask: letterTo(one, sender) },
    );
  }
  if (start === null || isFinished(state)) return report;
  return { ...report, start: { at: new Date(start.atMs).toISOString(), zone: start.zone } };
}

export function noCampaign(campaignId: number): BellwetherError {
  return new BellwetherError(
    "campaign-missing",
    `There is no campaign ${campaignId}.`,
    "`status` lists those that there are.",
  );
}

function laneReport(lane: LaneSnapshot, campaign: CampaignState): LaneReport {
  const totals = noTotals();
  addCounts(totals, lane.counts);
  const hold = holdOf(lane, campaign);
  if (hold === null) return { provider: lane.provider, state: lane.state, totals };
  const { reason, fault, scope, at, message, advice, tell, evidence, leaked, resumeFrom } = hold;
  return {
    provider: lane.provider,
    state: "held",
    totals,
    hold: {
      ...{ reason, fault, scope, at, message, advice, tell, evidence, leaked },
      ...(resumeFrom === undefined ? {} : { resumeFrom }),
    },
    ...(hold === lane.handHold ? { forAll: true as const } : {}),
  };
}

/**
 * What stops a lane now: its own hold, else that of a person on its provider, else that of its route. The last two show
 * only where they stop something: not on a lane that is done, nor in a campaign that has ended.
 */
export function holdOf(lane: Omit<LaneSnapshot, "counts">, campaign: CampaignState): Hold | null {
  if (lane.state === "held" && lane.hold !== null) return lane.hold;
  if (lane.handHold !== undefined && lane.state !== "done" && !isFinished(campaign)) return lane.handHold;
  if (lane.routeHold === null || lane.state === "done" || isFinished(campaign)) return null;
  return { ...lane.routeHold, scope: "route" };
}
