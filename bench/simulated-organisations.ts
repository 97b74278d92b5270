// A lane of hosted mailboxes in which some organisations refuse us by a rule of their own: is the lane held for it?

import { type BreakerConfig, FRESH_PULSE, type Pulse, stepLane } from "../src/breaker/breaker.ts";
import { easeLane } from "../src/breaker/ease.ts";
import type { Evidence } from "../src/breaker/evidence.ts";
import { CONFIRMED } from "../test/world/evidence.ts";

export interface Organisations {
  organisations: number;
  contacts: number;
  /** Share of the organisations that refuse every mail of ours. */
  refusing: number;
  /** Contacts side by side as in the CSV, or spread as claims spread them. */
  order: "csv" | "spread";
  breaker: BreakerConfig;
  random: () => number;
}

/** The mail at which the lane was held; null: it was not. */
export function simulateOrganisations(options: Organisations): number | null {
  const { organisations, contacts, refusing, order, breaker, random } = options;
  const refuses = Array.from({ length: organisations }, () => random() < refusing);
  const mails = Uint32Array.from({ length: organisations * contacts }, (_, i) => Math.floor(i / contacts));
  if (order === "spread") shuffle(mails, random);
  let lane: { window: number; pulse: Pulse; provider: string } = {
    window: 1,
    pulse: FRESH_PULSE,
    provider: "microsoft365",
  };
  const step = (evidence: Evidence) => {
    const { window, pulse, trip } = stepLane(lane, evidence, breaker);
    lane = { ...lane, window, pulse };
    return trip;
  };
  let good = 0;
  for (const [n, organisation] of mails.entries()) {
    if (refuses[organisation] !== true) {
      good += 1;
      continue;
    }
    if (good > 0) step(CONFIRMED);
    if (good > 1) lane = { ...lane, ...easeLane(lane, good - 1, breaker) };
    good = 0;
    const unit = `org${organisation}.example`;
    // Set aside after the second: nothing more is sent there.
    if ((lane.pulse.units[unit] ?? 0) > 1) continue;
    const said = { reason: "policy", fault: "sender", scope: "organisation", hard: true, unit } as const;
    if (step({ ...CONFIRMED, kind: "refused", ...said }) !== null) return n + 1;
  }
  return null;
}

function shuffle(list: Uint32Array, random: () => number): void {
  for (let i = list.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    const [a = 0, b = 0] = [list[i], list[j]];
    list[i] = b;
    list[j] = a;
  }
}
