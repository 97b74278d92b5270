// What former campaigns, and those that run now, have to say of this one: was it told before, is a provider held, is it
// long since anything went there. Pure.
import { providerTitle } from "../../provider/directory.ts";
import { OTHER } from "../../provider/provider.ts";
import { type Campaign, campaignKey } from "../campaign.ts";
import type { Finding } from "./finding.ts";
import type { HeldNow } from "./history.ts";

/** Gmail's guidelines ask senders to increase slowly; what was sent longer ago counts for little. */
export const FORGOTTEN_AFTER_MS = 30 * 24 * 60 * 60 * 1000;
const MANY = 1_000;

/** A notice without its name: equal for what clients would read as the same. */
interface Told {
  templateName: string;
  audienceHash: string;
  spec: Pick<Campaign["spec"], "values" | "filter">;
}

function contentOf({ templateName, audienceHash, spec }: Told): string {
  const { values, filter } = spec;
  return campaignKey({ name: "", template: templateName, values, audienceHash, filter });
}

export function checkBefore(options: {
  notice: Told & { name: string };
  /** It was asked for by name to tell everybody once more. */
  again: boolean;
  campaigns: readonly Pick<
    Campaign,
    "name" | "state" | "launchedAtMs" | "templateName" | "audienceHash" | "spec"
  >[];
  /** Recipients by provider, largest first. */
  providers: readonly (readonly [string, number])[];
  held: readonly HeldNow[];
  /** Of these another finding says that they refused us lately. */
  told: ReadonlySet<string>;
  /** Providers to which mail went within FORGOTTEN_AFTER_MS; null: nothing leaves this machine. */
  known: ReadonlySet<string> | null;
}): Finding[] {
  const { notice, providers, held, known } = options;
  const findings: Finding[] = [];
  const content = contentOf(notice);
  const former = options.campaigns.find(
    (one) => one.name !== notice.name && one.launchedAtMs !== null && contentOf(one) === content,
  );
  if (former !== undefined && !options.again) {
    const when = new Date(former.launchedAtMs ?? 0).toISOString().slice(0, 10);
    findings.push({
      code: "told-before",
      severity: "warning",
      basis: "measured",
      message: `The same notice went to the same audience on ${when}, as "${former.name}" (${former.state}).`,
      hint: "Those who got it would get it twice. To reach those who missed it: `resume` that one. If twice is wanted, go on.",
    });
  }
  const mine = new Map(providers);
  const seen = new Set<string>();
  for (const { provider, campaign, why } of held) {
    if (!mine.has(provider) || seen.has(provider)) continue;
    if (campaign !== null && options.told.has(provider)) continue;
    seen.add(provider);
    const title = providerTitle(provider);
    findings.push({
      code: "provider-held",
      severity: "warning",
      basis: "measured",
      message:
        campaign === null
          ? `${title} is held by a person (${why}); its ${mine.get(provider)} mails wait.`
          : `${title} is held now in the campaign "${campaign}": ${why}`,
      hint:
        campaign === null
          ? `\`resume --provider ${provider}\` lets it go on.`
          : "Repair the cause first: `report` shows it. This campaign would most likely hear the same.",
      subject: provider,
    });
  }
  const fresh = providers.filter(
    ([id, number]) => id !== OTHER && number >= MANY && known?.has(id) === false,
  );
  if (fresh.length > 0) {
    const names = fresh.map(([id, number]) => `${providerTitle(id)} (${number})`);
    findings.push({
      code: "provider-first-volume",
      severity: "info",
      basis: "measured",
      message: `Nothing went from here to ${names.join(", ")} within 30 days.`,
      hint: "A sender that appears with many mails at once is looked at twice. The ramp begins small; a smaller campaign some days before helps.",
    });
  }
  return findings;
}
