// What this process knows of the lanes: looked at right before MAIL FROM, refreshed by every commit and by a
// poll. It never grants anything - intents do - it only stops what a later epoch has made void.
import type { LaneView } from "./store.ts";

export interface LaneViews {
  get(lane: number): LaneView | undefined;
  all(): Iterable<LaneView>;
  /** Takes newer knowledge in; an older epoch never overwrites a newer one. */
  learn(views: readonly LaneView[]): void;
  /** Replaces everything: lanes that are not listed are over. */
  replace(views: readonly LaneView[]): void;
  /**
   * Calls back after every look, until the returned function is called. `fenced`: some lane has a new epoch or may
   * not run any more, so that claims of it may be void.
   */
  onChange(listener: (fenced: boolean) => void): () => void;
}

export function createLaneViews(): LaneViews {
  const views = new Map<number, LaneView>();
  const listeners = new Set<(fenced: boolean) => void>();
  const tell = (fenced: boolean) => {
    for (const listener of listeners) listener(fenced);
  };
  /** True when claims may have become void by it. */
  const put = (view: LaneView): boolean => {
    const known = views.get(view.id);
    if (known !== undefined && known.epoch > view.epoch) return false;
    views.set(view.id, view);
    return known?.epoch !== view.epoch || (known.runnable && !view.runnable);
  };
  return {
    get: (lane) => views.get(lane),
    all: () => views.values(),
    learn: (fresh) => {
      if (fresh.length === 0) return;
      let fenced = false;
      for (const view of fresh) fenced = put(view) || fenced;
      tell(fenced);
    },
    replace: (fresh) => {
      const listed = new Set(fresh.map((view) => view.id));
      let fenced = false;
      for (const id of views.keys()) if (!listed.has(id)) fenced = views.delete(id) || fenced;
      for (const view of fresh) fenced = put(view) || fenced;
      tell(fenced);
    },
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
