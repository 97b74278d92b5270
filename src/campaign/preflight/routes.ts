// Are the routes there? Opens one connection to each relay that this campaign needs, says EHLO, TLS and AUTH as
// sending would, and hangs up.
import { providerTitle } from "../../provider/directory.ts";
import type { Finding } from "./finding.ts";

export interface ProbedRoute {
  name: string;
  /** Null: reached, and nobody objected. */
  failure: { reply: string | null; message: string } | null;
  /** The relay's word is all that will be heard: nothing comes back that confirms. */
  silent: boolean;
  /** Why the route is held, if it is. */
  held: string | null;
  /** A route for one provider alone. */
  provider: string | null;
  /** Providers whose mail leaves by it. */
  serves: readonly string[];
  /** Largest message that it takes, bytes, by its own word (RFC 1870); null: it did not say. */
  sizeLimit: number | null;
  rate: { count: number; perMs: number } | null;
  /** Mails a day (UTC). */
  dailyLimit: number | null;
  /** Of these, taken today. */
  today: number;
  /** Providers that refused our mail by this route, by their last lane, and have taken none since. */
  refusing: { provider: string; atMs: number }[];
}

/** Probes the routes that these providers' mail leaves by. */
export type RouteProbe = (providers: readonly string[]) => Promise<ProbedRoute[]>;

export function checkRoutes(routes: readonly ProbedRoute[]): Finding[] {
  const findings: Finding[] = [];
  for (const route of routes) {
    const what = route.provider === null ? "The relay" : `The route to ${providerTitle(route.provider)}`;
    // One provider's trouble must not keep the others' clients untold: its own lane waits or is held.
    const severity = route.provider === null ? "blocker" : "warning";
    const subject = route.provider ?? route.name;
    if (route.failure !== null) {
      const { reply, message } = route.failure;
      findings.push({
        code: reply === null ? "route-unreachable" : "route-refuses",
        severity: reply?.startsWith("4") ? "warning" : severity,
        basis: "measured",
        message: reply === null ? `${what} cannot be reached: ${message}.` : `${what} refuses us: ${reply}`,
        hint:
          reply === null
            ? "Check host and port in [smtp] url (or [[routes]]), and that the mail server runs."
            : "Read the reply: it names the cause (access, password, block list).",
        subject,
      });
    }
    if (route.held !== null) {
      findings.push({
        code: "route-held",
        severity: "warning",
        basis: "measured",
        message: `${what} is held: ${route.held}`,
        hint: "`resume` lets it go on once its cause is repaired.",
        subject,
      });
    }
    for (const { provider, atMs } of route.refusing) {
      const since = `${new Date(atMs).toISOString().slice(0, 16).replace("T", " ")} UTC`;
      findings.push({
        code: "provider-refused-lately",
        severity: "warning",
        basis: "measured",
        message: `${providerTitle(provider)} refused our mail on ${since}, and has taken none since.`,
        hint: "It is asked with one mail first; if it still refuses, its lane is held at once. Repair the cause before the launch: `report` shows it.",
        subject: provider,
      });
    }
    if (route.silent) {
      findings.push({
        code: "relay-silent",
        severity: "warning",
        basis: "configured",
        message: `${what} takes mail without telling what becomes of it: each lane stops after its first mails until a person decides.`,
        hint: 'Let [bounces] bring what comes back; if its answer is the mailbox provider\'s own, set feedback = "final"; otherwise expect to type `resume`.',
        subject,
      });
    }
  }
  return findings;
}
