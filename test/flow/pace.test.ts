// A provider that asks for less: over real SMTP, with everybody told once in the end. Where a lane rests or a delivery
// waits, the clock of both sides goes faster.
import { expect, test } from "vitest";
import type { Bellwether } from "../../src/application.ts";
import type { Report } from "../../src/report/report.ts";
import type { Moment, Script } from "../../src/sandbox/moment.ts";
import { acceptAll, combine, deferFirst, refuseIf } from "../../src/sandbox/scripts.ts";
import { createShiftedClock } from "../world/clock.ts";
import { startDns } from "../world/dns.ts";
import { createWorld, drive, expectOnceEach, launch, type World } from "../world/world.ts";

type ShiftedClock = ReturnType<typeof createShiftedClock>;

/**
 * Sends to the end. While a lane rests, or all that is left waits, time goes by faster; with `always` from the first
 * request to slow down on.
 */
function sendThrough(
  world: World,
  options: { clock?: ShiftedClock; lapse?: number; always?: boolean } = {},
): Promise<Report> {
  const { clock = createShiftedClock(), lapse = 60, always = false } = options;
  let lookedMs = clock.monotonic();
  return world.open(async (app: Bellwether) => {
    const campaign = await launch(app, world.path("campaign.toml"));
    return drive(app, campaign.id, (report) => {
      const passedMs = clock.monotonic() - lookedMs;
      lookedMs += passedMs;
      const waits = report.totals.deferred > 0 && report.totals.pending === 0;
      const rests = report.lanes.some((lane) => lane.state === "backing-off");
      if (waits || rests || (always && slowedOf(report).length > 0)) clock.forward(passedMs * (lapse - 1));
      return report.state !== "running";
    });
  }, clock);
}

/** So many in each full second, by RCPT. */
function allowed(aSecond: number, clock: ShiftedClock): Script {
  let second = 0;
  let seen = 0;
  const isTooMany = () => {
    const now = Math.floor(clock.now() / 1000);
    if (now !== second) seen = 0;
    second = now;
    seen += 1;
    return seen > aSecond;
  };
  return refuseIf(isTooMany, "google-rate-limited", { phase: "rcpt", close: false });
}

const stateOf = (report: Report, provider: string) =>
  report.lanes.find((one) => one.provider === provider)?.state;
const slowedOf = (report: Report) => report.timeline.filter((one) => one.event === "slowed");

test("a provider that takes ten mails a second is heard at its first word, and the others are not slowed", async () => {
  const clock = createShiftedClock();
  const world = await createWorld({
    clients: { "gmail.com": 80, "yahoo.com": 60 },
    routes: "each",
    scripts: { google: allowed(10, clock), yahoo: acceptAll() },
    replyDelayMs: 2,
  });
  // Not so fast that a rate is none any more.
  const report = await sendThrough(world, { clock, lapse: 10, always: true });
  expectOnceEach(world, report);
  expect(report.state).toBe("completed");
  expect(report.totals.accepted).toBe(140);
  const slowed = slowedOf(report);
  // Each request costs what was on the wire at that moment.
  expect(slowed.length).toBeGreaterThan(0);
  expect(slowed.length).toBeLessThanOrEqual(3);
  expect(world.refused("google").length).toBeLessThanOrEqual(slowed.length * 20);
  expect(slowed.every((one) => one.text.startsWith("Gmail"))).toBe(true);
  // The others were through when Gmail's lane had hardly rested.
  const lastYahoo = Math.max(...world.log("yahoo").map((entry) => entry.at));
  const lastGoogle = Math.max(...world.log("google").map((entry) => entry.at));
  expect(lastYahoo).toBeLessThan(lastGoogle);
});

test("a provider that takes three connections gets three, and no mail is put off by it", async () => {
  const world = await createWorld({
    clients: { "gmail.com": 300 },
    routes: "each",
    replyDelayMs: 2,
  });
  const isFull = () => world.server("google").connections.now > 3;
  world.setScripts({ google: refuseIf(isFull, "too-many-connections") });
  const report = await sendThrough(world);
  expectOnceEach(world, report);
  expect(report.totals.accepted).toBe(300);
  expect(slowedOf(report).length).toBeLessThanOrEqual(4);
  expect(slowedOf(report).at(-1)?.text).toMatch(/with [123] mails? at once at most\.$/);
  const refused = world.log("google").filter((entry) => entry.outcome !== "accepted");
  expect(refused.every((entry) => entry.phase === "connect")).toBe(true);
  expect(refused.length).toBeLessThanOrEqual(40);
});

test("a lane rests for as long as the provider says, and not one command goes there before", async () => {
  const world = await createWorld({
    clients: { "gmail.com": 40, "yahoo.com": 10 },
    routes: "each",
    scripts: {
      google: deferFirst(1, "421 4.7.0 Too many messages from you, try again in 15 minutes", {
        phase: "rcpt",
      }),
      yahoo: acceptAll(),
    },
  });
  const clock = createShiftedClock();
  const report = await world.open(async (app) => {
    const campaign = await launch(app, world.path("campaign.toml"));
    const rests = await drive(
      app,
      campaign.id,
      (now) => stateOf(now, "google") === "backing-off" && stateOf(now, "yahoo") === "done",
    );
    const heard = world.log("google").length;
    expect(slowedOf(rests)).toHaveLength(1);
    clock.forward(14 * 60_000);
    await drive(app, campaign.id, (now) => now.state === "running");
    expect(world.log("google").length).toBe(heard);
    world.setScripts({ google: acceptAll(), yahoo: acceptAll() });
    clock.forward(5 * 60_000);
    return drive(app, campaign.id, (now) => now.state !== "running");
  }, clock);
  expectOnceEach(world, report);
  expect(report.totals.accepted).toBe(50);
  expect(slowedOf(report)).toHaveLength(1);
});

test("what one mailbox may receive touches that mailbox alone", async () => {
  const full = (one: Moment) => one.recipient === "client7@gmail.com" && one.attempt <= 2;
  const reply =
    "450 4.2.1 The user you are trying to contact is receiving mail too quickly. ReceivingRate - gsmtp";
  const world = await createWorld({
    clients: { "gmail.com": 120 },
    routes: "each",
    scripts: { google: refuseIf(full, reply, { phase: "rcpt" }) },
  });
  const report = await sendThrough(world);
  expectOnceEach(world, report);
  expect(report.totals.accepted).toBe(120);
  expect(slowedOf(report)).toEqual([]);
  expect(world.refused("google")).toEqual(["client7@gmail.com", "client7@gmail.com"]);
});

/** As Postgrey does it: a sender, a recipient and an address that are new together wait for five minutes. */
function greylisting(nowMs: () => number) {
  const known = new Map<string, number>();
  const isNew = ({ peer, sender, recipient }: Moment) => {
    const triplet = `${peer} ${sender} ${recipient}`;
    const firstMs = known.get(triplet) ?? nowMs();
    known.set(triplet, firstMs);
    return nowMs() - firstMs < 300_000;
  };
  const text = "450 4.2.0 Recipient address rejected: Greylisted, please try again in 300 seconds";
  return { known, script: refuseIf(isNew, text, { phase: "rcpt" }) };
}

test("greylisting is waited out from the same address with the same sender, directly to the MX, as it is wanted there", async () => {
  const dns = await startDns(() => ({ host: "localhost" }));
  const world = await createWorld({ clients: { "gmail.com": 30 } });
  const clock = createShiftedClock();
  const { known, script } = greylisting(clock.now);
  world.server().setScript(combine(script));
  world.write(
    "bellwether.toml",
    `[sender]
from = "Example Hosting <support@hosting.example>"
return_path = "bounces+{token}@bounces.hosting.example"
[smtp]
url = "direct"
port = ${world.server().port}
source_address = "127.0.0.2"
[dns]
servers = ["${dns.address}"]
`,
  );
  const report = await world.open(async (app) => {
    const campaign = await launch(app, world.path("campaign.toml"));
    await drive(app, campaign.id, (now) => now.totals.deferred === 30);
    // All asked for five minutes; a little later everybody is let in at the second try.
    clock.forward(361_000);
    return drive(app, campaign.id, (now) => now.state !== "running");
  }, clock);
  await dns.close();
  expectOnceEach(world, report);
  expect(report.totals.accepted).toBe(30);
  expect(known.size).toBe(30);
  expect([...known.keys()].every((one) => one.startsWith("127.0.0.2 bounces+"))).toBe(true);
  expect(world.refused("google")).toHaveLength(30);
  expect(world.server().connections.peak).toBeLessThanOrEqual(5);
  expect(report.timeline.find((one) => one.event === "limits")?.text).toBe(
    "Gmail / Google Workspace: begins with 5 connections, as is usual there.",
  );
});
