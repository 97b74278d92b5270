// The ledger's conformance suite: what is claimed, and which intents are granted.
import { describe, expect, it } from "vitest";
import { addressOf } from "../world/ledger.ts";
import { type Hands, HOUR, LEASE_MS, PTR } from "./ledger-hands.ts";

export function describeClaims(hands: Hands): void {
  const {
    world,
    start,
    register,
    lane,
    rows,
    row,
    outcomes,
    claim,
    intentOf,
    commit,
    intend,
    say,
    send,
    holdLane,
    expectCounted,
  } = hands;

  describe("a claim", () => {
    it("takes no more than the window leaves room for", async () => {
      await start([{ provider: "google", size: 20, window: 5 }]);
      expect(await claim(100)).toHaveLength(5);
      expect(await claim(100)).toHaveLength(0);
      const { lane: view } = await world.ledger.claim({
        worker: "w1",
        laneId: (await lane()).id,
        limit: 9,
      });
      expect(view).toMatchObject({ room: 0, runnable: true, epoch: 1, size: 20 });
      await expectCounted();
    });

    it("takes no more than its limit", async () => {
      await start([{ provider: "google", size: 20, window: 10 }]);
      expect(await claim(3)).toHaveLength(3);
      expect(await claim(100)).toHaveLength(7);
    });

    it("counts what a relay has not confirmed against the window", async () => {
      await start([{ provider: "google", size: 20, window: 5, feedback: "relay" }]);
      for (let i = 0; i < 3; i++) await send("accepted", { feedback: "relay" as never });
      expect(await lane()).toMatchObject({ unconfirmed: 3, outstanding: 0 });
      expect(await claim(100)).toHaveLength(2);
    });

    it("gives deliveries in the order of their spread, not of the file", async () => {
      await start([{ provider: "google", size: 30, window: 100 }]);
      const expected = (await rows()).sort((a, b) => a.spread - b.spread).map((one) => one.id);
      const first = await claim(10);
      const second = await claim(20);
      expect([...first, ...second].map((one) => one.id)).toEqual(expected);
    });

    it("never gives a row to two workers", async () => {
      await start([{ provider: "google", size: 40, window: 100 }]);
      const taken = await Promise.all(
        Array.from({ length: 8 }, (_, i) => claim(7, { worker: i % 2 === 0 ? "w1" : "w2" })),
      );
      const ids = taken.flat().map((one) => one.id);
      expect(ids).toHaveLength(40);
      expect(new Set(ids).size).toBe(40);
      expect((await lane()).outstanding).toBe(40);
    });

    it("brings the rows of the audience behind the address", async () => {
      const id = await start([{ provider: "google", size: 1 }]);
      await world.db.write(async (tx) => {
        const { id: importId } = await tx.import.create({
          data: { sha256: "x", file: "x", state: "ready" },
        });
        const key = addressOf("google", 0);
        for (const [line, account] of [
          [2, "A1"],
          [3, "A2"],
        ] as const) {
          await tx.client.create({
            data: {
              importId,
              line,
              hash: account,
              key,
              address: key,
              account,
              attributes: '{"server":"s12"}',
            },
          });
        }
        await tx.campaign.update({ where: { id }, data: { importId } });
      });
      const [delivery] = await claim(1);
      expect(delivery?.clients.map((one) => one.account)).toEqual(["A1", "A2"]);
      expect(delivery?.clients[0]?.attributes).toEqual({ server: "s12" });
    });

    it("gives nothing of a held lane", async () => {
      await start([{ provider: "google", size: 10 }]);
      await holdLane();
      expect(await claim(5)).toEqual([]);
    });

    it("gives nothing of a paused campaign, and goes on after the resume", async () => {
      const id = await start([{ provider: "google", size: 10, window: 4 }]);
      await world.campaigns.steer(id, { do: "pause", why: "Lunch." });
      expect(await claim(5)).toEqual([]);
      expect(await world.ledger.lanes()).toEqual([]);
      await world.campaigns.steer(id, { do: "resume", provider: null });
      expect(await claim(5)).toHaveLength(4);
    });

    it("gives nothing before the plan is complete", async () => {
      const id = await start([{ provider: "google", size: 10 }], { planned: false });
      expect(await claim(5)).toEqual([]);
      await world.campaigns.finishPlan(id);
      expect(await claim(5)).toHaveLength(1);
    });

    it("gives nothing once the notice is no longer true", async () => {
      await start([{ provider: "google", size: 10 }], { validUntilMs: world.clock.now() + HOUR });
      world.clock.advance(HOUR - 1);
      expect(await claim(5)).toHaveLength(1);
      await world.ledger.release({ worker: "w1", kept: [] });
      world.clock.advance(1);
      expect(await claim(5)).toEqual([]);
    });

    it("gives nothing that is not due yet, and then what was deferred before what is new", async () => {
      await start([{ provider: "google", size: 3 }]);
      const { id } = await send({ reason: "system", hard: false });
      expect(await row(id)).toMatchObject({ state: "deferred" });
      expect((await claim(1))[0]?.id).not.toBe(id);
      await world.ledger.release({ worker: "w1", kept: [] });
      world.clock.advance(60_000);
      expect((await claim(1))[0]).toMatchObject({ id, attempt: 1, try: 1 });
    });

    it("gives nothing to a worker that was declared dead: nobody would ever reap it again", async () => {
      await start([{ provider: "google", size: 5, window: 5 }]);
      world.clock.advance(LEASE_MS + 1);
      expect(await world.ledger.reap({ leaseMs: LEASE_MS, self: "w2" })).toMatchObject({ workers: 1 });
      expect(await claim(5, { worker: "w1" })).toEqual([]);
      expect(await claim(5, { worker: "w2" })).toHaveLength(5);
    });
  });

  describe("an intent", () => {
    it("is granted for claimed rows of this worker at this epoch alone", async () => {
      await start([{ provider: "google", size: 10, window: 10 }]);
      const mine = await claim(3);
      const other = await claim(3, { worker: "w2" });
      const unclaimed = (await rows("pending"))[0]?.id ?? 0;
      const [first] = mine;
      if (first === undefined) throw new Error("nothing claimed");
      expect(await intend(other)).toEqual([]);
      expect(await intend([{ ...first, id: unclaimed }])).toEqual([]);
      expect(await intend([{ ...first, epoch: 2 }])).toEqual([]);
      expect(await intend([{ ...first, try: 3 }])).toEqual([]);
      expect(await rows("sending")).toEqual([]);
      expect(await intend(mine)).toEqual(mine.map((one) => one.id).sort((a, b) => a - b));
      expect(await rows("sending")).toHaveLength(3);
      await expectCounted();
    });

    it("is answered the same when the group is repeated after a lost answer, and steps nothing twice", async () => {
      await start([{ provider: "google", size: 30, window: 8 }]);
      const first = await claim(4);
      await intend(first);
      const more = await claim(4);
      const group = {
        settles: first.map((one) => say(one, "accepted")),
        intents: more.map(intentOf),
      };
      const once = await commit(group);
      const before = await lane();
      const logged = (await outcomes()).length;
      const again = await commit(group);
      expect([...again.intended].sort()).toEqual([...once.intended].sort());
      expect(once.intended.size).toBe(4);
      expect(await lane()).toEqual(before);
      expect(await outcomes()).toHaveLength(logged);
      expect((await rows("sending")).every((one) => one.try === 1)).toBe(true);
    });

    it("that was granted is answered so in the repeat, even when the lane was held in between", async () => {
      // Else the row would stay `sending` for ever under a living worker that believes that it was denied.
      await start([{ provider: "google", size: 10, window: 10 }]);
      const mine = await claim(2);
      const group = { intents: mine.map(intentOf) };
      await commit(group);
      for (let i = 0; i < 3; i++) await send(PTR, { worker: "w2" });
      const again = await commit(group);
      expect(again.intended.size).toBe(2);
      expect(again.lanes[0]).toMatchObject({ runnable: false, epoch: 2 });
    });

    it("of a claim from before its process took a new name is denied, though that name claimed the row again", async () => {
      // Both claims wait in the memory of one process: granting the second as if it were a repeat sends twice.
      await start([{ provider: "google", size: 1 }]);
      const stale = await claim(1);
      world.clock.advance(LEASE_MS + 1);
      await world.ledger.reap({ leaseMs: LEASE_MS, self: "w2" });
      await register("w1-again");
      const fresh = await claim(1, { worker: "w1-again" });
      expect(await intend(fresh, { worker: "w1-again" })).toHaveLength(1);
      expect(await intend(stale, { worker: "w1-again" })).toEqual([]);
    });

    it("of a claim that came before a hold and a resume is denied", async () => {
      const id = await start([{ provider: "google", size: 10, window: 10 }]);
      const stale = await claim(2);
      await holdLane();
      await world.campaigns.steer(id, { do: "resume", provider: null });
      expect(await intend(stale)).toEqual([]);
    });

    it("is denied by the same commit that holds the lane", async () => {
      await start([{ provider: "google", size: 10, window: 10 }]);
      const mine = await claim(4);
      await intend(mine.slice(0, 3));
      const committed = await commit({
        settles: mine.slice(0, 3).map((one) => say(one, PTR)),
        intents: mine.slice(3).map(intentOf),
      });
      expect(committed.intended.size).toBe(0);
      expect(committed.lanes).toMatchObject([{ state: "held", epoch: 2, runnable: false }]);
    });

    it("is denied when the campaign was paused or cancelled, or its notice ended, after the claim", async () => {
      const id = await start([{ provider: "google", size: 10, window: 10 }], {
        validUntilMs: world.clock.now() + HOUR,
      });
      const mine = await claim(4);
      await world.campaigns.steer(id, { do: "pause", why: "Wait." });
      expect(await intend(mine)).toEqual([]);
      await world.campaigns.steer(id, { do: "resume", provider: null });
      world.clock.advance(HOUR);
      expect(await intend(mine)).toEqual([]);
      world.clock.jump(-HOUR);
      await world.campaigns.steer(id, { do: "cancel", why: "Never mind." });
      expect(await intend(mine)).toEqual([]);
    });
  });
}
