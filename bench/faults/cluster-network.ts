// A network that fails between workers and their Redis or PostgreSQL, and answers to COMMIT that are lost in it.
import { setTimeout as sleep } from "node:timers/promises";
import type { Cluster } from "../../test/world/cluster.ts";
import type { CommitKind } from "../../test/world/link.ts";
import type { Setting } from "./cluster-place.ts";
import type { Fault } from "./run.ts";

/** What one moment of a campaign loses. */
const COMMITS = 5;

export function cutNetworks({ place, random }: Setting): Fault<Cluster>[] {
  // Within `foundOutMs` whoever waits on a line that will never answer has given it up.
  const ways = [
    { via: "redis" as const, to: "Redis", link: place.toRedis, foundOutMs: 10_000 },
    { via: "postgres" as const, to: "PostgreSQL", link: place.toPostgres, foundOutMs: 28_000 },
  ];
  return ways.flatMap(({ via, to, link, foundOutMs }) => {
    const open = () => place.open({ via });
    return [
      {
        name: `network to ${to} cut for up to 3 s`,
        bound: 0,
        open,
        strike: async () => {
          link.cut();
          await sleep(random() * 3_000);
          link.mend();
        },
      },
      {
        name: `network to ${to} silent for up to 6 s, then back or cut`,
        bound: 0,
        open,
        strike: async () => {
          link.hush();
          await sleep(500 + random() * 5_500);
          if (random() < 0.5) link.cut();
          link.mend();
        },
      },
      {
        name: `network to ${to} silent for longer than a lease`,
        bound: 0,
        aCampaign: 10,
        open,
        strike: async () => {
          link.hush();
          await sleep(15_500 + random() * 2_500);
          link.mend();
        },
      },
      {
        name: `lines to ${to} silent for ever, new ones work`,
        bound: 0,
        aCampaign: 10,
        open,
        strike: async () => {
          link.strand();
          // One more only when this one has been found out.
          await sleep(foundOutMs);
        },
      },
    ];
  });
}

export function lostCommits({ place }: Setting): Fault<Cluster>[] {
  const link = place.toPostgres;
  const kinds: readonly (readonly [CommitKind, string])[] = [
    ["intent", "of an intent"],
    ["settle", "of a settle"],
    ["both", "of a settle with the next intents"],
  ];
  return kinds.map(([kind, what]) => ({
    name: `answer to the COMMIT ${what} lost`,
    bound: 0,
    open: () => place.open({ via: "postgres" }),
    strike: async () => link.lose(COMMITS, kind),
    count: () => link.lost[kind],
  }));
}
