// Who refuses us for one and the same cause of ours since the last success: what the long tail is judged by, where no
// lane is large enough to be judged alone. Kept with each lane; put together in escalation.ts. Pure.
import type { Reason } from "../bounce/reason.ts";
import { OTHER } from "../provider/provider.ts";
import type { Evidence } from "./evidence.ts";

/** A provider, in the long tail an MX site, and since when each of them refuses us. */
export interface Cause {
  reason: Reason;
  /** Site -> ms since the epoch. */
  sites: Record<string, number>;
}

/** Sites that are remembered of one lane; fewer than these decide. */
const SITES_KEPT = 8;

export function addCause(before: Cause | null, evidence: Evidence, provider: string): Cause {
  const reason = evidence.reason ?? "unclassified";
  const sites = before?.reason === reason ? before.sites : {};
  const site = provider === OTHER ? (evidence.unit ?? OTHER) : provider;
  if (site in sites || Object.keys(sites).length >= SITES_KEPT) return { reason, sites };
  return { reason, sites: { ...sites, [site]: evidence.atMs } };
}
