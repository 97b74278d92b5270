// The one writer of a sending process: it collects what ended and what is to begin, and commits it in one
// transaction as soon as the previous commit is back - no timer. Under load groups grow by themselves; alone, a
// mail waits for nobody.
import type { Clock } from "../clock.ts";
import { NO_OBSERVER, type Observer } from "./observer.ts";
import type { DoorRefusal, Settle } from "./settle.ts";
import type { Committed, Intent, LaneView, Ledger } from "./store.ts";

export interface Writer {
  /** Resolves when the settle is durable and the lane's state after it is known here. */
  settle(settle: Settle): Promise<void>;
  /** Resolves to true when the intent is durable: only then may the delivery be sent. */
  intend(intent: Intent): Promise<boolean>;
  refusedAtDoor(door: DoorRefusal): Promise<void>;
  /** Resolves when nothing is queued or under way. */
  idle(): Promise<void>;
  /** Gives up what cannot be committed: for a forced stop only. */
  abort(): void;
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

interface Waiting<T, R> {
  item: T;
  resolve: (result: R) => void;
}

export function createWriter(options: {
  ledger: Ledger;
  worker: () => string;
  clock: Clock;
  onLanes: (lanes: readonly LaneView[]) => void;
  onTrouble: (error: unknown) => void;
  observer?: Observer | undefined;
}): Writer {
  const { ledger, clock, observer = NO_OBSERVER } = options;
  let settles: Waiting<Settle, void>[] = [];
  let intents: Waiting<Intent, boolean>[] = [];
  let doors: Waiting<DoorRefusal, void>[] = [];
  let running: Promise<void> | null = null;
  const stopped = new AbortController();

  function kick(): void {
    // After the events of this turn: what they cause (settles and the next intents) goes together.
    running ??= turn().then(drain);
  }

  async function drain(): Promise<void> {
    while (settles.length + intents.length + doors.length > 0 && !stopped.signal.aborted) {
      const group = { settles, intents, doors };
      settles = [];
      intents = [];
      doors = [];
      const worker = options.worker();
      const committed = await commit({
        worker,
        settles: group.settles.map((w) => w.item),
        intents: group.intents.map((w) => w.item),
        doors: group.doors.map((w) => w.item),
      });
      if (committed === null) break;
      options.onLanes(committed.lanes);
      for (const w of group.settles) w.resolve();
      for (const w of group.doors) w.resolve();
      // The answer names deliveries. A claim of an older name may stand beside the one that was granted.
      for (const { item, resolve } of group.intents) {
        resolve(item.worker === worker && committed.intended.has(item.delivery));
      }
      // What waits goes at once, so that the store always has a group: what this commit lets begin asks for its next
      // intents while that one is under way.
    }
    running = null;
    // Work that arrived between the last look and here.
    if (settles.length + intents.length + doors.length > 0 && !stopped.signal.aborted) kick();
  }

  /** The same group, until it is answered: a lost answer must not become a lost or a doubled outcome. */
  async function commit(group: Parameters<Ledger["commit"]>[0]): Promise<Committed | null> {
    for (let waitMs = 20; !stopped.signal.aborted; waitMs = Math.min(waitMs * 2, 2_000)) {
      const startMs = clock.monotonic();
      try {
        const committed = await ledger.commit(group);
        observer.onCommit({
          seconds: (clock.monotonic() - startMs) / 1000,
          settles: group.settles.length,
          intents: committed.intended.size,
        });
        return committed;
      } catch (error) {
        observer.onCommitFailed();
        options.onTrouble(error);
        await clock.sleep(waitMs, stopped.signal);
      }
    }
    return null;
  }

  return {
    settle: (item) =>
      new Promise((resolve) => {
        settles.push({ item, resolve });
        kick();
      }),
    intend: (item) =>
      new Promise((resolve) => {
        intents.push({ item, resolve });
        kick();
      }),
    refusedAtDoor: (item) =>
      new Promise((resolve) => {
        doors.push({ item, resolve });
        kick();
      }),
    idle: async () => {
      while (running !== null) await running;
    },
    abort: () => stopped.abort(),
  };
}
