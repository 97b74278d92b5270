// What a report that was matched does: how its delivery moves, and what it tells the lane's breaker and ramp. Pure;
// the store calls it inside one transaction with the lane's locked row, as it does for settles.

import type { ReportAction } from "../bounce/report.ts";
import type { BreakerConfig } from "../breaker/breaker.ts";
import type { LaneRecord } from "../breaker/lane-record.ts";
import { FRESH_MEMORY, learnSign, noteDelay, noteEnd } from "../breaker/ramp-memory.ts";
import { providerTitle } from "../provider/directory.ts";
import { mayMove } from "../transition.ts";
import { DELIVERY_MOVES, type DeliveryState } from "./delivery.ts";
import type { Outcome } from "./outcome.ts";
import type { ReportEntry } from "./report-entry.ts";
import { applyEvidence, type Fold, newFold } from "./settle.ts";

/** By which mark the delivery was found, the surest first. */
export const MATCHES = ["relay-id", "token", "message-id", "recipient"] as const;
export type MatchedBy = (typeof MATCHES)[number];

/**
 * What a report did: `moved` its delivery; told what was `known` already or moves nothing; was about an `earlier` attempt;
 * matched no delivery; told of a `sentinel`, which is nobody's.
 */
export type ReportEffect = "moved" | "known" | "earlier" | "unmatched" | "sentinel";

export interface DeliveryRow {
  id: number;
  campaignId: number;
  laneId: number;
  state: DeliveryState;
  attempt: number;
  try: number;
  epoch: number;
  /** The last epoch in which this delivery was evidence. */
  evidence: number;
  unit: string | null;
  /** When it came to this state, ms; null: nothing happened to it yet. */
  changedAtMs: number | null;
  /** Its address took mail of another campaign not long ago; asked for where it is refused as unknown. */
  knownGood: boolean;
}

/** A report whose delivery moves. */
export interface Reported {
  entry: ReportEntry;
  row: DeliveryRow;
  by: MatchedBy;
  next: DeliveryState;
  outcome: Outcome;
}

/** Reports later than this after it happened move their delivery and step nothing. */
export const EVIDENCE_MS = 7 * 24 * 60 * 60 * 1000;

/** Whom "relayed" and "expanded" were passed on to took the mail and will report no more (RFC 3464 section 2.3.3). */
const TAKEN: ReadonlySet<ReportAction> = new Set<ReportAction>(["delivered", "relayed", "expanded"]);

/** Where a delivery goes by a report; null: it stays, as it knows that or more already. */
export function nextState(action: ReportAction | null, from: DeliveryState): DeliveryState | null {
  const to = targetOf(action, from);
  return to !== null && mayMove(DELIVERY_MOVES, from, to) ? to : null;
}

function targetOf(action: ReportAction | null, from: DeliveryState): DeliveryState | null {
  if (action === null || action === "replied") return null;
  if (TAKEN.has(action)) return from === "bounced" ? null : "accepted";
  if (action === "failed") return "bounced";
  if (action === "complained") return "complained";
  if (from === "handed-over") return "deferred-at-relay";
  // A relay that tries to pass it on has it.
  return from === "uncertain" ? "handed-over" : null;
}

/**
 * Nothing of this attempt has left: the report speaks of the one before. (A resume begins a new attempt with its tries
 * at 0.)
 */
export function isEarlier(row: DeliveryRow, entry: Pick<ReportEntry, "token">, by: MatchedBy): boolean {
  if (by === "token" && entry.token !== null) return entry.token.attempt < row.attempt;
  return row.attempt > 1 && row.try === 0;
}

/** What a report says, in the words of an outcome. */
export function outcomeOfReport(entry: ReportEntry): Outcome {
  const { action, classification, reply } = entry;
  const event =
    action === "failed"
      ? "bounced"
      : action === "complained"
        ? "complained"
        : action === "delayed"
          ? "deferred"
          : "accepted";
  return {
    event,
    phase: null,
    // A relay that speaks for itself says so by the scope; all else is the provider's word, passed on.
    speaker: classification?.scope === "route" ? "route" : "provider",
    reply: reply === "" ? null : reply,
    classification,
    relayId: null,
  };
}

/** Folds reports whose deliveries moved into their lane. */
export function foldReports(
  before: LaneRecord,
  reported: readonly Reported[],
  { config, nowMs }: { config: BreakerConfig; nowMs: number },
): Fold {
  const fold = newFold(before);
  for (const one of reported) foldOne(fold, one, config, nowMs);
  return fold;
}

function foldOne(fold: Fold, one: Reported, config: BreakerConfig, nowMs: number): void {
  const { lane } = fold;
  const { row, entry, outcome, next } = one;
  if (row.state === "sending") {
    // The report was quicker than our own settle, which will find the row moved.
    lane.outstanding = Math.max(0, lane.outstanding - 1);
    lane.sent += 1;
  }
  const atRelay = row.state === "handed-over" || row.state === "deferred-at-relay";
  if (atRelay && next !== "deferred-at-relay") lane.unconfirmed = Math.max(0, lane.unconfirmed - 1);
  // A relay that tries to pass on what was uncertain has it.
  if (next === "handed-over") lane.unconfirmed += 1;
  if (lane.feedback === "relay") remember(lane, one, nowMs);
  if (!isEvidence(one, lane, nowMs)) return;
  const c = outcome.classification;
  const kind =
    next === "accepted" ? "confirmed" : next === "complained" ? "complained" : c === null ? null : "refused";
  if (kind === null) return;
  // The first sign after a silence: the lane goes on by itself.
  if (kind === "confirmed" && lane.state === "blind") {
    lane.state = "ramping";
    const text = `${providerTitle(lane.provider)}: the first sign of an arrival came (${entry.intake}); the lane goes on.`;
    fold.events.push({ event: "seeing", text });
  }
  applyEvidence(
    fold,
    {
      kind,
      reason: c?.reason ?? null,
      fault: c?.fault ?? null,
      scope: c?.scope ?? null,
      hard: entry.action === "failed",
      speaker: outcome.speaker,
      unit: row.unit,
      fresh: row.evidence < row.epoch,
      door: false,
      knownGood: row.knownGood,
      atMs: nowMs,
      reply: outcome.reply,
    },
    { outcome, atMs: nowMs },
    config,
  );
}

/** What the lane remembers of its relay. */
function remember(lane: LaneRecord, { row, entry, next, by }: Reported, nowMs: number): void {
  let memory = lane.pulse.ramp ?? FRESH_MEMORY;
  const isEarlier = row.epoch < lane.epoch;
  const wasDelayed = row.state === "deferred-at-relay";
  const isProof = by !== "recipient" || entry.trusted;
  const arrived = next === "accepted" && isProof;
  if (next === "deferred-at-relay") memory = noteDelay(memory, { isEarlier });
  else if (row.state === "handed-over" || wasDelayed)
    memory = noteEnd(memory, { wasDelayed, isEarlier, arrived });
  if (arrived) {
    // Only a mail that nobody delayed tells how long the news takes.
    const takenMs = row.state === "handed-over" ? row.changedAtMs : null;
    const tookMs = takenMs === null ? null : Math.max(0, entry.receivedAtMs - takenMs);
    memory = learnSign(memory, { by: entry.intake, atMs: nowMs, tookMs });
  }
  lane.pulse.ramp = memory;
}

/** Not what a stranger may have made up, what is long past, or what belongs to an epoch that was judged already. */
function isEvidence({ entry, row, by }: Reported, lane: LaneRecord, nowMs: number): boolean {
  if (by === "recipient" && !entry.trusted) return false;
  return row.epoch === lane.epoch && nowMs - entry.atMs <= EVIDENCE_MS;
}
