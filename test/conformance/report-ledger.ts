// The conformance suite of the port behind which reports are kept: how a report finds its delivery, what it moves, what
// it tells the lane, and that saying it twice is saying it once.
import { describe, expect, it } from "vitest";
import { FAULT_OF, type Reason } from "../../src/bounce/reason.ts";
import type { ReportAction } from "../../src/bounce/report.ts";
import type { ReportLedger } from "../../src/delivery/collector.ts";
import type { ReportEntry } from "../../src/delivery/report-entry.ts";
import { addressOf, type LedgerWorld, runCampaign } from "../world/ledger.ts";
import { createHands, type Hands } from "./ledger-hands.ts";

const DAY_MS = 24 * 60 * 60_000;

export function describeReportLedger(
  name: string,
  makeWorld: () => Promise<LedgerWorld>,
  ledgerOf: (world: LedgerWorld) => ReportLedger,
): void {
  describe(`reports on ${name}`, () => {
    const hands = createHands(makeWorld);
    describeMatching(hands, ledgerOf);
    describeEffects(hands, ledgerOf);
    describeLate(hands, ledgerOf);
  });
}

let made = 0;

export function entryOf(
  hands: Hands,
  part: Partial<ReportEntry> & { reason?: Reason; hard?: boolean },
): ReportEntry {
  const { reason, hard = true, ...rest } = part;
  made += 1;
  const nowMs = hands.world.clock.now();
  const recipient = rest.recipient ?? null;
  return {
    key: `key-${made}`,
    intake: "imap",
    receivedAtMs: nowMs,
    atMs: nowMs,
    kind: "bounce",
    action: "failed",
    recipient,
    recipientKey: recipient,
    reporter: "mx.example",
    reply: reason === undefined ? "" : `550 5.0.0 ${reason}`,
    classification:
      reason === undefined
        ? null
        : {
            reason,
            fault: FAULT_OF[reason],
            scope: "provider",
            hard,
            provider: "google",
            code: 550,
            enhanced: null,
            advice: `Cure ${reason}.`,
          },
    excerpt: "It came back.",
    trusted: false,
    token: null,
    message: null,
    relayIds: [],
    ...rest,
  };
}

function describeMatching(hands: Hands, ledgerOf: (world: LedgerWorld) => ReportLedger): void {
  const { world, start, row, send, commit, claim, intend, say } = hands;
  const record = (...entries: ReportEntry[]) => ledgerOf(world).record(entries);
  const toRelay = { feedback: "relay" as const };

  describe("a report finds its delivery", () => {
    it("by the signed token, whatever address it names", async () => {
      await start([{ provider: "google", size: 5, feedback: "relay", window: 5 }]);
      const { id } = await send("accepted", toRelay);
      const entry = entryOf(hands, {
        token: { delivery: id, attempt: 1 },
        recipient: "forwarded@elsewhere.example",
        reason: "user-unknown",
      });
      expect(await record(entry)).toMatchObject([{ effect: "moved", by: "token", delivery: id }]);
      expect(await row(id)).toMatchObject({ state: "bounced", reason: "user-unknown", fault: "address" });
    });

    it("by the signed Message-ID where the token is lost", async () => {
      await start([{ provider: "google", size: 5, feedback: "relay", window: 5 }]);
      const { id } = await send("accepted", toRelay);
      const entry = entryOf(hands, { message: { delivery: id, revision: 1 }, reason: "mailbox-full" });
      expect(await record(entry)).toMatchObject([{ effect: "moved", by: "message-id", delivery: id }]);
    });

    it("by the relay's id, on roads that no stranger can use, and for that recipient alone", async () => {
      await start([{ provider: "google", size: 5, feedback: "relay", window: 5 }]);
      const { id, address } = await send("accepted", toRelay);
      const byLog = {
        relayIds: ["Q1"],
        intake: "log",
        kind: "notice" as const,
        action: "delivered" as const,
      };
      const other = entryOf(hands, { ...byLog, trusted: true, recipient: "someone@else.example" });
      const open = entryOf(hands, { ...byLog, intake: "imap", recipient: address });
      expect(await record(other, open)).toMatchObject([{ effect: "unmatched" }, { effect: "unmatched" }]);
      const right = entryOf(hands, { ...byLog, trusted: true, recipient: address });
      expect(await record(right)).toMatchObject([{ effect: "moved", by: "relay-id", delivery: id }]);
      expect(await row(id)).toMatchObject({ state: "accepted" });
    });

    it("by the address alone, as the last road: the newest mail to it of the last days", async () => {
      await start([{ provider: "google", size: 1, feedback: "relay", window: 5 }]);
      const first = await send("accepted", toRelay);
      world.clock.advance(60_000);
      await runCampaign(world, [{ provider: "google", size: 1, feedback: "relay", window: 5 }]);
      const second = await send("accepted", toRelay);
      world.clock.advance(60_000);
      const recipient = addressOf("google", 0);
      expect(await record(entryOf(hands, { recipient, reason: "disabled" }))).toMatchObject([
        { effect: "moved", by: "recipient", delivery: second.id },
      ]);
      expect(await row(first.id)).toMatchObject({ state: "handed-over" });
      world.clock.advance(7 * DAY_MS);
      expect(await record(entryOf(hands, { recipient, reason: "disabled" }))).toMatchObject([
        { effect: "unmatched" },
      ]);
    });

    it("or finds none, is kept, and matches once its mail is settled", async () => {
      await start([{ provider: "google", size: 2, feedback: "relay", window: 5 }]);
      const [delivery] = await claim(1);
      if (delivery === undefined) throw new Error("nothing claimed");
      await intend([delivery]);
      const early = entryOf(hands, {
        relayIds: ["Q1"],
        recipient: delivery.address,
        reason: "reverse-dns",
        intake: "log",
        trusted: true,
      });
      expect(await record(early)).toMatchObject([{ effect: "unmatched", delivery: null }]);
      expect(await ledgerOf(world).rematch(0)).toBe(0);
      await commit({ settles: [say(delivery, "accepted", "relay")] });
      expect(await ledgerOf(world).rematch(0)).toBe(1);
      expect(await row(delivery.id)).toMatchObject({ state: "bounced", reason: "reverse-dns" });
      expect(await ledgerOf(world).rematch(0)).toBe(0);
      expect(await world.db.read.report.findMany()).toMatchObject([
        { effect: "moved", matchedBy: "relay-id", deliveryId: delivery.id, excerpt: "It came back." },
      ]);
    });

    it("or finds none: a relay's log tells of others' mail too, which is not kept; any other report is", async () => {
      await start([{ provider: "google", size: 1, feedback: "relay", window: 5 }]);
      const stray = { relayIds: ["Q9"], recipient: "stranger@else.example", trusted: true };
      const many = Array.from({ length: 250 }, () => entryOf(hands, { ...stray, intake: "log" }));
      await record(...many, entryOf(hands, { ...stray, intake: "webhook:ses" }));
      const before = world.clock.now();
      expect(await ledgerOf(world).rematch(before - 60_000)).toBe(0);
      expect(await world.db.read.report.count()).toBe(251);
      world.clock.advance(1_000);
      await ledgerOf(world).forgetForeign(world.clock.now());
      expect(await world.db.read.report.findMany()).toMatchObject([{ intake: "webhook:ses" }]);
    });
  });
}

function describeEffects(hands: Hands, ledgerOf: (world: LedgerWorld) => ReportLedger): void {
  const { world, start, row, lane, holdOf, send, outcomes, tick, claim, intend, commit, say } = hands;
  const record = (...entries: ReportEntry[]) => ledgerOf(world).record(entries);
  const relay = [{ provider: "google", size: 40, feedback: "relay" as const, window: 5 }];
  const told = (id: number, part: Parameters<typeof entryOf>[1]) =>
    entryOf(hands, { token: { delivery: id, attempt: 1 }, ...part });
  const handOver = async (count: number) => {
    const ids: number[] = [];
    for (let i = 0; i < count; i++) ids.push((await send("accepted", { feedback: "relay" })).id);
    return ids;
  };

  describe("a report", () => {
    it("that is brought again, in one call or another, is recorded and counted once", async () => {
      await start(relay);
      const [id = 0] = await handOver(1);
      const entry = told(id, { reason: "reverse-dns" });
      await record(entry, entry);
      await record(entry);
      expect((await lane()).unconfirmed).toBe(0);
      expect((await outcomes()).map((one) => one.event)).toEqual(["handed-over", "bounced"]);
      expect(await world.db.read.report.count()).toBe(1);
    });

    it.each<[ReportAction, string]>([
      ["delivered", "accepted"],
      ["relayed", "accepted"],
      ["expanded", "accepted"],
      ["delayed", "deferred-at-relay"],
      ["failed", "bounced"],
      ["complained", "complained"],
      ["replied", "handed-over"],
    ])("of what was %s makes it %s", async (action, state) => {
      await start(relay);
      const [id = 0] = await handOver(1);
      await record(told(id, { action }));
      expect(await row(id)).toMatchObject({ state });
    });

    it("of success confirms: the cohort is complete and the window doubles", async () => {
      await start(relay);
      const ids = await handOver(5);
      expect(await lane()).toMatchObject({ window: 5, unconfirmed: 5 });
      for (const id of ids) await record(told(id, { action: "delivered", kind: "notice" }));
      expect(await lane()).toMatchObject({ window: 10, unconfirmed: 0 });
    });

    it("of a sender's fault holds the lane at the third, and the fourth is no second hold", async () => {
      await start(relay);
      const ids = await handOver(4);
      for (const id of ids.slice(0, 2)) await record(told(id, { reason: "reverse-dns" }));
      expect(await lane()).toMatchObject({ state: "ramping", epoch: 1 });
      await record(...ids.slice(2).map((id) => told(id, { reason: "reverse-dns" })));
      expect(await lane()).toMatchObject({ state: "held", epoch: 2, unconfirmed: 0 });
      expect(await holdOf()).toMatchObject({ reason: "reverse-dns", detector: "sender" });
      expect((await world.db.read.event.findMany({ where: { event: "held" } })).length).toBe(1);
    });

    it("of a delay names our fault too: the mail waits at the relay, and the lane is held", async () => {
      await start(relay);
      for (const id of await handOver(3)) {
        await record(told(id, { action: "delayed", kind: "notice", reason: "reverse-dns", hard: false }));
        expect(await row(id)).toMatchObject({ state: "deferred-at-relay" });
      }
      expect(await lane()).toMatchObject({ state: "held", unconfirmed: 3 });
    });

    it("before the settle is the last word: the settle finds it moved, and nothing is counted twice", async () => {
      await start(relay);
      const [delivery] = await claim(1);
      if (delivery === undefined) throw new Error("nothing claimed");
      await intend([delivery]);
      await record(told(delivery.id, { reason: "user-unknown" }));
      expect(await lane()).toMatchObject({ outstanding: 0, sent: 1 });
      await commit({ settles: [say(delivery, "accepted", "relay")] });
      expect(await row(delivery.id)).toMatchObject({ state: "bounced" });
      expect(await lane()).toMatchObject({ outstanding: 0, unconfirmed: 0, sent: 1 });
    });

    it("about an earlier attempt is kept and moves nothing", async () => {
      const campaign = await start(relay);
      const ids = await handOver(3);
      for (const id of ids) await record(told(id, { reason: "reverse-dns" }));
      await world.campaigns.steer(campaign, { do: "resume", provider: null });
      const [id = 0] = ids;
      expect(await row(id)).toMatchObject({ state: "pending", attempt: 2 });
      const late = told(id, { reason: "reverse-dns" });
      expect(await record(late)).toMatchObject([{ effect: "earlier", delivery: id }]);
      const unsigned = entryOf(hands, { message: { delivery: id, revision: 1 }, reason: "spam" });
      expect(await record(unsigned)).toMatchObject([{ effect: "earlier" }]);
      expect(await row(id)).toMatchObject({ state: "pending", attempt: 2 });
      expect(await lane()).toMatchObject({ state: "ramping" });
    });

    it("of success does not undo a bounce, and a bounce undoes a success", async () => {
      await start(relay);
      const [id = 0] = await handOver(1);
      await record(told(id, { action: "delivered", kind: "notice" }));
      expect(await record(told(id, { reason: "mailbox-full" }))).toMatchObject([{ effect: "moved" }]);
      expect(await record(told(id, { action: "delivered", kind: "notice" }))).toMatchObject([
        { effect: "known" },
      ]);
      expect(await row(id)).toMatchObject({ state: "bounced" });
    });

    it("suppresses an address that is gone, provisionally; the sender's faults suppress nobody", async () => {
      await start(relay);
      const [a = 0, b = 0] = await handOver(2);
      await record(told(a, { reason: "user-unknown" }), told(b, { reason: "blocked" }));
      const found = await world.db.read.suppression.findMany();
      expect(found).toMatchObject([
        { deliveryId: a, reason: "user-unknown", provisional: true, templateClass: "" },
      ]);
    });

    it("with nothing but an address in it could be anybody's: it neither suppresses nor holds", async () => {
      await start(relay);
      await handOver(5);
      for (let i = 0; i < 5; i++) {
        const recipient = addressOf("google", i);
        await record(entryOf(hands, { recipient, reason: "reverse-dns" }));
        await record(entryOf(hands, { recipient, reason: "user-unknown" }));
      }
      expect(await lane()).toMatchObject({ state: "ramping", epoch: 1 });
      expect(await world.db.read.suppression.count()).toBe(0);
    });

    it("of a complaint stops mail of that class, and not what is required", async () => {
      await start(relay);
      const [id = 0] = await handOver(1);
      await record(told(id, { action: "complained", kind: "feedback", reason: "complaint" }));
      expect(await row(id)).toMatchObject({ state: "complained" });
      const found = await world.db.read.suppression.findMany({ orderBy: { templateClass: "asc" } });
      expect(found.map((one) => one.templateClass)).toEqual(["optional", "service"]);
      const next = await runCampaign(world, [{ provider: "google", size: 40 }]);
      const key = (await row(id)).key;
      const again = await world.db.read.delivery.findFirst({ where: { key, campaignId: next } });
      expect(again).toMatchObject({ state: "suppressed", reason: "complaint", fault: "feedback" });
      expect(await world.db.read.delivery.count({ where: { campaignId: next, state: "pending" } })).toBe(39);
    });

    it("of complaints holds the lane once they are too many for what was sent", async () => {
      await start([{ provider: "google", size: 20, window: 10, feedback: "relay" }]);
      const ids = await handOver(7);
      const complain = (id: number) =>
        record(told(id, { action: "complained", kind: "feedback", reason: "complaint" }));
      for (const id of ids.slice(0, 5)) await complain(id);
      await complain(ids[0] ?? 0);
      expect((await lane()).state).not.toBe("held");
      await complain(ids[5] ?? 0);
      expect(await holdOf()).toMatchObject({ detector: "complaint", reason: "complaint", fault: "feedback" });
    });

    it("wakes a lane that had gone blind", async () => {
      await start(relay);
      const [id = 0] = await handOver(5);
      world.clock.advance(10 * 60_000);
      await tick();
      expect(await lane()).toMatchObject({ state: "blind" });
      await record(told(id, { action: "delivered", kind: "notice" }));
      expect(await lane()).toMatchObject({ state: "ramping" });
    });
  });
}

function describeLate(hands: Hands, ledgerOf: (world: LedgerWorld) => ReportLedger): void {
  const { world, start, lane, send, tick, campaign } = hands;
  const record = (...entries: ReportEntry[]) => ledgerOf(world).record(entries);

  async function ended() {
    const id = await start([{ provider: "google", size: 3, feedback: "relay", window: 5 }]);
    const ids: number[] = [];
    for (let i = 0; i < 3; i++) ids.push((await send("accepted", { feedback: "relay" })).id);
    world.clock.advance(10 * 60_000);
    await tick();
    await tick();
    expect(await campaign(id)).toMatchObject({ state: "completed" });
    return { id, ids };
  }

  describe("late reports", () => {
    it("hold a lane that was done, and the campaign is paused by the breaker", async () => {
      const { id, ids } = await ended();
      for (const delivery of ids)
        await record(entryOf(hands, { token: { delivery, attempt: 1 }, reason: "reverse-dns" }));
      expect(await lane()).toMatchObject({ state: "held" });
      expect(await campaign(id)).toMatchObject({ state: "paused", pausedBy: "breaker", endedAtMs: null });
      await world.campaigns.steer(id, { do: "resume", provider: null });
      expect(await world.db.read.delivery.count({ where: { state: "pending" } })).toBe(3);
    });

    it("after a week move their deliveries and step nothing", async () => {
      const { id, ids } = await ended();
      world.clock.advance(8 * DAY_MS);
      const atMs = world.clock.now() - 8 * DAY_MS;
      for (const delivery of ids)
        await record(entryOf(hands, { token: { delivery, attempt: 1 }, reason: "reverse-dns", atMs }));
      expect(await world.db.read.delivery.count({ where: { state: "bounced" } })).toBe(3);
      expect(await campaign(id)).toMatchObject({ state: "completed" });
      expect(await lane()).toMatchObject({ state: "done" });
    });
  });
}
