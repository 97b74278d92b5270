// The delivery: one campaign to one address, the row that is the truth. Its states and its moves.
import type { Moves } from "../transition.ts";

export const DELIVERY_STATES = [
  "pending",
  "claimed",
  "sending",
  "handed-over",
  "deferred-at-relay",
  "accepted",
  "deferred",
  "bounced",
  "complained",
  "uncertain",
  "suppressed",
  "expired",
  "cancelled",
] as const;
export type DeliveryState = (typeof DELIVERY_STATES)[number];

/**
 * `sending` is never cancelled: what is on the wire settles. `bounced` returns to `pending` only when the fault
 * was not the address's, and `suppressed` only when its site was set aside for our fault; the resume checks both.
 */
export const DELIVERY_MOVES: Moves<DeliveryState> = {
  pending: ["claimed", "expired", "suppressed", "cancelled"],
  claimed: ["sending", "pending", "cancelled"],
  sending: ["handed-over", "accepted", "deferred", "bounced", "uncertain", "pending", "complained"],
  "handed-over": ["accepted", "deferred-at-relay", "bounced", "complained"],
  "deferred-at-relay": ["accepted", "bounced", "complained"],
  accepted: ["bounced", "complained"],
  deferred: ["claimed", "expired", "suppressed", "cancelled", "bounced", "complained", "accepted", "pending"],
  bounced: ["pending"],
  complained: [],
  uncertain: ["accepted", "handed-over", "bounced", "complained", "deferred", "pending"],
  suppressed: ["pending"],
  expired: [],
  cancelled: [],
};

/** A delivery as a claim hands it to the sender: its row and what its mail needs. */
export interface ClaimedDelivery {
  id: number;
  campaignId: number;
  laneId: number;
  /** The lane's epoch at the claim; a later one makes the claim void. */
  epoch: number;
  /** The name under which it was claimed; a process that was taken for dead goes on under another one. */
  worker: string;
  attempt: number;
  try: number;
  /** Connections lost under this delivery without an answer. */
  losses: number;
  /** Seconds spent waiting between tries so far; the retry deadline counts these alone. */
  waited: number;
  revision: number;
  address: string;
  domain: string;
  clients: readonly ClaimedClient[];
}

/** A row of the audience that this address stands for. */
export interface ClaimedClient {
  name: string | null;
  locale: string | null;
  timezone: string | null;
  account: string | null;
  attributes: Readonly<Record<string, string>>;
}
