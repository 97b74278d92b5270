// What a lane behind a relay remembers for its ramp: which of the mails at the relay hold a place, and what was learned
// about confirmations - whether they come at all, by which intake, how long they take. Pure; kept in the lane's pulse.

export interface RampMemory {
  /** At the relay since before the last resume, and unconfirmed: they hold no place, and are not sent again. */
  earlier: number;
  /** Said to be deferred at the relay, and not ended since. */
  delayed: number;
  /** Of these, how many hold no place, since a confirmed mail stands for each. */
  vouched: number;
  /** Reports that told of an arrival. */
  signs: number;
  /** The intake that brought the last one; null: none came. */
  by: string | null;
  /** How long such a report takes, ms, smoothed; null: none came. */
  tookMs: number | null;
  /** When the last one came, ms. */
  signMs: number | null;
  /** The relay offers reports of success, and was asked for one of each mail. */
  asked: boolean;
  /** Others of its route go first: nothing begins before then, ms; null: it may begin. */
  startsMs: number | null;
  /** Why the window does not grow, or stopped growing, in words; null: nothing keeps it. */
  why: string | null;
}

export const FRESH_MEMORY: RampMemory = {
  earlier: 0,
  delayed: 0,
  vouched: 0,
  signs: 0,
  by: null,
  tookMs: null,
  signMs: null,
  asked: false,
  startsMs: null,
  why: null,
};

/** Weight of the newest of the times that reports take. */
const NEWEST = 0.3;

/** The relay took a mail. `isEarlier`: it was claimed before the last hold or resume. */
export function noteHandover(
  memory: RampMemory,
  { asked, isEarlier }: { asked: boolean; isEarlier: boolean },
): RampMemory {
  return {
    ...memory,
    asked: memory.asked || asked,
    earlier: memory.earlier + (isEarlier ? 1 : 0),
  };
}

/** The relay says that it could not pass a mail on yet. */
export function noteDelay(memory: RampMemory, { isEarlier }: { isEarlier: boolean }): RampMemory {
  return isEarlier ? memory : { ...memory, delayed: memory.delayed + 1 };
}

/**
 * A mail that was at the relay has ended. Whoever arrives stands for one that the relay still holds: a few full mailboxes
 * must not use up the window of a lane whose other mails arrive, and where nothing arrives nobody stands for anybody.
 */
export function noteEnd(
  memory: RampMemory,
  { wasDelayed, isEarlier, arrived }: { wasDelayed: boolean; isEarlier: boolean; arrived: boolean },
): RampMemory {
  if (isEarlier) return { ...memory, earlier: Math.max(0, memory.earlier - 1) };
  const delayed = Math.max(0, memory.delayed - (wasDelayed ? 1 : 0));
  return { ...memory, delayed, vouched: Math.min(delayed, memory.vouched + (arrived ? 1 : 0)) };
}

/** A report told of an arrival. `tookMs`: since the relay took the mail; null where that is not known. */
export function learnSign(
  memory: RampMemory,
  { by, atMs, tookMs }: { by: string; atMs: number; tookMs: number | null },
): RampMemory {
  const known = memory.tookMs;
  const took =
    tookMs === null
      ? known
      : known === null
        ? Math.max(0, tookMs)
        : known + (Math.max(0, tookMs) - known) * NEWEST;
  return { ...memory, signs: memory.signs + 1, by, signMs: atMs, tookMs: took, why: null };
}

/** A person lets the lane go on: what the relay holds is its own affair, and the window begins anew. */
export function afterResume(memory: RampMemory, unconfirmed: number): RampMemory {
  return { ...memory, earlier: unconfirmed, delayed: 0, vouched: 0, startsMs: null, why: null };
}

/** How many of `unconfirmed` mails at the relay hold a place in the window. */
export function placesHeld(memory: RampMemory, unconfirmed: number): number {
  return Math.max(0, unconfirmed - memory.earlier - memory.vouched);
}
