// The ledger's conformance suite: what a settle moves, and what it must not.
import { describe, expect, it } from "vitest";
import { type Hands, HOUR, LEASE_MS, PTR } from "./ledger-hands.ts";

export function describeSettles(hands: Hands): void {
  const {
    world,
    start,
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
    expectCounted,
  } = hands;

  describe("a settle", () => {
    it("moves its row, frees the place and grows the window by confirmation", async () => {
      await start([{ provider: "google", size: 10 }]);
      const { id } = await send("accepted");
      expect(await row(id)).toMatchObject({ state: "accepted", workerId: null, relayId: "Q1", try: 1 });
      expect(await lane()).toMatchObject({ outstanding: 0, window: 2, sent: 1 });
    });

    it("that is repeated changes nothing more, in its own commit or twice in one", async () => {
      await start([{ provider: "google", size: 30, window: 4 }]);
      const mine = await claim(4);
      await intend(mine);
      const [a, b] = mine.map((one) => say(one, "accepted"));
      if (a === undefined || b === undefined) throw new Error("nothing claimed");
      await commit({ settles: [a] });
      await commit({ settles: [a] });
      await commit({ settles: [b, b] });
      expect(await lane()).toMatchObject({ outstanding: 2, sent: 2, window: 4 });
      expect(await outcomes()).toHaveLength(2);
      await expectCounted();
    });

    it("may come in any order", async () => {
      await start([{ provider: "google", size: 30, window: 6 }]);
      const mine = await claim(6);
      await intend(mine);
      const settles = mine.map((one) => say(one, "accepted")).reverse();
      for (const one of settles) await commit({ settles: [one] });
      expect(await rows("accepted")).toHaveLength(6);
      expect(await lane()).toMatchObject({ outstanding: 0, window: 12 });
    });

    it("of an earlier try or attempt matches nothing", async () => {
      const id = await start([{ provider: "google", size: 1 }]);
      const first = await send({ reason: "system", hard: false });
      world.clock.advance(60_000);
      const [second] = await claim(1);
      if (second === undefined) throw new Error("not due");
      await intend([second]);
      await commit({ settles: [say(first, "accepted")] });
      expect(await row(first.id)).toMatchObject({ state: "sending", try: 2 });

      await commit({ settles: [say(second, { reason: "spam" })] });
      await tick();
      await world.campaigns.steer(id, { do: "resume", provider: null });
      const [third] = await claim(1);
      if (third === undefined) throw new Error("did not come back");
      expect(third).toMatchObject({ attempt: 2, try: 0, waited: 0 });
      await intend([third]);
      await commit({ settles: [say({ ...third, attempt: 1 }, "accepted")] });
      expect(await row(first.id)).toMatchObject({ state: "sending", attempt: 2, try: 1 });
    });

    it("of another worker's row matches nothing while that worker lives", async () => {
      await start([{ provider: "google", size: 1 }]);
      const [delivery] = await claim(1);
      if (delivery === undefined) throw new Error("nothing claimed");
      await intend([delivery]);
      await commit({ settles: [say(delivery, "accepted")] }, { worker: "w2" });
      expect(await row(delivery.id)).toMatchObject({ state: "sending", workerId: "w1" });
    });

    it("that comes after the reaper moves the uncertain row, and frees no place twice", async () => {
      await start([{ provider: "google", size: 9, window: 4 }]);
      const mine = await claim(3);
      await intend(mine);
      world.clock.advance(LEASE_MS + 1);
      await world.ledger.heartbeat("w2");
      await world.ledger.reap({ leaseMs: LEASE_MS, self: "w2" });
      await claim(4, { worker: "w2" });
      const [a, b, c] = mine;
      if (a === undefined || b === undefined || c === undefined) throw new Error("nothing claimed");
      await commit({ settles: [say(a, "accepted"), say(b, PTR), say(c, "lost-after-dot")] });
      expect([await row(a.id), await row(b.id), await row(c.id)].map((one) => one.state)).toEqual([
        "accepted",
        "bounced",
        "uncertain",
      ]);
      expect(await lane()).toMatchObject({ outstanding: 4, state: "ramping", window: 4 });
      expect((await outcomes()).map((one) => [one.event, one.late])).toEqual([
        ["uncertain", false],
        ["uncertain", false],
        ["uncertain", false],
        ["accepted", true],
        ["rejected", true],
      ]);
      await expectCounted();
    });

    it("that comes after everything has ended and asks for another try wakes lane and campaign", async () => {
      const id = await start([{ provider: "google", size: 1 }]);
      const [delivery] = await claim(1);
      if (delivery === undefined) throw new Error("nothing claimed");
      await intend([delivery]);
      world.clock.advance(LEASE_MS + 1);
      await world.ledger.reap({ leaseMs: LEASE_MS, self: "w2" });
      await tick();
      expect((await campaign(id))?.state).toBe("completed-with-failures");
      await commit({ settles: [say(delivery, "lost-before-dot")] });
      expect(await row(delivery.id)).toMatchObject({ state: "pending" });
      expect(await lane()).toMatchObject({ state: "ramping" });
      expect((await campaign(id))?.state).toBe("running");
      expect(await claim(1, { worker: "w2" })).toHaveLength(1);
    });

    it("of what came back unsent uses no attempt, keeps what was known and logs nothing", async () => {
      await start([{ provider: "google", size: 1 }]);
      const { id } = await send({ reason: "greylisted", hard: false });
      world.clock.advance(60_000);
      await send("returned");
      expect(await row(id)).toMatchObject({
        state: "pending",
        attempt: 1,
        reason: "greylisted",
        reply: "451 greylisted",
      });
      expect(await lane()).toMatchObject({ outstanding: 0, sent: 1 });
      expect(await outcomes()).toHaveLength(1);
    });

    it("writes the outcome log with the words, the meaning and the place", async () => {
      const id = await start([{ provider: "google", size: 1 }]);
      const { id: delivery, laneId } = await send(PTR);
      expect(await outcomes()).toMatchObject([
        {
          campaignId: id,
          laneId,
          deliveryId: delivery,
          attempt: 1,
          try: 1,
          epoch: 1,
          event: "rejected",
          phase: "rcpt",
          speaker: "provider",
          reply: "550-5.7.25 no PTR record",
          reason: "reverse-dns",
          fault: "sender",
          scope: "provider",
          code: 550,
          late: false,
        },
      ]);
    });

    it("of a deferred delivery is evidence once an epoch, however often it is retried", async () => {
      await start([{ provider: "google", size: 1 }]);
      for (let i = 0; i < 6; i++) {
        await send({ reason: "reverse-dns", hard: false });
        world.clock.advance(2 * HOUR);
      }
      expect((await lane()).state).toBe("ramping");
    });
  });
}
