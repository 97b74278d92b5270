// Durations ("90m") and rates ("100/min") as people write them. Everything else in the program has numbers with
// their unit in the name; these two functions are the edge where text becomes such a number.

const UNIT_MS = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  hr: 3_600_000,
  d: 86_400_000,
  day: 86_400_000,
} as const;
type Unit = keyof typeof UNIT_MS;

/** A count in a time, as written: never reduced, because "1000/day" and "42/hr" are different promises. */
export interface Rate {
  readonly count: number;
  readonly perMs: number;
}

/** Milliseconds of "100ms", "60s", "90m", "2h", "90d" (also min, hr, day); null when it is not such a text. */
export function parseDuration(text: string): number | null {
  const match = /^\s*(\d{1,9})\s*([a-z]+)\s*$/.exec(text);
  const unit = match?.[2];
  if (match === null || unit === undefined || !isUnit(unit)) return null;
  const ms = Number(match[1]) * UNIT_MS[unit];
  return Number.isSafeInteger(ms) ? ms : null;
}

/** "100/min", "5/hr", "10/s", "1000/day" (also m, h, d); null when it is not such a text or the count is 0. */
export function parseRate(text: string): Rate | null {
  const match = /^\s*(\d{1,9})\s*\/\s*([a-z]+)\s*$/.exec(text);
  const unit = match?.[2];
  if (match === null || unit === undefined || !isUnit(unit) || unit === "ms") return null;
  const count = Number(match[1]);
  return count > 0 ? { count, perMs: UNIT_MS[unit] } : null;
}

function isUnit(word: string): word is Unit {
  return Object.hasOwn(UNIT_MS, word);
}
