// The report of a campaign: what became of everybody, lane by lane, and why a lane stands still. Decides which
// numbers and words machines get; how people read it is report-text.ts.
import type { Hold } from "../breaker/hold.ts";
import { type CampaignState, isFinished } from "../campaign/campaign.ts";
import { describeSentinel, type SentinelRow, type SentinelStatus, statusOf } from "../delivery/sentinel.ts";
import { BellwetherError } from "../errors.ts";
import type { LaneState } from "../provider/lane.ts";
import { type AtRelay, describeAtRelay } from "./at-relay.ts";
import { letterTo, type RefusingOrganisation, type SenderFacts } from "./organisations.ts";
import { type RampReport, rampReport } from "./ramp.ts";
import type { LaneSnapshot, ReportStore, Snapshot, TimelineEntry } from "./store.ts";
import { addCounts, noTotals, type Totals } from "./totals.ts";

export interface ReportHold extends Omit<Hold, "detector"> {
  /** Only behind a relay that still holds mails of this lane. */
  atRelay?: AtRelay;
}

/** What became of the mail that must come back, by the relay that it went through. */
export interface SentinelReport {
  route: string;
  status: SentinelStatus;
  /** ISO 8601 UTC. */
  sentAt: string;
  /** How long it took to come back; null: it has not. */
  seconds: number | null;
  /** The intake that brought it; null: none has. */
  by: string | null;
  /** One sentence. */
  text: string;
}

export interface LaneReport {
  /** Provider id. */
  provider: string;
  state: LaneState;
  totals: Totals;
  /** Only while the lane is held, by itself or by its route. */
  hold?: ReportHold;
  /** Only while a person holds its provider, for every campaign. */
  forAll?: true;
  /** Only of a lane behind a relay that has not ended. */
  ramp?: RampReport;
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
  /** Only where one was sent. */
  sentinels?: SentinelReport[];
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
    return laneReport(lane, snapshot);
  });
  lanes.sort((a, b) => b.totals.recipients - a.totals.recipients || (a.provider < b.provider ? -1 : 1));
  const timeline = await store.timeline(campaignId, snapshot.lastEvent);
  const { id, name, state, start } = campaign;
  const report: Report = { campaign: id, name, state, totals, lanes, timeline };
  if (snapshot.sentinels.length > 0)
    report.sentinels = snapshot.sentinels.map((row) => sentinelReport(row, snapshot));
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

function laneReport(lane: LaneSnapshot, snapshot: Snapshot): LaneReport {
  const { state } = snapshot.campaign;
  const totals = noTotals();
  addCounts(totals, lane.counts);
  const hold = holdOf(lane, state);
  const { relay } = lane;
  const report: LaneReport = { provider: lane.provider, state: lane.state, totals };
  if (relay !== undefined && lane.state !== "done" && !isFinished(state))
    report.ramp = rampReport({ ...lane, relay }, { ...snapshot, waiting: waitingOf(lane.counts) });
  if (hold === null) return report;
  const { reason, fault, scope, at, message, advice, tell, evidence, leaked, resumeFrom } = hold;
  const atRelay = relay === undefined ? null : describeAtRelay(relay.unconfirmed, relay.ids);
  report.state = "held";
  report.hold = { reason, fault, scope, at, message, advice, tell, evidence, leaked };
  if (resumeFrom !== undefined) report.hold.resumeFrom = resumeFrom;
  if (atRelay !== null) report.hold.atRelay = atRelay;
  if (hold === lane.handHold) report.forAll = true;
  return report;
}

/** What has not been handed over yet. */
export function waitingOf(counts: LaneSnapshot["counts"]): number {
  return (counts.pending ?? 0) + (counts.deferred ?? 0);
}

function sentinelReport(row: SentinelRow, times: Snapshot): SentinelReport {
  const { route, sentAtMs, backAtMs, by } = row;
  return {
    route,
    status: statusOf(row, times),
    sentAt: new Date(sentAtMs).toISOString(),
    seconds: backAtMs === null ? null : Math.round((backAtMs - sentAtMs) / 1000),
    by,
    text: describeSentinel(row, times),
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
