// Addresses that are not written to, and why: the port behind which they are kept, for those who look and those who
// decide. What the sending itself learns (bounces, complaints) is noted inside its own transactions.
import type { Reason } from "../bounce/reason.ts";
import type { TemplateClass } from "../template/manifest.ts";

/** A person's own decision; its note says why. */
export const BY_HAND = "by-hand";

export interface Suppression {
  id: number;
  address: string;
  /** "" for mail of every class. */
  templateClass: TemplateClass | "";
  reason: Reason | typeof BY_HAND;
  /** One address fault so far: it ends by itself unless another campaign hears the same 72 hours later. */
  provisional: boolean;
  /** It keeps mail away now. A provisional one does so for 72 hours. */
  active: boolean;
  /** ISO 8601 UTC. */
  since: string;
  confirmedAt: string | null;
  /** The campaign that learned it. */
  campaignId: number | null;
  campaign: string | null;
  provider: string | null;
  /** What was said, verbatim. */
  reply: string | null;
  note: string | null;
  /** Accounts that the address stands for, as the newest audiences say, at most 20: whom support should call. */
  accounts: readonly string[];
}

export interface SuppressionStore {
  /** The next page by id, at most `limit`; empty at the end. `key` asks for one address alone. */
  list(page: { afterId: number; limit: number; key?: string }): Promise<Suppression[]>;
  /**
   * Suppresses for good, and takes what waits for it out of the running campaigns. Answers how many deliveries that
   * were; null: it was suppressed for good already.
   */
  add(entry: {
    address: string;
    key: string;
    templateClass: TemplateClass | "";
    note: string;
  }): Promise<number | null>;
  /** Takes every suppression of an address back; returns how many there were. */
  remove(key: string): Promise<number>;
  /** Takes back all that a campaign has caused, or its lane of one provider; returns how many. */
  undo(campaignId: number, provider: string | null): Promise<number>;
}
