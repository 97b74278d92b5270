// An event of a log in the words of a settle or of a report, so that a lane is stepped by what steps every lane. A log
// does not say who spoke and whether it was for good: the scope and the event tell. Pure.
import { unitOf } from "../campaign/plan.ts";
import type { Outcome } from "../delivery/outcome.ts";
import type { ReportEntry } from "../delivery/report-entry.ts";
import { nextState, outcomeOfReport, type Reported } from "../delivery/reported.ts";
import type { Settled } from "../delivery/settle.ts";
import type { LogEvent } from "../report/outcome-log.ts";
import type { Lane, Row } from "./book.ts";
import type { ReplayEvent } from "./event.ts";

export function isReport(event: LogEvent): boolean {
  return event === "bounced" || event === "complained";
}

export function stateAfter(event: LogEvent): Row["state"] {
  return event === "rejected" ? "bounced" : event;
}

export function unitFor({ event, provider, domain }: ReplayEvent): string | null {
  return event === "accepted" || domain === "" ? null : unitOf(provider, domain, null);
}

export interface Known {
  event: ReplayEvent;
  lane: Lane;
  row: Row;
  at: number;
  unit: string | null;
  knownGood: boolean;
}

export function confirmed({ record, campaign }: Lane, atMs: number): Settled {
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
    knownGood: false,
  };
}

/** The event as the settle of a mail that is on the wire. */
export function settled({ event, lane, row, at, unit, knownGood }: Known): Settled {
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
    knownGood,
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
export function reported({ event, lane, row, at, unit, knownGood }: Known): Reported | null {
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
      knownGood,
      changedAtMs: null,
    },
    by: "token",
    next,
    outcome: outcomeOfReport(entry),
  };
}
