// Which key of a report counts which state of a delivery: each state in exactly one, so that the keys add up.
import type { DeliveryState } from "../delivery/delivery.ts";
import { BellwetherError } from "../errors.ts";

/** Every key but `recipients` adds up to `recipients`. */
export interface Totals {
  recipients: number;
  accepted: number;
  handedOver: number;
  bounced: number;
  complained: number;
  deferred: number;
  uncertain: number;
  suppressed: number;
  expired: number;
  cancelled: number;
  pending: number;
}
export type CountedKey = Exclude<keyof Totals, "recipients">;

export const KEY_OF: Readonly<Record<DeliveryState, CountedKey>> = {
  pending: "pending",
  claimed: "pending",
  sending: "pending",
  "handed-over": "handedOver",
  "deferred-at-relay": "deferred",
  accepted: "accepted",
  deferred: "deferred",
  bounced: "bounced",
  complained: "complained",
  uncertain: "uncertain",
  suppressed: "suppressed",
  expired: "expired",
  cancelled: "cancelled",
};

/** Who got the notice, as far as anybody can tell: the relay's word counts, and who complained has read it. */
export const TOLD: ReadonlySet<DeliveryState> = new Set(["accepted", "handed-over", "complained"]);

export function noTotals(): Totals {
  return {
    recipients: 0,
    accepted: 0,
    handedOver: 0,
    bounced: 0,
    complained: 0,
    deferred: 0,
    uncertain: 0,
    suppressed: 0,
    expired: 0,
    cancelled: 0,
    pending: 0,
  };
}

/** Adds counted rows by state. @throws BellwetherError("internal") for a state that no key counts. */
export function addCounts(totals: Totals, counts: Partial<Record<DeliveryState, number>>): void {
  for (const [state, count] of Object.entries(counts)) {
    const key = Object.hasOwn(KEY_OF, state) ? KEY_OF[state as DeliveryState] : undefined;
    if (key === undefined)
      throw new BellwetherError(
        "internal",
        `${count} deliveries are in the state "${state}", which no report counts.`,
        "The database was written by another version of this program; use that one.",
      );
    totals[key] += count;
    totals.recipients += count;
  }
}

/** Addresses that have not got the notice (yet). */
export function untoldOf(totals: Totals): number {
  return totals.recipients - totals.accepted - totals.handedOver - totals.complained;
}
