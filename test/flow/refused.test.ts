// A provider turns against us: how many mails reach it before the lane is held, whatever it says and wherever it
// says it; and that everybody else is told.
import { describe, expect, test } from "vitest";
import {
  acceptAll,
  type ReplyLike,
  type ReplyOptions,
  refuseAfter,
  refuseAll,
} from "../../src/sandbox/scripts.ts";
import { answered, createWorld, drive, expectOnceEach, laneOf, launch, sum } from "../world/world.ts";

const CONNECTIONS = 20;
/** So many refusals decide, by the sender's detector. */
const TO_DECIDE = 3;

describe("a provider that refuses everything from its first mail on", () => {
  const said: [string, ReplyLike, ReplyOptions][] = [
    ["at MAIL", "outlook-blocked", { phase: "mail" }],
    ["at RCPT", "block-list", { phase: "rcpt" }],
    ["at DATA", "google-no-ptr", { phase: "data" }],
    ["after the dot", "google-no-ptr", { phase: "dot" }],
    ["after the dot, with 421", "google-no-ptr-limited", { phase: "dot" }],
    ["at MAIL, with 421", "google-no-ptr-limited", { phase: "mail" }],
  ];
  test.each(said)("%s, hears of us three times at most", async (_, reply, options) => {
    const world = await createWorld({
      clients: { "gmail.com": 60, "yahoo.com": 20 },
      routes: "each",
      scripts: { google: refuseAll(reply, options), yahoo: acceptAll() },
    });
    const report = await world.send();
    expect(report.state).toBe("paused");
    expect(laneOf(report, "google").state).toBe("held");
    expect(world.refused("google").length).toBeLessThanOrEqual(TO_DECIDE);
    expect(world.accepted("google").size).toBe(0);
    expect(world.accepted("yahoo").size).toBe(20);
    expectOnceEach(world, report);
  });

  test("with its banner, is left alone soon, and nobody is bounced by it", async () => {
    const world = await createWorld({
      clients: { "gmail.com": 60, "yahoo.com": 20 },
      routes: "each",
      scripts: { google: acceptAll(), yahoo: acceptAll() },
    });
    const report = await world.open(async (app) => {
      const campaign = await launch(app, world.path("campaign.toml"));
      // It answered the preflight still.
      world.setScripts({ google: refuseAll("banner-block-list") });
      return drive(app, campaign.id, (now) => now.state !== "running");
    });
    const lane = laneOf(report, "google");
    expect(lane.state).toBe("held");
    expect(lane.totals).toMatchObject({ bounced: 0, pending: 60 });
    expect(world.refused("google").length).toBeLessThanOrEqual(TO_DECIDE + CONNECTIONS);
    expect(laneOf(report, "yahoo").totals.accepted).toBe(20);
    expectOnceEach(world, report);
  });
});

describe("a provider that begins to refuse while 20 connections are busy", () => {
  const cases = (["shared", "each"] as const).flatMap((routes) =>
    [1, 20].flatMap((replyDelayMs) =>
      (["google-no-ptr", "google-no-ptr-limited"] as const).map(
        (reply) => [routes, replyDelayMs, reply] as const,
      ),
    ),
  );
  test.each(cases)(
    "is told 3 + 20 more at most: %s route, %i ms a reply, %s",
    async (...[routes, replyDelayMs, reply]) => {
      const world = await createWorld({
        clients: { "gmail.com": 260, "yahoo.com": 40 },
        routes,
        replyDelayMs,
        connections: CONNECTIONS,
        scripts: { google: refuseAfter(100, reply), yahoo: acceptAll() },
      });
      const report = await world.send();
      const lane = laneOf(report, "google");
      const refused = world.refused("google");
      expect(lane.state).toBe("held");
      expect(lane.hold).toMatchObject({ reason: "reverse-dns", fault: "sender" });
      expect(lane.hold?.evidence).toHaveLength(3);
      expect(refused.length).toBeGreaterThanOrEqual(TO_DECIDE);
      expect(refused.length).toBeLessThanOrEqual(TO_DECIDE + CONNECTIONS);
      expect(world.accepted("google").size).toBe(100);
      // A 421 means later: nobody is bounced by it, and yet the lane is held.
      if (reply === "google-no-ptr-limited") expect(lane.totals.bounced).toBe(0);
      else expect(lane.totals.bounced).toBe(refused.length);
      expect(laneOf(report, "yahoo").totals.accepted).toBe(40);
      expectOnceEach(world, report);
    },
  );
});

describe("the other lanes finish", () => {
  test.each([5, 20, 45, 80])("when the refused one has %i percent of the clients", async (percent) => {
    const rest = Math.floor((100 - percent) * 1.5);
    const clients = { "gmail.com": Math.round(percent * 3), "yahoo.com": rest, "orange.fr": rest };
    const world = await createWorld({ clients, scripts: { google: refuseAll("google-no-ptr") } });
    const report = await world.send();
    expect(laneOf(report, "google").state).toBe("held");
    for (const id of ["yahoo", "orange"])
      expect(laneOf(report, id)).toMatchObject({
        state: "done",
        totals: { accepted: rest, recipients: rest },
      });
    expect(world.log("google").length).toBeLessThanOrEqual(TO_DECIDE);
    expect(report.totals.recipients).toBe(sum(Object.values(clients)));
    expectOnceEach(world, report);
  });
});

test("from the built program too: exit 4, the hold explained, 3 + 20 at most", async () => {
  const world = await createWorld({
    clients: { "gmail.com": 260, "yahoo.com": 40 },
    replyDelayMs: 1,
    scripts: { google: refuseAfter(100, "google-no-ptr") },
  });
  const { exit, report, stderr } = answered(await world.run("send", "campaign.toml", "--yes", "--json"));
  expect(exit).toBe(4);
  expect(world.refused("google").length).toBeLessThanOrEqual(TO_DECIDE + CONNECTIONS);
  const { hold } = laneOf(report, "google");
  expect(hold?.leaked).toBeLessThanOrEqual(CONNECTIONS);
  expect(stderr.replaceAll(/\s+/g, " ")).toContain(hold?.advice);
  expectOnceEach(world, report);
});
