// The ledger's conformance suite: what stops a lane, a route, a campaign, and what it leaves behind.
import { describe, expect, it } from "vitest";
import { addressOf, outcomeFor, runCampaign, type Said } from "../world/ledger.ts";
import { type Hands, HOUR, PTR } from "./ledger-hands.ts";

export function describeHolds(hands: Hands): void {
  const { world, start, lane, holdOf, rows, campaign, tick, claim, intentOf, commit, intend, say, send } =
    hands;

  describe("a hold", () => {
    it("comes with the third refusal in a row, raises the epoch and explains itself", async () => {
      await start([
        { provider: "google", size: 10 },
        { provider: "yahoo", size: 3 },
      ]);
      await send(PTR);
      await send(PTR);
      expect((await lane()).state).toBe("ramping");
      await send(PTR);
      expect(await lane()).toMatchObject({ state: "held", epoch: 2 });
      expect(await holdOf()).toMatchObject({
        reason: "reverse-dns",
        fault: "sender",
        detector: "sender",
        leaked: 0,
        advice: "Cure reverse-dns.",
      });
      expect((await holdOf()).evidence).toHaveLength(3);
      expect(await claim(5, { provider: "yahoo" })).toHaveLength(1);
    });

    it("counts what was on the wire as leaked, and takes it as evidence of nothing", async () => {
      await start([{ provider: "google", size: 10, window: 8 }]);
      const mine = await claim(6);
      await intend(mine);
      await commit({ settles: mine.slice(0, 3).map((one) => say(one, PTR)) });
      const pulse = (await lane()).pulse;
      await commit({
        settles: [
          ...mine.slice(3, 4).map((one) => say(one, "accepted")),
          ...mine.slice(4, 5).map((one) => say(one, PTR)),
          ...mine.slice(5, 6).map((one) => say(one, "returned")),
        ],
      });
      expect((await holdOf()).leaked).toBe(2);
      expect(await lane()).toMatchObject({ pulse, epoch: 2, window: 8, outstanding: 0 });
    });

    it("of a rate that lasts ends by itself", async () => {
      await start([{ provider: "google", size: 20 }]);
      for (let i = 0; (await lane()).state !== "held"; i++) {
        if (i === 10) throw new Error("never held");
        await send({ reason: "rate-limited", hard: false });
        world.clock.advance(16 * 60_000);
        await tick();
      }
      expect(await holdOf()).toMatchObject({ detector: "pace", reason: "rate-limited" });
      world.clock.advance(HOUR);
      await tick();
      expect(await lane()).toMatchObject({ state: "ramping", hold: null, epoch: 3, window: 1 });
    });

    it("is not ordered by many connections that hear the same request to slow down at once", async () => {
      await start([{ provider: "google", size: 40, window: 20 }]);
      const mine = await claim(20);
      await intend(mine);
      for (const one of mine) await commit({ settles: [say(one, { reason: "rate-limited", hard: false })] });
      expect(await lane()).toMatchObject({ state: "backing-off", window: 10, epoch: 1 });
    });

    it("of a route stops every lane on it, in the same commit, and no other", async () => {
      const id = await start([
        { provider: "google", size: 5, window: 5, route: "relay", feedback: "relay" },
        { provider: "yahoo", size: 5, window: 5, route: "relay", feedback: "relay" },
        { provider: "apple", size: 5, window: 5, route: "direct" },
      ]);
      const google = await claim(2);
      const yahoo = await claim(2, { provider: "yahoo" });
      await intend(google);
      const settles = google.map((one) =>
        say(one, { reason: "relay-denied", speaker: "route", scope: "route" }, "relay"),
      );
      const committed = await commit({ settles, intents: yahoo.map(intentOf) });
      expect(committed.intended.size).toBe(0);
      expect(await lane("google")).toMatchObject({ state: "ramping", epoch: 2 });
      expect(await lane("yahoo")).toMatchObject({ state: "ramping", epoch: 2 });
      expect(await claim(5, { provider: "yahoo" })).toEqual([]);
      expect(await claim(5, { provider: "apple" })).toHaveLength(5);

      await world.ledger.release({ worker: "w1", kept: [] });
      const steered = await world.campaigns.steer(id, { do: "resume", provider: null });
      expect(steered.returned).toBe(2);
      expect(await claim(9, { provider: "yahoo" })).toHaveLength(5);
      expect((await rows()).filter((one) => one.attempt === 2)).toHaveLength(2);
    });

    it("may be ordered by refusals at the door, which are no delivery's", async () => {
      await start([{ provider: "google", size: 5 }]);
      const { id: laneId } = await lane();
      const door = { laneId, epoch: 1, outcome: outcomeFor(PTR), atMs: world.clock.now() };
      for (let i = 0; i < 2; i++) {
        expect((await lane()).state).toBe("ramping");
        await world.ledger.commit({ worker: "w1", settles: [], intents: [], doors: [door] });
      }
      expect(await lane()).toMatchObject({ state: "held", epoch: 2 });
      expect(await rows("pending")).toHaveLength(5);
    });

    it("sets an organisation aside at its second refusal, and does not stop the lane", async () => {
      await start([
        {
          provider: "microsoft365",
          size: 12,
          window: 12,
          unitOf: (i) => (i < 6 ? "dupont.example" : `u${i}.example`),
        },
      ]);
      const all = await claim(12, { provider: "microsoft365" });
      const units = new Map((await rows()).map((one) => [one.id, one.unit]));
      const dupont = all.filter((one) => units.get(one.id) === "dupont.example").slice(0, 2);
      await intend(dupont);
      await world.ledger.release({ worker: "w1", kept: [] });
      await commit({ settles: dupont.map((one) => say(one, { reason: "policy", scope: "organisation" })) });
      expect(await rows("suppressed")).toHaveLength(4);
      expect((await rows("suppressed")).every((one) => one.unit === "dupont.example")).toBe(true);
      expect((await lane("microsoft365")).state).toBe("ramping");
      expect(await claim(12, { provider: "microsoft365" })).toHaveLength(6);
    });
  });

  describe("an address that does not exist", () => {
    const GONE: Said = { reason: "user-unknown" };

    it("is suppressed provisionally, for good after 72 h in another campaign", async () => {
      await start([{ provider: "google", size: 1 }]);
      await send(GONE);
      expect(await world.db.read.suppression.findMany()).toMatchObject([
        { key: addressOf("google", 0), reason: "user-unknown", provisional: true },
      ]);
      world.clock.advance(71 * HOUR);
      await runCampaign(world, [{ provider: "google", size: 1 }]);
      expect(await rows("suppressed")).toHaveLength(1);
      world.clock.advance(2 * HOUR);
      await runCampaign(world, [{ provider: "google", size: 1 }]);
      await send(GONE);
      expect(await world.db.read.suppression.findMany()).toMatchObject([{ provisional: false }]);
      await runCampaign(world, [{ provider: "google", size: 1 }]);
      expect(await rows("suppressed")).toHaveLength(2);
    });

    it("holds its lane when there are too many, and then proves nothing of any, leaked ones included", async () => {
      await start([{ provider: "google", size: 20, window: 20 }]);
      const mine = await claim(12);
      await intend(mine);
      await commit({ settles: mine.slice(0, 7).map((one) => say(one, GONE)) });
      expect(await world.db.read.suppression.count()).toBe(7);
      await commit({ settles: mine.slice(7, 8).map((one) => say(one, GONE)) });
      expect(await holdOf()).toMatchObject({ detector: "address", fault: "address" });
      expect(await world.db.read.suppression.count()).toBe(0);
      await commit({ settles: mine.slice(8, 9).map((one) => say(one, GONE)) });
      expect(await world.db.read.suppression.count()).toBe(0);
    });

    it("pauses the campaign when there are too many in all lanes together", async () => {
      const providers = ["google", "yahoo", "apple", "orange"];
      const id = await start(providers.map((provider) => ({ provider, size: 10, window: 10 })));
      let sent = 0;
      while ((await campaign(id))?.state === "running") {
        await send(GONE, { provider: providers[sent % 4] ?? "" });
        sent += 1;
      }
      expect(sent).toBe(8);
      expect(await campaign(id)).toMatchObject({ state: "paused", pausedBy: "breaker" });
      expect((await lane("google")).state).toBe("ramping");
      expect(await world.db.read.suppression.count()).toBe(8);
      const paused = () => world.db.read.event.count({ where: { event: "paused" } });
      expect(await paused()).toBe(1);
      await world.campaigns.steer(id, { do: "resume", provider: null });
      const late = await claim(1);
      await intend(late);
      await world.campaigns.steer(id, { do: "cancel", why: "Enough." });
      await world.db.write((tx) => tx.campaign.update({ where: { id }, data: { addressPulse: 50 } }));
      await commit({ settles: late.map((one) => say(one, GONE)) });
      expect(await paused()).toBe(1);
      expect((await campaign(id))?.state).toBe("cancelled");
    });
  });
}
