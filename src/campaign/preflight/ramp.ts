// How long the ramp of a campaign will take behind its relays, said before the launch: whoever must tell everybody by
// ten o'clock should know at nine.
import { type LaneAhead, longestRampMs } from "../../breaker/ramp-duration.ts";
import { shownDuration, UNCONFIRMED_CAP } from "../../breaker/silence.ts";
import type { Finding } from "./finding.ts";

/** Shorter ones are not worth a word, ms. */
const WORTH_A_WORD_MS = 60_000;

export interface RampForecast {
  /** Lanes behind relays. */
  lanes: readonly LaneAhead[];
  /** Anything is configured that tells of reports. */
  hears: boolean;
  /** Reports of former campaigns told how long they take. */
  isMeasured: boolean;
}

export function checkRamp(options: {
  forecast: RampForecast;
  /** When everybody should know, and until when the notice is true; whichever is first. Null: no such time. */
  endMs: number | null;
  beginsMs: number;
}): Finding[] {
  const { forecast, endMs, beginsMs } = options;
  const ms = longestRampMs(forecast.lanes);
  const basis = forecast.isMeasured ? ("measured" as const) : ("assumed" as const);
  if (ms === null) {
    // Of a relay that nothing is heard of, relay-silent speaks.
    if (!forecast.hears) return [];
    return [
      {
        code: "ramp-duration",
        severity: "info",
        basis,
        message: `This relay has told of no arrival so far: each lane stops at ${UNCONFIRMED_CAP} unconfirmed mails until a person decides.`,
        hint: "Read the relay's log ([bounces.log]), or let it offer success reports (DSN); otherwise expect to type `resume`.",
      },
    ];
  }
  const isLate = endMs !== null && beginsMs + ms > endMs;
  if (ms <= WORTH_A_WORD_MS && !isLate) return [];
  const learned = forecast.isMeasured ? "as fast as the last time" : "within a soak";
  const late = isLate ? " That is later than the notice allows." : "";
  return [
    {
      code: "ramp-duration",
      severity: isLate ? "warning" : "info",
      basis,
      message: `It takes about ${shownDuration(ms)} until the last mail may leave: behind a relay each lane grows as arrivals are told of, if they are ${learned}.${late}`,
      hint: "Let it begin earlier. A larger [ramp] canary is quicker, and is what goes wrong at each provider on a bad day.",
    },
  ];
}
