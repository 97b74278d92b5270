// Bookmarks in memory, and what an intake brought: for tests of intakes.
import type { Bookmarks, Deliver, Incoming } from "../../src/delivery/intake.ts";

export interface MemoryBookmarks extends Bookmarks {
  readonly places: Map<string, string>;
}

export function memoryBookmarks(): MemoryBookmarks {
  const places = new Map<string, string>();
  return {
    places,
    load: async (intake) => places.get(intake) ?? null,
    save: async (intake, place) => void places.set(intake, place),
  };
}

export interface Basket {
  readonly deliver: Deliver;
  /** In the order in which they were brought, repeated ones too. */
  readonly brought: Incoming[];
  /** Resolves as soon as `enough` holds; rejects after ten seconds with what there is. */
  until(enough: (brought: readonly Incoming[]) => boolean): Promise<void>;
}

export function basket(record: Deliver = async () => undefined): Basket {
  const brought: Incoming[] = [];
  const lookers = new Set<() => void>();
  return {
    brought,
    deliver: async (incoming) => {
      await record(incoming);
      brought.push(...incoming);
      for (const look of lookers) look();
    },
    until: (enough) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          lookers.delete(look);
          const what = brought.map(({ report }) => JSON.stringify(report.marks)).slice(-20);
          reject(
            new Error(`not brought in ten seconds; ${brought.length} were, the last: ${what.join("\n")}`),
          );
        }, 10_000);
        const look = () => {
          if (!enough(brought)) return;
          clearTimeout(timer);
          lookers.delete(look);
          resolve();
        };
        lookers.add(look);
        look();
      }),
  };
}
