// How long a ramp takes: from the window, what is left, and the time that a confirmation needs. An estimate for people;
// nothing decides by it. Pure.
import { OPEN_WINDOW } from "./ramp.ts";
import { UNCONFIRMED_CAP } from "./silence.ts";

export interface RampAhead {
  /** Addresses that wait. */
  left: number;
  /** The window now. */
  window: number;
  /** What holds a place in it. */
  out: number;
  /** From the handover of a mail to the word that it has arrived, ms; by the soak alone: the soak. */
  confirmMs: number;
  /** Nothing tells of arrivals: the window grows when nothing came back, and ends at UNCONFIRMED_CAP. */
  bySoak?: boolean;
}

/**
 * Ms until the last of them may leave; null: the window ends before they do, and a person must decide. A window's worth
 * is confirmed in about the time that one confirmation takes, and then doubles.
 */
export function rampDurationMs({ left, window, out, confirmMs, bySoak = false }: RampAhead): number | null {
  const end = bySoak ? UNCONFIRMED_CAP : OPEN_WINDOW;
  let rest = left - Math.max(0, window - out);
  let size = Math.max(1, window);
  let rounds = 0;
  while (rest > 0) {
    if (size >= end && bySoak) return null;
    if (size >= end) return (rounds + Math.ceil(rest / end)) * confirmMs;
    const grown = Math.min(size * 2, end);
    // Unconfirmed mails keep their places: by the soak alone only what the window grows by may leave.
    rest -= bySoak ? grown - size : grown;
    size = grown;
    rounds += 1;
  }
  return rounds * confirmMs;
}

/** A lane behind a relay, before its launch. */
export interface LaneAhead {
  size: number;
  canary: number;
  /** As in `RampAhead`; null: nothing will tell. */
  confirmMs: number | null;
  bySoak: boolean;
  /** How long it waits for others of its route to go first, at most, ms. */
  startsMs: number;
}

/** The longest of them, ms; null: one of them stops until a person decides. */
export function longestRampMs(lanes: readonly LaneAhead[]): number | null {
  let longest = 0;
  for (const { size, canary, confirmMs, bySoak, startsMs } of lanes) {
    if (size <= canary) continue;
    if (confirmMs === null) return null;
    const ms = rampDurationMs({ left: size, window: canary, out: 0, confirmMs, bySoak });
    if (ms === null) return null;
    longest = Math.max(longest, startsMs + ms);
  }
  return longest;
}
