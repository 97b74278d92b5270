// The port through which the checks ask what the database knows from other campaigns.
import type { TemplateClass } from "../../template/manifest.ts";
import type { WhySuppressed } from "./audience-checks.ts";

/** Who holds a provider now. */
export interface HeldNow {
  provider: string;
  /** The campaign whose lane is held; null: a person holds the provider for all of them. */
  campaign: string | null;
  why: string;
}

export interface PreflightHistory {
  /** Addresses of this import after `after` up to `upTo` that a plan would leave out, by key, with why. */
  suppressed(page: {
    importId: number;
    templateClass: TemplateClass;
    after: string;
    upTo: string;
  }): Promise<Map<string, WhySuppressed>>;
  /** Providers that are held now: by hand, or in a campaign that has not ended. */
  held(): Promise<HeldNow[]>;
  /** Providers to which mail went in a campaign that has ended since then, or has not. */
  sentSince(sinceMs: number): Promise<Set<string>>;
}
