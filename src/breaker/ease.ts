// A run of confirmed mails at once. Between two outcomes that are anything else a lane mostly hears the same word many
// times: what each of them does is a subtraction and a count. Equal to stepping one by one, which a test holds. Pure.
import type { BreakerConfig, Pulse } from "./breaker.ts";
import { easeDetector } from "./detector.ts";
import { DETECTORS } from "./evidence.ts";
import { confirm, OPEN_WINDOW } from "./ramp.ts";

/**
 * So many mails more were confirmed, directly after one that was stepped: what a first confirmation puts back is back.
 */
export function easeLane(
  { window, pulse }: { window: number; pulse: Pulse },
  count: number,
  config: BreakerConfig,
): { window: number; pulse: Pulse } {
  const eased: Pulse = { ...pulse, good: pulse.good + count, confirmed: pulse.confirmed + count };
  for (const name of DETECTORS) eased[name] = easeDetector(eased[name], count, config[name]);
  let ramp = { window, cohort: pulse.cohort };
  let left = count;
  while (left > 0 && ramp.window < OPEN_WINDOW) {
    ramp = confirm(ramp);
    left -= 1;
  }
  // Fully open it goes round and round.
  eased.cohort = left > 0 ? (ramp.cohort + left) % OPEN_WINDOW : ramp.cohort;
  return { window: ramp.window, pulse: eased };
}
