// The ledger's conformance suite: what of a hold is left when it is over, and who was affected by it.
import { describe, expect, it } from "vitest";
import { createPostMortemStore } from "../../src/adapters/store/post-mortem.ts";
import { createReportStore } from "../../src/adapters/store/reports.ts";
import type { Hands } from "./ledger-hands.ts";

export function describePostMortems(hands: Hands): void {
  const { world, start, send, holdLane, holdOf, tick } = hands;

  describe("a hold that is over", () => {
    it("leaves its card, and tells who was refused, told late and untold, on top of who was not touched", async () => {
      const id = await start([
        { provider: "google", size: 7 },
        { provider: "yahoo", size: 2 },
      ]);
      await send("accepted");
      await send("accepted", { provider: "yahoo" });
      world.clock.advance(60_000);
      await holdLane();
      const hold = await holdOf();
      const store = createPostMortemStore(world.db);
      const before = await store.facts(id);
      expect(before?.ended).toEqual([]);
      expect(before?.standing.google).toMatchObject({ detector: "sender", replies: [{}, {}, {}] });
      world.clock.advance(39 * 60_000);
      await world.campaigns.steer(id, { do: "resume", provider: null });
      await send("accepted");
      world.clock.advance(1_000);
      await tick();

      const facts = await store.facts(id);
      expect(facts?.ended).toMatchObject([
        { provider: "google", hold, by: "person", returned: 3, replies: [{}, {}, {}] },
      ]);
      expect(Date.parse(facts?.ended[0]?.endedAt ?? "") - Date.parse(hold.at)).toBe(39 * 60_000);
      expect(facts?.refusals).toMatchObject([
        { provider: "google", fault: "sender", isPace: false, mails: 3, addresses: 3 },
      ]);
      // One mail was sent after it: of somebody who had been refused, or of somebody who is late by it.
      const count = (affected: string) =>
        facts?.affected
          .filter((one) => one.affected === affected)
          .reduce((sum, one) => sum + one.addresses, 0);
      expect(count("refused")).toBe(3);
      expect((count("late") ?? 0) + (count("untold") ?? 0)).toBe(4);
      const { rows } = await store.affected(id, "");
      expect(rows.map((row) => row.affected).sort()).toEqual(
        ["late", "refused", "untold"].flatMap((how) => Array.from({ length: count(how) ?? 0 }, () => how)),
      );
      // It is no entry of the timeline.
      const timeline = await createReportStore(world.db).timeline(id, 1_000_000);
      expect(timeline.filter(({ text }) => text.startsWith("{"))).toEqual([]);
    });
  });
}
