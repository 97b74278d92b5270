// Will anybody hear of it when a campaign is stopped? Mail alone is a weak alarm: what stops the campaign's mail may stop
// the alarm's too.
import { providerTitle } from "../../provider/directory.ts";
import { OTHER } from "../../provider/provider.ts";
import type { Finding } from "./finding.ts";

/** The roads for alerts that are configured. */
export interface AlertRoads {
  /** Addresses that are told first. */
  mail: readonly string[];
  webhook: boolean;
  command: boolean;
}

export function checkAlerts(options: {
  roads: AlertRoads;
  /** The providers to which this campaign writes. */
  providers: ReadonlySet<string>;
  /** Of the domain of an alert's address. */
  providerOf: (domain: string) => string;
}): Finding[] {
  const { roads, providers, providerOf } = options;
  if (roads.webhook || roads.command) return [];
  if (roads.mail.length === 0) {
    return [
      {
        code: "alert-none",
        severity: "info",
        basis: "configured",
        message: "Nobody is called when a provider refuses this campaign: no road for alerts is configured.",
        hint: "Set webhook or command below [alert], and mail beside it; `bellwether alerts test` tries them.",
      },
    ];
  }
  const shared = [...new Set(roads.mail.map((address) => providerOf(domainOf(address))))]
    .filter((provider) => provider !== OTHER && providers.has(provider))
    .map(providerTitle);
  const same =
    shared.length === 0
      ? "A route that is held takes the alert with it."
      : `This campaign writes to ${shared.join(" and ")} too: if our mail is refused there, so is the alert.`;
  return [
    {
      code: "alert-mail-only",
      severity: "warning",
      basis: "configured",
      message: `Alerts go by mail alone. ${same}`,
      hint: "Set webhook or command below [alert] besides, a road that is not mail; `bellwether alerts test` tries it.",
    },
  ];
}

export function domainOf(address: string): string {
  return address.slice(address.lastIndexOf("@") + 1);
}
