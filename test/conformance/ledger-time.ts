// The ledger's conformance suite: what is given back, reaped, and changed by time alone.
import { describe, expect, it } from "vitest";
import type { ClaimedDelivery } from "../../src/delivery/delivery.ts";
import { RETRY_DEADLINE_SECONDS } from "../../src/delivery/retry.ts";
import { type Hands, HOUR, LEASE_MS, SOAK_MS } from "./ledger-hands.ts";

export function describeTime(hands: Hands): void {
  const {
    world,
    start,
    register,
    lane,
    rows,
    row,
    campaign,
    outcomes,
    tick,
    claim,
    commit,
    intend,
    say,
    send,
    holdLane,
    expectCounted,
  } = hands;

  describe("release", () => {
    it("returns what this worker claimed and does not keep, and nothing else", async () => {
      await start([{ provider: "google", size: 20, window: 20 }]);
      const mine = await claim(6);
      const other = await claim(4, { worker: "w2" });
      await intend(mine.slice(0, 2));
      await world.ledger.release({ worker: "w1", kept: mine.slice(2, 4).map((one) => one.id) });
      const stateOf = async (list: readonly ClaimedDelivery[]) =>
        (await Promise.all(list.map((one) => row(one.id)))).map((one) => one.state);
      expect(await stateOf(mine)).toEqual(["sending", "sending", "claimed", "claimed", "pending", "pending"]);
      expect(await stateOf(other)).toEqual(["claimed", "claimed", "claimed", "claimed"]);
      expect((await lane()).outstanding).toBe(8);
      expect(await intend(mine.slice(4))).toEqual([]);
      await expectCounted();
    });
  });

  describe("the reaper", () => {
    it("returns what a dead worker had claimed, and calls uncertain what it was sending", async () => {
      const id = await start([{ provider: "google", size: 20, window: 20 }]);
      const mine = await claim(6);
      await intend(mine.slice(0, 2));
      const other = await claim(3, { worker: "w2" });
      world.clock.advance(LEASE_MS + 1);
      expect(await world.ledger.heartbeat("w2")).toBe(true);
      expect(await world.ledger.reap({ leaseMs: LEASE_MS, self: "w2" })).toEqual({
        workers: 1,
        uncertain: 2,
      });
      expect(await rows("uncertain")).toHaveLength(2);
      expect((await rows("claimed")).map((one) => one.id).sort()).toEqual(other.map((one) => one.id).sort());
      expect(await rows("pending")).toHaveLength(15);
      expect((await lane()).outstanding).toBe(3);
      expect((await outcomes()).map((one) => one.event)).toEqual(["uncertain", "uncertain"]);
      const events = await world.db.read.event.findMany({ where: { campaignId: id, event: "uncertain" } });
      expect(events).toHaveLength(1);
      expect(await world.ledger.heartbeat("w1")).toBe(false);
      expect(await world.ledger.reap({ leaseMs: LEASE_MS, self: "w2" })).toEqual({
        workers: 0,
        uncertain: 0,
      });
    });

    it("leaves the living alone, and never takes itself for dead", async () => {
      await start([{ provider: "google", size: 5, window: 5 }]);
      await claim(5);
      world.clock.advance(LEASE_MS);
      expect(await world.ledger.reap({ leaseMs: LEASE_MS, self: "w2" })).toMatchObject({ workers: 0 });
      world.clock.advance(HOUR);
      await world.ledger.reap({ leaseMs: LEASE_MS, self: "w1" });
      expect(await rows("claimed")).toHaveLength(5);
      expect(await world.ledger.heartbeat("w1")).toBe(true);
    });

    it("waits for no lease when a worker registers as the only one", async () => {
      await start([{ provider: "google", size: 5, window: 5 }]);
      const mine = await claim(5);
      await intend(mine.slice(0, 1));
      await register("w3", true);
      expect(await world.ledger.reap({ leaseMs: LEASE_MS, self: "w3" })).toEqual({
        workers: 2,
        uncertain: 1,
      });
      expect(await claim(9, { worker: "w3" })).toHaveLength(4);
    });
  });

  describe("time", () => {
    it("ends a rest", async () => {
      await start([{ provider: "google", size: 5, window: 4 }]);
      await send({ reason: "rate-limited", hard: false });
      expect(await lane()).toMatchObject({ state: "backing-off", window: 2 });
      expect(await claim(1)).toEqual([]);
      world.clock.advance(14_999);
      expect(await tick()).toBe(false);
      world.clock.advance(1);
      expect(await tick()).toBe(true);
      expect(await lane()).toMatchObject({ state: "ramping", until: null });
    });

    it("ends what is no longer true, but not what is on the wire", async () => {
      const id = await start([{ provider: "google", size: 5, window: 5 }], {
        validUntilMs: world.clock.now() + HOUR,
      });
      const [first, second] = await claim(2);
      if (first === undefined || second === undefined) throw new Error("nothing claimed");
      await intend([first]);
      world.clock.advance(HOUR);
      await tick();
      expect(await rows("expired")).toHaveLength(3);
      expect((await row(first.id)).state).toBe("sending");
      await world.ledger.release({ worker: "w1", kept: [] });
      await tick();
      expect((await row(second.id)).state).toBe("expired");
      await commit({ settles: [say(first, "accepted")] });
      await tick();
      expect((await lane()).state).toBe("done");
      expect((await campaign(id))?.state).toBe("completed-with-failures");
    });

    it("ends what was deferred for a day, though others of its lane still wait", async () => {
      await start([{ provider: "google", size: 2 }]);
      const { id } = await send({ reason: "greylisted", hard: false });
      let tries = 1;
      while ((await row(id)).state === "deferred" && tries < 200) {
        world.clock.advance(75 * 60_000);
        await tick();
        const [again] = (await claim(1)).filter((one) => one.id === id);
        if (again === undefined) {
          await world.ledger.release({ worker: "w1", kept: [] });
          continue;
        }
        tries += 1;
        await intend([again]);
        await commit({ settles: [say(again, { reason: "greylisted", hard: false })] });
      }
      expect(await row(id)).toMatchObject({
        state: "expired",
        reason: "greylisted",
        waited: RETRY_DEADLINE_SECONDS,
      });
      expect(tries).toBeGreaterThan(20);
      expect(tries).toBeLessThan(50);
      expect(await rows("pending")).toHaveLength(1);
    });

    it("ends a lane and a campaign when everything has ended", async () => {
      const id = await start([{ provider: "google", size: 2 }]);
      await send("accepted");
      await tick();
      expect((await campaign(id))?.state).toBe("running");
      await send("accepted");
      expect(await tick()).toBe(true);
      expect((await lane()).state).toBe("done");
      expect(await campaign(id)).toMatchObject({ state: "completed", endedAtMs: world.clock.now() });
      expect(await tick()).toBe(false);
    });

    it("says when not everybody was reached", async () => {
      const id = await start([{ provider: "google", size: 1 }]);
      await send({ reason: "user-unknown" });
      await tick();
      expect((await campaign(id))?.state).toBe("completed-with-failures");
    });

    it("ends a campaign that has nobody to write to", async () => {
      const id = await start([]);
      await tick();
      expect((await campaign(id))?.state).toBe("completed");
    });

    it("pauses a campaign of which no lane can go on by itself", async () => {
      const id = await start([
        { provider: "google", size: 10 },
        { provider: "yahoo", size: 1 },
      ]);
      await holdLane();
      await tick();
      expect((await campaign(id))?.state).toBe("running");
      await send("accepted", { provider: "yahoo" });
      await tick();
      expect(await campaign(id)).toMatchObject({ state: "paused", pausedBy: "breaker" });
    });

    it("calls a lane blind when its relay tells nothing, and a person lets it go on", async () => {
      const id = await start([{ provider: "google", size: 9, window: 3, feedback: "relay" }]);
      for (let i = 0; i < 3; i++) await send("accepted", { feedback: "relay" as never });
      expect(await rows("handed-over")).toHaveLength(3);
      expect(await claim(1)).toEqual([]);
      world.clock.advance(3 * SOAK_MS - 1);
      await tick();
      expect((await lane()).state).toBe("ramping");
      world.clock.advance(1);
      await tick();
      expect((await lane()).state).toBe("blind");
      expect((await campaign(id))?.state).toBe("paused");
      await world.campaigns.steer(id, { do: "resume", provider: null });
      expect(await claim(9)).toHaveLength(6);
    });
  });
}
