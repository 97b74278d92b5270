// What a new lane knows of its provider from earlier campaigns: a provider that refused us and has not taken a mail
// since is probed, not stormed. The memory fades within a week. Pure; the rows of earlier lanes are the store's.
import type { BreakerConfig, Pulse } from "./breaker.ts";

const DAY_MS = 24 * 60 * 60_000;
export const MEMORY_MS = 7 * DAY_MS;

/** A lane of an earlier campaign to the same provider by the same route. */
export type EarlierLane = Pick<Pulse, "heldMs" | "confirmedMs">;

export interface Memory {
  /** When it last refused us so that a lane was held, ms since the epoch. */
  heldMs: number;
  /** 1 for a day, then falling, 0 after a week. */
  weight: number;
}

/** Null: it took our mail since, or has long been left alone. */
export function remembered(earlier: readonly EarlierLane[], nowMs: number): Memory | null {
  const heldMs = Math.max(0, ...earlier.map((lane) => lane.heldMs));
  const confirmedMs = Math.max(0, ...earlier.map((lane) => lane.confirmedMs));
  const weight = Math.min(1, (heldMs + MEMORY_MS - nowMs) / (MEMORY_MS - DAY_MS));
  return heldMs === 0 || confirmedMs > heldMs || weight <= 0 ? null : { heldMs, weight };
}

/** Where the sender's detector begins: fresh from a hold the first refusal trips it, later it takes two, then three. */
export function startFrom({ weight }: Memory, { sender: { p0, p1, h } }: BreakerConfig): number {
  return weight * Math.max(0, h - Math.log(p1 / p0));
}
