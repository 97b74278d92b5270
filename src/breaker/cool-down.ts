// How long it is wise to wait before a held lane is tried again. After the first hold not at all: somebody repairs the
// cause and resumes. After a trial that failed (half-open, refused again) one minute, doubled with each further one, an
// hour at most. A proposal: a person may go on earlier. Pure.
import type { Pulse } from "./breaker.ts";

const FIRST_MS = 60_000;
const LONGEST_MS = 60 * 60_000;

/** Trials that failed in a row, with the hold that comes now: none if the lane was not on trial. */
export function failedTrials(pulse: Pick<Pulse, "halfOpen" | "failedTrials">): number {
  return pulse.halfOpen ? pulse.failedTrials + 1 : 0;
}

/** Milliseconds; 0: none. */
export function coolDownMs(failed: number): number {
  return failed === 0 ? 0 : Math.min(FIRST_MS * 2 ** Math.min(failed - 1, 30), LONGEST_MS);
}
