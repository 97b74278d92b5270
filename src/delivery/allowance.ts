// How many connections this process may have open on a route: it asks when work comes and once a second while there is
// some, and gives back what it has no work for. What is asked is never used before the answer is there.
import type { Clock } from "../clock.ts";
import type { RouteShares, Share } from "./share.ts";

export interface Allowance {
  /** Connections that may be open now; more than that close after their present mail. */
  size(): number;
  /** Others want all that we have: what waits here for a connection has better chances there. */
  isNone(): boolean;
  /** Work has come. */
  ask(): void;
  /** A connection was closed. */
  closed(): void;
  /** Says that there is work to be claimed; false while no connection may be had for it. */
  enter(): Promise<boolean>;
  /** Gives back everything; all connections are closed. */
  stop(): Promise<void>;
}

export interface Demand {
  /** Connections that are not closed yet. */
  open: number;
  /** Of these, those that wait for work. */
  idle: number;
  /** Mails that wait for a connection. */
  waiting: number;
}

const ROUND_MS = 1_000;
/** Whoever had work to claim so lately still counts as one that wants a connection. */
const RECENT_MS = 3_000;

export function createAllowance(options: {
  shares: RouteShares;
  route: string;
  limit: number;
  worker: () => string;
  /** This process's lease has not run out: after it others may own what we did. */
  leaseHolds: () => boolean;
  clock: Clock;
  signal: AbortSignal;
  demand: () => Demand;
  /** The answer to a question is there. */
  onAnswer: () => void;
}): Allowance {
  const { shares, route, limit, clock, signal } = options;
  let share: Share = { owned: 0, target: limit };
  /** The last answer gave all that was asked for. */
  let content = true;
  let enteredMs = Number.NEGATIVE_INFINITY;
  let asking: Promise<void> | null = null;
  let running: Promise<void> | null = null;
  let nudge = new AbortController();
  signal.addEventListener("abort", () => nudge.abort(), { once: true });

  const size = () => (options.leaseHolds() ? Math.min(share.owned, share.target) : 0);

  async function ask(): Promise<void> {
    const { open, idle, waiting } = options.demand();
    const isEntering = clock.monotonic() - enteredMs < RECENT_MS;
    const wanted = Math.min(limit, Math.max(open - idle + waiting, isEntering ? 1 : 0));
    const keep = Math.min(share.owned, Math.max(open, Math.min(share.target, wanted)));
    share = { ...share, owned: keep };
    try {
      share = await shares.share({ worker: options.worker(), route, limit, keep, wanted });
      content = share.owned >= wanted;
    } catch {
      // What was kept is still ours; asked again by the next round.
      content = false;
    }
    if (!signal.aborted) options.onAnswer();
  }

  const isIdle = () => {
    const { open, waiting } = options.demand();
    const isEntering = clock.monotonic() - enteredMs < RECENT_MS;
    return open === 0 && waiting === 0 && share.owned === 0 && !isEntering;
  };

  async function run(): Promise<void> {
    do {
      nudge = new AbortController();
      if (signal.aborted) nudge.abort();
      asking = ask();
      await asking;
      asking = null;
      await clock.sleep(ROUND_MS, nudge.signal);
    } while (!signal.aborted && !isIdle());
    running = null;
  }

  function askNow(): void {
    if (signal.aborted) return;
    nudge.abort();
    running ??= run();
  }

  return {
    size,
    isNone: () => share.owned === 0 && share.target === 0,
    ask: () => {
      const { open, idle, waiting } = options.demand();
      const wanted = Math.min(limit, open - idle + waiting);
      // Who got less than it wanted is not the only one; it asks once a second.
      if (running === null || (content && wanted > share.owned)) askNow();
    },
    closed: () => {
      if (share.target < share.owned && options.demand().open <= share.target) askNow();
    },
    enter: async () => {
      enteredMs = clock.monotonic();
      if (size() > 0) return true;
      if (running === null) askNow();
      await asking;
      return size() > 0;
    },
    stop: async () => {
      await running;
      if (share.owned === 0) return;
      share = { owned: 0, target: limit };
      const worker = options.worker();
      await shares.share({ worker, route, limit, keep: 0, wanted: 0 }).catch(() => {
        // The reaper frees it when this process is gone.
      });
    },
  };
}
