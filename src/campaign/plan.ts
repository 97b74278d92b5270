// The plan of a campaign: its audience by address, each with its provider and its lane, written in idempotent
// chunks. It can die at any moment and goes on where its cursor stands; two that plan at once write it once.
import { createHash } from "node:crypto";
import type { LaneLimits } from "../breaker/lane-start.ts";
import { firstWindow } from "../breaker/ramp.ts";
import type { Stagger } from "../breaker/ramp-start.ts";
import { type Filter, matchesFilter } from "../client/audience.ts";
import type { AudienceStore, StoredClient } from "../client/audience-store.ts";
import { courtesyOf } from "../provider/courtesy.ts";
import { isFreemail, isHosted, organisationOf } from "../provider/directory.ts";
import type { ProviderLookup } from "../provider/lookup.ts";
import { OTHER } from "../provider/provider.ts";
import type { Campaign } from "./campaign.ts";
import type { CampaignStore, PlannedDelivery, PlannedLane } from "./store.ts";

/** Addresses written in one transaction: some milliseconds of work. */
const CHUNK = 1_000;

export interface RouteChoice {
  name: string;
  feedback: "relay" | "final";
  connections: number;
  /** Mail leaves from here to each provider's own hosts; `from`: the address that it leaves from, if one is set. */
  direct: { from: string | null } | null;
}

export async function planCampaign(options: {
  campaign: Campaign;
  audiences: AudienceStore;
  campaigns: CampaignStore;
  lookup: ProviderLookup;
  routeOf: (provider: string) => RouteChoice;
  canary: number;
  /** How lanes behind a relay start; null: all at once. */
  stagger?: Stagger | null;
  signal: AbortSignal;
}): Promise<void> {
  const { audiences, campaigns, lookup, signal } = options;
  const { id, importId, spec } = options.campaign;
  if (importId === null) return;
  let after = options.campaign.planCursor;
  while (!signal.aborted) {
    const rows = await audiences.page(importId, after, CHUNK);
    const last = rows.at(-1);
    if (last === undefined || last.key === null) {
      await campaigns.finishPlan(id, options.stagger ?? null);
      const { failed, skipped } = lookup.stats();
      if (failed + skipped > 0) {
        const text = `DNS did not tell the provider of ${failed + skipped} domains: they go in the lane "${OTHER}".`;
        await campaigns.note(id, "dns", text);
      }
      return;
    }
    const recipients = groupByAddress(rows, spec.filter);
    const answers = await lookup.providersOf(new Set(recipients.map((one) => one.domain)));
    const lanes = new Map<string, PlannedLane>();
    const deliveries = recipients.map((one): PlannedDelivery => {
      const answer = answers.get(one.domain);
      const provider = answer?.provider ?? OTHER;
      if (!lanes.has(provider)) {
        const route = options.routeOf(provider);
        const { name, feedback } = route;
        lanes.set(provider, {
          provider,
          route: name,
          feedback,
          window: firstWindow(feedback, options.canary),
          limits: limitsOf(provider, route),
        });
      }
      return {
        ...one,
        provider,
        unit: unitOf(provider, one.domain, answer?.site ?? null),
        spread: spreadOf(id, one.key),
      };
    });
    const written = await campaigns.plan(id, {
      after,
      upTo: last.key,
      deliveries,
      lanes: [...lanes.values()],
    });
    if (written) {
      after = last.key;
      continue;
    }
    const now = await campaigns.find({ id });
    if (now === null || now.planned) return;
    after = now.planCursor;
  }
}

/** The long tail is many providers: its lane as a whole has no limit of theirs. */
function limitsOf(provider: string, { connections, direct }: RouteChoice): LaneLimits {
  if (direct === null || provider === OTHER) return { connections, direct: null };
  const { connections: wanted, strict } = courtesyOf(provider);
  return { connections, direct: { connections: wanted, strict, from: direct.from } };
}

/** One mail an address, after the filter; the first row's spelling of it. */
function groupByAddress(
  rows: readonly StoredClient[],
  filter: Filter,
): { address: string; key: string; domain: string }[] {
  const byKey = new Map<string, { address: string; key: string; domain: string }>();
  for (const row of rows) {
    const { address, key, domain } = row;
    if (address === null || key === null || domain === null || byKey.has(key)) continue;
    if (matchesFilter(row, filter)) byKey.set(key, { address, key, domain });
  }
  return [...byKey.values()];
}

/** At a hoster or gateway one organisation counts once for its own rules; in the long tail one site does. */
export function unitOf(provider: string, domain: string, site: string | null): string | null {
  if (provider === OTHER) return site ?? organisationOf(domain);
  return isHosted(provider) && !isFreemail(domain) ? organisationOf(domain) : null;
}

/** A number that mixes domains and is always the same for an address of a campaign. */
function spreadOf(campaignId: number, key: string): number {
  return createHash("md5").update(`${campaignId} ${key}`).digest().readUInt32BE(0) >>> 1;
}
