// A sequential detector (CUSUM over log-likelihood ratios, Page 1954): one number that a bad outcome raises and
// a good one lowers, never below zero. Pure; what counts as bad is decided in evidence.ts.

/** p0: the share of bad outcomes when all is well; p1: when it is not; h: the height at which to stop. */
export interface DetectorConfig {
  readonly p0: number;
  readonly p1: number;
  readonly h: number;
}

/** Returns the detector's next value. `x` >= 0; 0 < p0 < p1 < 1. */
export function stepDetector(x: number, bad: boolean, { p0, p1 }: DetectorConfig): number {
  return Math.max(0, x + (bad ? Math.log(p1 / p0) : Math.log((1 - p1) / (1 - p0))));
}

/** The same for `count` good outcomes at once: a bad one folds in what was good before it. */
export function easeDetector(x: number, count: number, { p0, p1 }: DetectorConfig): number {
  return Math.max(0, x + count * Math.log((1 - p1) / (1 - p0)));
}

export function isTripped(x: number, { h }: DetectorConfig): boolean {
  return x >= h;
}
