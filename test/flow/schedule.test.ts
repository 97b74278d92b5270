// A campaign that begins at a moment: it waits, whoever watches; begins once, by what is true then; and what nobody
// began in time is left to a person.
import DatabaseFile from "better-sqlite3";
import { expect, test } from "vitest";
import { report as reportCommand, status, untold } from "../../src/cli/look.ts";
import { check } from "../../src/cli/send.ts";
import { cancel, pause, stop } from "../../src/cli/steer.ts";
import { systemClock } from "../../src/clock.ts";
import { createShiftedClock } from "../world/clock.ts";
import {
  answered,
  campaignText,
  createWorld,
  drive,
  expectOnceEach,
  launch,
  until,
  type World,
  type WorldOptions,
} from "../world/world.ts";

const HOUR_MS = 3_600_000;
const CLIENTS = 6;

const inMs = (ms: number) => new Date(systemClock.now() + ms).toISOString();
const fileFor = (at: string | null, name?: string) =>
  campaignText({ above: at === null ? "" : `at = ${at}`, ...(name === undefined ? {} : { name }) });

function scheduledWorld(at: string, options: WorldOptions = {}): Promise<World> {
  return createWorld({ clients: { "gmail.com": CLIENTS }, campaign: fileFor(at), ...options });
}

/** `send` in a process of its own, until it waits. */
async function waitingSend(world: World) {
  const sending = world.spawn("send", "campaign.toml", "--yes", "--json");
  let said = "";
  sending.child.stderr?.on("data", (text: string) => {
    said += text;
  });
  await until("it waits", async () => said.includes("Starts "));
  return sending;
}

test("nothing goes out before its moment, and then everybody is told who may be told by then", async () => {
  const world = await scheduledWorld(inMs(HOUR_MS));
  const clock = createShiftedClock();
  await world.open(async (app) => {
    const { id } = await launch(app, world.path("campaign.toml"));
    const driver = await app.drive(() => {});
    const db = new DatabaseFile(world.path("data/bellwether.db"));
    db.prepare(
      `INSERT INTO suppression (key, address, reason, provisional, since) VALUES (?, ?, 'user-unknown', 0, ?)`,
    ).run("client0@gmail.com", "client0@gmail.com", new Date(systemClock.now()).toISOString());
    db.close();
    clock.forward(HOUR_MS / 2);
    // Several looks at the time.
    await systemClock.sleep(600);
    expect((await app.campaigns.find({ id }))?.state).toBe("scheduled");
    expect(world.log()).toEqual([]);
    clock.forward(HOUR_MS / 2);
    await until("it began", async () => (await app.campaigns.find({ id }))?.state !== "scheduled");
    await driver?.drain();
    const report = await drive(app, id, ({ state }) => state !== "running");
    expect(report.totals).toMatchObject({ recipients: CLIENTS, accepted: CLIENTS - 1, suppressed: 1 });
    expect("start" in report).toBe(false);
    expectOnceEach(world, report);
  }, clock);
});

test("Ctrl-C leaves it scheduled and says how it goes on, and resume begins it at its moment", async () => {
  const at = inMs(HOUR_MS);
  const world = await scheduledWorld(at);
  const { child, ended } = await waitingSend(world);
  child.kill("SIGINT");
  const { exit, stderr, report } = answered(await ended);
  expect([exit, report.state, report.start]).toEqual([130, "scheduled", { at, zone: "UTC" }]);
  expect(stderr).toMatch(/Starts \d+ \w+ \d{4} \d\d:\d\d:\d\d UTC \(in \d+ min\)\./);
  expect(stderr).toMatch(/It stays scheduled: `bellwether serve` or `bellwether resume` must run/);
  const shown = await world.does((io, options) => status(io, undefined, options));
  expect(shown.stdout).toMatch(/: scheduled, begins on .* UTC \(in \d+ min\)/);
  const text = await world.does((io, options) => reportCommand(io, undefined, options));
  expect(text.stdout).toMatch(/is scheduled: nothing was sent yet\.\nIt begins on /);

  const clock = createShiftedClock();
  const resumed = world.typesResume({ clock });
  await systemClock.sleep(500);
  expect(world.log()).toEqual([]);
  clock.forward(HOUR_MS);
  const { exit: end, report: told } = await resumed;
  expect([end, told.state, told.totals.accepted]).toEqual([0, "completed", CLIENTS]);
  expectOnceEach(world, told);
});

test("send typed again puts it off, or begins it at once where the file has no moment any more", async () => {
  const world = await scheduledWorld(inMs(HOUR_MS));
  await world.open((app) => launch(app, world.path("campaign.toml")));
  const later = inMs(5 * HOUR_MS);
  world.write("campaign.toml", fileFor(later));
  const { child, ended } = await waitingSend(world);
  child.kill("SIGINT");
  const again = answered(await ended);
  expect(again.stderr).toMatch(/is scheduled anew, in place of \d/);
  expect(again.report).toMatchObject({ state: "scheduled", start: { at: later } });
  expect(again.report.timeline.map(({ event }) => event)).toEqual(["scheduled", "scheduled"]);

  world.write("campaign.toml", fileFor(null));
  const { exit, stderr, report } = await world.types("campaign.toml");
  expect([exit, report.state]).toEqual([0, "completed"]);
  expect(stderr).toContain("has no `at` any more: it begins now");
  expectOnceEach(world, report);
});

test("what has begun goes on when send is typed again, however long its moment is past", async () => {
  const world = await scheduledWorld(inMs(HOUR_MS));
  const clock = createShiftedClock();
  await world.open(async (app) => {
    const { id } = await launch(app, world.path("campaign.toml"));
    clock.forward(HOUR_MS);
    await drive(app, id, ({ state }) => state === "running");
  }, clock);
  clock.forward(2 * HOUR_MS);
  const { exit, report } = await world.types("campaign.toml", { clock });
  expect([exit, report.state, report.totals.accepted]).toEqual([0, "completed", CLIENTS]);
  expectOnceEach(world, report);
});

test("paused or stopped it is not begun, resumed in time it waits again, and cancelled it never begins", async () => {
  const world = await scheduledWorld(inMs(HOUR_MS));
  const clock = createShiftedClock();
  const stateNow = () => world.open(async (app) => (await app.campaigns.find("latest"))?.state);
  await world.open((app) => launch(app, world.path("campaign.toml")));
  const paused = await world.does((io, options) => pause(io, undefined, options));
  expect([paused.exit, paused.stderr]).toEqual([0, expect.stringContaining("before it has begun")]);
  await world.open((app) => app.campaigns.steer(1, { do: "resume", provider: null }));
  expect(await stateNow()).toBe("scheduled");
  const stopped = await world.does((io, options) => stop(io, options));
  expect([stopped.stderr, await stateNow()]).toEqual([expect.stringContaining("Stopped:"), "paused"]);

  clock.forward(2 * HOUR_MS);
  const first = await world.typesResume({ clock });
  expect([first.exit, first.report.state]).toEqual([4, "paused"]);
  expect(first.stderr).toContain("`resume` once more starts it now");
  expect(first.report.timeline.at(-1)?.text).toContain("and it was paused then");
  expect((await world.does((io, options) => cancel(io, undefined, options))).exit).toBe(0);
  expect((await world.typesResume({ clock })).exit).toBe(2);
  const list = await world.does((io, options) => untold(io, undefined, options));
  expect(list.stdout.trimEnd().split("\n")).toHaveLength(1 + CLIENTS);
  expect(list.stdout).toContain("Not sent: the campaign was cancelled before.");
  const again = await world.types("campaign.toml");
  expect([again.exit, again.stderr]).toEqual([
    2,
    expect.stringContaining("before it had begun: nobody was told"),
  ]);
  expect(world.log()).toEqual([]);
});

test("a moment that has passed is refused with its line; one after tell_by is told, and hinders nothing", async () => {
  const world = await scheduledWorld(inMs(-20 * 60_000));
  const past = await world.types("campaign.toml");
  expect(past.exit).toBe(2);
  expect(past.stderr).toMatch(/campaign\.toml:4: at has passed: .*\n {2}Write another at/);
  const checked = await world.does((io, options) => check(io, world.path("campaign.toml"), options));
  expect(checked.exit).toBe(2);

  const above = `at = ${inMs(2 * HOUR_MS)}\ntell_by = ${inMs(HOUR_MS)}`;
  world.write("campaign.toml", campaignText({ above }));
  const found = await world.does((io, options) =>
    check(io, world.path("campaign.toml"), { ...options, json: true }),
  );
  expect(found.exit).toBe(0);
  const { findings } = JSON.parse(found.stdout);
  expect(findings.map(({ code }: { code: string }) => code)).toContain("tell-by-past");

  world.write("campaign.toml", fileFor(inMs(-60_000), "Begins at once"));
  const { exit, report } = await world.types("campaign.toml");
  expect([exit, report.state]).toEqual([0, "completed"]);
});
