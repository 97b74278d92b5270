// Offers jobs for lanes that have due work and room. Every server and worker runs one; it is safe in any number,
// since a job too many finds nothing to claim.
import type { Clock } from "../clock.ts";
import type { LaneViews } from "./lane-views.ts";
import type { JobQueue } from "./queue.ts";
import type { Ledger } from "./store.ts";

export interface Dispatcher {
  /** Reads the lanes and offers what is due. */
  poll(): Promise<void>;
  stop(): void;
}

export function createDispatcher(options: {
  ledger: Ledger;
  queue: JobQueue;
  views: LaneViews;
  clock: Clock;
}): Dispatcher {
  const { ledger, queue, views, clock } = options;
  let stopped = false;
  let nudged = false;

  async function offerDue(): Promise<void> {
    nudged = false;
    const nowMs = clock.now();
    // Largest first: they take longest, so what they learn is wanted soonest.
    const due = [...views.all()]
      .filter((lane) => lane.runnable && lane.room > 0 && lane.nextDueMs !== null && lane.nextDueMs <= nowMs)
      .sort((a, b) => b.size - a.size);
    for (const lane of due) {
      if (stopped) return;
      await queue.offer(lane.provider, { lane: lane.id, epoch: lane.epoch });
    }
  }

  const off = views.onChange(() => {
    if (nudged || stopped) return;
    nudged = true;
    setImmediate(() => void offerDue());
  });

  return {
    poll: async () => {
      views.replace(await ledger.lanes());
    },
    stop: () => {
      stopped = true;
      off();
    },
  };
}
