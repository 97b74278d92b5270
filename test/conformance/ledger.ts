// The conformance suite of the ledger's port: every database that keeps deliveries must pass it. Rows are looked
// at through Prisma's models, which are the same for all of them; every change goes through the ports.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ClaimedDelivery } from "../../src/delivery/delivery.ts";
import { RETRY_DEADLINE_SECONDS } from "../../src/delivery/retry.ts";
import type { Settle } from "../../src/delivery/settle.ts";
import type { Committed, Intent } from "../../src/delivery/store.ts";
import {
  addressOf,
  type LanePlan,
  type LedgerWorld,
  outcomeFor,
  planChunk,
  runCampaign,
  type Said,
  settleOf,
} from "../world/ledger.ts";

const HOUR = 3_600_000;
const SOAK_MS = 60_000;
const LEASE_MS = 15_000;
const PTR: Said = { reason: "reverse-dns", reply: "550-5.7.25 no PTR record" };

export function describeLedger(name: string, makeWorld: () => Promise<LedgerWorld>): void {
  describe(`the ledger on ${name}`, () => {
    let world: LedgerWorld;

    beforeEach(async () => {
      world = await makeWorld();
    });
    afterEach(async () => {
      await world.close();
    });

    // --- hands ---

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
      { worker = "w1", provider = "google", feedback = "final" as const } = {},
    ) {
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

    // --- claims ---

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

    // --- intents ---

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

    // --- settles ---

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

    // --- holds ---

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
        for (const one of mine)
          await commit({ settles: [say(one, { reason: "rate-limited", hard: false })] });
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
        for (let i = 0; i < 3; i++) {
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

    // --- addresses ---

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

    // --- release and reap ---

    describe("release", () => {
      it("returns what this worker claimed and does not keep, and nothing else", async () => {
        await start([{ provider: "google", size: 20, window: 20 }]);
        const mine = await claim(6);
        const other = await claim(4, { worker: "w2" });
        await intend(mine.slice(0, 2));
        await world.ledger.release({ worker: "w1", kept: mine.slice(2, 4).map((one) => one.id) });
        const stateOf = async (list: readonly ClaimedDelivery[]) =>
          (await Promise.all(list.map((one) => row(one.id)))).map((one) => one.state);
        expect(await stateOf(mine)).toEqual([
          "sending",
          "sending",
          "claimed",
          "claimed",
          "pending",
          "pending",
        ]);
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
        expect((await rows("claimed")).map((one) => one.id).sort()).toEqual(
          other.map((one) => one.id).sort(),
        );
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

    // --- time ---

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

    // --- orders ---

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
  });
}
