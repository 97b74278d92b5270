// After the repair: who is written to again, and that nobody is who had it already, however often and from however
// many shells the commands are typed.
import { describe, expect, test } from "vitest";
import { acceptAll, combine, delayAll, refuseAfter, refuseAll } from "../../src/sandbox/scripts.ts";
import { answered, campaignText, createWorld, expectOnceEach, laneOf, type World } from "../world/world.ts";

const CLIENTS = { "gmail.com": 80, "yahoo.com": 30 };

/** Gmail takes forty, then refuses; the campaign stands. */
async function heldWorld(connections = 5): Promise<{ world: World; refused: string[] }> {
  const world = await createWorld({
    clients: CLIENTS,
    connections,
    scripts: { google: refuseAfter(40, "google-no-ptr") },
  });
  const report = await world.send();
  expect(report.state).toBe("paused");
  return { world, refused: [...new Set(world.refused("google"))].map(String).sort() };
}

describe("resume after the repair", () => {
  test("writes again to exactly those who were refused, and everybody is told once", async () => {
    const { world, refused } = await heldWorld();
    const before = world.accepted("google");
    world.setScripts({});
    const report = await world.resume();
    expect(report.returned).toBe(refused.length);
    expect(report.state).toBe("completed");
    expect(report.totals.accepted).toBe(110);
    const twice = world.log("google").filter(({ attempt }) => attempt > 1);
    expect(twice.map(({ recipient }) => recipient).sort()).toEqual(refused);
    for (const address of before.keys()) expect(world.accepted("google").get(address)).toBe(1);
    expectOnceEach(world, report);
  });

  test("while the provider refuses still, holds the lane again after one mail", async () => {
    const { world, refused } = await heldWorld();
    const heard = world.log("google").length;
    const again = await world.resume();
    expect(world.log("google").length).toBe(heard + 1);
    expect(laneOf(again, "google").state).toBe("held");
    expectOnceEach(world, again);
    world.setScripts({});
    const report = await world.resume();
    expect(report.totals.accepted).toBe(110);
    expect(refused.length).toBeGreaterThan(2);
    expectOnceEach(world, report);
  });

  test("of one provider leaves the other held lane alone", async () => {
    const world = await createWorld({
      clients: { "gmail.com": 20, "yahoo.com": 20, "orange.fr": 10 },
      connections: 5,
      scripts: { google: refuseAll("google-no-ptr"), yahoo: refuseAll("yahoo-permanently-deferred") },
      routes: "each",
    });
    const { exit } = await world.types("campaign.toml");
    expect(exit).toBe(4);
    world.setScripts({ yahoo: refuseAll("yahoo-permanently-deferred") });
    const heard = world.log("yahoo").length;
    const first = await world.typesResume({ provider: "google" });
    expect(first.exit).toBe(4);
    expect(laneOf(first.report, "google").totals.accepted).toBe(20);
    expect(laneOf(first.report, "yahoo").state).toBe("held");
    expect(world.log("yahoo").length).toBe(heard);
    const wrong = await world.typesResume({ provider: "apple" });
    expect(wrong.exit).toBe(2);
    expect(wrong.stderr).toContain("Its lanes are:");
    world.setScripts({});
    const second = await world.typesResume({ provider: "yahoo" });
    expect(second.exit).toBe(0);
    expect(second.report.state).toBe("completed");
    expectOnceEach(world, second.report);
  });
});

describe("send typed again", () => {
  test("in place of resume sends nothing and says what does", async () => {
    const { world } = await heldWorld();
    const heard = world.log().length;
    const again = await world.types("campaign.toml");
    expect(again.exit).toBe(4);
    expect(again.stderr).toContain("resume");
    expect(world.log().length).toBe(heard);
    world.setScripts({});
    const resumed = await world.typesResume();
    expect(resumed.exit).toBe(0);
    expect(resumed.report.totals.accepted).toBe(110);
    expectOnceEach(world, resumed.report);
  });

  test("when all are told is refused; --again, with a new name, tells everybody again", async () => {
    const world = await createWorld({ clients: { "gmail.com": 15, "example.org": 5 } });
    expect((await world.types("campaign.toml")).exit).toBe(0);
    const again = await world.types("campaign.toml");
    expect(again.exit).toBe(2);
    expect(again.stderr).toContain("--again");
    expect(world.log().length).toBe(20);
    const wanted = await world.types("campaign.toml", { again: "Once more" });
    expect(wanted.exit).toBe(0);
    expect(wanted.report.name).toBe("Once more");
    expect(wanted.report.totals.accepted).toBe(20);
    expect([...world.accepted().values()].every((times) => times === 2)).toBe(true);
    const third = await world.types("campaign.toml", { again: "Once more" });
    expect(third.exit).toBe(2);
    expect(world.log().length).toBe(40);
  });

  test("at the same time in two shells tells everybody once, and both say so", async () => {
    let both = false;
    const world = await createWorld({
      clients: { "gmail.com": 90, "yahoo.com": 60 },
      connections: 5,
      // Whoever comes first must not be done before the other has looked, however slow the machine is.
      scripts: { google: () => (both ? undefined : { delayMs: 100 }) },
    });
    const shells = [1, 2].map(() => world.spawn("send", "campaign.toml", "--yes", "--json"));
    for (const { child } of shells) {
      child.stderr?.on("data", (text: string) => {
        both ||= text.includes("Another process drives this database");
      });
    }
    const ended = await Promise.all(shells.map((shell) => shell.ended));
    for (const { exit, report } of ended.map(answered)) {
      expect(exit).toBe(0);
      expect(report.totals.accepted).toBe(150);
      expectOnceEach(world, report);
    }
    expect(both).toBe(true);
  });

  test("in two shells, of which the one that sends is killed, is taken over by the other", async () => {
    const world = await createWorld({
      clients: { "gmail.com": 90 },
      connections: 4,
      scripts: { google: combine(delayAll(20), acceptAll()) },
    });
    const first = world.spawn("send", "campaign.toml", "--yes");
    await world.whenAccepted(10);
    const second = world.types("campaign.toml");
    await world.whenAccepted(30);
    first.child.kill("SIGKILL");
    await first.ended;
    const { report } = await second;
    expect(report.totals.pending).toBe(0);
    expect(report.totals.uncertain).toBeLessThanOrEqual(8);
    expect([...world.accepted().values()].every((times) => times === 1)).toBe(true);
    expect(report.totals.accepted + report.totals.uncertain).toBe(90);
  });
});

test("two campaigns in one database do not disturb each other", async () => {
  const world = await createWorld({ clients: { "gmail.com": 20, "yahoo.com": 20 } });
  world.write("second.toml", campaignText({ name: "Another one" }));
  world.setScripts({ google: refuseAll("google-no-ptr") });
  expect((await world.types("campaign.toml")).exit).toBe(4);
  world.setScripts({});
  const second = await world.types("second.toml");
  expect(second.report.totals.accepted).toBe(40);
  expect(second.exit).toBe(0);
  const first = await world.typesResume({ campaign: "Server s12 is replaced" });
  expect(first.exit).toBe(0);
  expect(first.report.totals.accepted).toBe(40);
  expect([...world.accepted().values()].every((times) => times === 2)).toBe(true);
});
