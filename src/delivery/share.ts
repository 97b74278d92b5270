// The port by which the processes that send share a route: its connections and its rate are those of all of them
// together. Whoever implements it for many must pass test/conformance/shares.ts; where one process is alone, what the
// route allows is its own.
import type { Clock } from "../clock.ts";
import { type Rate, reserve } from "./pace.ts";

export interface Share {
  /** Connections that this worker may have open: at most `limit` over all workers, whatever they ask and when. */
  owned: number;
  /** Come down to so many as they end, when it is fewer: the rest is wanted by others. */
  target: number;
}

export interface ShareRequest {
  worker: string;
  route: string;
  /** Connections of the route, over all workers. */
  limit: number;
  /** Of what it owned it keeps so many and gives back the rest; never fewer than it has open. */
  keep: number;
  /** Connections that it has work for. */
  wanted: number;
}

export interface RouteShares {
  /** Gives back and asks anew, in one; may be repeated after an error. A dead worker owns nothing. */
  share(request: ShareRequest): Promise<Share>;
  /** Reserves the next `count` places of the route's rate; how long to wait for each, in ms, ascending. */
  reserve(request: { route: string; rate: Rate; count: number }): Promise<number[]>;
}

/**
 * Each gets what it wants, or an equal part: what one does not want is for the others. In whole connections, what is
 * left over for the first ones: who they are must not change from one look to the next.
 */
export function fairShares(limit: number, wants: readonly number[]): number[] {
  const shares = wants.map(() => 0);
  for (let left = limit; left > 0; ) {
    const before = left;
    for (const [i, want] of wants.entries()) {
      const share = shares[i] ?? 0;
      if (share >= want || left === 0) continue;
      shares[i] = share + 1;
      left -= 1;
    }
    if (left === before) break;
  }
  return shares;
}

/** What a worker may own and should come down to. `mine` is its row as it was, `others` come in a fixed order. */
export function nextShare(options: {
  limit: number;
  mine: { owned: number; wanted: number; place: number };
  others: readonly { owned: number; wanted: number }[];
}): Share {
  const { limit, mine, others } = options;
  const wants = others.map((other) => other.wanted);
  const shares = fairShares(limit, wants.toSpliced(mine.place, 0, mine.wanted));
  const fairToOthers = sum(shares) - (shares[mine.place] ?? 0);
  const target = limit - fairToOthers;
  const free = limit - sum(others.map((other) => other.owned));
  return { owned: Math.max(mine.owned, Math.min(mine.wanted, target, free)), target };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** For a process that is alone: every route is its own. */
export function createOwnRoutes(clock: Clock): RouteShares {
  const tats = new Map<string, number>();
  return {
    share: async ({ limit, keep, wanted }) => ({ owned: keep + wanted === 0 ? 0 : limit, target: limit }),
    reserve: async ({ route, rate, count }) => {
      const nowMs = clock.monotonic();
      const { atMs, tatMs } = reserve(tats.get(route) ?? nowMs, nowMs, rate, count);
      tats.set(route, tatMs);
      return atMs.map((at) => at - nowMs);
    },
  };
}
