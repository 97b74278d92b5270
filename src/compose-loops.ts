// What goes on beside the sending for as long as a process drives: plans what was launched, and shows the queue what a
// person holds.
import type { Database } from "./adapters/database/database.ts";
import type { ProviderSwitch } from "./adapters/queue/bull.ts";
import { createProviderHolds } from "./adapters/store/provider-holds.ts";
import { planCampaign, type RouteChoice } from "./campaign/plan.ts";
import type { CampaignStore } from "./campaign/store.ts";
import type { AudienceStore } from "./client/audience-store.ts";
import type { Clock } from "./clock.ts";
import { hasIntake } from "./compose-intakes.ts";
import type { Config, RouteConfig } from "./config/config.ts";
import type { EngineOptions } from "./delivery/engine.ts";
import type { ProviderLookup } from "./provider/lookup.ts";

/** Plans every campaign that runs and is not planned yet, this process's or another's. */
export async function planLoop(options: {
  config: Config;
  clock: Clock;
  campaigns: CampaignStore;
  audiences: AudienceStore;
  lookup: () => ProviderLookup;
  routeOf: (provider: string) => RouteConfig;
  signal: AbortSignal;
  onNotice: EngineOptions["onNotice"];
}): Promise<void> {
  const choose = (provider: string): RouteChoice => {
    const { target, sourceAddress, ...route } = options.routeOf(provider);
    return { ...route, direct: target?.kind === "direct" ? { from: sourceAddress } : null };
  };
  const { campaigns, clock, signal } = options;
  while (!signal.aborted) {
    try {
      for (const campaign of await campaigns.list()) {
        if (campaign.state !== "running" || campaign.planned) continue;
        const { audiences } = options;
        const lookup = options.lookup();
        const { canary, soakMs } = options.config.ramp;
        // Where nothing is heard there is nothing to wait for.
        const stagger = hasIntake(options.config) ? { waitMs: soakMs } : null;
        await planCampaign({
          campaign,
          audiences,
          campaigns,
          lookup,
          routeOf: choose,
          canary,
          stagger,
          signal,
        });
      }
    } catch (error) {
      const trouble = error instanceof Error ? error.message : String(error);
      options.onNotice({ kind: "store", name: "plan", trouble });
    }
    await clock.sleep(200, signal);
  }
}

/** A queue shows what the database says of held providers; whether anything is sent, claims and intents decide. */
export async function switchLoop(options: {
  db: Database;
  clock: Clock;
  queue: Partial<ProviderSwitch>;
  signal: AbortSignal;
}): Promise<void> {
  const { clock, queue, signal } = options;
  const holds = createProviderHolds(options.db);
  while (queue.hold !== undefined && !signal.aborted) {
    try {
      await queue.hold(new Set((await holds.list()).map((one) => one.provider)));
    } catch {
      // The database is away; whoever polls it says so.
    }
    await clock.sleep(1_000, signal);
  }
}
