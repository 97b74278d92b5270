// The conformance suite of the ramp behind a relay: what holds a place in the window, what grows it, when a lane is blind
// and wakes, who starts first, and that the sentinel is nobody's delivery.
import { describe, expect, it } from "vitest";
import { createIntakeStore } from "../../src/adapters/store/intakes.ts";
import { createReportStore } from "../../src/adapters/store/reports.ts";
import { createSentinelStore } from "../../src/adapters/store/sentinels.ts";
import type { Pulse } from "../../src/breaker/breaker.ts";
import { DEAF, type Hearing, UNCONFIRMED_CAP } from "../../src/breaker/silence.ts";
import type { ReportLedger } from "../../src/delivery/collector.ts";
import type { IntakeHealth } from "../../src/delivery/intake.ts";
import type { ReportEntry } from "../../src/delivery/report-entry.ts";
import { buildReport } from "../../src/report/report.ts";
import { type LedgerWorld, runCampaign } from "../world/ledger.ts";
import { createHands, SOAK_MS } from "./ledger-hands.ts";
import { entryOf } from "./report-ledger.ts";

const BY_LOG: Hearing = { any: true, arrivals: true };
const BY_MAIL: Hearing = { any: true, arrivals: false };
const SENTINEL_SENT_MS = 1_000;

export function describeRelayRamp(
  name: string,
  makeWorld: () => Promise<LedgerWorld>,
  ledgerOf: (world: LedgerWorld) => ReportLedger,
): void {
  describe(`the ramp behind a relay on ${name}`, () => {
    const hands = createHands(makeWorld);
    const { world, start, row, rows, lane, send, claim, intend, commit, say, campaign } = hands;
    const relay = (size: number, window = 5) => [
      { provider: "google", size, window, feedback: "relay" as const },
    ];
    const record = (...entries: ReportEntry[]) => ledgerOf(world).record(entries);
    const told = (delivery: number, part: Parameters<typeof entryOf>[1]) =>
      entryOf(hands, { token: { delivery, attempt: 1 }, intake: "log", trusted: true, ...part });
    const arrived = (id: number) => record(told(id, { action: "delivered", kind: "notice" }));
    const delayed = (id: number) =>
      record(told(id, { action: "delayed", kind: "notice", reason: "mailbox-full", hard: false }));
    const handOver = async (count: number, provider = "google") => {
      const ids: number[] = [];
      for (let i = 0; i < count; i++) ids.push((await send("accepted", { feedback: "relay", provider })).id);
      return ids;
    };
    const memory = async (provider = "google") => (JSON.parse((await lane(provider)).pulse) as Pulse).ramp;
    const tick = (hearing: Hearing) => world.ledger.tick({ soakMs: SOAK_MS, hearing });
    const events = async (event: string) =>
      (await world.db.read.event.findMany({ where: { event } })).map((one) => one.text);
    /** How many more the lane lets out now; they stay claimed. */
    const room = async () => {
      const claimed = await claim(1_000);
      await world.ledger.release({ worker: "w1", kept: [] });
      return claimed.length;
    };
    const intakeIs = (health: Partial<IntakeHealth>) =>
      createIntakeStore(world.db).saveHealth([
        {
          name: "imap",
          state: "alive",
          seenAtMs: world.clock.now(),
          broughtAtMs: null,
          lagMs: 0,
          trouble: null,
          ...health,
        },
      ]);
    const sendSentinel = async (campaignId: number) => {
      const store = createSentinelStore(world.db);
      expect(await store.due()).toEqual([{ campaignId, route: "default" }]);
      const id = await store.begin(campaignId, "default");
      if (id === null) throw new Error("it was there already");
      expect(await store.begin(campaignId, "default")).toBeNull();
      await store.settle(id, { is: "sent" });
      return id;
    };
    const sentinelBack = (id: number, part: Parameters<typeof entryOf>[1] = {}) =>
      record(entryOf(hands, { token: { delivery: id, attempt: 0 }, reason: "host-unknown", ...part }));

    describe("the window", () => {
      it("is held by what the relay holds, said to be deferred or not", async () => {
        await start(relay(40));
        for (const id of await handOver(5)) await delayed(id);
        expect(await lane()).toMatchObject({ window: 5, unconfirmed: 5 });
        expect(await room()).toBe(0);
      });

      it("lets one in for each deferred one beside which another arrives, and does not grow by it", async () => {
        await start(relay(40));
        const [a = 0, b = 0, c = 0] = await handOver(5);
        await delayed(a);
        await delayed(b);
        expect(await room()).toBe(0);
        await arrived(c);
        // The place of c, and that of one deferred mail.
        expect(await room()).toBe(2);
        expect(await lane()).toMatchObject({ window: 5, unconfirmed: 4 });
        // Ended at last, it gives back no second place.
        await arrived(a);
        expect(await room()).toBe(3);
      });

      it("gets no room by refusals before something arrives: the canary is all that is risked", async () => {
        await start(relay(20));
        const [first = 0, second = 0, third = 0] = await handOver(5);
        const refused = (id: number) => record(told(id, { action: "failed", reason: "reverse-dns" }));
        await refused(first);
        expect(await room()).toBe(0);
        await arrived(second);
        expect(await room()).toBe(2);
        await refused(third);
        expect(await room()).toBe(2);
      });

      it("lets one out at a time where refusals of every kind have used it up and nothing else is on its way", async () => {
        await start(relay(20, 2));
        const [first = 0, second = 0] = await handOver(2);
        await record(told(first, { action: "failed", reason: "spam" }));
        expect(await room()).toBe(0);
        await record(told(second, { action: "failed", reason: "unclassified" }));
        expect(await room()).toBe(1);
      });

      it("learns by which intake arrivals are told of, and how long that takes", async () => {
        await start(relay(40));
        const [a = 0, b = 0] = await handOver(2);
        world.clock.advance(10_000);
        await arrived(a);
        expect(await memory()).toMatchObject({ signs: 1, by: "log", tookMs: 10_000 });
        world.clock.advance(10_000);
        await record(told(b, { action: "delivered", kind: "notice", intake: "webhook:ses" }));
        expect(await memory()).toMatchObject({ signs: 2, by: "webhook:ses", tookMs: 13_000 });
      });

      it("begins anew after a resume, and what the relay still holds is neither sent again nor in the way", async () => {
        const id = await start(relay(40));
        const ids = await handOver(5);
        for (const one of ids.slice(0, 3))
          await record(told(one, { action: "delayed", kind: "notice", reason: "reverse-dns", hard: false }));
        expect(await lane()).toMatchObject({ state: "held", unconfirmed: 5 });
        const held = await buildReport(createReportStore(world.db), id);
        expect(held.lanes[0]?.hold?.atRelay).toMatchObject({ count: 5, command: null });
        await world.campaigns.steer(id, { do: "resume", provider: null });
        expect(await room()).toBe(1);
        const [next = 0] = await handOver(1);
        expect(ids).not.toContain(next);
        expect(await room()).toBe(0);
        for (const one of ids) await arrived(one);
        // They were of an earlier epoch: their places were none.
        expect(await lane()).toMatchObject({ window: 1, unconfirmed: 1 });
        expect(await room()).toBe(0);
        await arrived(next);
        expect(await lane()).toMatchObject({ window: 2, unconfirmed: 0 });
        expect(await room()).toBe(2);
        expect((await rows("accepted")).map((one) => one.attempt)).toEqual(Array(6).fill(1));
      });
    });

    describe("silence", () => {
      it("never grows the window where arrivals can be told of: the lane is blind, and its campaign stands", async () => {
        const id = await start(relay(40));
        await intakeIs({ broughtAtMs: world.clock.now() });
        const [first = 0] = await handOver(5);
        world.clock.advance(3 * SOAK_MS - 1);
        await intakeIs({ broughtAtMs: world.clock.now() });
        await tick(BY_LOG);
        expect(await lane()).toMatchObject({ state: "ramping", window: 5 });
        world.clock.advance(1);
        await tick(BY_LOG);
        expect(await lane()).toMatchObject({ state: "blind", window: 5 });
        expect(await campaign(id)).toMatchObject({ state: "paused", pausedBy: "breaker" });
        expect((await events("blind"))[0]).toMatch(/took 5 mails, and for 3 min it was not told of one/);
        // The first sign wakes both.
        await arrived(first);
        expect(await lane()).toMatchObject({ state: "ramping", unconfirmed: 4 });
        expect(await campaign(id)).toMatchObject({ state: "running", pausedBy: null });
        expect(await room()).toBe(1);
      });

      it("of a relay that says it could not pass the mails on is told in those words", async () => {
        await start(relay(40));
        await intakeIs({ broughtAtMs: world.clock.now() });
        for (const one of await handOver(5)) await delayed(one);
        world.clock.advance(3 * SOAK_MS);
        await tick(BY_LOG);
        expect(await lane()).toMatchObject({ state: "blind" });
        expect((await memory())?.why).toMatch(/could not pass on all of them: for 3 min none has arrived/);
      });

      it("confirms nothing while an intake is dead or late, and the timeline says why", async () => {
        const id = await start(relay(40));
        const sentinel = await sendSentinel(id);
        await sentinelBack(sentinel);
        await handOver(5);
        world.clock.advance(SOAK_MS);
        await intakeIs({ lagMs: 10 * SOAK_MS });
        await tick(BY_MAIL);
        expect(await events("kept")).toEqual([
          expect.stringMatching(/cannot be seen: imap: alive, 10 min behind/),
        ]);
        world.clock.advance(1_000);
        await intakeIs({ state: "failing", trouble: "The mailbox does not answer." });
        await tick(BY_MAIL);
        expect(await lane()).toMatchObject({ window: 5 });
        expect((await memory())?.why).toMatch(/FAILING: The mailbox does not answer/);
        // Told once, however its words change.
        expect(await events("kept")).toHaveLength(1);
        await intakeIs({});
        await tick(BY_MAIL);
        expect(await lane()).toMatchObject({ window: 10 });
      });

      it("confirms alone where nothing tells of arrivals and bounces are seen to come, up to a cap", async () => {
        const id = await start(relay(130));
        await sentinelBack(await sendSentinel(id));
        const windows: number[] = [];
        for (let rounds = 0; rounds < 8; rounds++) {
          await handOver(await room());
          world.clock.advance(SOAK_MS);
          await intakeIs({});
          await tick(BY_MAIL);
          windows.push((await lane()).window);
        }
        expect(windows).toEqual([10, 20, 40, 80, 100, 100, 100, 100]);
        expect(await rows("handed-over")).toHaveLength(UNCONFIRMED_CAP);
        expect(await lane()).toMatchObject({ state: "blind" });
        expect((await memory())?.why).toMatch(/100 mails are out, none came back/);
        await world.campaigns.steer(id, { do: "resume", provider: null });
        expect(await room()).toBe(30);
      });

      it("confirms by other mail too, if that came within the soak, and not by older mail", async () => {
        await start(relay(40));
        await handOver(5);
        const before = world.clock.now() - 1;
        world.clock.advance(SOAK_MS);
        await intakeIs({ broughtAtMs: before });
        await tick(BY_MAIL);
        expect(await lane()).toMatchObject({ window: 5 });
        await intakeIs({ broughtAtMs: world.clock.now() - 1_000 });
        await tick(BY_MAIL);
        expect(await lane()).toMatchObject({ window: 10 });
      });

      it("confirms nothing once the relay said of one mail that it is deferred", async () => {
        const id = await start(relay(40));
        await sentinelBack(await sendSentinel(id));
        const [first = 0] = await handOver(5);
        await delayed(first);
        world.clock.advance(SOAK_MS);
        await intakeIs({});
        await tick(BY_MAIL);
        expect(await lane()).toMatchObject({ window: 5 });
      });

      it("confirms nothing where another lane of the relay has heard of an arrival", async () => {
        await start(["google", "yahoo"].map((provider) => ({ ...relay(40)[0], provider, size: 40 })));
        await intakeIs({ broughtAtMs: world.clock.now() });
        await handOver(5);
        const [seen = 0] = await handOver(1, "yahoo");
        await arrived(seen);
        world.clock.advance(SOAK_MS);
        await intakeIs({ broughtAtMs: world.clock.now() });
        await tick(BY_MAIL);
        expect(await lane()).toMatchObject({ window: 5 });
      });

      it("confirms nothing where the relay was asked for reports of success, and offers them", async () => {
        await start(relay(40, 1));
        await intakeIs({});
        const [delivery] = await claim(1);
        if (delivery === undefined) throw new Error("nothing claimed");
        await intend([delivery]);
        const taken = say(delivery, "accepted", "relay");
        await commit({ settles: [{ ...taken, outcome: { ...taken.outcome, asked: true } }] });
        world.clock.advance(SOAK_MS);
        await intakeIs({ broughtAtMs: world.clock.now() });
        await tick(BY_MAIL);
        expect(await lane()).toMatchObject({ window: 1, unconfirmed: 1 });
      });

      it("is not waited for at the end where nothing could break it", async () => {
        const deaf = await start(relay(3));
        await handOver(3);
        await tick(DEAF);
        expect(await campaign(deaf)).toMatchObject({ state: "completed" });
        const hearing = await runCampaign(world, relay(3));
        await handOver(3);
        await tick(BY_LOG);
        expect(await campaign(hearing)).toMatchObject({ state: "running" });
        world.clock.advance(3 * SOAK_MS);
        await tick(BY_LOG);
        expect(await campaign(hearing)).toMatchObject({ state: "completed" });
      });
    });

    describe("the sentinel", () => {
      it("comes back once, and moves no delivery, no lane, no breaker and no suppression", async () => {
        const id = await start(relay(1));
        // A delivery of the same number is there, and it is not meant.
        const [delivery = 0] = await handOver(1);
        const sentinel = await sendSentinel(id);
        expect(sentinel).toBe(delivery);
        world.clock.advance(SENTINEL_SENT_MS);
        const before = await lane();
        const entry = entryOf(hands, { token: { delivery: sentinel, attempt: 0 }, reason: "user-unknown" });
        expect(await record(entry)).toMatchObject([{ effect: "sentinel", delivery: null }]);
        expect(await record(entry, entry)).toMatchObject([{ effect: "repeated" }, { effect: "repeated" }]);
        expect(await sentinelBack(sentinel, { recipient: "someone@bellwether.invalid" })).toMatchObject([
          { effect: "sentinel" },
        ]);
        const byName = { message: { delivery: sentinel, revision: 0 }, reason: "user-unknown" as const };
        expect(await record(entryOf(hands, byName))).toMatchObject([{ effect: "sentinel" }]);
        expect(await ledgerOf(world).rematch(0)).toBe(0);
        const kept = await world.db.read.report.findMany();
        expect(kept.map((one) => [one.effect, one.deliveryId])).toEqual(Array(3).fill(["sentinel", null]));
        expect(await lane()).toEqual(before);
        expect(await row(delivery)).toMatchObject({ state: "handed-over" });
        expect(await world.db.read.suppression.count()).toBe(0);
        expect(await events("sentinel")).toHaveLength(1);
        const report = await buildReport(createReportStore(world.db), id);
        expect(report.totals).toMatchObject({ recipients: 1, handedOver: 1, bounced: 0 });
        expect(report.sentinels).toMatchObject([
          { route: "default", status: "came-back", seconds: 1, by: "imap" },
        ]);
      });

      it("is found by its Message-ID, and by a delay is only told of", async () => {
        const id = await start(relay(40));
        const sentinel = await sendSentinel(id);
        const message = { delivery: sentinel, revision: 0 };
        await record(entryOf(hands, { message, action: "delayed", kind: "notice" }));
        const store = createReportStore(world.db);
        expect((await buildReport(store, id)).sentinels).toMatchObject([{ status: "on-its-way" }]);
        world.clock.advance(3 * SOAK_MS);
        expect((await buildReport(store, id)).sentinels).toMatchObject([{ status: "missing" }]);
        await record(entryOf(hands, { message }));
        expect((await buildReport(store, id)).sentinels).toMatchObject([{ status: "came-back" }]);
      });

      it("that the relay refuses says nothing, and one that could not leave is tried again", async () => {
        const id = await start(relay(40));
        const store = createSentinelStore(world.db);
        const first = (await store.begin(id, "default")) ?? 0;
        await store.settle(first, { is: "unreachable" });
        const second = await sendSentinel(id);
        expect(second).not.toBe(0);
        await world.db.write((tx) => tx.$executeRawUnsafe("UPDATE sentinel SET state = 'sending'"));
        await store.settle(second, { is: "refused", reply: "550 5.1.2 we check domains" });
        await handOver(5);
        world.clock.advance(SOAK_MS);
        await intakeIs({});
        await tick(BY_MAIL);
        expect(await events("kept")).toEqual([expect.stringContaining("550 5.1.2 we check domains")]);
        // What is known otherwise counts all the same.
        await intakeIs({ broughtAtMs: world.clock.now() });
        await tick(BY_MAIL);
        expect(await lane()).toMatchObject({ window: 10 });
      });

      it("that comes back late wakes a lane that was blind for want of it", async () => {
        const id = await start(relay(40));
        const sentinel = await sendSentinel(id);
        await handOver(5);
        world.clock.advance(3 * SOAK_MS);
        await intakeIs({});
        await tick(BY_MAIL);
        expect(await lane()).toMatchObject({ state: "blind" });
        expect((await memory())?.why).toContain("The sentinel is missing");
        expect(await campaign(id)).toMatchObject({ state: "paused" });
        await sentinelBack(sentinel);
        await intakeIs({ broughtAtMs: null });
        await tick(BY_MAIL);
        expect(await lane()).toMatchObject({ state: "ramping", window: 10 });
        expect(await campaign(id)).toMatchObject({ state: "running" });
      });
    });

    describe("the start", () => {
      const lanes = [
        { provider: "yahoo", size: 10, window: 5, feedback: "relay" as const },
        { provider: "google", size: 30, window: 5, feedback: "relay" as const },
        { provider: "orange", size: 10, window: 1, feedback: "final" as const, route: "direct" },
      ];
      const staggered = async () => {
        const id = await start(lanes, { planned: false });
        await world.campaigns.finishPlan(id, { waitMs: SOAK_MS });
        return id;
      };

      it("is the largest lane's behind a relay; where the provider answers itself nobody waits", async () => {
        await staggered();
        expect(await claim(9, { provider: "yahoo" })).toEqual([]);
        expect(await claim(9, { provider: "orange" })).toHaveLength(1);
        const [first = 0] = await handOver(5);
        await tick(BY_LOG);
        expect(await claim(9, { provider: "yahoo" })).toEqual([]);
        await arrived(first);
        await tick(BY_LOG);
        expect(await claim(9, { provider: "yahoo" })).toHaveLength(5);
      });

      it("of the others is after a soak at the latest, or when the first lane is held", async () => {
        await staggered();
        world.clock.advance(SOAK_MS - 1);
        expect(await claim(9, { provider: "yahoo" })).toEqual([]);
        world.clock.advance(1);
        expect(await claim(9, { provider: "yahoo" })).toHaveLength(5);
      });

      it("is everybody's at once where all fit into their canaries", async () => {
        const small = lanes.map((one) => ({ ...one, size: 5 }));
        const id = await start(small, { planned: false });
        await world.campaigns.finishPlan(id, { waitMs: SOAK_MS });
        expect(await claim(9, { provider: "yahoo" })).toHaveLength(5);
      });
    });
  });
}
