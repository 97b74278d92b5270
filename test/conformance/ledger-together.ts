// The ledger's conformance suite: what lanes are to each other - those of one campaign that stop together, and what a
// lane leaves behind for the next campaign's.
import { describe, expect, it } from "vitest";
import { runCampaign, type Said } from "../world/ledger.ts";
import { type Hands, HOUR, MINUTE, PTR } from "./ledger-hands.ts";

export function describeTogether(hands: Hands): void {
  const { world, start, lane, holdOf, rows, campaign, tick, claim, commit, intend, say, send, holdLane } =
    hands;
  const DAY = 24 * HOUR;
  const eventsOf = (event: string) => world.db.read.event.findMany({ where: { event } });

  describe("lanes of one campaign", () => {
    it("stop together when two providers refuse us for our own cause and nobody else takes our mail", async () => {
      const id = await start(["google", "yahoo", "orange"].map((provider) => ({ provider, size: 10 })));
      await holdLane("google");
      expect(await campaign(id)).toMatchObject({ state: "running" });
      world.clock.advance(MINUTE);
      await holdLane("yahoo");
      expect(await campaign(id)).toMatchObject({ state: "paused", pausedBy: "breaker" });
      expect((await campaign(id))?.why).toMatch(/^2 providers refuse us/);
      expect(await claim(1, { provider: "orange" })).toEqual([]);
      expect((await lane("orange")).state).toBe("ramping");
    });

    it("do not while a large one is confirmed meanwhile, and a person's word stands", async () => {
      const id = await start(["google", "yahoo", "orange"].map((provider) => ({ provider, size: 10 })));
      await holdLane("google");
      world.clock.advance(MINUTE);
      await send("accepted", { provider: "orange" });
      await holdLane("yahoo");
      expect(await campaign(id)).toMatchObject({ state: "running" });
      await tick();
      expect(await campaign(id)).toMatchObject({ state: "running" });
    });

    it("go on by a person's word, though two are held still", async () => {
      const providers = ["google", "yahoo", "orange", "apple"];
      const id = await start(providers.map((provider) => ({ provider, size: 10 })));
      await holdLane("google");
      await holdLane("yahoo");
      expect(await campaign(id)).toMatchObject({ state: "paused" });
      world.clock.advance(MINUTE);
      await world.campaigns.steer(id, { do: "resume", provider: "orange" });
      await tick();
      expect(await campaign(id)).toMatchObject({ state: "running" });
      expect((await lane("google")).state).toBe("held");
      world.clock.advance(MINUTE);
      await holdLane("apple");
      expect(await campaign(id)).toMatchObject({ state: "paused", pausedBy: "breaker" });
    });

    it("stop when four sites of the long tail say the same in a row, which none of them could say alone", async () => {
      const id = await start([
        { provider: "google", size: 1 },
        { provider: "yahoo", size: 1 },
        { provider: "other", size: 20, window: 4, unitOf: (i) => `mx${i}.example` },
      ]);
      const auth: Said = { reason: "auth", reply: "550 5.7.1 no SPF" };
      await send(auth, { provider: "google" });
      await send(auth, { provider: "yahoo" });
      await send(auth, { provider: "other" });
      expect(await campaign(id)).toMatchObject({ state: "running" });
      await send(auth, { provider: "other" });
      expect(await campaign(id)).toMatchObject({ state: "paused", pausedBy: "breaker" });
      expect((await campaign(id))?.why).toMatch(/^4 providers refuse us/);
    });

    it("that end before they could be judged say what they saw", async () => {
      await start([
        { provider: "google", size: 2 },
        { provider: "yahoo", size: 2 },
      ]);
      await send({ reason: "reverse-dns", reply: "550-5.7.25 u0@google.example no PTR" });
      await send(PTR);
      await send("accepted", { provider: "yahoo" });
      await send({ reason: "user-unknown" }, { provider: "yahoo" });
      await tick();
      const said = await eventsOf("not-judged");
      expect(said).toHaveLength(1);
      expect(said[0]?.text).toContain("not judged");
      expect(said[0]?.text).not.toContain("u0@google.example");
    });
  });

  describe("a provider that refused the last campaign", () => {
    it("is asked with one mail, and its first refusal holds the lane again", async () => {
      await start([{ provider: "google", size: 10 }]);
      await holdLane();
      world.clock.advance(HOUR);
      const next = await runCampaign(world, [{ provider: "google", size: 10, window: 5, feedback: "relay" }]);
      expect((await lane("google", next)).window).toBe(1);
      expect(await eventsOf("remembered")).toHaveLength(1);
      await send(PTR);
      expect((await lane("google", next)).state).toBe("held");
    });

    it("is forgiven by its first success, and forgotten after a week or on another route", async () => {
      const first = await start([{ provider: "google", size: 10 }]);
      await holdLane();
      const elsewhere = await runCampaign(world, [
        { provider: "google", size: 1, window: 5, route: "direct" },
      ]);
      expect((await lane("google", elsewhere)).window).toBe(5);
      world.clock.advance(8 * DAY);
      const late = await runCampaign(world, [{ provider: "google", size: 1, window: 5 }]);
      expect((await lane("google", late)).window).toBe(5);
      await world.campaigns.steer(late, { do: "cancel", why: "Enough." });
      await world.campaigns.steer(first, { do: "resume", provider: null });
      world.clock.advance(MINUTE);
      const { id: laneId } = await lane("google", first);
      const { deliveries } = await world.ledger.claim({ worker: "w1", laneId, limit: 1 });
      await intend(deliveries);
      await commit({ settles: deliveries.map((one) => say(one, "accepted")) });
      const after = await runCampaign(world, [{ provider: "google", size: 1, window: 5 }]);
      expect((await lane("google", after)).window).toBe(5);
    });
  });

  describe("addresses that took our mail last month and do not exist today", () => {
    const GONE: Said = { reason: "user-unknown", scope: "recipient" };

    it("hold the lane as the provider's incident, suppress nobody, and come back with a resume", async () => {
      await start([{ provider: "google", size: 12, window: 12 }]);
      for (const one of await claimed(12)) await commit({ settles: [say(one, "accepted")] });
      world.clock.advance(30 * DAY);
      const id = await runCampaign(world, [{ provider: "google", size: 20, window: 10 }]);
      const mine = (await claimed(10)).filter((one) => Number(/\d+/.exec(one.address)?.[0]) < 12);
      for (const one of mine.slice(0, 3)) await commit({ settles: [say(one, GONE)] });
      expect(await world.db.read.suppression.count()).toBe(3);
      await commit({ settles: mine.slice(3, 4).map((one) => say(one, GONE)) });
      expect(await holdOf()).toMatchObject({ detector: "provider-incident", reason: "user-unknown" });
      await commit({ settles: mine.slice(4, 5).map((one) => say(one, GONE)) });
      expect(await world.db.read.suppression.count()).toBe(0);
      const { returned } = await world.campaigns.steer(id, { do: "resume", provider: null });
      expect(returned).toBe(5);
      expect(await rows("bounced")).toEqual([]);
      expect((await lane()).state).toBe("ramping");
    });

    async function claimed(limit: number) {
      const mine = await claim(limit);
      await intend(mine);
      return mine;
    }
  });

  describe("a provider that puts everything off", () => {
    it("holds its lane after half an hour, and it goes on by itself an hour later", async () => {
      await start([{ provider: "google", size: 10, window: 10 }]);
      const busy: Said = { reason: "system", hard: false };
      for (let i = 0; i < 6; i++) await send(busy);
      for (let minutes = 0; (await lane()).state !== "held"; minutes++) {
        if (minutes > 60) throw new Error("never held");
        world.clock.advance(MINUTE);
        await tick();
        const again = await claim(1);
        await intend(again);
        await commit({ settles: again.map((one) => say(one, busy)) });
        if (minutes < 20) expect((await lane()).state).not.toBe("held");
      }
      expect(await holdOf()).toMatchObject({ detector: "deferral", reason: "system", fault: "temporary" });
      expect(await rows("bounced")).toEqual([]);
      world.clock.advance(HOUR);
      await tick();
      expect(await lane()).toMatchObject({ state: "ramping", hold: null, window: 1 });
    });
  });
}
