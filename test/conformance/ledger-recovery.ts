// The ledger's conformance suite: recovery. Lanes that stay held, organisations by name, corrected texts, notices that
// are no longer true, and the wait after a trial that failed.
import { describe, expect, it } from "vitest";
import { refusingOrganisations } from "../../src/adapters/store/organisation-resume.ts";
import type { Order } from "../../src/campaign/store.ts";
import { runCampaign } from "../world/ledger.ts";
import { type Hands, HOUR, MINUTE, PTR } from "./ledger-hands.ts";

const RULE = { reason: "policy", scope: "organisation", reply: "550 5.7.1 our rule" } as const;

export function describeRecovery(hands: Hands): void {
  const { world, start, lane, holdOf, rows, row, campaign, tick, claim } = hands;
  const { commit, intend, say, send, holdLane, expectCounted } = hands;
  const steer = (id: number, order: Order) => world.campaigns.steer(id, order);
  const resume = (id: number, more: { provider?: string; keep?: string[] } = {}) =>
    steer(id, { do: "resume", provider: null, ...more });
  const texts = async () =>
    (await world.db.read.event.findMany({ orderBy: { id: "asc" } })).map((one) => one.text);

  describe("a resume that keeps a lane", () => {
    it("lets the others go on, and the campaign with them", async () => {
      const id = await start([
        { provider: "google", size: 9 },
        { provider: "yahoo", size: 9 },
      ]);
      await holdLane("google");
      await holdLane("yahoo");
      await tick();
      expect(await resume(id, { keep: ["google"] })).toEqual({ returned: 3, lanes: ["yahoo"] });
      expect((await lane("google")).state).toBe("held");
      expect(await rows("bounced")).toHaveLength(3);
      expect((await campaign(id))?.state).toBe("running");
    });

    it("where there is no other, changes nothing and writes nothing, however often", async () => {
      const id = await start([{ provider: "google", size: 9 }]);
      await holdLane();
      await tick();
      const before = await texts();
      for (let i = 0; i < 3; i++)
        expect(await resume(id, { keep: ["google"] })).toEqual({ returned: 0, lanes: [] });
      await tick();
      expect(await campaign(id)).toMatchObject({ state: "paused", pausedBy: "breaker" });
      expect(await texts()).toEqual(before);
    });
  });

  describe("a trial that fails", () => {
    it("says from when the next one makes sense: 1, 2, 4 minutes; after one that succeeds at once again", async () => {
      const id = await start([{ provider: "google", size: 40 }]);
      await holdLane();
      expect((await holdOf()).resumeFrom).toBeUndefined();
      for (const minutes of [1, 2, 4]) {
        await resume(id);
        await send(PTR);
        const from = Date.parse((await holdOf()).resumeFrom);
        expect(from - world.clock.now()).toBe(minutes * MINUTE);
      }
      await resume(id);
      for (let i = 0; i < 20; i++) await send("accepted");
      await holdLane();
      expect((await holdOf()).resumeFrom).toBeUndefined();
    });
  });

  describe("an organisation by name", () => {
    /** Dupont sets itself aside in one lane and has one refusal in another; Durand refuses once. */
    async function refused(): Promise<number> {
      const id = await start([
        {
          provider: "microsoft365",
          size: 8,
          window: 8,
          unitOf: (i) => (i < 5 ? "dupont.example" : "durand.example"),
        },
        { provider: "mimecast", size: 2, window: 2, unitOf: () => "dupont.example" },
      ]);
      const units = new Map((await rows()).map((one) => [one.id, one.unit]));
      const all = await claim(8, { provider: "microsoft365" });
      const of = (unit: string) => all.filter((one) => units.get(one.id) === unit);
      const spoken = [...of("dupont.example").slice(0, 2), ...of("durand.example").slice(0, 1)];
      await intend(spoken);
      await world.ledger.release({ worker: "w1", kept: [] });
      await commit({ settles: spoken.map((one) => say(one, RULE)) });
      for (let i = 0; i < 2; i++) await send("accepted", { provider: "microsoft365" });
      await send(RULE, { provider: "mimecast" });
      await send("accepted", { provider: "mimecast" });
      await tick();
      return id;
    }

    it("comes back in every lane, alone, and as often as it is asked for", async () => {
      const id = await refused();
      expect((await campaign(id))?.state).toBe("completed-with-failures");
      expect(await refusingOrganisations(world.db.read, id)).toMatchObject([
        { organisation: "dupont.example", provider: "microsoft365", addresses: 5, reason: "policy" },
        { organisation: "dupont.example", provider: "mimecast", addresses: 1, reply: "550 5.7.1 our rule" },
        { organisation: "durand.example", provider: "microsoft365", addresses: 1 },
      ]);
      const order: Order = { do: "resume-organisation", organisation: "Postmaster@mail.Dupont.example" };
      expect(await steer(id, order)).toEqual({ returned: 6, lanes: ["microsoft365", "mimecast"] });
      await expect(steer(id, order)).rejects.toMatchObject({ code: "organisation-unknown" });
      expect((await campaign(id))?.state).toBe("running");
      const back = await rows("pending");
      expect(back.map((one) => [one.unit, one.try])).toEqual(Array(6).fill(["dupont.example", 0]));
      // Its rule stands still: it is set aside again after two, and the lane goes on.
      await send(RULE, { provider: "microsoft365" });
      await send(RULE, { provider: "microsoft365" });
      expect(await rows("suppressed")).toHaveLength(3);
      expect((await lane("microsoft365")).state).toBe("ramping");
      expect(await steer(id, order)).toMatchObject({ returned: 5 });
      for (let i = 0; i < 5; i++) await send("accepted", { provider: "microsoft365" });
      await send("accepted", { provider: "mimecast" });
      await tick();
      expect(await campaign(id)).toMatchObject({ state: "completed-with-failures" });
      expect((await rows("bounced")).map((one) => one.unit)).toEqual(["durand.example"]);
      await expectCounted();
    });

    it("that is not one of them is refused with the list of those that are", async () => {
      const id = await refused();
      await expect(
        steer(id, { do: "resume-organisation", organisation: "martin.example" }),
      ).rejects.toMatchObject({
        code: "organisation-unknown",
        hint: "Those that refused it are: dupont.example, durand.example.",
      });
    });

    it("does not come back by a resume of everything, nor wakes what a person has paused", async () => {
      const id = await start([
        { provider: "microsoft365", size: 6, window: 6, unitOf: (i) => (i < 4 ? "dupont.example" : null) },
      ]);
      const units = new Map((await rows()).map((one) => [one.id, one.unit]));
      const all = await claim(6, { provider: "microsoft365" });
      const two = all.filter((one) => units.get(one.id) !== null).slice(0, 2);
      await intend(two);
      await world.ledger.release({ worker: "w1", kept: [] });
      await commit({ settles: two.map((one) => say(one, RULE)) });
      await steer(id, { do: "pause", why: "Wait." });
      await resume(id);
      expect(await rows("suppressed")).toHaveLength(2);
      await steer(id, { do: "pause", why: "Wait." });
      expect(await steer(id, { do: "resume-organisation", organisation: "dupont.example" })).toMatchObject({
        returned: 4,
      });
      expect(await campaign(id)).toMatchObject({ state: "paused", pausedBy: "person" });
      expect(await claim(6, { provider: "microsoft365" })).toEqual([]);
    });

    it("that stands in a held lane waits there", async () => {
      const id = await start([
        { provider: "microsoft365", size: 9, unitOf: (i) => (i < 4 ? "dupont.example" : null) },
      ]);
      await world.db.write((tx) =>
        tx.delivery.updateMany({
          where: { unit: "dupont.example" },
          data: { state: "suppressed", fault: "sender", reason: "policy", scope: "organisation" },
        }),
      );
      await holdLane("microsoft365");
      await tick();
      expect(await steer(id, { do: "resume-organisation", organisation: "dupont.example" })).toMatchObject({
        returned: 4,
      });
      expect((await lane("microsoft365")).state).toBe("held");
      expect(await campaign(id)).toMatchObject({ state: "paused", pausedBy: "breaker" });
    });
  });

  describe("a corrected text", () => {
    const content = (text: string) => ({
      source: { name: "maintenance-scheduled", files: { text } },
      values: {},
    });
    const revision = (from: number, text: string, key = `key of ${text}`): Order => ({
      do: "revise",
      from,
      ...content(text),
      key,
      file: "/nowhere/campaign.toml",
      spec: { audience: { kind: "named", name: "clients" }, filter: {}, values: {} },
      templateName: "maintenance-scheduled",
      tellByMs: null,
      validUntilMs: null,
    });

    it("is what everybody is sent who has not been told, and nobody else", async () => {
      const id = await start([{ provider: "google", size: 9, window: 9 }]);
      const told = await send("accepted");
      const { id: deferred } = await send({ reason: "system", hard: false });
      const { id: refused } = await send({ reason: "spam" });
      const claimed = await claim(3);
      await intend(claimed.slice(0, 1));
      expect(claimed.map((one) => one.revision)).toEqual([1, 1, 1]);
      await steer(id, revision(1, "better"));
      expect(await campaign(id)).toMatchObject({ revision: 2, key: "key of better" });
      expect(await world.campaigns.content(id, 2)).toEqual(content("better"));
      // What is on the wire settles with the text that it has; what was only claimed is not sent with it.
      expect(await intend(claimed.slice(1))).toEqual([]);
      await commit({ settles: [say(claimed[0] ?? told, "accepted")] });
      await world.ledger.release({ worker: "w1", kept: [] });
      await holdLane();
      await resume(id);
      world.clock.advance(HOUR);
      for (let left = await claim(9); left.length > 0; left = await claim(9)) {
        expect(left.every((one) => one.revision === 2)).toBe(true);
        await intend(left);
        await commit({ settles: left.map((one) => say(one, "accepted")) });
      }
      expect(await rows("accepted")).toHaveLength(9);
      const first = (await rows()).filter((one) => one.revision === 1).map((one) => one.id);
      expect(first.sort()).toEqual([told.id, claimed[0]?.id].sort());
      for (const one of [deferred, refused]) expect((await row(one)).revision).toBe(2);
      await expectCounted();
    });

    it("is stored once, however often it is sent; one that somebody else was faster with is refused", async () => {
      const id = await start([{ provider: "google", size: 2 }]);
      await steer(id, revision(1, "better"));
      await steer(id, revision(1, "better"));
      expect(await world.db.read.contentRevision.count({ where: { campaignId: id } })).toBe(2);
      await expect(steer(id, revision(1, "best"))).rejects.toMatchObject({ code: "campaign-state" });
      await steer(id, revision(2, "best"));
      expect((await campaign(id))?.revision).toBe(3);
    });

    it("forgets what was said of the former one", async () => {
      const id = await start([{ provider: "google", size: 9 }]);
      await send({ reason: "spam" });
      await send({ reason: "spam" });
      await steer(id, revision(1, "better"));
      await send({ reason: "spam" });
      expect((await lane()).state).toBe("ramping");
    });

    it("reaches those whose organisation's filter refused the former one, without their being named", async () => {
      const id = await start([{ provider: "mimecast", size: 3, window: 3, unitOf: () => "dupont.example" }]);
      const SPAM = { reason: "spam", scope: "organisation" } as const;
      for (let i = 0; i < 3; i++) await send(SPAM, { provider: "mimecast" });
      await tick();
      await steer(id, revision(1, "better"));
      expect(await resume(id)).toEqual({ returned: 3, lanes: ["mimecast"] });
      expect((await claim(3, { provider: "mimecast" })).map((one) => one.revision)).toEqual([2]);
    });

    it("of what was cancelled, or of what was sent before under this key, is refused", async () => {
      const id = await start([{ provider: "google", size: 2 }]);
      const key = (await campaign(id))?.key ?? "";
      const second = await runCampaign(world, [{ provider: "google", size: 2 }]);
      await expect(steer(second, revision(1, "better", key))).rejects.toMatchObject({
        code: "campaign-name-taken",
      });
      await steer(second, { do: "cancel", why: "No." });
      await expect(steer(second, revision(1, "better"))).rejects.toMatchObject({ code: "campaign-state" });
    });
  });

  it("an address that the relay keeps on its own list holds nothing, and comes back with a resume", async () => {
    const id = await start([{ provider: "google", size: 3, feedback: "relay", window: 3 }]);
    const LISTED = { reason: "suppressed-by-relay", speaker: "route", scope: "recipient" } as const;
    for (let i = 0; i < 3; i++) await send(LISTED, { feedback: "relay" });
    expect(await world.db.read.route.findMany()).toMatchObject([{ state: "ready" }]);
    await tick();
    expect(await campaign(id)).toMatchObject({ state: "completed-with-failures" });
    expect(await resume(id)).toEqual({ returned: 3, lanes: ["google"] });
  });

  describe("a notice that is no longer true", () => {
    it("returns nobody to be sent again: what failed keeps its reason, what waited is expired", async () => {
      const id = await start([{ provider: "google", size: 8 }], { validUntilMs: world.clock.now() + HOUR });
      await holdLane();
      await tick();
      world.clock.advance(2 * HOUR);
      expect(await resume(id)).toEqual({ returned: 0, lanes: ["google"] });
      for (let i = 0; i < 3; i++) await tick();
      expect(await campaign(id)).toMatchObject({ state: "completed-with-failures" });
      expect((await rows("bounced")).map((one) => one.reason)).toEqual(Array(3).fill("reverse-dns"));
      expect(await rows("expired")).toHaveLength(5);
      for (let i = 0; i < 2; i++) expect(await resume(id)).toEqual({ returned: 0, lanes: [] });
      expect((await campaign(id))?.state).toBe("completed-with-failures");
      await expect(steer(id, { do: "resume-organisation", organisation: "x" })).rejects.toMatchObject({
        code: "campaign-state",
      });
    });
  });
}
