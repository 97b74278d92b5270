// The campaign: one notice to one audience. Its states and moves, and the key that makes typing `send` twice
// send once.

import { createHash } from "node:crypto";
import type { Filter } from "../client/audience.ts";
import type { Moves } from "../transition.ts";
import type { Overrides } from "./preflight/override.ts";
import type { Start } from "./start.ts";

export type CampaignState =
  | "draft"
  | "scheduled"
  | "running"
  | "paused"
  | "cancelled"
  | "completed"
  | "completed-with-failures";

export const CAMPAIGN_MOVES: Moves<CampaignState> = {
  draft: ["running", "scheduled", "cancelled"],
  scheduled: ["running", "paused", "cancelled"],
  running: ["paused", "cancelled", "completed", "completed-with-failures"],
  paused: ["running", "scheduled", "cancelled"],
  cancelled: [],
  completed: ["paused", "running"],
  "completed-with-failures": ["paused", "running"],
};

/** States in which nothing more happens unless somebody asks or a late report arrives. */
export function isFinished(state: CampaignState): boolean {
  return state === "completed" || state === "completed-with-failures" || state === "cancelled";
}

export interface Campaign {
  id: number;
  name: string;
  key: string;
  state: CampaignState;
  /** `schedule`: its moment passed and nobody was there to start it. */
  pausedBy: "person" | "breaker" | "schedule" | null;
  /** Why it is paused or cancelled, in words. */
  why: string | null;
  /** The campaign file, absolute path. */
  file: string;
  spec: CampaignSpec;
  templateName: string;
  templateClass: "required" | "service" | "optional";
  revision: number;
  /** SHA-256 of the CSV file, or `audience:NAME`. */
  audienceHash: string;
  importId: number | null;
  /** Somebody said yes to the launch, by `--yes` or at the prompt. */
  confirmed: boolean;
  /** What people go on in spite of, by the finding's code. */
  overrides: Overrides;
  /** When it shall begin, or should have; null: at once. */
  start: Start | null;
  tellByMs: number | null;
  validUntilMs: number | null;
  planCursor: string;
  planned: boolean;
  createdAtMs: number;
  /** When it began to run; null: nothing was planned yet, nothing sent. */
  launchedAtMs: number | null;
  endedAtMs: number | null;
}

/** What the campaign file asked for, as it is kept. */
export interface CampaignSpec {
  audience: { kind: "file"; path: string } | { kind: "named"; name: string };
  filter: Filter;
  values: Record<string, unknown>;
}

/** Equal for equal notices: name, template, values, audience (its content) and filter. Hex SHA-256. */
export function campaignKey(input: {
  name: string;
  template: string;
  values: Record<string, unknown>;
  audienceHash: string;
  filter: Filter;
}): string {
  const { name, template, values, audienceHash, filter } = input;
  return createHash("sha256")
    .update(JSON.stringify([name, template, sorted(values), audienceHash, sorted(filter)]))
    .digest("hex");
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== "object") return value;
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, inner]) => [key, sorted(inner)]);
}
