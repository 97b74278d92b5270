// The ledger's conformance suite: pause, resume, cancel, and a plan that is sent twice.
import { describe, expect, it } from "vitest";
import { createProviderHolds } from "../../src/adapters/store/provider-holds.ts";
import { createReportStore } from "../../src/adapters/store/reports.ts";
import { buildReport } from "../../src/report/report.ts";
import { planChunk, runCampaign, type Said } from "../world/ledger.ts";
import { type Hands, PTR } from "./ledger-hands.ts";

export function describeOrders(hands: Hands): void {
  const {
    world,
    start,
    lane,
    rows,
    row,
    campaign,
    tick,
    claim,
    commit,
    intend,
    say,
    send,
    holdLane,
    expectCounted,
  } = hands;

  describe("an order", () => {
    it("to pause leaves what is on the wire to settle, and may be repeated", async () => {
      const id = await start([{ provider: "google", size: 5, window: 5 }]);
      const mine = await claim(2);
      await intend(mine);
      await world.campaigns.steer(id, { do: "pause", why: "Wait." });
      await world.campaigns.steer(id, { do: "pause", why: "Wait again." });
      await commit({ settles: mine.map((one) => say(one, "accepted")) });
      expect(await rows("accepted")).toHaveLength(2);
      expect(await campaign(id)).toMatchObject({ state: "paused", pausedBy: "person", why: "Wait." });
    });

    it("to hold a provider refuses its claims and intents in every campaign, one launched later too, until it is released", async () => {
      const holds = createProviderHolds(world.db);
      const first = await start([
        { provider: "google", size: 5, window: 5 },
        { provider: "yahoo", size: 1 },
      ]);
      const claimed = await claim(2);
      expect(await holds.hold("google", "Wait.")).toBe(true);
      expect(await holds.hold("google", "Wait again.")).toBe(false);
      expect(await intend(claimed)).toEqual([]);
      expect(await claim(2)).toEqual([]);
      const second = await runCampaign(world, [{ provider: "google", size: 2 }]);
      expect(await claim(1)).toEqual([]);
      expect((await world.ledger.lanes()).map((one) => [one.provider, one.runnable])).toEqual([
        ["google", false],
        ["yahoo", true],
        ["google", false],
      ]);
      expect(await holds.list()).toMatchObject([{ provider: "google", why: "Wait." }]);
      const report = await buildReport(createReportStore(world.db), second);
      expect(report.lanes).toMatchObject([{ state: "held", forAll: true, hold: { fault: "none" } }]);
      expect(await send("accepted", { provider: "yahoo" })).toBeDefined();
      // Nothing is out, and nothing else goes on: both stand, and are woken with the provider.
      await world.ledger.release({ worker: "w1", kept: [] });
      await tick();
      await tick();
      expect(await campaign(first)).toMatchObject({ state: "paused", pausedBy: "breaker" });
      expect(await campaign(second)).toMatchObject({ state: "paused", pausedBy: "breaker" });
      expect(await holds.release("google")).toEqual({ woken: [first, second] });
      expect(await holds.release("google")).toBeNull();
      expect(await campaign(first)).toMatchObject({ state: "running", why: null });
      expect(await intend(await claim(1))).toHaveLength(1);
      await expectCounted();
    });

    it("to pause one provider holds that lane of that campaign alone, until it is resumed", async () => {
      const id = await start([
        { provider: "google", size: 3 },
        { provider: "yahoo", size: 3 },
      ]);
      const claimed = await claim(1);
      const order = { do: "pause", why: "Wait.", provider: "google" } as const;
      expect(await world.campaigns.steer(id, order)).toMatchObject({ lanes: ["google"] });
      expect(await world.campaigns.steer(id, order)).toMatchObject({ lanes: [] });
      expect(await intend(claimed)).toEqual([]);
      expect((await lane("google")).state).toBe("held");
      expect(await claim(1, { provider: "yahoo" })).toHaveLength(1);
      await expect(world.campaigns.steer(id, { ...order, provider: "orange" })).rejects.toMatchObject({
        code: "provider-unknown",
      });
      await world.ledger.release({ worker: "w1", kept: [] });
      await world.campaigns.steer(id, { do: "resume", provider: "google" });
      expect(await claim(1)).toHaveLength(1);
    });

    it("to resume returns exactly those that failed by fault of sender, content or unknown, as a new attempt", async () => {
      const id = await start([{ provider: "google", size: 12, window: 12 }]);
      const said: Said[] = [
        { reason: "spam" },
        { reason: "unclassified" },
        { reason: "user-unknown" },
        { reason: "filtered", scope: "recipient" },
        { reason: "mailbox-full", scope: "recipient" },
        "accepted",
        "lost-after-dot",
        { reason: "greylisted", hard: false },
      ];
      const sent = await claim(said.length);
      await intend(sent);
      await commit({ settles: sent.map((one, i) => say(one, said[i] ?? "accepted")) });
      const blocked = await holdLane();
      const steered = await world.campaigns.steer(id, { do: "resume", provider: null });
      expect(steered).toEqual({ returned: 5, lanes: ["google"] });
      const states = await Promise.all(sent.map((one) => row(one.id)));
      expect(states.map((one) => [one.state, one.attempt])).toEqual([
        ["pending", 2],
        ["pending", 2],
        ["bounced", 1],
        ["bounced", 1],
        ["bounced", 1],
        ["accepted", 1],
        ["uncertain", 1],
        ["deferred", 1],
      ]);
      for (const one of blocked) expect(await row(one.id)).toMatchObject({ state: "pending", attempt: 2 });
      expect(await lane()).toMatchObject({ state: "ramping", epoch: 3, window: 1, hold: null });
      expect(await world.campaigns.steer(id, { do: "resume", provider: null })).toEqual({
        returned: 0,
        lanes: [],
      });
    });

    it("to resume is half-open: the first refusal holds again", async () => {
      const id = await start([{ provider: "google", size: 12 }]);
      await holdLane();
      await world.campaigns.steer(id, { do: "resume", provider: null });
      await send(PTR);
      expect(await lane()).toMatchObject({ state: "held", epoch: 4 });
    });

    it("to resume one provider leaves the others held, and says how many return for each", async () => {
      const id = await start([
        { provider: "google", size: 9 },
        { provider: "yahoo", size: 9 },
      ]);
      await holdLane("google");
      await holdLane("yahoo");
      await tick();
      const steered = await world.campaigns.steer(id, { do: "resume", provider: "yahoo" });
      expect(steered).toEqual({ returned: 3, lanes: ["yahoo"] });
      expect((await lane("google")).state).toBe("held");
      expect((await campaign(id))?.state).toBe("running");
      await expect(world.campaigns.steer(id, { do: "resume", provider: "nobody" })).rejects.toMatchObject({
        code: "provider-unknown",
      });
      await holdLaneAgain("yahoo");
      await world.campaigns.steer(id, { do: "resume", provider: null });
      const told = await world.db.read.event.findMany({
        where: { event: "resumed", laneId: { not: null } },
      });
      expect(told.slice(-2).map((one) => one.text.match(/(\d+) return/)?.[1])).toEqual(["3", "1"]);
    });

    const holdLaneAgain = (provider: string) => send(PTR, { provider });

    it("to resume something finished sends again to exactly those who missed it", async () => {
      const id = await start([{ provider: "google", size: 3 }]);
      await send("accepted");
      await send({ reason: "spam" });
      await send("accepted");
      await tick();
      expect((await campaign(id))?.state).toBe("completed-with-failures");
      expect(await world.campaigns.steer(id, { do: "resume", provider: null })).toMatchObject({
        returned: 1,
      });
      expect(await campaign(id)).toMatchObject({ state: "running", endedAtMs: null });
      await send("accepted");
      await tick();
      expect((await campaign(id))?.state).toBe("completed");
    });

    it("to cancel ends what waits and what is claimed, leaves what is being sent, and may be repeated", async () => {
      const id = await start([{ provider: "google", size: 12, window: 12 }]);
      const { id: deferred } = await send({ reason: "system", hard: false });
      const mine = await claim(6);
      await intend(mine.slice(0, 3));
      await world.campaigns.steer(id, { do: "cancel", why: "Called off." });
      await world.campaigns.steer(id, { do: "cancel", why: "Called off." });
      expect((await row(deferred)).state).toBe("cancelled");
      expect(await rows("cancelled")).toHaveLength(9);
      expect(await rows("sending")).toHaveLength(3);
      await expectCounted();
      const [a, b, c] = mine;
      if (a === undefined || b === undefined || c === undefined) throw new Error("nothing claimed");
      await commit({
        settles: [say(a, "accepted"), say(b, { reason: "system", hard: false }), say(c, "returned")],
      });
      // Nobody would ever try them again: they end too.
      expect((await rows()).map((one) => one.state).filter((one) => one !== "cancelled")).toEqual([
        "accepted",
      ]);
      expect(await campaign(id)).toMatchObject({ state: "cancelled" });
      await expect(world.campaigns.steer(id, { do: "resume", provider: null })).rejects.toMatchObject({
        code: "campaign-state",
      });
      await expectCounted();
    });

    it("to cancel that a crash cut short is carried out by the next tick", async () => {
      const id = await start([{ provider: "google", size: 6, window: 6 }]);
      await claim(2);
      await world.db.write((tx) => tx.campaign.update({ where: { id }, data: { state: "cancelled" } }));
      expect(await tick()).toBe(true);
      expect(await rows("cancelled")).toHaveLength(6);
      expect((await campaign(id))?.endedAtMs).toBe(world.clock.now());
      expect(await tick()).toBe(false);
      await expectCounted();
    });

    it("to plan the same chunk twice writes it once", async () => {
      const lanes = [{ provider: "google", size: 7 }];
      const id = await start(lanes, { planned: false });
      expect(await world.campaigns.plan(id, planChunk(lanes))).toBe(false);
      await world.campaigns.finishPlan(id);
      expect(await world.campaigns.plan(id, planChunk(lanes))).toBe(false);
      expect(await rows()).toHaveLength(7);
      expect((await lane()).size).toBe(7);
    });
  });
}
