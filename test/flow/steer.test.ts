// Orders from another shell while mails go out, and Ctrl-C: what is on the wire settles, nothing begins after, and
// whoever goes on later writes to nobody twice.
import { expect, test } from "vitest";
import { status, untold } from "../../src/cli/look.ts";
import { resume } from "../../src/cli/resume.ts";
import { cancel, pause, stop } from "../../src/cli/steer.ts";
import { delayAll } from "../../src/sandbox/scripts.ts";
import { answered, createWorld, expectOnceEach, type Running, type World } from "../world/world.ts";

const CONNECTIONS = 4;

/** A process that sends, slowly enough to be met in the middle. */
async function sendingWorld(): Promise<{ world: World; sending: Running }> {
  const world = await createWorld({
    clients: { "gmail.com": 150 },
    connections: CONNECTIONS,
    scripts: { google: delayAll(40, "dot") },
  });
  const sending = world.spawn("send", "campaign.toml", "--yes", "--json");
  await world.whenAccepted(20);
  return { world, sending };
}

test("pause from another shell ends the sender with 4 in order, and resume finishes", async () => {
  const { world, sending } = await sendingWorld();
  const paused = await world.does((io, options) => pause(io, undefined, { ...options, json: true }));
  expect(paused.exit).toBe(0);
  const seen = world.log().length;
  const { exit, report } = answered(await sending.ended);
  expect(exit).toBe(4);
  expect(report.state).toBe("paused");
  // What was on the wire, and what each connection had begun before it heard of the order.
  expect(world.log().length - seen).toBeLessThanOrEqual(2 * CONNECTIONS);
  expect(report.totals).toMatchObject({ uncertain: 0, accepted: world.accepted().size });
  expectOnceEach(world, report);
  const again = await world.does((io, options) => pause(io, undefined, options));
  expect(again.exit).toBe(0);
  const resumed = await world.typesResume();
  expect(resumed.exit).toBe(0);
  expect(resumed.report.totals.accepted).toBe(150);
  expectOnceEach(world, resumed.report);
});

test("cancel from another shell lets the wire settle, and lists everybody who was not told", async () => {
  const { world, sending } = await sendingWorld();
  expect((await world.does((io, options) => cancel(io, undefined, options))).exit).toBe(0);
  const { exit, report } = answered(await sending.ended);
  expect(exit).toBe(0);
  expect(report.state).toBe("cancelled");
  expect(report.totals.pending + report.totals.uncertain).toBe(0);
  expect(report.totals.cancelled).toBe(150 - report.totals.accepted);
  expectOnceEach(world, report);
  const listed = await world.does((io, options) => untold(io, undefined, options));
  expect(listed.stdout.trimEnd().split("\n").length - 1).toBe(report.totals.cancelled);
  expect((await world.typesResume()).exit).toBe(2);
  expect(world.accepted().size).toBe(report.totals.accepted);
});

test("a provider held by hand stops there within a blink, for the next campaign too, and resume lets it go on", async () => {
  const { world, sending } = await sendingWorld();
  const held = await world.does((io, options) => pause(io, undefined, { ...options, provider: "google" }));
  expect(held.exit).toBe(0);
  const seen = world.log().length;
  const { exit, report } = answered(await sending.ended);
  expect(exit).toBe(4);
  expect(report.lanes[0]).toMatchObject({ provider: "google", state: "held", hold: { fault: "none" } });
  expect(world.log().length - seen).toBeLessThanOrEqual(2 * CONNECTIONS);
  const looked = await world.does((io, options) => status(io, undefined, options));
  expect(looked.stdout).toContain("google is held for every campaign");
  const unknown = await world.does((io, options) => pause(io, undefined, { ...options, provider: "gogle" }));
  expect(unknown.exit).toBe(2);
  const { exit: done } = await world.does((io, options) =>
    resume(io, undefined, { ...options, provider: "google", yes: true }),
  );
  expect(done).toBe(0);
  expect(world.accepted().size).toBe(150);
});

test("stop needs no name, and resume undoes it", async () => {
  const { world, sending } = await sendingWorld();
  expect((await world.does((io, options) => stop(io, options))).exit).toBe(0);
  const { exit, report } = answered(await sending.ended);
  expect(exit).toBe(4);
  expectOnceEach(world, report);
  expect(report.totals.accepted).toBeLessThan(150);
  const resumed = await world.typesResume();
  expect(resumed.exit).toBe(0);
  expect(resumed.report.totals.accepted).toBe(150);
  expectOnceEach(world, resumed.report);
});

test.each(["SIGINT", "SIGTERM"] as const)(
  "%s drains: 130, nothing uncertain, and send typed again finishes",
  async (signal) => {
    const { world, sending } = await sendingWorld();
    sending.child.kill(signal);
    const { exit, report, stderr } = answered(await sending.ended);
    expect(exit).toBe(130);
    expect(stderr).toContain("bellwether resume");
    expect(report).toMatchObject({
      state: "running",
      totals: { uncertain: 0, accepted: world.accepted().size },
    });
    expect(report.totals.accepted).toBeLessThan(150);
    expectOnceEach(world, report);
    const finished = signal === "SIGINT" ? await world.typesResume() : await world.types("campaign.toml");
    expect(finished.exit).toBe(0);
    expect(finished.report).toMatchObject({ state: "completed", totals: { accepted: 150 } });
    expectOnceEach(world, finished.report);
  },
);
