// When whom is told, and how often: pure functions of times. Whoever claims a try has it for a lease; who dies meanwhile
// leaves it due again.
import type { AlertState, Urgency } from "./alert.ts";

/** Longer than any road takes. */
export const LEASE_MS = 60_000;
const FIRST_RETRY_MS = 15_000;
const LONGEST_RETRY_MS = 15 * 60_000;
/** Some four hours: after that the road is for a person to repair. */
export const MOST_TRIES = 20;

/** How long after the n-th failure (from 1) it is tried again, ms; null: never. */
export function retryAfterMs(tries: number): number | null {
  if (tries >= MOST_TRIES) return null;
  return Math.min(FIRST_RETRY_MS * 2 ** (tries - 1), LONGEST_RETRY_MS);
}

/** What the keeper knows of an alert whose cause stood when it last looked. */
export interface LiveAlert {
  id: number;
  key: string;
  urgency: Urgency;
  state: Exclude<AlertState, "settled">;
  atMs: number;
  deputyMs: number | null;
  /** Tries that are still to be made. */
  waiting: number;
}

export function isDeputyDue(
  alert: LiveAlert,
  { nowMs, afterMs }: { nowMs: number; afterMs: number },
): boolean {
  if (alert.state !== "open" || alert.urgency === "low" || alert.deputyMs !== null) return false;
  return alert.atMs + afterMs <= nowMs;
}

/** Its cause is over; or it needs nobody, and every road has done what it could. */
export function isOver(alert: LiveAlert, standing: ReadonlySet<string>): boolean {
  return !standing.has(alert.key) || (alert.urgency === "low" && alert.waiting === 0);
}
