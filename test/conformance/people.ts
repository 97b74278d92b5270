// The conformance suite of what people decide about addresses: suppressions by hand, and the right to be forgotten.
import { describe, expect, it } from "vitest";
import type { PersonalData } from "../../src/campaign/personal-data.ts";
import type { SuppressionStore } from "../../src/campaign/suppression.ts";
import { addressOf, type LedgerWorld, runCampaign } from "../world/ledger.ts";
import { createHands, type Hands } from "./ledger-hands.ts";
import { describePreflightHistory } from "./preflight-history.ts";

const DAY_MS = 24 * 60 * 60_000;
const GONE = { reason: "user-unknown" as const, reply: "550 5.1.1 <u0@google.example> unknown" };

interface Ports {
  suppressions: SuppressionStore;
  people: PersonalData;
}

export function describePeople(
  name: string,
  makeWorld: () => Promise<LedgerWorld>,
  portsOf: (world: LedgerWorld) => Ports,
): void {
  describe(`people on ${name}`, () => {
    const hands = createHands(makeWorld);
    describeSuppressions(hands, portsOf);
    describeForgetting(hands, portsOf);
    describePreflightHistory(hands);
  });
}

function describeSuppressions(hands: Hands, portsOf: (world: LedgerWorld) => Ports): void {
  const { world, start, send, rows, lane, expectCounted } = hands;
  const key = addressOf("google", 0);
  const byHand = { address: key, key, templateClass: "" as const, note: "asked by phone" };
  const list = () => portsOf(world).suppressions.list({ afterId: 0, limit: 10 });

  describe("suppressions", () => {
    it("added by hand take what waits out of running campaigns, and out of the next one's plan", async () => {
      await start([{ provider: "google", size: 3 }]);
      expect(await portsOf(world).suppressions.add(byHand)).toBe(1);
      expect(await portsOf(world).suppressions.add(byHand)).toBeNull();
      await runCampaign(world, [{ provider: "google", size: 3 }]);
      const mine = (await rows()).filter((row) => row.key === key);
      expect(mine).toMatchObject([
        { state: "suppressed", reason: null, fault: null },
        { state: "suppressed", reason: null, fault: null },
      ]);
      await expectCounted();
      expect(await list()).toMatchObject([
        { address: key, reason: "by-hand", provisional: false, active: true, note: "asked by phone" },
      ]);
    });

    it("of one class leave mail of the others alone", async () => {
      await portsOf(world).suppressions.add({ ...byHand, templateClass: "optional" });
      await start([{ provider: "google", size: 1 }]);
      expect(await rows()).toMatchObject([{ state: "pending" }]);
      await portsOf(world).suppressions.add({ ...byHand, templateClass: "service" });
      expect(await rows()).toMatchObject([{ state: "suppressed" }]);
    });

    it("that a bounce began end by themselves, and say so", async () => {
      await start([{ provider: "google", size: 1 }]);
      await send(GONE);
      expect(await list()).toMatchObject([
        { reason: "user-unknown", provisional: true, active: true, provider: "google", reply: GONE.reply },
      ]);
      world.clock.advance(4 * DAY_MS);
      expect(await list()).toMatchObject([{ provisional: true, active: false }]);
    });

    it("made lasting by hand stay, and are removed by address", async () => {
      await start([{ provider: "google", size: 1 }]);
      await send(GONE);
      expect(await portsOf(world).suppressions.add(byHand)).toBe(0);
      world.clock.advance(4 * DAY_MS);
      expect(await list()).toMatchObject([{ active: true, reason: "user-unknown" }]);
      expect(await portsOf(world).suppressions.remove(key)).toBe(1);
      expect(await portsOf(world).suppressions.remove(key)).toBe(0);
      expect(await list()).toEqual([]);
    });

    it("of a campaign are taken back together, or those of one provider", async () => {
      const id = await start([
        { provider: "google", size: 1 },
        { provider: "yahoo", size: 1 },
      ]);
      await send(GONE);
      await send(GONE, { provider: "yahoo" });
      await portsOf(world).suppressions.add({ ...byHand, address: "x@y.example", key: "x@y.example" });
      expect(await portsOf(world).suppressions.undo(id, "yahoo")).toBe(1);
      expect(await portsOf(world).suppressions.undo(id, null)).toBe(1);
      expect((await list()).map((one) => one.address)).toEqual(["x@y.example"]);
      expect((await lane()).state).toBe("ramping");
    });
  });
}

function describeForgetting(hands: Hands, portsOf: (world: LedgerWorld) => Ports): void {
  const { world, start, send, rows, outcomes, claim, tick, campaign } = hands;
  const key = addressOf("google", 0);
  const retention = { repliesMs: 90 * DAY_MS, recipientsMs: 400 * DAY_MS, reportsMs: 30 * DAY_MS };

  /** What the tables still say about somebody, in any column. */
  async function traces(text: string): Promise<string[]> {
    const { db } = world;
    const found: string[] = [];
    const all = {
      client: await db.read.client.findMany(),
      delivery: await rows(),
      outcome: await outcomes(),
      report: await db.read.report.findMany(),
      suppression: await db.read.suppression.findMany(),
      refused: await db.read.refusedRow.findMany(),
    };
    for (const [table, list] of Object.entries(all))
      if (JSON.stringify(list).includes(text)) found.push(table);
    return found;
  }

  describe("a client who is erased", () => {
    it("leaves numbers, and the address alone where it must not be written to", async () => {
      await start([{ provider: "google", size: 2 }]);
      for (let i = 0; i < 2; i++)
        await send({ ...GONE, reply: `550 <${(await rows("pending"))[0]?.key}> unknown` });
      await world.db.read.client.create({ data: { importId: 1, line: 2, hash: "h", address: key, key } });
      await world.db.read.refusedRow.create({
        data: { importId: 1, line: 3, column: "email", value: key.toUpperCase(), reason: "twice" },
      });
      const erased = await portsOf(world).people.erase(key);
      expect(erased).toMatchObject({ clients: 1, deliveries: 1, refused: 1, suppressed: true });
      expect(await traces(key)).toEqual(["suppression"]);
      expect((await rows()).map((row) => row.state)).toEqual(["bounced", "bounced"]);
      expect(await world.db.read.suppression.findFirst({ where: { key } })).toMatchObject({
        reply: null,
        campaignId: null,
        provisional: false,
      });
      expect(await portsOf(world).people.erase(key)).toMatchObject({ clients: 0, deliveries: 0 });
    });

    it("gets nothing that still waited; what is on the wire is waited for", async () => {
      await start([{ provider: "google", size: 1 }]);
      await claim(1);
      await expect(portsOf(world).people.erase(key)).rejects.toMatchObject({ code: "on-the-wire" });
      await world.ledger.release({ worker: "w1", kept: [] });
      expect(await portsOf(world).people.erase(key)).toMatchObject({ cancelled: 1, suppressed: false });
      expect(await traces(key)).toEqual([]);
    });
  });

  it("what is older than the configured times is forgotten, step by step, and then nothing more", async () => {
    const id = await start([{ provider: "google", size: 1 }]);
    await send({ ...GONE, reply: `550 <${key}> gone` });
    await tick();
    expect(await campaign(id)).toMatchObject({ state: "completed-with-failures" });
    const retain = async () => {
      let steps = 0;
      while (await portsOf(world).people.retain(retention)) steps += 1;
      return steps;
    };
    world.clock.advance(89 * DAY_MS);
    expect(await retain()).toBe(0);
    expect(await traces(key)).toEqual(["delivery", "outcome", "suppression"]);
    world.clock.advance(2 * DAY_MS);
    expect(await retain()).toBeGreaterThan(0);
    expect((await outcomes()).map((one) => one.reply)).toEqual([null]);
    expect(await traces("gone")).toEqual(["suppression"]);
    world.clock.advance(400 * DAY_MS);
    expect(await retain()).toBeGreaterThan(0);
    expect(await traces(key)).toEqual(["suppression"]);
    expect(await retain()).toBe(0);
  });
}
