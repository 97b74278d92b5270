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
  /** Calls back after every change, until the returned function is called. */
  onChange(listener: () => void): () => void;
}

export function createLaneViews(): LaneViews {
  const views = new Map<number, LaneView>();
  const listeners = new Set<() => void>();
  const tell = () => {
    for (const listener of listeners) listener();
  };
  const put = (view: LaneView) => {
    const known = views.get(view.id);
    if (known === undefined || known.epoch <= view.epoch) views.set(view.id, view);
  };
  return {
    get: (lane) => views.get(lane),
    all: () => views.values(),
    learn: (fresh) => {
      if (fresh.length === 0) return;
      for (const view of fresh) put(view);
      tell();
    },
    replace: (fresh) => {
      const listed = new Set(fresh.map((view) => view.id));
      for (const id of views.keys()) if (!listed.has(id)) views.delete(id);
      for (const view of fresh) put(view);
      tell();
    },
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
