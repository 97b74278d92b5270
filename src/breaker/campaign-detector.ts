// The campaign's own address detector: a list that is bad in every lane a little is bad. Lanes count what was good, and
// a bad outcome brings it along, so that the campaign's row is touched by bad ones alone. Pure.
import { type DetectorConfig, easeDetector, isTripped, stepDetector } from "./detector.ts";

/** `good` outcomes first, then so many `bad` ones. Returns the next value and whether the campaign must stop. */
export function stepCampaignDetector(
  before: number,
  { good, bad }: { good: number; bad: number },
  config: DetectorConfig,
): { x: number; trips: boolean } {
  let x = easeDetector(before, good, config);
  for (let i = 0; i < bad; i++) x = stepDetector(x, true, config);
  return { x, trips: isTripped(x, config) };
}
