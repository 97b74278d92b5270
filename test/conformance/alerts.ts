// The conformance suite of alerts: what stands is found in what settles and ticks have committed, raised once whoever
// looks, told once by each road, told again after a crash, and passed on to the deputy once.
import { describe, expect, it } from "vitest";
import type { AlertBook, AlertEntry } from "../../src/alert/alert.ts";
import { cardOf } from "../../src/alert/card.ts";
import { type Cause, urgencyOf } from "../../src/alert/cause.ts";
import { isDeputyDue, isOver, LEASE_MS } from "../../src/alert/due.ts";
import type { Target } from "../../src/alert/road.ts";
import type { AlertStore } from "../../src/alert/store.ts";
import type { ProviderHolds } from "../../src/campaign/provider-holds.ts";
import type { IntakeStore } from "../../src/delivery/collector.ts";
import type { LedgerWorld } from "../world/ledger.ts";
import { createHands, HOUR, MINUTE, SOAK_MS } from "./ledger-hands.ts";

interface Ports {
  store: AlertStore;
  book: AlertBook;
  holds: ProviderHolds;
  intakes: IntakeStore;
}

const TARGETS: readonly Target[] = [
  { road: "mail", target: "oncall@example.org" },
  { road: "webhook", target: "" },
];
const DEPUTY: readonly Target[] = [{ road: "webhook", target: "" }];

export function describeAlerts(
  name: string,
  makeWorld: () => Promise<LedgerWorld>,
  portsOf: (world: LedgerWorld) => Ports,
): void {
  describe(`alerts on ${name}`, () => {
    const hands = createHands(makeWorld);
    const ports = () => portsOf(hands.world);
    const { world } = hands;

    const kinds = async () => (await ports().store.look()).standing.map((cause) => cause.kind);

    /** What a keeper does at each look, with the store alone. */
    async function look(): Promise<AlertEntry[]> {
      const { store, book } = ports();
      const { live, standing } = await store.look();
      for (const cause of standing) if (cause.fresh) await raise(cause);
      const keys = new Set(standing.map((cause) => cause.key));
      await store.settle(live.filter((alert) => isOver(alert, keys)).map((alert) => alert.id));
      return book.list({ live: false, limit: 50 });
    }

    async function raise(cause: Cause): Promise<number | null> {
      const { store } = ports();
      const campaignId = "campaign" in cause ? cause.campaign.id : null;
      const counts = campaignId === null ? null : await store.counts(campaignId);
      const card = cardOf(cause, counts, null);
      const about = { key: cause.key, kind: cause.kind, urgency: urgencyOf(cause), campaignId, laneId: null };
      return store.raise({ ...about, card }, TARGETS);
    }

    const states = async () => (await look()).map((one) => `${one.kind} ${one.state}`);

    describe("are raised", () => {
      it("for a lane that the breaker holds, with its words, and settled by the resume", async () => {
        const id = await hands.start([
          { provider: "google", size: 8 },
          { provider: "yahoo", size: 2 },
        ]);
        await hands.send("accepted", { provider: "yahoo" });
        expect(await look()).toEqual([]);
        await hands.holdLane();
        const [alert] = await look();
        expect(alert).toMatchObject({ kind: "lane-held", urgency: "high", state: "open" });
        expect(alert?.card.subject).toBe("Held: Gmail refuses our mail (reverse DNS) - 1 of 10 told");
        expect(alert?.card.evidence).toHaveLength(3);
        expect(alert?.card.resume).toBe(`bellwether resume ${id} --provider google`);
        expect(await states()).toEqual(["lane-held open"]);
        await world.campaigns.steer(id, { do: "resume", provider: "google" });
        expect(await states()).toEqual(["lane-held settled"]);
        world.clock.advance(1);
        // The same lane again is another matter.
        await hands.send({ reason: "reverse-dns" });
        expect(await states()).toEqual(["lane-held open", "lane-held settled"]);
      });

      it("not for what a person holds", async () => {
        const id = await hands.start([
          { provider: "google", size: 2 },
          { provider: "yahoo", size: 2 },
        ]);
        await world.campaigns.steer(id, { do: "pause", why: "I want it.", provider: "google" });
        await ports().holds.hold("yahoo", "I want that too.");
        expect(await kinds()).toEqual([]);
        await world.campaigns.steer(id, { do: "pause", why: "All of it." });
        expect(await kinds()).toEqual([]);
      });

      it("once for a lane and its campaign, when nothing but that lane is left", async () => {
        const id = await hands.start([{ provider: "google", size: 8 }]);
        await hands.holdLane();
        await hands.tick();
        expect(await hands.campaign(id)).toMatchObject({ state: "paused", pausedBy: "breaker" });
        expect(await kinds()).toEqual(["lane-held"]);
      });

      it("for a campaign that stands for another cause, and settled by its end", async () => {
        const id = await hands.start([{ provider: "google", size: 8 }]);
        await world.db.write(async (tx) => {
          const data = { state: "paused", pausedBy: "breaker", why: "The list may be old." };
          await tx.campaign.update({ where: { id }, data });
        });
        const [alert] = await look();
        expect(alert).toMatchObject({ kind: "campaign-paused", urgency: "high" });
        expect(alert?.card.happened).toBe("The list may be old.");
        await world.campaigns.steer(id, { do: "cancel", why: "Enough." });
        expect(await states()).toEqual(["campaign-paused settled"]);
      });

      it("for a route that refuses us: one, however many lanes it holds", async () => {
        const id = await hands.start([
          { provider: "google", size: 3 },
          { provider: "yahoo", size: 3 },
        ]);
        await hands.send({ reason: "relay-denied", scope: "route", speaker: "route" });
        const [alert, ...more] = await look();
        expect(alert).toMatchObject({ kind: "route-held", state: "open" });
        expect(alert?.card.subject).toBe("Held: our relay refuses our mail (access denied) - 0 of 6 told");
        expect(more).toEqual([]);
        await hands.tick();
        expect(await states()).toEqual(["route-held open"]);
        await world.campaigns.steer(id, { do: "resume", provider: null });
        expect(await states()).toEqual(["route-held settled"]);
      });

      it("for a lane that is blind", async () => {
        await hands.start([{ provider: "google", size: 5, feedback: "relay", window: 1 }]);
        await hands.send("accepted", { feedback: "relay" });
        world.clock.advance(3 * SOAK_MS);
        await hands.tick();
        const [alert] = await look();
        expect(alert).toMatchObject({ kind: "lane-blind", urgency: "high" });
        expect(alert?.card.happened).toMatch(/The relay took 1 mail, and nothing is configured/);
      });

      it("for a lane that goes on by itself as news only: told once, and over", async () => {
        await hands.start([{ provider: "google", size: 8 }]);
        await hands.holdLane();
        const until = new Date(world.clock.now() + HOUR);
        await world.db.write(async (tx) => {
          await tx.lane.updateMany({ data: { until } });
        });
        const [alert] = await look();
        expect(alert).toMatchObject({ kind: "lane-held", urgency: "low" });
        expect(alert?.card.now).toMatch(
          /^Nothing, unless it comes again: it goes on by itself at 2027-04-27 09:00/,
        );
        for (const one of await ports().store.claim(10))
          await ports().store.answer(one, { ok: true, answer: "250", againMs: null });
        expect(await states()).toEqual(["lane-held settled"]);
      });

      it("for an end with failures as news, and for mails that died with their process", async () => {
        const id = await hands.start([{ provider: "google", size: 2 }]);
        await hands.send({ reason: "user-unknown" });
        await hands.intend(await hands.claim(1));
        world.clock.advance(MINUTE);
        await hands.register("w3");
        await world.ledger.reap({ leaseMs: 15_000, self: "w3" });
        const [uncertain] = await look();
        expect(uncertain).toMatchObject({ kind: "uncertain", urgency: "high", state: "open" });
        expect(uncertain?.card.subject).toBe("Uncertain: 1 mail, a sending process died - 0 of 2 told");
        await hands.tick();
        const [ended] = await look();
        expect(ended).toMatchObject({ kind: "campaign-failures", urgency: "low" });
        expect(ended?.card.subject).toMatch(/^Ended: 2 of 2 not told - Campaign/);
        // They stay uncertain after the end; a person settles them.
        expect(await states()).toContain("uncertain open");
        await world.campaigns.steer(id, { do: "settle-uncertain", as: "sent" });
        expect(await states()).toContain("uncertain settled");
        world.clock.advance(25 * HOUR);
        expect(await kinds()).toEqual([]);
      });

      it("for a source of reports that fails for five minutes, and settled when it answers", async () => {
        const health = { name: "imap", seenAtMs: null, broughtAtMs: null, lagMs: null };
        const failing = {
          ...health,
          state: "failing" as const,
          trouble: "login refused for bob@example.org",
        };
        const say = (state: "failing" | "alive") =>
          ports().intakes.saveHealth([state === "failing" ? failing : { ...health, state, trouble: null }]);
        await say("failing");
        world.clock.advance(4 * MINUTE);
        await say("failing");
        expect(await look()).toEqual([]);
        world.clock.advance(MINUTE);
        await say("failing");
        const [alert] = await look();
        expect(alert).toMatchObject({ kind: "intake-dead", state: "open" });
        expect(alert?.card.happened).toMatch(/imap fails since .*: login refused for \[address\]$/);
        expect(await states()).toEqual(["intake-dead open"]);
        await say("alive");
        expect(await states()).toEqual(["intake-dead settled"]);
      });

      it("not for a source that nobody reads any more", async () => {
        const failing = { name: "imap", seenAtMs: null, broughtAtMs: null, lagMs: null, trouble: "away" };
        await ports().intakes.saveHealth([{ ...failing, state: "failing" }]);
        world.clock.advance(10 * MINUTE);
        expect(await look()).toEqual([]);
      });
    });

    describe("are told", () => {
      const held = async () => {
        await hands.start([{ provider: "google", size: 8 }]);
        await hands.holdLane();
      };

      it("once by each road, however many processes look at the same moment", async () => {
        await held();
        await Promise.all([look(), look(), look()]);
        const entries = await ports().book.list({ live: false, limit: 50 });
        expect(entries).toHaveLength(1);
        const claims = await Promise.all([1, 2, 3, 4].map(() => ports().store.claim(10)));
        expect(
          claims
            .flat()
            .map((one) => one.road)
            .sort(),
        ).toEqual(["mail", "webhook"]);
        for (const one of claims.flat())
          await ports().store.answer(one, { ok: true, answer: "yes", againMs: null });
        world.clock.advance(HOUR);
        expect(await ports().store.claim(10)).toEqual([]);
        expect((await look())[0]?.tries).toMatchObject([
          { road: "mail", target: "oncall@example.org", state: "sent", answer: "yes", tries: 1 },
          { road: "webhook", target: "", state: "sent", answer: "yes", tries: 1 },
        ]);
      });

      it("again when whoever had taken it died, and not before", async () => {
        await held();
        await look();
        expect(await ports().store.claim(1)).toMatchObject([{ road: "mail", tries: 1 }]);
        world.clock.advance(LEASE_MS - 1);
        expect(await ports().store.claim(10)).toMatchObject([{ road: "webhook" }]);
        world.clock.advance(1);
        expect(await ports().store.claim(10)).toMatchObject([{ road: "mail", tries: 2 }]);
      });

      it("again after a failure when its time has come, until it is given up; others are not delayed", async () => {
        await held();
        await look();
        const [mail, webhook] = await ports().store.claim(10);
        if (mail === undefined || webhook === undefined) throw new Error("nothing to tell");
        await ports().store.answer(mail, { ok: false, answer: "550 no", againMs: null });
        await ports().store.answer(webhook, { ok: false, answer: "HTTP 503", againMs: 15_000 });
        world.clock.advance(14_000);
        expect(await ports().store.claim(10)).toEqual([]);
        world.clock.advance(1_000);
        const again = await ports().store.claim(10);
        expect(again).toMatchObject([{ road: "webhook", tries: 2 }]);
        // The first one wakes late: what it says of its failure is no news, that it has told is.
        await ports().store.answer(webhook, { ok: false, answer: "late", againMs: null });
        expect((await look())[0]?.tries).toMatchObject([
          { state: "failed", answer: "550 no" },
          { state: "waiting", answer: "HTTP 503" },
        ]);
        await ports().store.answer(webhook, { ok: true, answer: "HTTP 200", againMs: null });
        expect((await look())[0]?.tries[1]).toMatchObject({ state: "sent" });
      });

      it("to the deputy once, when nobody has answered in time", async () => {
        await held();
        const [alert] = await look();
        const due = async (afterMs: number) => {
          const { live, nowMs } = await ports().store.look();
          return live.filter((one) => isDeputyDue(one, { nowMs, afterMs })).map((one) => one.id);
        };
        world.clock.advance(10 * MINUTE - 1);
        expect(await due(10 * MINUTE)).toEqual([]);
        world.clock.advance(1);
        const [id = 0] = await due(10 * MINUTE);
        expect(id).toBe(alert?.id);
        for (const one of await ports().store.claim(10))
          await ports().store.answer(one, { ok: true, answer: "", againMs: null });
        const won = await Promise.all([1, 2, 3].map(() => ports().store.escalate(id, DEPUTY)));
        expect(won.filter(Boolean)).toHaveLength(1);
        expect(await due(10 * MINUTE)).toEqual([]);
        expect(await ports().store.claim(10)).toMatchObject([{ road: "webhook", deputy: true }]);
      });

      it("to nobody more once somebody has answered, by name, from wherever", async () => {
        await held();
        const [alert] = await look();
        const id = alert?.id ?? 0;
        expect(await ports().book.acknowledge(id, "Ann")).toEqual([id]);
        expect(await ports().book.acknowledge("all", "Bob")).toEqual([]);
        expect(await ports().store.claim(10)).toEqual([]);
        world.clock.advance(HOUR);
        expect(await ports().store.escalate(id, DEPUTY)).toBe(false);
        const [entry] = await look();
        expect(entry).toMatchObject({ state: "acknowledged", acknowledgedBy: "Ann", deputyMs: null });
        expect(entry?.tries.map((one) => one.state)).toEqual(["moot", "moot"]);
        expect(await ports().book.find(id)).toBe("acknowledged");
        expect(await ports().book.find(id + 1)).toBeNull();
      });
    });

    it("are forgotten when they were settled long ago, and only then", async () => {
      const id = await hands.start([{ provider: "google", size: 8 }]);
      await hands.holdLane();
      await look();
      world.clock.advance(HOUR);
      await ports().store.forget(world.clock.now());
      await world.campaigns.steer(id, { do: "cancel", why: "Enough." });
      expect(await states()).toEqual(["lane-held settled"]);
      await ports().store.forget(world.clock.now());
      expect(await look()).toHaveLength(1);
      await ports().store.forget(world.clock.now() + 1);
      expect(await look()).toEqual([]);
      expect(await world.db.read.alertTry.count()).toBe(0);
    });
  });
}
