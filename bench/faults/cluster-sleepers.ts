// Workers that are stopped (SIGSTOP) with work in their hands, taken for dead, and woken after three leases: what they
// do then may move what is uncertain, and nothing else.
import { setTimeout as sleep } from "node:timers/promises";
import { LEASE_MS } from "../../src/delivery/store.ts";
import { CONNECTIONS } from "../../test/world/campaign-folder.ts";
import type { Cluster } from "../../test/world/cluster.ts";
import type { Mailer } from "../../test/world/process.ts";
import type { Setting } from "./cluster-place.ts";
import { type Fault, SINK } from "./run.ts";

const SLEEPERS = 7;
const ASLEEP_MS = 3 * LEASE_MS + 1_000;
/** A reply to MAIL that comes so late keeps a connection's next intent waiting for its own MAIL. */
const LATE_MS = 1_000;

interface Nap {
  worker: Mailer;
  atMs: number;
}

export function sleepers({ place, random }: Setting): Fault<Cluster>[] {
  const open = () => place.open({ workers: SLEEPERS + 1 });
  const naps = new Map<Cluster, Nap[]>();
  const held = { claimed: 0, sending: 0 };

  /** One that is awake, caught with such work in its hands; by chance, in the end, the first that has any. */
  async function stopWith(cluster: Cluster, kind: "claimed" | "sending"): Promise<void> {
    const mine = naps.get(cluster) ?? [];
    naps.set(cluster, mine);
    while (cluster.watcher.running) {
      const awake = cluster.workers.filter((one) => one.running && !mine.some((nap) => nap.worker === one));
      const worker = awake[Math.floor(random() * awake.length)];
      if (worker === undefined) return;
      await sleep(random() * 100);
      worker.signal("SIGSTOP");
      const hands = await cluster.holds(worker);
      if (hands[kind] > 0) {
        held.claimed += hands.claimed;
        held.sending += hands.sending;
        mine.push({ worker, atMs: performance.now() });
        return;
      }
      worker.signal("SIGCONT");
    }
  }

  /** Each sleeps its three leases, wakes, does what it wants to do, and is then told to end in order. */
  async function wake(cluster: Cluster): Promise<void> {
    const mine = naps.get(cluster) ?? [];
    await cluster.world.sink.setRules(SINK.rules ?? []);
    for (const { worker, atMs } of mine) {
      await sleep(Math.max(0, atMs + ASLEEP_MS - performance.now()));
      worker.signal("SIGCONT");
    }
    await sleep(3_000);
    for (const { worker } of mine) worker.signal("SIGTERM");
    for (const { worker } of mine) await worker.ended;
    naps.delete(cluster);
  }

  const note = () => {
    const text = `asleep with ${held.claimed} claims and ${held.sending} intents`;
    Object.assign(held, { claimed: 0, sending: 0 });
    return text;
  };
  const common = { bound: 2 * CONNECTIONS, aCampaign: SLEEPERS, open, afterwards: wake, note };
  return [
    {
      ...common,
      name: "SIGSTOP of a worker after its claim, for three leases",
      strike: (cluster) => stopWith(cluster, "claimed"),
    },
    {
      ...common,
      name: "SIGSTOP of a worker between intent and MAIL, for three leases",
      strike: async (cluster) => {
        await cluster.world.sink.setRules([{ phase: "mail", delayMs: LATE_MS }, ...(SINK.rules ?? [])]);
        await sleep(200);
        await stopWith(cluster, "sending");
        await cluster.world.sink.setRules(SINK.rules ?? []);
      },
    },
  ];
}
