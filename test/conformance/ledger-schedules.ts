// The ledger's conformance suite: campaigns that wait for their moment. They begin once, at it or a little later, and
// never by themselves when it was missed.
import { describe, expect, it } from "vitest";
import { GRACE_MS, type Start } from "../../src/campaign/start.ts";
import { planChunk, runCampaign } from "../world/ledger.ts";
import { type Hands, HOUR, MINUTE } from "./ledger-hands.ts";

export function describeSchedules(hands: Hands): void {
  const { world, start, campaign, tick, claim, register } = hands;

  const inMs = (ms: number): Start => ({ atMs: world.clock.now() + ms, zone: "Europe/Paris" });
  const events = async (campaignId: number) =>
    (await world.db.read.event.findMany({ where: { campaignId }, orderBy: { id: "asc" } })).map(
      (one) => one.event,
    );
  const resume = (id: number) => world.campaigns.steer(id, { do: "resume", provider: null });
  const pause = (id: number) => world.campaigns.steer(id, { do: "pause", why: "Wait." });
  const schedule = (id: number, to: Start | null, validUntilMs: number | null = null) =>
    world.campaigns.steer(id, { do: "schedule", start: to, tellByMs: null, validUntilMs });

  describe("a scheduled campaign", () => {
    it("waits, and runs from its moment on, planned by then", async () => {
      const when = inMs(HOUR);
      const id = await runCampaign(world, [], { start: when });
      expect(await campaign(id)).toMatchObject({ state: "scheduled", start: when, launchedAtMs: null });
      world.clock.advance(HOUR - 1);
      expect(await tick()).toBe(false);
      expect((await campaign(id))?.state).toBe("scheduled");
      world.clock.advance(1);
      expect(await tick()).toBe(true);
      expect(await campaign(id)).toMatchObject({ state: "running", launchedAtMs: when.atMs });
      expect(await events(id)).toEqual(["scheduled", "launched"]);
      await register("w1");
      await world.campaigns.plan(id, planChunk([{ provider: "google", size: 3, window: 3 }]));
      await world.campaigns.finishPlan(id);
      expect(await claim(3)).toHaveLength(3);
    });

    it("is begun once, however many look at the same time", async () => {
      const id = await runCampaign(world, [], { start: inMs(HOUR) });
      world.clock.advance(HOUR);
      await Promise.all([tick(), tick(), tick(), tick()]);
      expect(await events(id)).toEqual(["scheduled", "launched"]);
    });

    it("begins late within the grace, and after it is paused until a person resumes it", async () => {
      const [late, missed] = [inMs(HOUR), inMs(HOUR - 1)];
      const lateId = await runCampaign(world, [], { start: late });
      const missedId = await runCampaign(world, [], { start: missed });
      world.clock.advance(HOUR + GRACE_MS);
      await tick();
      expect((await campaign(lateId))?.state).toBe("running");
      expect(await campaign(missedId)).toMatchObject({
        state: "paused",
        pausedBy: "schedule",
        launchedAtMs: null,
        why: expect.stringMatching(/27 April 2027 10:59:59 Europe\/Paris.*nothing ran.*`resume`/),
      });
      await tick();
      expect((await campaign(missedId))?.state).toBe("paused");
      await resume(missedId);
      expect(await campaign(missedId)).toMatchObject({
        state: "running",
        pausedBy: null,
        why: null,
        launchedAtMs: world.clock.now(),
      });
      expect(await events(missedId)).toEqual(["scheduled", "paused", "launched"]);
    });

    it("that was missed past its validity says so", async () => {
      const id = await runCampaign(world, [], { start: inMs(HOUR), validUntilMs: inMs(2 * HOUR).atMs });
      world.clock.advance(3 * HOUR);
      await tick();
      expect((await campaign(id))?.why).toContain("no longer true");
    });

    it("launched within the grace runs at once, and later is refused as a draft", async () => {
      const id = await runCampaign(world, [{ provider: "google", size: 1 }]);
      expect((await campaign(id))?.start).toBe(null);
      const atOnce = await runCampaign(world, [], { start: inMs(-GRACE_MS) });
      expect(await campaign(atOnce)).toMatchObject({ state: "running", launchedAtMs: world.clock.now() });
      await expect(runCampaign(world, [], { start: inMs(-GRACE_MS - 1) })).rejects.toMatchObject({
        code: "campaign-state",
        message: expect.stringContaining("has passed meanwhile"),
      });
      expect((await world.campaigns.find("latest"))?.state).toBe("draft");
    });

    it("can be put off and brought forward, keeps what it was given, and tells of it once", async () => {
      const id = await runCampaign(world, [], { start: inMs(HOUR) });
      const later = inMs(5 * HOUR);
      await schedule(id, later, later.atMs + HOUR);
      await schedule(id, later, later.atMs + HOUR);
      expect(await campaign(id)).toMatchObject({ start: later, validUntilMs: later.atMs + HOUR });
      world.clock.advance(HOUR);
      await tick();
      expect((await campaign(id))?.state).toBe("scheduled");
      expect(await events(id)).toEqual(["scheduled", "scheduled"]);
      await schedule(id, null);
      expect(await campaign(id)).toMatchObject({ state: "running", launchedAtMs: world.clock.now() });
      // It runs: another moment comes too late.
      await schedule(id, inMs(HOUR));
      expect((await campaign(id))?.state).toBe("running");
    });

    it("that was missed is scheduled anew by another moment", async () => {
      const id = await runCampaign(world, [], { start: inMs(HOUR) });
      world.clock.advance(2 * HOUR);
      await tick();
      const again = inMs(HOUR);
      await schedule(id, again);
      expect(await campaign(id)).toMatchObject({
        state: "scheduled",
        pausedBy: null,
        why: null,
        start: again,
      });
      world.clock.advance(HOUR);
      await tick();
      expect((await campaign(id))?.state).toBe("running");
    });

    it("that a person paused does not begin, and waits again when it is resumed before its time", async () => {
      const when = inMs(HOUR);
      const id = await runCampaign(world, [], { start: when });
      await pause(id);
      expect(await campaign(id)).toMatchObject({ state: "paused", pausedBy: "person", start: when });
      await resume(id);
      await resume(id);
      expect(await campaign(id)).toMatchObject({ state: "scheduled", pausedBy: null, start: when });
      await pause(id);
      await schedule(id, null);
      const later = inMs(2 * HOUR);
      await schedule(id, later);
      world.clock.advance(2 * HOUR + MINUTE);
      await tick();
      expect(await campaign(id)).toMatchObject({ state: "paused", pausedBy: "person", start: later });
      await resume(id);
      expect((await campaign(id))?.state).toBe("running");
    });

    it("resumed after its moment was missed tells that first, and begins at the second word", async () => {
      for (const order of [pause, async () => undefined]) {
        const id = await runCampaign(world, [], { start: inMs(HOUR) });
        await order(id);
        world.clock.advance(2 * HOUR);
        await resume(id);
        expect(await campaign(id)).toMatchObject({ state: "paused", pausedBy: "schedule" });
        await resume(id);
        expect((await campaign(id))?.state).toBe("running");
      }
    });

    it("that is cancelled never begins, and others are not touched by it", async () => {
      const running = await start([{ provider: "google", size: 1 }]);
      const id = await runCampaign(world, [], { start: inMs(HOUR) });
      await world.campaigns.steer(id, { do: "cancel", why: "No." });
      world.clock.advance(HOUR);
      await tick();
      expect(await campaign(id)).toMatchObject({ state: "cancelled", endedAtMs: expect.any(Number) });
      expect((await campaign(running))?.state).toBe("running");
      await expect(resume(id)).rejects.toMatchObject({ code: "campaign-state" });
    });
  });
}
