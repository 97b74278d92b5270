// With how much a new lane begins: on a direct route by the provider's own limits, and by what the same address has
// reached there lately. Pure; finding the last lane is the store's business.
import { providerTitle } from "../provider/directory.ts";
import { FRESH_THROTTLE, mostAtOnce, type Throttle } from "./throttle.ts";

/** What a route and a provider allow a lane. */
export interface LaneLimits {
  /** Connections of the route. */
  connections: number;
  /** Of a direct route: what the provider wants; null behind a relay and in the long tail. */
  direct: { connections: number; strict: boolean; from: string | null } | null;
}

/** What an address has sent longer ago says nothing any more. */
export const REMEMBERED_MS = 30 * 24 * 60 * 60_000;

/** An earlier lane of the same route and provider. */
export interface PastLane {
  throttle: Throttle;
  /** When its campaign was launched, ms since the epoch. */
  atMs: number;
}

export interface LaneStart {
  throttle: Throttle;
  /** For the timeline; null: nothing is limited. */
  text: string | null;
}

export function startLane(
  provider: string,
  limits: LaneLimits | undefined,
  past: PastLane | null,
): LaneStart {
  if (limits === undefined) return { throttle: FRESH_THROTTLE, text: null };
  const { connections, direct } = limits;
  if (direct === null) return { throttle: { ...FRESH_THROTTLE, most: connections }, text: null };
  const most = direct.strict ? Math.min(connections, direct.connections) : connections;
  const first = Math.min(connections, direct.connections);
  const start: Throttle = {
    ...FRESH_THROTTLE,
    most,
    strict: direct.strict,
    from: direct.from,
    atOnce: first,
  };
  const known = past !== null && past.throttle.from === direct.from ? past : null;
  if (known !== null) {
    const { atOnce, rate, asked, step } = known.throttle;
    // Without a limit it had come to all that its route had.
    start.atOnce = Math.min(most, Math.max(1, Math.floor(atOnce ?? most)));
    Object.assign(start, { rate, asked, step });
  }
  return { throttle: start, text: `${providerTitle(provider)}: begins with ${words(start)}${since(known)}.` };
}

function words(t: Throttle): string {
  const count = mostAtOnce(t);
  const connections = count === 1 ? "1 connection" : `${count} connections`;
  if (t.rate === null) return connections;
  const rate =
    t.rate >= 2
      ? `${Math.round(t.rate)} mails a second`
      : `${Math.max(1, Math.round(t.rate * 60))} mails a minute`;
  return `${connections} and ${rate}`;
}

function since(known: PastLane | null): string {
  if (known === null) return ", as is usual there";
  const day = new Date(known.atMs).toLocaleDateString("en-GB", {
    day: "numeric",
    month: "long",
    timeZone: "UTC",
  });
  return `, as on ${day}`;
}
