// Faults that are not ours: addresses that do not exist, a provider that wants to be asked later, a relay that is
// away. They hold nothing that could go on, and lose nobody.

import { createServer, type Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { uncertain } from "../../src/cli/look.ts";
import { send } from "../../src/cli/send.ts";
import { outcomeLog } from "../../src/report/outcome-log.ts";
import { buildReport } from "../../src/report/report.ts";
import { deferFirst, delayAll, dropAt, refuseAll, refuseShare } from "../../src/sandbox/scripts.ts";
import { createShiftedClock } from "../world/clock.ts";
import {
  createWorld,
  drive,
  expectOnceEach,
  expectTotalsAddUp,
  laneOf,
  launch,
  until,
} from "../world/world.ts";

describe("unknown users", () => {
  test("in a list of which 2 % are gone hold nothing, and are left out by the next campaign", async () => {
    const world = await createWorld({
      clients: { "gmail.com": 200 },
      scripts: { google: refuseShare(0.02, 7, "google-user-unknown") },
    });
    const report = await world.send();
    const gone = new Set(world.refused("google"));
    expect(gone.size).toBeGreaterThan(0);
    expect(report.state).toBe("completed-with-failures");
    expect(report.totals).toMatchObject({ bounced: gone.size, accepted: 200 - gone.size });
    expectOnceEach(world, report);
    world.setScripts({});
    const next = await world.types("campaign.toml", { again: "The next one" });
    expect(next.report.totals).toMatchObject({ suppressed: gone.size, accepted: 200 - gone.size });
    expectTotalsAddUp(next.report);
    for (const address of gone) expect(world.accepted().has(String(address))).toBe(false);
  });

  test("in a list where all are gone stop it after twelve at most", async () => {
    const world = await createWorld({
      clients: { "gmail.com": 100 },
      scripts: { google: refuseAll("google-user-unknown") },
    });
    const report = await world.send();
    expect(report.state).toBe("paused");
    expect(world.refused("google").length).toBeLessThanOrEqual(12);
    expectOnceEach(world, report);
  });
});

describe("a provider that wants to be asked later", () => {
  test("is asked later, and everybody is told once", async () => {
    const world = await createWorld({
      clients: { "example.org": 25, "gmail.com": 5 },
      scripts: { other: deferFirst(1) },
      connections: 5,
    });
    const clock = createShiftedClock();
    const report = await world.open(async (app) => {
      const campaign = await launch(app, world.path("campaign.toml"));
      const waiting = await drive(
        app,
        campaign.id,
        ({ totals }) => totals.deferred === 25 && totals.accepted === 5,
      );
      expect(laneOf(waiting, "other").totals.deferred).toBe(25);
      expectOnceEach(world, waiting);
      // It asks for 300 seconds, and gets them.
      clock.forward(400_000);
      return drive(app, campaign.id, (now) => now.state !== "running");
    }, clock);
    expect(report).toMatchObject({ state: "completed", totals: { accepted: 30 } });
    expectOnceEach(world, report);
  });
});

/** Takes connections and never says a word. */
async function openMute(port: number) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return {
    waiting: () => sockets.size,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

describe("a relay that is away", () => {
  test("before the launch is named, nothing is sent, and the same command goes through when it is back", async () => {
    const world = await createWorld({ clients: { "gmail.com": 20 } });
    await world.server().close();
    const refused = await world.does(async (io, options) => {
      return send(io, world.path("campaign.toml"), { ...options, yes: true });
    });
    expect(refused.exit).toBe(3);
    expect(refused.stderr).toContain(`127.0.0.1:${world.server().port}`);
    expect(refused.stderr).not.toMatch(/^\s+at /m);
    await world.server().start();
    const { exit, report } = await world.types("campaign.toml");
    expect(exit).toBe(0);
    expectOnceEach(world, report);
    expect(report.totals.accepted).toBe(20);
  });

  test("in the middle, first closed, then mute, loses nobody, tells nobody twice, and uses up no attempt", async () => {
    const world = await createWorld({
      clients: { "gmail.com": 120, "yahoo.com": 30 },
      connections: 6,
      scripts: { google: delayAll(5), yahoo: delayAll(5) },
    });
    const report = await world.open(async (app) => {
      const campaign = await launch(app, world.path("campaign.toml"));
      const notices: (string | null)[] = [];
      const driver = await app.drive(({ kind, trouble }) => {
        if (kind === "route") notices.push(trouble);
      });
      await world.whenAccepted(40);
      await world.server().close();
      await until("somebody is told that it is away", async () =>
        notices.some((trouble) => trouble !== null),
      );
      const away = await buildReport(app.reports, campaign.id);
      expect(away.state).toBe("running");
      expect(away.lanes.every((lane) => lane.hold === undefined)).toBe(true);
      // Something listens again and says nothing: who waits for its banner is no wiser than before.
      const mute = await openMute(world.server().port);
      await until("somebody waits for a banner", async () => mute.waiting() > 0);
      await mute.close();
      await world.server().start();
      await until("nobody waits", async () => {
        const { totals } = await buildReport(app.reports, campaign.id);
        return totals.pending + totals.deferred === 0;
      });
      await driver?.drain();
      for await (const line of outcomeLog(app.reports, campaign.id))
        for (const one of line.trim().split("\n")) expect(JSON.parse(one).attempt).toBe(1);
      return buildReport(app.reports, campaign.id);
    });
    const taken = world.accepted();
    expect([...taken.values()].every((times) => times === 1)).toBe(true);
    // Cut between the last dot and the reply: nobody can know, so they are listed and not sent again.
    expect(report.totals.uncertain).toBeLessThanOrEqual(6);
    expect(report.totals.accepted + report.totals.uncertain).toBe(150);
    expect(taken.size).toBeGreaterThanOrEqual(report.totals.accepted);
    expectTotalsAddUp(report);
  });
});

describe("a connection that is cut", () => {
  test.each(["at-mail", "at-rcpt", "at-data"] as const)(
    "%s is tried again, nobody twice, nobody uncertain",
    async (point) => {
      const world = await createWorld({
        clients: { "gmail.com": 40 },
        connections: 5,
        scripts: { google: dropAt(point, ({ connection }) => connection % 3 === 2) },
        routes: "each",
      });
      const clock = createShiftedClock();
      const report = await world.open(async (app) => {
        const campaign = await launch(app, world.path("campaign.toml"));
        return drive(app, campaign.id, ({ state, totals }) => {
          if (totals.deferred > 0 && totals.pending === 0) clock.forward(60_000);
          return state !== "running";
        });
      }, clock);
      expect(report.totals).toMatchObject({ accepted: 40, uncertain: 0 });
      expectOnceEach(world, report);
    },
  );

  test("after the last dot leaves one uncertain a cut, listed, and not sent again", async () => {
    const world = await createWorld({
      clients: { "gmail.com": 40 },
      connections: 5,
      scripts: { google: dropAt("at-dot-taken", ({ seen }) => seen === 15 || seen === 25) },
    });
    const report = await world.open(async (app) => {
      const campaign = await launch(app, world.path("campaign.toml"));
      return drive(app, campaign.id, ({ totals }) => totals.accepted + totals.uncertain === 40);
    });
    expect(report.totals).toMatchObject({ accepted: 38, uncertain: 2 });
    const listed = await world.does((io, options) => uncertain(io, undefined, { ...options, json: true }));
    expect(JSON.parse(listed.stdout).uncertain).toHaveLength(2);
    const settled = await world.does((io, options) =>
      uncertain(io, undefined, { ...options, markSent: true }),
    );
    expect(settled.exit).toBe(0);
    const after = await world.typesResume();
    expect(after.exit).toBe(0);
    expect(after.report.totals).toMatchObject({ accepted: 40, uncertain: 0 });
    expect([...world.accepted().values()].every((times) => times === 1)).toBe(true);
  });
});
