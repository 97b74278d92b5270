// The conformance suite of the roads for alerts: whatever the other side does - takes it, refuses it, is not there, says
// nothing - a road answers in words, in time, and tells what it was given.
import { afterEach, describe, expect, it } from "vitest";
import type { Alert } from "../../src/alert/alert.ts";
import type { Message, Road } from "../../src/alert/road.ts";

/** What the other side does. */
export type Manner = "takes" | "refuses" | "silent" | "absent";

export interface RoadWorld {
  road: Road;
  /** What arrived, as text: all that people or programs there can read. */
  arrived(): Promise<string[]>;
  close(): Promise<void>;
}

/** How long a road of these tests waits; the shipped ones wait longer. */
export const LIMIT_MS = 1_000;

export const ALERT: Alert = {
  id: 12,
  kind: "lane-held",
  urgency: "high",
  atMs: Date.UTC(2027, 3, 28, 5, 40),
  card: {
    subject: "Held: Gmail refuses our mail (reverse DNS) - 3 of 780 told",
    happened: "Gmail refuses our mail, and the cause lies with us.",
    now: "Nothing gets lost.",
    engineer: "Ask for a PTR record.",
    tell: "Nothing is wrong with your mailbox.",
    evidence: ["550-5.7.25 no PTR\n550 5.7.25 \u00e9t\u00e9"],
    resume: "bellwether resume 4 --provider google",
    link: "https://notices.example.com/campaigns/4",
    campaign: { id: 4, name: "Server s12" },
    provider: "google",
  },
};

export function describeRoad(name: string, makeWorld: (manner: Manner) => Promise<RoadWorld>): void {
  describe(`the road by ${name}`, () => {
    let world: RoadWorld | null = null;
    afterEach(async () => {
      await world?.close();
      world = null;
    });
    const open = async (manner: Manner) => {
      world = await makeWorld(manner);
      return world;
    };
    const messageTo = ({ targets }: Road, deputy = false): Message => {
      const target = targets[deputy ? "deputy" : "first"][0];
      if (target === undefined) throw new Error("the road leads nowhere");
      return { alert: ALERT, target, deputy, id: "alert_abc" };
    };
    const never = () => new AbortController().signal;

    it("tells every word, and the commands to type", async () => {
      const { road, arrived } = await open("takes");
      expect(await road.tell(messageTo(road), never())).toMatchObject({ ok: true });
      const [told = "", ...more] = await arrived();
      expect(more).toEqual([]);
      const { subject, happened, engineer, tell } = ALERT.card;
      for (const words of [subject, happened, engineer, tell, "alerts ack 12", "resume 4", "\u00e9t\u00e9"])
        expect(told).toContain(words);
      expect(told).not.toContain("Deputy");
    });

    it("tells the deputy that nobody has answered", async () => {
      const { road, arrived } = await open("takes");
      await road.tell(messageTo(road, true), never());
      expect((await arrived())[0]).toMatch(/Nobody has answered/);
    });

    it("answers a refusal with what was said", async () => {
      const { road } = await open("refuses");
      const { ok, answer } = await road.tell(messageTo(road), never());
      expect(ok).toBe(false);
      expect(answer).toMatch(/\d/);
    });

    it("answers in words when nobody is there", async () => {
      const { road } = await open("absent");
      const { ok, answer } = await road.tell(messageTo(road), never());
      expect(ok).toBe(false);
      expect(answer).toMatch(/ECONNREFUSED|ENOENT|nothing listens/);
    });

    it("waits no longer than its limit for silence", async () => {
      const { road } = await open("silent");
      const began = performance.now();
      const { ok, answer } = await road.tell(messageTo(road), never());
      const took = performance.now() - began;
      expect(ok).toBe(false);
      expect(answer).toMatch(/within 1 s|silent/);
      expect(took).toBeGreaterThan(LIMIT_MS * 0.8);
      expect(took).toBeLessThan(LIMIT_MS * 10);
    });

    it("ends at once when the process does, and when it has ended already", async () => {
      const { road } = await open("silent");
      const ending = new AbortController();
      const began = performance.now();
      const telling = road.tell(messageTo(road), ending.signal);
      setTimeout(() => ending.abort(), 100);
      expect(await telling).toMatchObject({ ok: false });
      expect(performance.now() - began).toBeLessThan(LIMIT_MS * 0.9);
      expect(await road.tell(messageTo(road), ending.signal)).toMatchObject({ ok: false });
    });
  });
}
