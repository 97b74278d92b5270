// The ramp: how many unconfirmed mails a lane may have out. Only confirmation grows it, by doubling: each
// confirmed cohort (a window's worth) doubles the window. Pure.

/** From here on the window bounds nothing but memory: the lane counts as open. */
export const OPEN_WINDOW = 1024;

export interface RampStep {
  window: number;
  /** Confirmed since the window last grew. */
  cohort: number;
}

/** One more mail was confirmed. */
export function confirm({ window, cohort }: RampStep): RampStep {
  if (cohort + 1 < window) return { window, cohort: cohort + 1 };
  return { window: Math.min(window * 2, OPEN_WINDOW), cohort: 0 };
}

/** The provider asked for less: halve, but always leave one. */
export function shrink({ window }: RampStep): RampStep {
  return { window: Math.max(1, Math.floor(window / 2)), cohort: 0 };
}

/** With `final` feedback each reply confirms, so one mail is enough to begin; a relay's canary goes first. */
export function firstWindow(feedback: "relay" | "final", canary: number): number {
  return feedback === "final" ? 1 : canary;
}
