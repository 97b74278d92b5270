// The port through which reports look at what happened. Only reading; every method is one statement or a bounded
// page, so that a report on a million rows neither holds the database nor the process that sends.
import type { Fault, Reason, Scope } from "../bounce/reason.ts";
import type { Hold } from "../breaker/hold.ts";
import type { Hearing } from "../breaker/silence.ts";
import type { CampaignState } from "../campaign/campaign.ts";
import type { Start } from "../campaign/start.ts";
import type { Filter } from "../client/audience.ts";
import type { StoredClient } from "../client/audience-store.ts";
import type { RefusedRow } from "../client/import.ts";
import type { DeliveryState } from "../delivery/delivery.ts";
import type { SentinelRow } from "../delivery/sentinel.ts";
import type { LaneState } from "../provider/lane.ts";
import type { RefusingOrganisation } from "./organisations.ts";
import type { RelayedLane } from "./ramp.ts";

/** A campaign, its lanes and the counts of its rows, all of one moment. */
export interface Snapshot {
  campaign: {
    id: number;
    name: string;
    state: CampaignState;
    /** When it shall begin, or should have; null: at once, or it has begun. */
    start: Start | null;
  };
  lanes: LaneSnapshot[];
  /** One for each relay that it goes through, where one was sent. */
  sentinels: SentinelRow[];
  /** The database's time, ms. */
  nowMs: number;
  soakMs: number;
  /** What can be heard of mails that a relay took. */
  hearing: Hearing;
  /** Id of the newest timeline entry of that moment, 0 for none. */
  lastEvent: number;
  /** Organisations that refuse us by a rule of their own, the largest first; a moment later than the counts. */
  organisations: RefusingOrganisation[];
}

export interface LaneSnapshot {
  id: number;
  provider: string;
  state: LaneState;
  window: number;
  /** The lane's own hold. */
  hold: Hold | null;
  /** The hold of the route on which it stands. */
  routeHold: Hold | null;
  /** A person holds its provider, for all campaigns; absent when nobody does. */
  handHold?: Hold;
  /** Only of a lane behind a relay. */
  relay?: RelayedLane;
  /** How many deliveries are in each state; states without any are absent. */
  counts: Partial<Record<DeliveryState, number>>;
}

export interface TimelineEntry {
  /** ISO 8601 UTC. */
  at: string;
  event: string;
  text: string;
}

export interface LoggedOutcome {
  id: number;
  delivery: number;
  attempt: number;
  try: number;
  /** ISO 8601 UTC. */
  at: string;
  event: string;
  /** Verbatim. */
  reply: string | null;
  reason: Reason | null;
  fault: Fault | null;
  scope: Scope | null;
}

/** What a list of the untold needs to know of its campaign, without any count. */
export interface Outline {
  campaign: { id: number; name: string; state: CampaignState };
  importId: number | null;
  /** Columns of the audience: known ones under their own names, then attributes as the header has them. */
  columns: readonly string[];
  filter: Filter;
  /** False: clients after `planCursor` have no delivery yet. */
  planned: boolean;
  planCursor: string;
  lanes: readonly Omit<LaneSnapshot, "counts">[];
}

/** A client row as the audience holds it. */
export interface ReportClient extends StoredClient {
  id: number;
  importId: number;
}

/** What a delivery row says about its end, or about what it waits for. */
export interface DeliveryFacts {
  laneId: number;
  provider: string;
  address: string;
  key: string;
  unit: string | null;
  state: DeliveryState;
  reason: Reason | null;
  fault: Fault | null;
  scope: Scope | null;
}

export interface UntoldDelivery extends DeliveryFacts {
  /** The client rows of its address, by line; not filtered. */
  clients: ReportClient[];
}

export interface UncertainDelivery {
  delivery: number;
  address: string;
  provider: string;
  attempt: number;
  try: number;
  /** ISO 8601 UTC; when it became uncertain. */
  at: string | null;
  /** What was last heard, verbatim. */
  reply: string | null;
}

export interface FoundDelivery extends DeliveryFacts {
  id: number;
  campaignId: number;
  /** ISO 8601 UTC of its last change; null: nothing happened to it yet. */
  changedAt: string | null;
  outcomes: LoggedOutcome[];
}

export interface FoundSuppression {
  address: string;
  reason: Reason;
  provisional: boolean;
  /** ISO 8601 UTC. */
  since: string;
  reply: string | null;
}

/** Everything that is known under an address or an account. */
export interface FoundRows {
  clients: ReportClient[];
  /** Campaigns to the audiences of these clients, and those of the deliveries; oldest first. */
  campaigns: Outline[];
  deliveries: FoundDelivery[];
  suppressions: FoundSuppression[];
}

export interface ReportStore {
  /** null: there is no such campaign. */
  snapshot(campaignId: number): Promise<Snapshot | null>;
  /** Oldest first, up to and with the entry `upTo`. */
  timeline(campaignId: number, upTo: number): Promise<TimelineEntry[]>;
  /** The next page by id, with address and provider; empty at the end. */
  outcomes(
    campaignId: number,
    afterId: number,
  ): Promise<(LoggedOutcome & { recipient: string; provider: string })[]>;
  outline(campaignId: number): Promise<Outline | null>;
  /**
   * Those of the next deliveries by key that have not got the notice, and the last key that was looked at; null: the
   * end. Pages go by key, not by state: a row that moves meanwhile is neither doubled nor left out.
   */
  untold(outline: Outline, afterKey: string): Promise<{ rows: UntoldDelivery[]; upTo: string | null }>;
  /** The next clients by key that have no delivery yet, after both keys; empty at the end. */
  unplanned(importId: number, afterKeys: readonly [string, string]): Promise<ReportClient[]>;
  /** The next clients without an address, by id; empty at the end. */
  unreachable(importId: number, afterId: number): Promise<ReportClient[]>;
  /** The next rows of the file that were refused, by line; empty at the end. */
  refused(importId: number, afterLine: number): Promise<RefusedRow[]>;
  uncertain(campaignId: number): Promise<UncertainDelivery[]>;
  /** By the key of an address, by any of these spellings of an account, or both. */
  find(by: { key: string | null; accounts: readonly string[] }): Promise<FoundRows>;
}
