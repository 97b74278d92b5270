// The ledger's conformance suite: how fast a lane goes over all workers, what it is told about waiting, and what a new
// lane takes over from the last one.
import { describe, expect, it } from "vitest";
import type { Throttle } from "../../src/breaker/throttle.ts";
import { type LanePlan, runCampaign } from "../world/ledger.ts";
import { type Hands, HOUR, MINUTE } from "./ledger-hands.ts";

const DAY = 24 * HOUR;
const SLOW = { reason: "rate-limited", hard: false } as const;

export function describePace(hands: Hands): void {
  const { world, start, lane, row, tick, claim, commit, intend, say, send, campaign, expectCounted } = hands;

  const throttleOf = async (): Promise<Throttle> => JSON.parse((await lane()).pulse).throttle;
  const eventsOf = (campaignId: number, event: string) =>
    world.db.read.event.findMany({ where: { campaignId, event }, orderBy: { id: "asc" } });

  /** Sets what a request would have made of the lane. */
  async function limit(over: Partial<Throttle>): Promise<void> {
    const { id, pulse } = await lane();
    const now = JSON.parse(pulse);
    await world.db.write((tx) =>
      tx.lane.update({
        where: { id },
        data: { pulse: JSON.stringify({ ...now, throttle: { ...now.throttle, ...over } }) },
      }),
    );
  }

  /** Two workers ask each tenth of a second; how many they get in all. */
  async function claimFor(ms: number): Promise<number> {
    let taken = 0;
    for (let passed = 0; passed < ms; passed += 100) {
      for (const worker of ["w1", "w2"]) {
        const mine = await claim(50, { worker });
        taken += mine.length;
        await intend(mine, { worker });
        await commit({ settles: mine.map((one) => say(one, "accepted")) }, { worker });
      }
      world.clock.advance(100);
      // Workers that live for longer than their lease say so.
      if (passed % 5_000 === 0) for (const worker of ["w1", "w2"]) await world.ledger.heartbeat(worker);
    }
    return taken;
  }

  describe("the pace of a lane", () => {
    it("is its rate over all workers together, and no place is lost between their looks", async () => {
      await start([{ provider: "google", size: 300, window: 1_000 }]);
      await limit({ rate: 25, asked: 1_000, step: 0 });
      const taken = await claimFor(4_000);
      expect(taken).toBeLessThanOrEqual(25 * 4.2 + 1);
      expect(taken).toBeGreaterThanOrEqual(25 * 4);
      await expectCounted();
    });

    it("says when it is due again, and is not asked before", async () => {
      await start([{ provider: "google", size: 30, window: 100 }]);
      await limit({ rate: 0.5, asked: 10, step: 0 });
      expect(await claim(50)).toHaveLength(1);
      const dueMs = world.clock.now() - 200 + 2_000;
      expect(await claim(50, { worker: "w2" })).toHaveLength(0);
      const [view] = await world.ledger.lanes();
      expect(view).toMatchObject({ runnable: true, nextDueMs: dueMs });
      world.clock.advance(1_799);
      expect(await claim(50)).toHaveLength(0);
      world.clock.advance(1);
      expect(await claim(50)).toHaveLength(1);
    });

    it("takes what was deferred first, by the same rate", async () => {
      await start([{ provider: "google", size: 9, window: 100 }]);
      const { id } = await send({ reason: "system", hard: false });
      await limit({ rate: 0.1, asked: 10, step: 0 });
      world.clock.advance(MINUTE);
      expect((await claim(50)).map((one) => one.id)).toEqual([id]);
    });

    it("keeps no more out at once than it may, whoever claims", async () => {
      await start([{ provider: "google", size: 40, window: 1_000 }]);
      await limit({ atOnce: 4.9, most: 20 });
      const mine = await claim(50);
      expect(mine).toHaveLength(4);
      expect(await claim(50, { worker: "w2" })).toHaveLength(0);
      await intend(mine);
      const { lanes } = await commit({ settles: mine.slice(0, 1).map((one) => say(one, "accepted")) });
      expect(lanes[0]).toMatchObject({ room: 1, atOnce: 4 });
      expect(await claim(50, { worker: "w2" })).toHaveLength(1);
      await expectCounted();
    });

    it("is halved once by twenty that are asked for less at the same moment, and the rest ends by itself", async () => {
      const id = await start([
        { provider: "google", size: 90, window: 64, limits: { connections: 20, direct: null } },
        { provider: "yahoo", size: 5, window: 5 },
      ]);
      const first = await claim(40);
      await intend(first);
      await commit({ settles: first.map((one) => say(one, "accepted")) });
      world.clock.advance(1_000);
      const mine = await claim(20);
      await intend(mine);
      for (const one of mine) await commit({ settles: [say(one, SLOW)] });
      expect(await throttleOf()).toMatchObject({ atOnce: 10, rate: 20 });
      const events = await eventsOf(id, "slowed");
      expect(events.map((one) => one.text)).toEqual([
        "Gmail / Google Workspace asks for fewer mails: the lane rests until 08:01 UTC and goes on by itself, with 10 mails at once and 20 a second at most.",
      ]);
      expect(await lane("yahoo")).toMatchObject({ state: "ramping", window: 5 });
      expect(await claim(9, { provider: "yahoo" })).toHaveLength(5);
      world.clock.advance(15_000);
      await tick();
      expect(await claim(50)).toHaveLength(5);
    });

    it("rests as long as the provider says, and its delivery waits as long", async () => {
      await start([{ provider: "google", size: 5 }]);
      const { id } = await send({ ...SLOW, reply: "421 4.7.0 Too much mail, try again in 15 minutes" });
      const now = world.clock.now();
      expect((await lane()).until?.getTime()).toBe(now + 15 * MINUTE);
      const dueMs = (await row(id)).dueAt.getTime();
      expect(dueMs).toBeGreaterThanOrEqual(now + 15 * MINUTE);
      expect(dueMs).toBeLessThanOrEqual(now + 18 * MINUTE);
    });

    it("that lasts holds the lane until a time that it names", async () => {
      await start([{ provider: "google", size: 20 }]);
      for (let i = 0; (await lane()).state !== "held" && i < 10; i++) {
        await send(SLOW);
        if ((await lane()).state !== "held") world.clock.advance(16 * MINUTE);
        await tick();
      }
      const hour = new Date(world.clock.now() + HOUR).toISOString().slice(11, 16);
      expect((await hands.holdOf()).message).toContain(`rests until ${hour} UTC and goes on by itself.`);
    });
  });

  describe("a lane that goes direct", () => {
    const direct = (over: object = {}): LanePlan => ({
      provider: "google",
      size: 40,
      window: 1_000,
      limits: { connections: 20, direct: { connections: 5, strict: false, from: "192.0.2.1", ...over } },
    });

    it("begins with what the provider wants, says so, and never has more than its route", async () => {
      const id = await start([
        direct(),
        {
          provider: "yahoo",
          size: 9,
          window: 100,
          limits: { connections: 2, direct: { connections: 10, strict: false, from: null } },
        },
      ]);
      expect(await claim(50)).toHaveLength(5);
      expect(await claim(50, { provider: "yahoo" })).toHaveLength(2);
      expect((await eventsOf(id, "limits")).map((one) => one.text)).toEqual([
        "Gmail / Google Workspace: begins with 5 connections, as is usual there.",
        "Yahoo / AOL: begins with 2 connections, as is usual there.",
      ]);
    });

    it("begins where the same address had come to within 30 days, and says since when", async () => {
      await start([direct()]);
      await limit({ atOnce: 9.5, rate: 30, asked: 60, step: 1 });
      await send("accepted");
      world.clock.advance(29 * DAY);
      const id = await runCampaign(world, [direct()]);
      expect(await throttleOf()).toMatchObject({
        atOnce: 9,
        rate: 30,
        asked: 60,
        step: 1,
        tatMs: 0,
        count: 0,
      });
      expect((await eventsOf(id, "limits")).map((one) => one.text)).toEqual([
        "Gmail / Google Workspace: begins with 9 connections and 30 mails a second, as on 27 April.",
      ]);
    });

    it.each([
      ["31 days ago", 31 * DAY, {}, true],
      ["from another address", DAY, { from: "192.0.2.9" }, true],
      ["nothing", DAY, {}, false],
    ])("begins anew when what was sent is: %s", async (_, laterMs, over, sent) => {
      await start([direct()]);
      await limit({ atOnce: 12 });
      if (sent) await send("accepted");
      world.clock.advance(laterMs);
      const id = await runCampaign(world, [direct(over)]);
      expect((await throttleOf()).atOnce).toBe(5);
      expect((await campaign(id))?.state).toBe("running");
    });
  });
}
