// The port through which a post-mortem looks at what a report does not count: when it was refused and how often, the
// cards of holds that are over, who was affected. Only reading.
import type { Fault, Reason, Scope } from "../bounce/reason.ts";
import type { Hold } from "../breaker/hold.ts";
import type { CampaignSpec } from "../campaign/campaign.ts";
import type { ReportClient } from "./store.ts";

/** A hold with what became of it. */
export interface HoldCard {
  /** The lane's provider; null: the hold of a route. */
  provider: string | null;
  hold: Hold;
  /** ISO 8601 UTC; null: it stands. */
  endedAt: string | null;
  /** Who ended it; null where it stands or nobody wrote it down. */
  by: "person" | "time" | null;
  /** Deliveries that came back to be sent again when it ended. */
  returned: number;
  /** The last replies that counted before it, each with its recipient; empty where none is kept. */
  replies: readonly { text: string; recipient: string }[];
}

/** What a provider's answers of one kind of fault came to. */
export interface RefusalCount {
  provider: string;
  fault: Fault;
  /** It asked for less, and refused nothing for good. */
  isPace: boolean;
  /** Tries that were refused. */
  mails: number;
  /** Different addresses among them. */
  addresses: number;
  /** ISO 8601 UTC. */
  firstAt: string;
  lastAt: string;
}

/**
 * How an address was touched: refused by no fault of its own, told after a stop, or not told at all. Who is not told for a
 * reason of their own (no such mailbox, on the suppression list) is not affected.
 */
export const AFFECTED = ["refused", "late", "untold"] as const;
export type Affected = (typeof AFFECTED)[number];

export interface AffectedCount {
  provider: string;
  affected: Affected;
  /** Got the notice by now. */
  told: boolean;
  addresses: number;
}

/** An organisation, or a site of the long tail, that is written to no more for now. */
export interface AsideCount {
  provider: string;
  unit: string;
  reason: Reason | null;
  scope: Scope | null;
  /** Addresses that were left out for it. */
  addresses: number;
}

export interface PostMortemFacts {
  /** ISO 8601 UTC; null: it has not begun. */
  launchedAt: string | null;
  endedAt: string | null;
  /** The zone in which people speak of its time: IANA, or an offset like "+02:00"; null: none was named. */
  zone: string | null;
  spec: CampaignSpec;
  template: string;
  importId: number | null;
  /** What retention has taken away: 1 replies, 2 recipients too. */
  forgotten: number;
  /** Locales of its audience, as the rows have them. */
  locales: readonly string[];
  /** Columns of its audience, known ones under their own names. */
  columns: readonly string[];
  /** Oldest first; `provider` where it is a lane's. */
  events: readonly { at: string; event: string; text: string; provider: string | null }[];
  /** Oldest first; those that stand are not among them. */
  ended: readonly HoldCard[];
  /** Of the lanes that are held now, by provider: by which detector, and the replies before it. */
  standing: Readonly<Record<string, { detector: string; replies: HoldCard["replies"] }>>;
  refusals: readonly RefusalCount[];
  affected: readonly AffectedCount[];
  aside: readonly AsideCount[];
}

export interface AffectedClients {
  affected: Affected;
  clients: readonly ReportClient[];
}

export interface PostMortemStore {
  /** null: there is no such campaign. */
  facts(campaignId: number): Promise<PostMortemFacts | null>;
  /**
   * The next addresses by key that were affected and are still known, and the last key that was looked at; null: the end.
   */
  affected(campaignId: number, afterKey: string): Promise<{ rows: AffectedClients[]; upTo: string | null }>;
  /** The next rows of an import, by id; empty at the end. */
  clients(importId: number, afterId: number): Promise<ReportClient[]>;
}
