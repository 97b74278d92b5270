// The hands of the ledger's conformance suite: a world for each test, and the moves of workers in it as short verbs.
import { afterEach, beforeEach, expect } from "vitest";
import type { ClaimedDelivery } from "../../src/delivery/delivery.ts";
import type { Settle } from "../../src/delivery/settle.ts";
import type { Committed, Intent } from "../../src/delivery/store.ts";
import { type LanePlan, type LedgerWorld, runCampaign, type Said, settleOf } from "../world/ledger.ts";

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const SOAK_MS = 60_000;
export const LEASE_MS = 15_000;
/** The refusal of the founding incident. */
export const PTR: Said = { reason: "reverse-dns", reply: "550-5.7.25 no PTR record" };

export type Hands = ReturnType<typeof createHands>;

/** Opens a world before each test and closes it after; `world` is always the present one. */
export function createHands(makeWorld: () => Promise<LedgerWorld>) {
  let current: LedgerWorld | null = null;
  beforeEach(async () => {
    current = await makeWorld();
  });
  afterEach(async () => {
    await current?.close();
    current = null;
  });
  const now = (): LedgerWorld => {
    if (current === null) throw new Error("There is no world outside a test.");
    return current;
  };
  const world: LedgerWorld = {
    get db() {
      return now().db;
    },
    get ledger() {
      return now().ledger;
    },
    get campaigns() {
      return now().campaigns;
    },
    get clock() {
      return now().clock;
    },
    close: () => now().close(),
  };

  async function start(lanes: readonly LanePlan[], options?: Parameters<typeof runCampaign>[2]) {
    const id = await runCampaign(world, lanes, options);
    await register("w1");
    await register("w2");
    return id;
  }

  const register = (id: string, exclusive = false) =>
    world.ledger.register({ id, host: "here", pid: 1, exclusive });

  const lane = async (provider = "google", campaignId?: number) =>
    world.db.read.lane.findFirstOrThrow({
      where: campaignId === undefined ? { provider } : { provider, campaignId },
      orderBy: { id: "desc" },
    });
  const holdOf = async (provider = "google") => JSON.parse((await lane(provider)).hold ?? "null");
  const rows = (state?: string) =>
    world.db.read.delivery.findMany({
      where: state === undefined ? {} : { state },
      orderBy: { id: "asc" },
    });
  const row = (id: number) => world.db.read.delivery.findUniqueOrThrow({ where: { id } });
  const campaign = (id: number) => world.campaigns.find({ id });
  const outcomes = () => world.db.read.outcome.findMany({ orderBy: { id: "asc" } });
  const tick = () => world.ledger.tick({ soakMs: SOAK_MS });

  async function claim(limit: number, { worker = "w1", provider = "google" } = {}) {
    const { id } = await lane(provider);
    return (await world.ledger.claim({ worker, laneId: id, limit })).deliveries;
  }

  const intentOf = (delivery: ClaimedDelivery): Intent => ({
    delivery: delivery.id,
    laneId: delivery.laneId,
    epoch: delivery.epoch,
    worker: delivery.worker,
    try: delivery.try + 1,
  });

  function commit(
    part: { settles?: Settle[]; intents?: Intent[] },
    { worker = "w1" } = {},
  ): Promise<Committed> {
    return world.ledger.commit({ worker, settles: [], intents: [], doors: [], ...part });
  }

  async function intend(deliveries: readonly ClaimedDelivery[], options = {}): Promise<number[]> {
    const { intended } = await commit({ intents: deliveries.map(intentOf) }, options);
    return [...intended].sort((a, b) => a - b);
  }

  const say = (delivery: ClaimedDelivery, said: Said, feedback: "relay" | "final" = "final") =>
    settleOf(delivery, said, { atMs: world.clock.now(), feedback });

  /** Claims, is granted, and hears: one mail from the lane to the wire and back. */
  async function send(
    said: Said,
    options: { worker?: string; provider?: string; feedback?: "relay" | "final" } = {},
  ) {
    const { worker = "w1", provider = "google", feedback = "final" } = options;
    const [delivery] = await claim(1, { worker, provider });
    if (delivery === undefined) throw new Error(`Nothing to claim from ${provider}.`);
    await intend([delivery], { worker });
    await commit({ settles: [say(delivery, said, feedback)] }, { worker });
    return delivery;
  }

  async function holdLane(provider = "google"): Promise<ClaimedDelivery[]> {
    const bounced = [];
    for (let i = 0; i < 3; i++) bounced.push(await send(PTR, { provider }));
    expect((await lane(provider)).state).toBe("held");
    return bounced;
  }

  /** Whatever was done: the lane's count is that of its rows, and no row is without a state of the table. */
  async function expectCounted(): Promise<void> {
    for (const one of await world.db.read.lane.findMany()) {
      const out = await world.db.read.delivery.count({
        where: { laneId: one.id, state: { in: ["claimed", "sending"] } },
      });
      expect(one.outstanding, `outstanding of ${one.provider}`).toBe(out);
    }
  }

  return {
    world,
    start,
    register,
    lane,
    holdOf,
    rows,
    row,
    campaign,
    outcomes,
    tick,
    claim,
    intentOf,
    commit,
    intend,
    say,
    send,
    holdLane,
    expectCounted,
  };
}
