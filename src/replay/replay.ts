// An outcome log through ramp and breaker, as if the program had sent it: each campaign and provider of the log is a lane,
// and each event steps it by the very functions that settles and reports step it with.
//
// A log is a record of what happened without us. From a hold on, what it has for that lane would not have been sent: it
// is counted and steps nothing. A lane goes on where the log itself shows that a person resumed it (a mail begins another
// attempt), or when a timed hold ends; otherwise it stands to the end. A held route goes on with the next campaign.
import type { BreakerConfig } from "../breaker/breaker.ts";
import { stepCampaignDetector } from "../breaker/campaign-detector.ts";
import { easeLane } from "../breaker/ease.ts";
import { describeEscalation, escalationOf } from "../breaker/escalation.ts";
import { describeHold, type Hold } from "../breaker/hold.ts";
import { foldReports } from "../delivery/reported.ts";
import { type Fold, foldLane } from "../delivery/settle.ts";
import { confirmed, isReport, reported, settled, stateAfter, unitFor } from "./as-delivery.ts";
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

export function createReplay(options: ReplayOptions): Replay {
  const { breaker } = options;
  const book = createBook(options);
  const holds: ToldHold[] = [];
  const row: Row = { state: "pending", attempt: 0, epoch: 0, evidence: 0 };
  let events = 0;

  function take(event: ReplayEvent, line: number): void {
    events += 1;
    const campaign = book.campaign(event.campaign);
    const lane = book.lane(campaign, event.provider, event.atMs);
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
      resumeHalted(lane, event.atMs);
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
    if (fold.cause) escalate(told);
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
    const { recipient, classification, domain, atMs } = event;
    const knownGood =
      classification?.fault === "address" &&
      classification.hard &&
      domain !== "" &&
      book.wasAccepted(recipient, lane.campaign, atMs);
    const known = { event, lane, row, at, unit: unitFor(event), knownGood };
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
    if (event.classification !== null) row.evidence = Math.max(row.evidence, row.epoch);
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

  /** Looks at the campaign's lanes together; how large one is, is known by what the log has had of it so far. */
  function escalate(told: Told): void {
    const { campaign } = told.lane;
    if (campaign.halt !== null) return;
    const lanes = [...campaign.lanes.values()];
    for (const lane of lanes) stepGood(lane);
    const found = escalationOf(
      lanes.map((lane) => lane.record),
      { sinceMs: campaign.resumedMs },
    );
    if (found === null) return;
    const recent = lanes.flatMap(({ record }) => record.pulse.recent);
    const hold = describeHold({
      provider: told.event.provider,
      trip: { detector: "sender", reason: found.reason, fault: "sender", scope: "provider" },
      nowMs: told.event.atMs,
      replies: recent.filter((one) => one.fault === "sender").map((one) => one.reply),
      advice: told.event.classification?.advice,
    });
    const message = describeEscalation(found);
    campaign.halt = halted(told, "campaign", { ...hold, detector: "escalation", message });
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

/** An event of a lane that stands: counted once a mail, by what came of it last, and kept with it. */
function pass({ event }: ReplayEvent, row: Row, halt: Halt): boolean {
  if (row.state === "bounced" || row.state === "complained" || row.state === event) return false;
  // Begun before the hold: that it ends is no harm that was done after it.
  if (row.epoch === 0) {
    if (row.state === "accepted") halt.accepted -= 1;
    else if (row.state === "deferred") halt.refused -= 1;
    if (event === "accepted") halt.accepted += 1;
    else if (event !== "uncertain" && event !== "complained") halt.refused += 1;
  }
  row.state = stateAfter(event);
  return true;
}

/** From here a mail that is accepted is one more that was confirmed. */
const CONFIRMABLE: ReadonlySet<Row["state"]> = new Set<Row["state"]>(["pending", "deferred", "uncertain"]);

function remember(campaign: Campaign, reply: string | null): void {
  if (reply !== null) campaign.replies = [...campaign.replies, reply].slice(-3);
}

function lanesOf(book: Book): LaneSummary[] {
  return [...book.campaigns.values()].flatMap(({ id, lanes }) =>
    [...lanes.values()].map((lane) => ({ campaign: id, provider: lane.record.provider, mails: lane.mails })),
  );
}
