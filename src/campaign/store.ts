// The port through which campaigns are kept and steered. Every method is one transaction; orders given by other
// processes are such transactions too, and the driver sees them at its next look.

import type { LaneLimits } from "../breaker/lane-start.ts";
import type { Stagger } from "../breaker/ramp-start.ts";
import type { TemplateSource } from "../template/template.ts";
import type { CheckedValues } from "../template/values.ts";
import type { Campaign, CampaignSpec } from "./campaign.ts";
import type { Start } from "./start.ts";

export interface NewCampaign {
  name: string;
  key: string;
  file: string;
  spec: CampaignSpec;
  templateName: string;
  audienceHash: string;
  confirmed: boolean;
  overrides: Record<string, string>;
  tellByMs: number | null;
  validUntilMs: number | null;
}

export interface Content {
  source: TemplateSource;
  values: CheckedValues;
}

export interface PlannedDelivery {
  address: string;
  key: string;
  domain: string;
  provider: string;
  /** Who counts as one for tenant rules and in the long tail; null: each recipient. */
  unit: string | null;
  /** Where it stands in its lane: a hash, so that domains are mixed. 0 .. 2^31-1. */
  spread: number;
}

export interface PlannedLane {
  provider: string;
  route: string;
  feedback: "relay" | "final";
  window: number;
  /** What its route and its provider take; left out: nothing is known of it. */
  limits?: LaneLimits;
}

export interface CampaignStore {
  /**
   * The draft of this notice. What has this key already is taken up, and brought up to date while it is a draft;
   * a draft of the same name that asked for something else was never sent, and gives way.
   */
  create(campaign: NewCampaign): Promise<Campaign>;
  /** By key, id, or name (the newest of that name); "latest" is the newest of all. */
  find(by: { key: string } | { id: number } | { name: string } | "latest"): Promise<Campaign | null>;
  /** Newest first. */
  list(): Promise<Campaign[]>;
  /** Notes what became known of a draft. */
  prepare(
    id: number,
    known: { importId?: number; confirmed?: boolean; overrides?: Record<string, string> },
  ): Promise<void>;
  /**
   * draft -> running, with the content frozen as its next revision; draft -> scheduled where its start lies ahead.
   * Again is nothing. Throws `campaign-state` when its start is missed by now.
   */
  launch(
    id: number,
    content: Content & { templateClass: Campaign["templateClass"]; start?: Start | null },
  ): Promise<void>;
  content(id: number, revision: number): Promise<Content>;
  /** Writes a chunk of the plan if the plan still stands at `after`; false when somebody else wrote it. */
  plan(
    id: number,
    chunk: {
      after: string;
      upTo: string;
      deliveries: readonly PlannedDelivery[];
      lanes: readonly PlannedLane[];
    },
  ): Promise<boolean>;
  /** The plan is complete: lanes may be claimed from. `stagger`: those behind a relay one after the other. */
  finishPlan(id: number, stagger?: Stagger | null): Promise<void>;
  steer(id: number, order: Order): Promise<Steered>;
  note(id: number, event: string, text: string): Promise<void>;
}

export type Order =
  /** `provider`: that lane alone; without it everything. */
  | { do: "pause"; why: string; provider?: string }
  | { do: "cancel"; why: string }
  /**
   * What has not begun begins at another time; null: now. What a person has paused stays paused; what only missed its
   * moment is scheduled anew.
   */
  | { do: "schedule"; start: Start | null; tellByMs: number | null; validUntilMs: number | null }
  /** A person says what became of the uncertain ones. */
  | { do: "settle-uncertain"; as: "resend" | "sent" }
  /** `provider`: that lane alone; null: everything that stands still. `keep`: providers whose lanes stay as they are. */
  | { do: "resume"; provider: string | null; keep?: readonly string[] }
  /** What an organisation's own rule refused, in every lane: by its domain. */
  | { do: "resume-organisation"; organisation: string }
  /** From now on everything that is sent says this. `from`: the revision that the approval was given against. */
  | ({ do: "revise"; from: number } & Revision);

/** A corrected text for the same audience. */
export interface Revision extends Content {
  spec: CampaignSpec;
  key: string;
  file: string;
  templateName: string;
  tellByMs: number | null;
  validUntilMs: number | null;
}

export interface Steered {
  /** Deliveries that return to pending, or were settled. */
  returned: number;
  /** Lanes that were held or blind and go on. */
  lanes: string[];
}
