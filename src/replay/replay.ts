// An outcome log through ramp and breaker, as if the program had sent it: each campaign and provider of the log is a lane,
// and each event steps it by the very functions that settles and reports step it with.
//
// A log is a record of what happened without us. From a hold on, what it has for that lane would not have been sent: it
// is counted and steps nothing. A lane goes on where the log itself shows that a person resumed it (a mail begins another
// attempt), or when a timed hold ends; otherwise it stands to the end. A held route goes on with the next campaign.
import type { BreakerConfig } from "../breaker/breaker.ts";
import { stepCampaignDetector } from "../breaker/campaign-detector.ts";
import { easeLane } from "../breaker/ease.ts";
import { describeHold, type Hold } from "../breaker/hold.ts";
import { unitOf } from "../campaign/plan.ts";
import type { Outcome } from "../delivery/outcome.ts";
import type { ReportEntry } from "../delivery/report-entry.ts";
import { foldReports, nextState, outcomeOfReport, type Reported } from "../delivery/reported.ts";
import { type Fold, foldLane, type Settled } from "../delivery/settle.ts";
import type { LogEvent } from "../report/outcome-log.ts";
import {
  type Book,
  type Campaign,
  createBook,
  type Halt,
  type Lane,
  type Row,
  readRow,
  writeRow,
} from "./book.ts";
import type { ReplayEvent } from "./event.ts";
import { endTimes, resumeHalted } from "./going-on.ts";

/** A hold, as `replay --json` tells it. */
export interface ReplayHold {
  /** Line of the event that ordered it, from 1. */
  event: number;
  /** ISO 8601 UTC. */
  at: string;
  provider: string;
  scope: "lane" | "campaign" | "route";
  reason: Hold["reason"];
  fault: Hold["fault"];
  detector: string;
  /** Mails of that lane so far, this one included. */
  sent: number;
  /** Up to three verbatim replies, redacted. */
  evidence: string[];
}

/** A hold with what people want to know of it besides. */
export interface ToldHold {
  hold: ReplayHold;
  campaign: Campaign["id"];
  message: string;
  advice: string;
  /** What the log has after it. */
  after: Halt;
}

export interface LaneSummary {
  campaign: Campaign["id"];
  provider: string;
  mails: number;
}

export interface Replay {
  take(event: ReplayEvent, line: number): void;
  readonly events: number;
  readonly holds: readonly ToldHold[];
  lanes(): LaneSummary[];
}

export interface ReplayOptions {
  breaker: BreakerConfig;
  canary: number;
  routeOf: (provider: string) => { name: string; feedback: "relay" | "final" };
}

export function createReplay({ breaker, canary, routeOf }: ReplayOptions): Replay {
  const book = createBook(routeOf, canary);
  const holds: ToldHold[] = [];
  const row: Row = { state: "pending", attempt: 0, epoch: 0, evidence: 0 };
  let events = 0;

  function take(event: ReplayEvent, line: number): void {
    events += 1;
    const campaign = book.campaign(event.campaign);
    const lane = book.lane(campaign, event.provider);
    const at = book.place(campaign, event.delivery);
    readRow(campaign.rows, at, row);
    const attempt = attemptOf(event, row);
    if (attempt < row.attempt) return;
    const isNew = attempt > row.attempt;
    if (lane.record.untilMs !== null) {
      stepGood(lane);
      endTimes(lane, event.atMs);
    }
    // Only a resume gives a mail another attempt.
    if (isNew && row.attempt > 0) {
      stepGood(lane);
      resumeHalted(lane);
    }
    const halt = lane.halt ?? campaign.halt ?? haltOfRoute(lane);
    if (isNew) begin(lane, row, { attempt, halt });
    const moved = halt === null ? step(event, lane, at, line) : pass(event, row, halt);
    if (moved || isNew) writeRow(campaign.rows, at, row);
    if (moved && event.event === "accepted" && event.domain !== "")
      book.noteAccepted(event.recipient, campaign, event.atMs);
  }

  /** Steps the lane by the event; false: the mail knows as much already. `row` is changed. */
  function step(event: ReplayEvent, lane: Lane, at: number, line: number): boolean {
    if (event.event === "accepted" && CONFIRMABLE.has(row.state)) {
      row.state = "accepted";
      if (row.epoch !== lane.record.epoch) return true;
      lane.good += 1;
      lane.goodAtMs = Math.max(lane.goodAtMs, event.atMs);
      return true;
    }
    stepGood(lane);
    const fold = foldOf(event, lane, at);
    if (fold === null) return false;
    const wasHeld = lane.record.state === "held";
    lane.record = fold.lane;
    if (fold.address.bad > 0) remember(lane.campaign, event.reply);
    const told = { event, line, lane };
    if (fold.lane.state === "held" && !wasHeld && fold.lane.hold !== null) {
      lane.halt = halted(told, "lane", fold.lane.hold);
    }
    if (fold.address.bad > 0) tellCampaign(fold, told);
    if (fold.routeTrip !== null) holdRoute(fold.routeTrip, told);
    return true;
  }

  /** What was confirmed since the last step: the first and the last of them by themselves, those between at once. */
  function stepGood(lane: Lane): void {
    const { good, goodAtMs } = lane;
    if (good === 0) return;
    lane.good = 0;
    lane.goodAtMs = 0;
    const one = confirmed(lane, goodAtMs);
    lane.record = foldLane(lane.record, [one], breaker).lane;
    if (good > 2) lane.record = { ...lane.record, ...easeLane(lane.record, good - 2, breaker) };
    if (good > 1) lane.record = foldLane(lane.record, [one], breaker).lane;
  }

  function foldOf(event: ReplayEvent, lane: Lane, at: number): Fold | null {
    const report = isReport(event.event) || (row.state !== "pending" && row.state !== "deferred");
    const known = { event, lane, row, at, unit: unitFor(event) };
    if (!report) {
      const fold = foldLane(lane.record, [settled(known)], breaker);
      row.state = stateAfter(event.event);
      if (event.classification !== null) row.evidence = row.epoch;
      return fold;
    }
    const one = reported(known);
    if (one === null) return null;
    row.state = one.next === "accepted" || one.next === "complained" ? one.next : "bounced";
    const fold = foldReports(lane.record, [one], { config: breaker, nowMs: event.atMs });
    row.evidence = Math.max(row.evidence, row.epoch);
    return fold;
  }

  function tellCampaign({ address }: Fold, told: Told): void {
    const { campaign } = told.lane;
    const { x, trips } = stepCampaignDetector(campaign.address, address, breaker.address);
    campaign.address = x;
    if (!trips || campaign.halt !== null) return;
    const { event } = told;
    const reason = event.classification?.reason ?? "user-unknown";
    const hold = describeHold({
      provider: event.provider,
      trip: { detector: "address", reason, fault: "address", scope: "recipient" },
      nowMs: event.atMs,
      replies: campaign.replies,
    });
    const message = "Too many addresses of this campaign do not exist: the list may be old.";
    campaign.halt = halted(told, "campaign", { ...hold, message });
  }

  function holdRoute({ trip, reply, advice }: NonNullable<Fold["routeTrip"]>, told: Told): void {
    const { route } = told.lane;
    const { provider, atMs } = told.event;
    const replies = reply === null ? [] : [reply];
    const hold = describeHold({ provider, trip, nowMs: atMs, replies, advice });
    route.before = book.campaigns.size;
    route.halt = halted(told, "route", hold);
  }

  function halted({ event, line, lane }: Told, scope: ReplayHold["scope"], hold: Hold): Halt {
    const after: Halt = { mails: 0, refused: 0, accepted: 0 };
    const { reason, fault, detector, at, evidence, message, advice } = hold;
    const { provider } = event;
    const sent = lane.mails;
    holds.push({
      hold: { event: line, at, provider, scope, reason, fault, detector, sent, evidence },
      campaign: event.campaign,
      message,
      advice,
      after,
    });
    return after;
  }

  return {
    take,
    get events() {
      return events;
    },
    holds,
    lanes: () => lanesOf(book),
  };
}

interface Told {
  event: ReplayEvent;
  line: number;
  lane: Lane;
}

/**
 * A log without attempts: a mail that had ended by a refusal and is accepted later was sent again by somebody; all else
 * is of the same attempt.
 */
function attemptOf({ attempt, event }: ReplayEvent, row: Row): number {
  if (attempt !== null) return attempt;
  if (row.attempt === 0) return 1;
  return row.state === "bounced" && event === "accepted" ? row.attempt + 1 : row.attempt;
}

function haltOfRoute({ route, campaign }: Lane): Halt | null {
  // Whoever launches another campaign has seen to the relay.
  if (route.halt !== null && campaign.index > route.before) route.halt = null;
  return route.halt;
}

function begin(lane: Lane, row: Row, { attempt, halt }: { attempt: number; halt: Halt | null }): void {
  row.attempt = attempt;
  row.state = "pending";
  row.epoch = halt === null ? lane.record.epoch : 0;
  lane.mails += 1;
  lane.record.size = lane.mails;
  if (halt !== null) halt.mails += 1;
}

/** An event of a lane that stands: counted, and kept with its mail. */
function pass({ event }: ReplayEvent, row: Row, halt: Halt): boolean {
  if (row.state === "bounced" || row.state === "complained") return false;
  if (event === "accepted") halt.accepted += 1;
  else if (event !== "uncertain" && event !== "complained") halt.refused += 1;
  row.state = stateAfter(event);
  return true;
}

function isReport(event: LogEvent): boolean {
  return event === "bounced" || event === "complained";
}

function stateAfter(event: LogEvent): Row["state"] {
  return event === "rejected" ? "bounced" : event;
}

function unitFor({ event, provider, domain }: ReplayEvent): string | null {
  return event === "accepted" || domain === "" ? null : unitOf(provider, domain, null);
}

interface Known {
  event: ReplayEvent;
  lane: Lane;
  row: Row;
  at: number;
  unit: string | null;
}

/** From here a mail that is accepted is one more that was confirmed. */
const CONFIRMABLE: ReadonlySet<Row["state"]> = new Set<Row["state"]>(["pending", "deferred", "uncertain"]);

function confirmed({ record, campaign }: Lane, atMs: number): Settled {
  return {
    delivery: 0,
    campaignId: campaign.index,
    laneId: record.id,
    attempt: 1,
    try: 0,
    epoch: record.epoch,
    outcome: {
      event: "accepted",
      phase: null,
      speaker: "provider",
      reply: null,
      classification: null,
      relayId: null,
    },
    next: { state: "accepted", dueAtMs: atMs, waited: 0, losses: 0 },
    atMs,
    from: "sending",
    unit: null,
    evidence: 0,
  };
}

/** The event as the settle of a mail that is on the wire. */
function settled({ event, lane, row, at, unit }: Known): Settled {
  const { atMs, classification } = event;
  return {
    delivery: at,
    campaignId: lane.campaign.index,
    laneId: lane.record.id,
    attempt: row.attempt,
    try: 0,
    epoch: row.epoch,
    outcome: outcomeOf(event, classification),
    next: { state: stateAfter(event.event), dueAtMs: atMs, waited: 0, losses: 0 },
    atMs,
    from: "sending",
    unit,
    evidence: row.evidence,
  };
}

function outcomeOf(event: ReplayEvent, classification: ReplayEvent["classification"]): Outcome {
  return {
    event: event.event,
    phase: null,
    // A relay's own words have the scope of the route; all else is the provider's, as in a report.
    speaker: classification?.scope === "route" ? "route" : "provider",
    reply: event.reply,
    classification,
    relayId: null,
  };
}

const ACTION_OF = {
  accepted: "delivered",
  rejected: "failed",
  bounced: "failed",
  deferred: "delayed",
  complained: "complained",
  uncertain: null,
} as const satisfies Record<LogEvent, ReportEntry["action"]>;

/** The event as a report on a mail that was begun before; null: the mail knows as much already. */
function reported({ event, lane, row, at, unit }: Known): Reported | null {
  const action = ACTION_OF[event.event];
  const { atMs, recipient, reply, classification } = event;
  // What the log has not spoken of is at the relay.
  const state = row.state === "pending" ? "handed-over" : row.state;
  const next = nextState(action, state);
  if (next === null) return null;
  const entry: ReportEntry = {
    key: "",
    intake: "replay",
    receivedAtMs: atMs,
    atMs,
    kind: "bounce",
    action,
    recipient,
    recipientKey: null,
    reporter: null,
    reply: reply ?? "",
    classification,
    excerpt: "",
    trusted: true,
    token: null,
    message: null,
    relayIds: [],
  };
  return {
    entry,
    row: {
      id: at,
      campaignId: lane.campaign.index,
      laneId: lane.record.id,
      state,
      attempt: row.attempt,
      try: 1,
      epoch: row.epoch,
      evidence: row.evidence,
      unit,
    },
    by: "token",
    next,
    outcome: outcomeOfReport(entry),
  };
}

function remember(campaign: Campaign, reply: string | null): void {
  if (reply !== null) campaign.replies = [...campaign.replies, reply].slice(-3);
}

function lanesOf(book: Book): LaneSummary[] {
  return [...book.campaigns.values()].flatMap(({ id, lanes }) =>
    [...lanes.values()].map((lane) => ({ campaign: id, provider: lane.record.provider, mails: lane.mails })),
  );
}
