// The keeper over a real database: who else keeps it, what a road keeps silent about, and how it ends.
import { describe, expect, it, onTestFinished } from "vitest";
import { createAlertBook, createAlertStore } from "../../../src/adapters/store/alerts.ts";
import { LEASE_MS } from "../../../src/alert/due.ts";
import { type AlertKeeper, createAlertKeeper } from "../../../src/alert/keeper.ts";
import type { Message, Road, RoadAnswer, RoadName } from "../../../src/alert/road.ts";
import { systemClock } from "../../../src/clock.ts";
import { createHands, HOUR, MINUTE } from "../../conformance/ledger-hands.ts";
import { openSqliteWorld } from "../../world/sqlite.ts";

/** A road that answers as it is told, and remembers. */
function road(
  name: RoadName,
  answer: (signal: AbortSignal) => Promise<RoadAnswer>,
): Road & { told: Message[] } {
  const told: Message[] = [];
  return {
    name,
    told,
    targets: { first: [""], deputy: [""] },
    tell: (message, signal) => {
      told.push(message);
      return answer(signal);
    },
  };
}

const well = async (): Promise<RoadAnswer> => ({ ok: true, answer: "yes" });
const silent = (signal: AbortSignal) =>
  new Promise<RoadAnswer>((resolve) =>
    signal.addEventListener("abort", () => resolve({ ok: false, answer: "this process ends" })),
  );

describe("a keeper", () => {
  const hands = createHands(openSqliteWorld);
  const { world } = hands;

  function keep(roads: readonly Road[]): AlertKeeper & { raised: string[]; troubles: string[] } {
    const raised: string[] = [];
    const troubles: string[] = [];
    const keeper = createAlertKeeper({
      store: createAlertStore(world.db),
      roads,
      deputyAfterMs: 10 * MINUTE,
      keptMs: 90 * 24 * HOUR,
      publicUrl: null,
      clock: systemClock,
      secret: "secret",
      onRaised: (subject) => raised.push(subject),
      onTrouble: (name, trouble) => troubles.push(`${name}: ${trouble}`),
      onFailedTry: (name) => troubles.push(`${name} failed`),
    });
    onTestFinished(() => keeper.stop());
    keeper.start();
    return { ...keeper, raised, troubles };
  }

  async function held(): Promise<void> {
    await hands.start([{ provider: "google", size: 8 }]);
    await hands.holdLane();
  }

  it("tells each alert once, though another keeps the same database", async () => {
    await held();
    const webhook = road("webhook", well);
    const keepers = [keep([webhook]), keep([webhook]), keep([webhook])];
    await expect.poll(() => webhook.told.length).toBeGreaterThan(0);
    await Promise.all(keepers.map((one) => one.stop()));
    expect(webhook.told).toHaveLength(1);
    expect(keepers.flatMap((one) => one.raised)).toHaveLength(1);
  });

  it("is not delayed by a road that says nothing; when it dies, the next one tells it again by the same id", async () => {
    await held();
    const [webhook, mail] = [road("webhook", silent), road("mail", well)];
    const first = keep([webhook, mail]);
    await expect.poll(() => [webhook.told.length, mail.told.length]).toEqual([1, 1]);
    first.abort();
    await first.stop();
    expect(first.troubles).toEqual([]);

    const again = road("webhook", well);
    world.clock.advance(LEASE_MS);
    const next = keep([again, mail]);
    await expect.poll(() => again.told.length).toBe(1);
    await next.stop();
    expect(again.told[0]?.id).toBe(webhook.told[0]?.id);
    expect(mail.told).toHaveLength(1);
    expect(mail.told[0]?.id).not.toBe(webhook.told[0]?.id);
  });

  it("says once that a road fails and once that it is well again, and never shows an address", async () => {
    await held();
    let isWell = false;
    const command = road("command", async () =>
      isWell ? { ok: true, answer: "0" } : { ok: false, answer: "no pager for bob@example.org" },
    );
    const keeper = keep([command]);
    await expect.poll(() => keeper.troubles).toEqual(["command failed", "command: no pager for [address]"]);
    isWell = true;
    world.clock.advance(15_000);
    await expect.poll(() => keeper.troubles.at(-1), { timeout: 5_000 }).toBe("command: null");
  });

  it("calls the deputy when nobody answers, and nobody once somebody has", async () => {
    await held();
    const webhook = road("webhook", well);
    const keeper = keep([webhook]);
    await expect.poll(() => webhook.told.length).toBe(1);
    world.clock.advance(10 * MINUTE);
    await expect.poll(() => webhook.told.map((one) => one.deputy), { timeout: 5_000 }).toEqual([false, true]);
    await createAlertBook(world.db).acknowledge("all", "Ann");
    world.clock.advance(HOUR);
    await keeper.stop();
    expect(webhook.told).toHaveLength(2);
  });
});
