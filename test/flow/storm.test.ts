// Storms over real SMTP: what the breaker makes of a whole campaign's answers, and what it leaves alone.
import { describe, expect, test } from "vitest";
import { combine, deferFirst, forDomains, refuseAll, refuseShare } from "../../src/sandbox/scripts.ts";
import { createShiftedClock } from "../world/clock.ts";
import {
  campaignText,
  createWorld,
  drive,
  expectOnceEach,
  laneOf,
  launch,
  type World,
} from "../world/world.ts";

const DAY = 24 * 3_600_000;

/** A campaign that was checked while all was well, and then meets these providers. */
function meets(world: World, scripts: Parameters<World["setScripts"]>[0]) {
  return world.open(async (app) => {
    const campaign = await launch(app, world.path("campaign.toml"));
    world.setScripts(scripts);
    return drive(app, campaign.id, (now) => now.state !== "running");
  });
}

describe("the founding incident in its other wording, 421", () => {
  test("is held as reverse DNS, bounces nobody, and not one command follows until resume", async () => {
    const world = await createWorld({
      clients: { "gmail.com": 30, "yahoo.com": 100 },
      routes: "each",
      replyDelayMs: 2,
      connections: 4,
    });
    const google = world.server("google");
    let opened = 0;
    const report = await world.open(async (app) => {
      const campaign = await launch(app, world.path("campaign.toml"));
      world.setScripts({ google: refuseAll("google-no-ptr-limited") });
      return drive(app, campaign.id, (now) => {
        const held = now.lanes.some((lane) => lane.provider === "google" && lane.state === "held");
        if (held && opened === 0) opened = google.connections.total;
        return now.state !== "running";
      });
    });
    const lane = laneOf(report, "google");
    expect(lane).toMatchObject({ state: "held", hold: { reason: "reverse-dns", fault: "sender" } });
    expect(lane.totals).toMatchObject({ bounced: 0, accepted: 0 });
    expect(new Set(world.refused("google")).size).toBeLessThanOrEqual(3);
    expect(opened).toBeGreaterThan(0);
    expect(google.connections.total).toBe(opened);
    expect(laneOf(report, "yahoo").totals.accepted).toBe(100);
    world.setScripts({});
    const repaired = await world.resume();
    expect(laneOf(repaired, "google").totals.accepted).toBe(30);
    expectOnceEach(world, repaired);
  });

  test("said five times to one client is one piece of evidence", async () => {
    const world = await createWorld({
      clients: { "gmail.com": 1, "yahoo.com": 5 },
      scripts: { google: deferFirst(5, "google-no-ptr-limited") },
    });
    const clock = createShiftedClock();
    const report = await world.open(async (app) => {
      const campaign = await launch(app, world.path("campaign.toml"));
      for (let tries = 1; tries <= 5; tries++) {
        const now = await drive(app, campaign.id, () => world.refused("google").length === tries);
        expect(laneOf(now, "google").state).not.toBe("held");
        clock.forward(DAY / 8);
      }
      return drive(app, campaign.id, (now) => now.state !== "running");
    }, clock);
    expect(report).toMatchObject({ state: "completed", totals: { accepted: 6 } });
    expect(world.refused("google")).toHaveLength(5);
  });
});

test("refused at the door, by the banner, the lane is held after two connections and nobody is bounced", async () => {
  const world = await createWorld({ clients: { "gmail.com": 60, "yahoo.com": 20 }, routes: "each" });
  const before = world.server("google").connections.total;
  const report = await meets(world, { google: refuseAll("banner-block-list") });
  const lane = laneOf(report, "google");
  expect(lane).toMatchObject({ state: "held", hold: { reason: "blocked" } });
  expect(lane.totals).toMatchObject({ bounced: 0, pending: 60 });
  // The first one was the check before the launch.
  expect(world.server("google").connections.total - before).toBeLessThanOrEqual(3);
  expect(laneOf(report, "yahoo").totals.accepted).toBe(20);
  expectOnceEach(world, report);
});

describe("our own relay", () => {
  const said = [
    ["its daily limit", "450 4.7.1 Daily sending quota exceeded for this account", "mail"],
    ["that we may not relay", "554 5.7.1 <{recipient}>: Relay access denied", "rcpt"],
    ["that we are not who we say", "535 5.7.8 Authentication credentials invalid", "auth"],
  ] as const;
  test.each(said)(
    "that refuses with %s holds its route, and no lane and no client is blamed",
    async (...[, reply, phase]) => {
      const world = await createWorld({
        clients: { "gmail.com": 30, "yahoo.com": 30 },
        feedback: "relay",
        ...(phase === "auth" ? { login: { user: "us", pass: "secret" } } : {}),
      });
      const refusal = refuseAll(reply, { phase, close: phase === "auth" });
      const report = await meets(world, { google: refusal, yahoo: refusal, other: refusal });
      expect(report).toMatchObject({ state: "paused", totals: { bounced: 0, suppressed: 0 } });
      for (const lane of report.lanes) expect(lane.hold).toMatchObject({ scope: "route", fault: "sender" });
      expect(report.timeline.map((one) => one.event)).toContain("route-held");
      world.setScripts({});
      const repaired = await world.open(async (app) => {
        await app.campaigns.steer(report.campaign, { do: "resume", provider: null });
        return drive(app, report.campaign, ({ totals }) => totals.handedOver > 1);
      });
      expect(world.accepted().size).toBe(repaired.totals.handedOver);
      expect(repaired.totals.bounced).toBe(0);
    },
  );
});

test("one organisation in a hundred refuses us, its people adjacent in the file: it is set aside, no lane is held", async () => {
  const tenants = Array.from({ length: 200 }, (_, i) => `tenant${i}.onmicrosoft.com`);
  const rows = tenants.flatMap((domain) => [0, 1, 2].map((i) => `person${i}@${domain}`));
  const world = await createWorld({
    csv: `email\n${rows.join("\n")}\n`,
    scripts: {
      microsoft365: forDomains(tenants.slice(60, 62), refuseAll("microsoft365-tenant-rule")),
    },
  });
  const report = await world.send();
  expect(report.state).toBe("completed-with-failures");
  expect(report.totals.accepted).toBe(198 * 3);
  expect(report.timeline.filter((one) => one.event === "held")).toEqual([]);
  expectOnceEach(world, report);
});

test("nine of ten addresses that took our mail last month do not exist today: the provider's incident, nobody is marked", async () => {
  const world = await createWorld({ clients: { "gmail.com": 120, "yahoo.com": 20 }, connections: 2 });
  const clock = createShiftedClock();
  expect((await world.send(clock)).state).toBe("completed");
  clock.forward(30 * DAY);
  world.write("campaign.toml", campaignText({ atMs: clock.now() }));
  world.setScripts({ google: refuseShare(0.9, 3, "google-user-unknown") });
  const { report } = await world.types("campaign.toml", { again: "A month later", clock });
  const lane = laneOf(report, "google");
  expect(lane).toMatchObject({ state: "held", hold: { reason: "user-unknown", fault: "address" } });
  expect(lane.hold?.message).toMatch(/took our mail not long ago/);
  expect(lane.totals.bounced).toBeLessThanOrEqual(10);
  await world.open(
    async (app) => expect(await app.suppressions.list({ afterId: 0, limit: 9 })).toEqual([]),
    clock,
  );
  world.setScripts({});
  const repaired = await world.typesResume({ clock });
  expect(repaired.report).toMatchObject({ state: "completed", totals: { accepted: 140 } });
});

test("three per cent of deferrals and two of unknown users hold nothing", async () => {
  const world = await createWorld({
    clients: { "gmail.com": 400 },
    scripts: {
      google: combine(
        refuseShare(0.02, 7, "google-user-unknown"),
        refuseShare(0.03, 8, "451 4.3.0 Temporary local problem, try again later"),
      ),
    },
  });
  const clock = createShiftedClock();
  await world.open(async (app) => {
    const campaign = await launch(app, world.path("campaign.toml"));
    const report = await drive(
      app,
      campaign.id,
      ({ totals }) => totals.recipients === 400 && totals.pending === 0,
    );
    expect(report.totals.deferred).toBeGreaterThan(0);
    expect(report.timeline.filter((one) => one.event === "held")).toEqual([]);
    expect(report.state).toBe("running");
  }, clock);
});
