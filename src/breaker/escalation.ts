// When one lane's hold is not enough: two providers, or many small ones, refuse us for a cause of ours, and nobody of
// weight takes our mail meanwhile. Then the campaign stops. Never by a share of what remains: what is left at the end
// is always small. Pure.
import { describeReason } from "../bounce/advice.ts";
import type { Reason } from "../bounce/reason.ts";
import { providerTitle } from "../provider/directory.ts";
import type { LaneState } from "../provider/lane.ts";
import type { Pulse } from "./breaker.ts";
import type { Hold } from "./hold.ts";

/** Sites in a row that decide. */
const SITES_TO_STOP = 4;
/** A lane with this share of all recipients is large: its success says that our side is well. */
const LARGE_SHARE = 0.1;

export interface LaneAtOnce {
  provider: string;
  size: number;
  state: LaneState;
  hold: Hold | null;
  pulse: Pick<Pulse, "cause" | "confirmedMs">;
}

export interface Escalation {
  reason: Reason;
  /** Who refuses us: providers by id, or sites. */
  by: string[];
}

/**
 * Whether these lanes, all of one campaign, must stop together. `sinceMs`: when a person last let the campaign go on;
 * what was known then stops nothing again.
 */
export function escalationOf(
  lanes: readonly LaneAtOnce[],
  { sinceMs }: { sinceMs: number },
): Escalation | null {
  return ofProviders(lanes, sinceMs) ?? ofSites(lanes, sinceMs);
}

/** Why the campaign stops, in two sentences. */
export function describeEscalation({ reason, by }: Escalation): string {
  const who = by.map(providerTitle).join(", ");
  return `${by.length} providers refuse us, and nobody takes our mail meanwhile: ${describeReason(reason)} (${who}). The cause lies with us: repair it, then \`resume\`.`;
}

/** Two providers are held at the same time for a cause of ours, and no large lane was confirmed since the first one. */
function ofProviders(lanes: readonly LaneAtOnce[], sinceMs: number): Escalation | null {
  const held = lanes
    .flatMap(({ provider, hold, state }) =>
      state === "held" && hold?.detector === "sender" && hold.fault === "sender"
        ? [{ provider, reason: hold.reason, atMs: Date.parse(hold.at) }]
        : [],
    )
    .sort((a, b) => a.atMs - b.atMs);
  const [first] = held;
  const last = held.at(-1);
  if (first === undefined || last === undefined || held.length < 2 || last.atMs <= sinceMs) return null;
  const total = lanes.reduce((sum, lane) => sum + lane.size, 0);
  const isWell = lanes.some(
    (lane) =>
      lane.state !== "held" && lane.size >= LARGE_SHARE * total && lane.pulse.confirmedMs > first.atMs,
  );
  return isWell ? null : { reason: last.reason, by: held.map((one) => one.provider) };
}

/** Four sites in a row refuse us for one cause, whoever they are, and nobody took a mail between. */
function ofSites(lanes: readonly LaneAtOnce[], sinceMs: number): Escalation | null {
  const confirmedMs = Math.max(sinceMs, ...lanes.map((lane) => lane.pulse.confirmedMs));
  const byReason = new Map<Reason, Set<string>>();
  for (const { pulse } of lanes) {
    if (pulse.cause === null) continue;
    const sites = byReason.get(pulse.cause.reason) ?? new Set<string>();
    for (const [site, atMs] of Object.entries(pulse.cause.sites)) if (atMs > confirmedMs) sites.add(site);
    byReason.set(pulse.cause.reason, sites);
  }
  for (const [reason, sites] of byReason) {
    if (sites.size >= SITES_TO_STOP) return { reason, by: [...sites] };
  }
  return null;
}
