// What the program did, and what a replay of its own log says that it would do: the same hold, by the same statistic,
// on the same replies.
import { expect, test } from "vitest";
import { exportLog } from "../../src/cli/look.ts";
import { replay } from "../../src/cli/replay.ts";
import type { ReplayHold } from "../../src/replay/replay.ts";
import type { Report } from "../../src/report/report.ts";
import type { Script } from "../../src/sandbox/moment.ts";
import { acceptAll, refuseAfter, refuseAll } from "../../src/sandbox/scripts.ts";
import { createWorld, expectOnceEach, type World } from "../world/world.ts";

/** `export`, then `replay` of what it wrote. */
async function replayed(world: World): Promise<{ events: number; holds: ReplayHold[] }> {
  const log = await world.does((io, options) => exportLog(io, undefined, options));
  expect(log.exit).toBe(0);
  world.write("events.jsonl", log.stdout);
  const ran = await world.does((io, options) =>
    replay(io, world.path("events.jsonl"), { ...options, json: true }),
  );
  expect(ran).toMatchObject({ exit: 0, stderr: "" });
  return JSON.parse(ran.stdout);
}

function heldLanes(report: Report): object[] {
  return report.lanes.flatMap(({ provider, hold }) =>
    hold === undefined || hold === null
      ? []
      : [{ provider, reason: hold.reason, fault: hold.fault, evidence: hold.evidence }],
  );
}

const laneHolds = (holds: readonly ReplayHold[]) =>
  holds
    .filter((hold) => hold.scope === "lane")
    .map(({ provider, reason, fault, evidence }) => ({ provider, reason, fault, evidence }));

const CASES: [string, Readonly<Record<string, Script>>, string][] = [
  ["refused from its first mail on", { google: refuseAll("google-no-ptr") }, "sender"],
  [
    "refused in the middle, at 20 connections",
    { google: refuseAfter(40, "google-ipv6-guidelines") },
    "sender",
  ],
  ["told 421 that means us", { google: refuseAfter(30, "google-no-ptr-limited") }, "sender"],
  ["with a list of dead addresses", { google: refuseAfter(30, "google-user-unknown") }, "address"],
];

test.each(CASES)("a campaign %s and its replay are held alike", async (_, scripts, detector) => {
  const world = await createWorld({
    clients: { "gmail.com": 120, "yahoo.com": 30 },
    replyDelayMs: 1,
    scripts: { yahoo: acceptAll(), ...scripts },
  });
  const report = await world.send();
  const live = heldLanes(report);
  expect(live).toHaveLength(1);
  const { events, holds } = await replayed(world);
  expect(events).toBe(world.log("google").length + 30);
  expect(laneHolds(holds)).toEqual(live);
  expect(holds[0]).toMatchObject({ detector, scope: "lane" });
});

test("a campaign that was held, repaired and resumed is held once by its replay, and goes on as it did", async () => {
  const world = await createWorld({
    clients: { "gmail.com": 60, "yahoo.com": 20 },
    scripts: { google: refuseAfter(20, "google-no-ptr"), yahoo: acceptAll() },
  });
  const [held] = heldLanes(await world.send());
  world.setScripts({ google: acceptAll(), yahoo: acceptAll() });
  const report = await world.resume();
  expect(report.state).toBe("completed");
  expectOnceEach(world, report);
  const { holds } = await replayed(world);
  expect(laneHolds(holds)).toEqual([held]);
});
