// What alerts are raised for: states of lanes, routes, campaigns and intakes that wait for somebody, as the database has
// them. A cause has a key that is the same for whoever looks, so that it is raised once, and settled when it is over.
import type { Hold } from "../breaker/hold.ts";
import type { Urgency } from "./alert.ts";

interface InCampaign {
  campaign: { id: number; name: string };
}

interface InLane extends InCampaign {
  laneId: number;
  provider: string;
}

export type Cause = {
  key: string;
  /** Raised if it is not known yet; else it only keeps an alert that was raised before. */
  fresh: boolean;
} & (
  | (InLane & {
      kind: "lane-held";
      hold: Hold;
      /** When it goes on by itself; null: when a person says so. */
      untilMs: number | null;
    })
  | (InLane & { kind: "lane-blind"; text: string })
  | (InCampaign & { kind: "route-held"; route: string; hold: Hold })
  | (InCampaign & { kind: "campaign-paused"; by: "breaker" | "schedule"; why: string })
  | (InCampaign & { kind: "campaign-failures" })
  | (InCampaign & { kind: "uncertain"; text: string })
  | { kind: "intake-dead"; intake: string; trouble: string; sinceMs: number }
);

/** A source of reports that fails for so long is dead; a mailbox that is restarted is not. */
export const INTAKE_DEAD_MS = 5 * 60_000;
/** What happened longer ago is history when alerts are first looked for. */
export const NEWS_MS = 24 * 60 * 60_000;

export function urgencyOf(cause: Cause): Urgency {
  if (cause.kind === "campaign-failures") return "low";
  // It goes on by itself: somebody should know, nobody must come.
  if (cause.kind === "lane-held" && cause.untilMs !== null) return "low";
  return "high";
}

/** How far a campaign is. */
export interface Counts {
  recipients: number;
  told: number;
  uncertain: number;
  /** Refused, or given up: neither told nor waiting. */
  failed: number;
}
