// Claimed deliveries of one route, waiting in memory for a connection: one list a lane, served in turn, so that
// the largest lane does not keep the others waiting.
import type { ClaimedDelivery } from "./delivery.ts";

export interface ReadyItem {
  delivery: ClaimedDelivery;
  destination: string;
}

export interface ReadyList {
  push(items: readonly ReadyItem[]): void;
  /** Puts one back at the front: it was taken and not begun. */
  putBack(item: ReadyItem): void;
  /** The next item with an allowed destination, preferably this one; undefined when none waits. */
  take(destination: string | null, allowed: (destination: string) => boolean): ReadyItem | undefined;
  /** Is there an item with an allowed destination? */
  has(allowed: (destination: string) => boolean): boolean;
  /** Only an item for exactly this destination. */
  takeFor(destination: string): ReadyItem | undefined;
  count(lane: number): number;
  readonly size: number;
  /** Removes and returns what fails the test. */
  drop(keep: (item: ReadyItem) => boolean): ReadyItem[];
  items(): Iterable<ReadyItem>;
}

/** How far a look for a matching destination goes before another connection is the better answer. */
const LOOK_AHEAD = 32;

export function createReadyList(): ReadyList {
  const lanes = new Map<number, ReadyItem[]>();
  let size = 0;

  function listOf(lane: number): ReadyItem[] {
    let list = lanes.get(lane);
    if (list === undefined) {
      list = [];
      lanes.set(lane, list);
    }
    return list;
  }

  /** Takes the first match and moves its lane to the end of the turn. */
  function takeWhere(match: (item: ReadyItem) => boolean): ReadyItem | undefined {
    for (const [lane, list] of lanes) {
      const index = list.findIndex((item, at) => at < LOOK_AHEAD && match(item));
      const item = list[index];
      if (item === undefined) continue;
      list.splice(index, 1);
      size -= 1;
      lanes.delete(lane);
      if (list.length > 0) lanes.set(lane, list);
      return item;
    }
    return undefined;
  }

  function takeFor(destination: string): ReadyItem | undefined {
    return takeWhere((item) => item.destination === destination);
  }

  return {
    push: (items) => {
      for (const item of items) listOf(item.delivery.laneId).push(item);
      size += items.length;
    },
    putBack: (item) => {
      listOf(item.delivery.laneId).unshift(item);
      size += 1;
    },
    take: (destination, allowed) => {
      if (size === 0) return undefined;
      const same = destination === null || !allowed(destination) ? undefined : takeFor(destination);
      return same ?? takeWhere((item) => allowed(item.destination));
    },
    has: (allowed) => {
      for (const list of lanes.values()) {
        if (list.some((item, at) => at < LOOK_AHEAD && allowed(item.destination))) return true;
      }
      return false;
    },
    takeFor: (destination) => (size === 0 ? undefined : takeFor(destination)),
    count: (lane) => lanes.get(lane)?.length ?? 0,
    get size() {
      return size;
    },
    drop: (keep) => {
      const dropped: ReadyItem[] = [];
      for (const [lane, list] of lanes) {
        const kept = list.filter((item) => keep(item) || !dropped.push(item));
        if (kept.length === 0) lanes.delete(lane);
        else lanes.set(lane, kept);
      }
      size -= dropped.length;
      return dropped;
    },
    items: function* () {
      for (const list of lanes.values()) yield* list;
    },
  };
}
