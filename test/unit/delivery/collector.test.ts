// The collector over a real database, with an intake that is driven by the test.
import { afterEach, beforeEach, expect, test } from "vitest";
import { createIntakeStore } from "../../../src/adapters/store/intakes.ts";
import { createReportLedger } from "../../../src/adapters/store/report-ledger.ts";
import { createCollector } from "../../../src/delivery/collector.ts";
import type { Deliver, Incoming, Intake, IntakeHealth } from "../../../src/delivery/intake.ts";
import { makeToken } from "../../../src/delivery/token.ts";
import { describeIntake, isAlive } from "../../../src/report/intakes.ts";
import { BREAKER, runCampaign } from "../../world/ledger.ts";
import { openSqliteWorld, type SqliteWorld } from "../../world/sqlite.ts";

const SECRET = "secret";
let world: SqliteWorld;
beforeEach(async () => {
  world = await openSqliteWorld();
});
afterEach(() => world.close());

class HandIntake implements Intake {
  readonly name = "imap";
  deliver: Deliver | null = null;
  fails = 0;
  stopped = 0;
  said: Partial<IntakeHealth> = { state: "alive" };

  async start(deliver: Deliver): Promise<void> {
    if (this.fails > 0) {
      this.fails -= 1;
      throw new Error("the port is taken");
    }
    this.deliver = deliver;
  }

  health(): IntakeHealth {
    return {
      name: this.name,
      state: "starting",
      seenAtMs: null,
      broughtAtMs: null,
      lagMs: null,
      trouble: null,
      ...this.said,
    };
  }

  async stop(): Promise<void> {
    this.stopped += 1;
  }
}

function collect(intake: HandIntake) {
  const told: (string | null)[] = [];
  const store = createIntakeStore(world.db);
  const collector = createCollector({
    intakes: [intake],
    ledger: createReportLedger(world.db, { breaker: BREAKER }),
    store,
    secret: SECRET,
    clock: world.clock,
    onTrouble: (_name, trouble) => told.push(trouble),
  });
  return { collector, store, told };
}

function bounceOf(delivery: number, key: string): Incoming {
  return {
    key,
    intake: "imap",
    receivedAtMs: world.clock.now(),
    excerpt: "",
    report: {
      kind: "bounce",
      atMs: null,
      reporter: null,
      marks: {
        tokens: ["nonsense", makeToken({ delivery, attempt: 1 }, SECRET)],
        messageIds: [],
        relayIds: [],
      },
      recipients: [{ address: null, action: "failed", reply: "550 5.2.2 full", classification: null }],
    },
  };
}

async function until(done: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 100; i++) {
    if (await done()) return;
    world.clock.advance(1_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error("It did not come to pass.");
}

test("what an intake brings is recorded before it may let go of it, and a repetition is nothing", async () => {
  await runCampaign(world, [{ provider: "google", size: 1, feedback: "relay" }]);
  await world.ledger.register({ id: "w1", host: "here", pid: 1, exclusive: true });
  const row = await world.db.read.delivery.findFirstOrThrow();
  await world.db.read.delivery.update({ where: { id: row.id }, data: { state: "handed-over", try: 1 } });
  const intake = new HandIntake();
  const { collector } = collect(intake);
  await collector.start();
  await until(async () => intake.deliver !== null);
  await intake.deliver?.([bounceOf(row.id, "one"), bounceOf(row.id, "one")]);
  expect(await world.db.read.report.findMany()).toMatchObject([
    { key: "one/0", effect: "moved", matchedBy: "token", deliveryId: row.id },
  ]);
  expect(await world.db.read.delivery.findFirstOrThrow()).toMatchObject({ state: "bounced" });
  await collector.stop();
  await collector.stop();
  expect(intake.stopped).toBe(1);
});

test("an intake that cannot start is told of, tried again, and then well", async () => {
  const intake = new HandIntake();
  intake.fails = 2;
  const { collector, store, told } = collect(intake);
  await collector.start();
  await until(async () => (await store.intakes())[0]?.state === "failing");
  expect(await store.intakes()).toMatchObject([{ name: "imap", trouble: "the port is taken" }]);
  await until(async () => (await store.intakes())[0]?.state === "alive");
  expect(told).toEqual(["the port is taken", null]);
  await collector.stop();
});

test("a source whose process has died is not alive, whatever it said last", async () => {
  const intake = new HandIntake();
  const { collector, store } = collect(intake);
  await collector.start();
  await until(async () => (await store.intakes())[0]?.state === "alive");
  await collector.stop();
  const [seen] = await store.intakes();
  if (seen === undefined) throw new Error("nothing was said");
  expect(isAlive(seen)).toBe(true);
  expect(describeIntake(seen)).toBe("imap: alive, nothing came yet");
  world.clock.advance(20_000);
  const [later] = await store.intakes();
  if (later === undefined) throw new Error("nothing was said");
  expect(isAlive(later)).toBe(false);
  expect(describeIntake(later)).toContain("nobody reads it");
});

test("a place that an intake keeps is found again, and its health does not touch it", async () => {
  const store = createIntakeStore(world.db);
  expect(await store.load("log")).toBeNull();
  await store.save("log", "here");
  await store.saveHealth([
    { name: "log", state: "alive", seenAtMs: 1, broughtAtMs: 2, lagMs: 3.5, trouble: null },
  ]);
  await store.save("log", "there");
  expect(await store.load("log")).toBe("there");
  expect(await store.intakes()).toMatchObject([{ state: "alive", seenAtMs: 1, broughtAtMs: 2, lagMs: 4 }]);
});
