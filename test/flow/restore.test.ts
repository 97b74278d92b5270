// The way back from a backup, as docs/operations.md tells it: what a restored database does not know, and that
// nothing is sent by it before a person has looked.
import { copyFileSync, rmSync } from "node:fs";
import DatabaseFile from "better-sqlite3";
import { expect, test } from "vitest";
import { stop } from "../../src/cli/steer.ts";
import { systemClock } from "../../src/clock.ts";
import { createShiftedClock } from "../world/clock.ts";
import { campaignText, createWorld, drive, expectTotalsAddUp, launch, type World } from "../world/world.ts";

const CLIENTS = 60;

/** A campaign that was backed up while it ran and killed later, and its database as it was at the backup. */
async function restoredWorld(): Promise<{ world: World; told: Map<string, number> }> {
  const world = await createWorld({
    clients: { "gmail.com": CLIENTS },
    connections: 1,
    replyDelayMs: 10,
  });
  const file = world.path("data/bellwether.db");
  const { child, ended } = world.spawn("send", "campaign.toml", "--yes");
  await world.whenAccepted(10);
  const db = new DatabaseFile(file);
  db.prepare("VACUUM INTO ?").run(world.path("copy.db"));
  db.close();
  await world.whenAccepted(25);
  child.kill("SIGKILL");
  await ended;
  const told = world.accepted();
  for (const end of ["-wal", "-shm"]) rmSync(file + end, { force: true });
  copyFileSync(world.path("copy.db"), file);
  return { world, told };
}

test("stopped first, a restored campaign sends nothing until it is resumed, and then tells everybody", async () => {
  const { world, told } = await restoredWorld();
  expect((await world.does(stop)).exit).toBe(0);
  const idle = await world.open(async (app) => {
    const campaign = await app.campaigns.find("latest");
    if (campaign === null) throw new Error("The backup has no campaign.");
    // As `serve` does. What was on the wire at the backup is recounted first, so the driver has been at work.
    return drive(app, campaign.id, ({ totals }) => totals.uncertain <= 2 && totals.pending > 0);
  });
  expectTotalsAddUp(idle);
  expect(idle.state).toBe("paused");
  expect(world.accepted()).toEqual(told);
  // The backup does not know of at least those that were told between it and the end.
  expect(idle.totals.accepted + idle.totals.uncertain).toBeLessThan(told.size);

  const report = await world.resume();
  expectTotalsAddUp(report);
  expect(report.totals.accepted + report.totals.uncertain).toBe(CLIENTS);
  const taken = world.accepted();
  const twice = [...taken].filter(([, times]) => times > 1).map(([address]) => address);
  expect(twice.length).toBeGreaterThan(0);
  for (const address of twice) expect(told.has(address), address).toBe(true);
  // Only those the backup did not know; and a mailbox can tell, since the second one has the Message-ID of the first.
  expect(twice.length).toBeLessThanOrEqual(told.size - idle.totals.accepted);
  for (const address of twice) {
    const ids = world
      .log()
      .filter(({ outcome, recipient }) => outcome === "accepted" && recipient === address)
      .map(({ messageId }) => messageId);
    expect(ids).toHaveLength(2);
    expect(ids[0]).toMatch(/.+@.+/);
    expect(ids[1]).toBe(ids[0]);
  }
});

test("resumed when its window has begun, a restored campaign tells nobody any more", async () => {
  const { world, told } = await restoredWorld();
  const eightDaysMs = 8 * 24 * 3_600_000;
  const later = { ...systemClock, now: () => systemClock.now() + eightDaysMs };
  const report = await world.open(async (app) => {
    const campaign = await app.campaigns.find("latest");
    if (campaign === null) throw new Error("The backup has no campaign.");
    await app.campaigns.steer(campaign.id, { do: "resume", provider: null });
    return drive(app, campaign.id, ({ state }) => state !== "running");
  }, later);
  expectTotalsAddUp(report);
  expect(world.accepted()).toEqual(told);
  expect(report.totals.expired).toBeGreaterThan(CLIENTS / 2);
  expect(report.totals.pending).toBe(0);
});

test("scheduled for a moment that has passed since the backup, a restored campaign is not begun by itself", async () => {
  const hourMs = 3_600_000;
  const at = new Date(systemClock.now() + hourMs).toISOString();
  const world = await createWorld({
    clients: { "gmail.com": 5 },
    campaign: campaignText({ above: `at = ${at}` }),
  });
  const clock = createShiftedClock();
  const file = world.path("data/bellwether.db");
  const { id } = await world.open(async (app) => {
    const campaign = await launch(app, world.path("campaign.toml"));
    const db = new DatabaseFile(file);
    db.prepare("VACUUM INTO ?").run(world.path("copy.db"));
    db.close();
    clock.forward(hourMs);
    await drive(app, campaign.id, ({ state }) => state === "completed");
    return campaign;
  }, clock);
  const told = world.accepted();
  expect(told.size).toBe(5);
  for (const end of ["-wal", "-shm"]) rmSync(file + end, { force: true });
  copyFileSync(world.path("copy.db"), file);

  clock.forward(3 * 24 * hourMs);
  const idle = await world.open((app) => drive(app, id, ({ state }) => state !== "scheduled"), clock);
  expect(idle.state).toBe("paused");
  expect(idle.timeline.at(-1)?.text).toMatch(
    /It should have begun on .*UTC, and nothing ran.*Nothing was sent/,
  );
  const typed = await world.types("campaign.toml", { clock });
  expect([typed.exit, typed.stderr]).toEqual([2, expect.stringContaining("campaign.toml:4: at has passed")]);
  expect(world.accepted()).toEqual(told);

  // A person looks, finds the notice true no longer, and resumes all the same.
  clock.forward(5 * 24 * hourMs);
  const { exit, report } = await world.typesResume({ clock });
  expect([exit, report.totals.expired]).toEqual([0, 5]);
  expect(world.accepted()).toEqual(told);
});
