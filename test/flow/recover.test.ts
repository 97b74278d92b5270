// The repair, by the commands as they are typed, over real SMTP and a real DNS server: a cause that is still there is
// seen before a mail is sent, an organisation comes back by name, a text is corrected, and what came too late has an heir.
import { cpSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { report as reportCommand, untold } from "../../src/cli/look.ts";
import { revise } from "../../src/cli/revise.ts";
import { send } from "../../src/cli/send.ts";
import { buildReport } from "../../src/report/report.ts";
import { forDomains, refuseAfter, refuseAll } from "../../src/sandbox/scripts.ts";
import { createShiftedClock } from "../world/clock.ts";
import { type DnsServer, startDnsServer } from "../world/dns-server.ts";
import {
  answered,
  campaignText,
  createWorld,
  drive,
  expectOnceEach,
  laneOf,
  launch,
  until,
  type World,
  type WorldOptions,
} from "../world/world.ts";

const MINUTE_MS = 60_000;
const [IPV4, IPV6] = ["192.0.2.25", "2001:db8::25"];

/** Its DNS is a server of its own, its mail leaves from two addresses. */
async function worldWithDns(options: WorldOptions): Promise<{ world: World; dns: DnsServer }> {
  const dns = await startDnsServer();
  const world = await createWorld(options);
  configure(world, "127.0.0.1:9", dns.address);
  configure(world, "[sender]\n", `[sender]\naddresses = ["${IPV4}", "${IPV6}"]\n`);
  return { world, dns };
}

function configure(world: World, from: string, to: string): void {
  const file = "bellwether.toml";
  const text = readFileSync(world.path(file), "utf8");
  expect(text).toContain(from);
  world.write(file, text.replace(from, to));
}

function attempts(world: World, attempt: number): (string | null)[] {
  return world
    .log()
    .filter((one) => one.attempt === attempt)
    .map((one) => one.recipient)
    .sort();
}

describe("the incident: Gmail refuses an IPv6 address without reverse DNS", () => {
  async function incident(): Promise<{ world: World; dns: DnsServer; refused: (string | null)[] }> {
    const { world, dns } = await worldWithDns({
      clients: { "gmail.com": 30, "yahoo.com": 10 },
      connections: 3,
      scripts: { google: refuseAfter(10, "google-no-ptr") },
    });
    dns.setReverse(IPV4, "mail.hosting.example");
    expect((await world.types("campaign.toml")).exit).toBe(4);
    return { world, dns, refused: [...new Set(world.refused("google"))].sort() };
  }

  test("while the record is missing no mail is risked; once it is published exactly those return, once", async () => {
    const { world, dns, refused } = await incident();
    const heard = world.log().length;
    for (let i = 0; i < 2; i++) {
      const early = await world.typesResume();
      expect(early.exit).toBe(4);
      expect(early.stderr).toContain(`${IPV6} has no reverse DNS name: there is no PTR record at 5.2.0.0.`);
      expect(early.stderr).toContain('--override reverse-dns-missing="why"');
      expect(laneOf(early.report, "google").state).toBe("held");
    }
    expect(world.log().length).toBe(heard);
    dns.setReverse(IPV6, "mail.hosting.example");
    world.setScripts({});
    const late = await world.typesResume();
    expect(late.exit).toBe(0);
    expect(late.stderr).toContain("every address has a name that leads back to it");
    expect(late.report.state).toBe("completed");
    expect(attempts(world, 2)).toEqual(refused);
    expect(late.report.timeline.map((one) => one.event)).toContain("recheck");
    expectOnceEach(world, late.report);
    for (let i = 0; i < 2; i++) expect((await world.typesResume()).exit).toBe(0);
    expectOnceEach(world, late.report);
  });

  test("a person may go on in spite of it; what then fails asks for a minute's wait, and a person may shorten that", async () => {
    const { world, refused } = await incident();
    const heard = world.log().length;
    const override = ["reverse-dns-missing=Gmail gets its mail by IPv4 now"];
    const first = await world.typesResume({ override });
    expect(first.exit).toBe(4);
    expect(world.log().length).toBe(heard + 1);
    expect(first.report.timeline.find((one) => one.event === "override")?.text).toMatch(
      /no reverse DNS name.* was overridden: Gmail gets its mail by IPv4 now$/,
    );
    const { hold } = laneOf(first.report, "google");
    expect(Date.parse(hold?.resumeFrom ?? "") - Date.parse(hold?.at ?? "")).toBe(MINUTE_MS);
    expect(first.stderr).toContain("Another one makes sense from");
    const tooEarly = await world.typesResume({ override, asked: "no" });
    expect(tooEarly.exit).toBe(4);
    expect(tooEarly.stderr).toMatch(
      /refused the last trial too: another one makes sense from .* \(in 1 min\)/,
    );
    expect(world.log().length).toBe(heard + 1);
    for (const [i, how] of [{ asked: "yes" } as const, { yes: true }, {}].entries()) {
      const shortened = await world.typesResume({ override, ...how });
      expect(laneOf(shortened.report, "google").hold?.resumeFrom).toBeDefined();
      expect(world.log().length).toBe(heard + 2 + i);
    }
    world.setScripts({});
    const clock = createShiftedClock();
    clock.forward(20 * MINUTE_MS);
    const { exit, report } = await world.typesResume({ override, clock, asked: "no" });
    expect(exit).toBe(0);
    expect(report.totals.accepted).toBe(40);
    expect(refused.length).toBeGreaterThan(2);
    expectOnceEach(world, report);
  });

  test("behind a loopback relay of which nobody says from where it sends, nothing is held against anybody", async () => {
    const world = await createWorld({
      clients: { "gmail.com": 8 },
      scripts: { google: refuseAll("google-no-ptr") },
    });
    expect((await world.types("campaign.toml")).exit).toBe(4);
    world.setScripts({});
    const { exit, stderr } = await world.typesResume();
    expect(stderr).toContain("From which addresses mail leaves is not configured");
    expect(exit).toBe(0);
  });
});

test("an organisation that refuses us is named, with the words for its administrator, and comes back by name alone", async () => {
  const rule =
    "550 5.7.1 TRANSPORT.RULES.RejectMessage; the message was rejected by organization policy [a.prod.outlook.com]";
  const { world, dns } = await worldWithDns({
    clients: { "dupont.example": 6, "durand.example": 6, "gmail.com": 4 },
    connections: 1,
    scripts: { other: forDomains(["dupont.example"], refuseAll(rule)) },
  });
  for (const name of ["dupont", "durand"])
    dns.set("MX", `${name}.example`, `${name}.mail.protection.outlook.com`);
  const sent = await world.types("campaign.toml");
  expect(sent.report.state).toBe("completed-with-failures");
  const lane = laneOf(sent.report, "microsoft365");
  expect(lane.totals.accepted).toBe(6);
  // Two decide, and one more was granted to the connection by then.
  expect(lane.totals.bounced).toBeLessThanOrEqual(3);
  expect(lane.totals.bounced + lane.totals.suppressed).toBe(6);
  expect(sent.report.organisations).toMatchObject([{ organisation: "dupont.example", addresses: 6 }]);
  const ask = sent.report.organisations?.[0]?.ask ?? "";
  for (const part of ["support@hosting.example", IPV4, IPV6, "TRANSPORT.RULES.RejectMessage"])
    expect(ask).toContain(part);
  const text = (await world.does((io, options) => reportCommand(io, "1", options))).stdout;
  expect(text).toContain("bellwether resume 1 --organisation dupont.example");
  const list = (await world.does((io, options) => untold(io, "1", options))).stdout;
  const admit = `its administrator must allow our mail (from support@hosting.example, sent by ${IPV4} and ${IPV6})`;
  expect(list.split("\n").filter((line) => line.includes(admit))).toHaveLength(6);

  const all = await world.typesResume();
  expect(all.report.totals.accepted).toBe(10);
  const wrong = await world.typesResume({ organisation: "durand.example" });
  expect(wrong.exit).toBe(2);
  expect(wrong.stderr).toContain("Those that refused it are: dupont.example.");
  world.setScripts({});
  const { exit, report } = await world.typesResume({ organisation: "dupont.example" });
  expect(exit).toBe(0);
  expect(report).toMatchObject({ state: "completed", totals: { accepted: 16 } });
  expect(report.organisations).toBeUndefined();
  for (const times of world.accepted().values()) expect(times).toBe(1);
  const twice = await world.typesResume({ organisation: "dupont.example" });
  expect(twice.exit).toBe(2);
  expect(world.accepted().size).toBe(16);
});

test("a text that is refused is corrected: exactly those who missed it get the new one, and nobody gets both", async () => {
  const world = await createWorld({
    clients: { "orange.fr": 20, "gmail.com": 10 },
    connections: 2,
    keepMessages: true,
    scripts: { orange: refuseAfter(6, "orange-spam") },
  });
  const file = world.path("campaign.toml");
  const type = async (more: { yes?: boolean } = {}) =>
    world.does((io, options) => revise(io, file, { ...options, ...more, json: true }));
  const held = await world.types("campaign.toml");
  expect(laneOf(held.report, "orange").hold).toMatchObject({ reason: "spam", fault: "content" });
  expect((await type()).stderr).toContain("Nothing has changed");

  const corrected = campaignText({ values: 'reason = "The disks are replaced by new ones."\n' });
  world.write("campaign.toml", corrected.replace("[values]", 'filter = { server = ["s13"] }\n[values]'));
  expect(await type()).toMatchObject({ exit: 2, stderr: expect.stringContaining("another filter") });
  world.write("campaign.toml", `${corrected}contact = 7\n`);
  expect(await type()).toMatchObject({ exit: 2, stderr: expect.stringContaining('"contact" wants a text') });
  world.write("campaign.toml", corrected);
  const asked = await type();
  expect(asked).toMatchObject({ exit: 2, stdout: "" });
  expect(asked.stderr).toContain("--- revision 1\n+++ revision 2\n@@ ");
  expect(asked.stderr).toContain("\n+The disks are replaced by new ones.\n");
  expect(asked.stderr).toContain("Nobody said yes to the new text");
  const approved = await type({ yes: true });
  expect(approved.exit).toBe(0);
  const answer = JSON.parse(approved.stdout);
  expect(answer).toMatchObject({ campaign: 1, revision: 2, diff: [{ locale: "en", html: true }] });
  expect(answer.diff[0].diff).toContain("+The disks are replaced by new ones.");
  expect((await type({ yes: true })).stderr).toContain("Nothing has changed: revision 2");
  expect(laneOf((await world.types("campaign.toml")).report, "orange").state).toBe("held");

  world.setScripts({});
  const { exit, report } = await world.typesResume();
  expect(exit).toBe(0);
  expectOnceEach(world, report);
  const mails = world.log().filter((one) => one.outcome === "accepted");
  const told = mails.filter((one) => String(one.raw).includes("The disks are replaced by new ones."));
  expect(mails).toHaveLength(30);
  expect(told).toHaveLength(14);
  expect(new Set(told.map((one) => one.provider))).toEqual(new Set(["orange"]));
  expect(report.timeline.map((one) => one.event)).toContain("revised");
});

test("a revision while it runs leaves no mail of the old text behind it, but for those on the wire", async () => {
  const world = await createWorld({
    clients: { "gmail.com": 150 },
    connections: 4,
    replyDelayMs: 10,
    keepMessages: true,
  });
  await world.open(async (app) => {
    const { id } = await launch(app, world.path("campaign.toml"));
    const done = drive(app, id, (report) => report.state !== "running");
    await world.whenAccepted(40);
    world.write("campaign.toml", campaignText({ values: 'reason = "Second edition."\n' }));
    const file = world.path("campaign.toml");
    expect((await world.does((io, options) => revise(io, file, { ...options, yes: true }))).exit).toBe(0);
    const seen = world.log().length;
    const report = await done;
    const texts = world.log().map((one) => String(one.raw).includes("Second edition."));
    // Each connection has one mail on the wire and one that was granted.
    expect(texts.slice(seen).filter((isNew) => !isNew).length).toBeLessThanOrEqual(2 * 4);
    expect(texts.filter(Boolean).length).toBeGreaterThan(50);
    expectOnceEach(world, report);
  });
});

test("after its time a notice is not sent, and its follow-up is ready for exactly those who missed it", async () => {
  const world = await createWorld({
    csv: 'email,name,account,server,"who, exactly"\n"=odd@gmail.com",Élise,C-1,s12,"a ""b"""\nb@gmail.com,Bruno,C-2,s12,\nc@gmail.com,Chloé,C-3,s13,\n,Dan,C-4,s12,\nd@yahoo.com,Dora,C-5,s12,\n',
    campaign: campaignText({ above: 'filter = { server = ["s12"] }' }),
    connections: 1,
    scripts: { google: refuseAll("google-no-ptr") },
  });
  await world.types("campaign.toml");
  const clock = createShiftedClock();
  clock.forward(8 * 24 * 60 * MINUTE_MS);
  world.setScripts({});
  for (let i = 0; i < 2; i++) {
    const over = await world.typesResume({ clock });
    expect(over.exit).toBe(0);
    expect(over.stderr).toContain("nobody is sent it any more");
    expect(over.stderr).toContain("`bellwether untold 1 --follow-up FOLDER`");
    expect(over.report).toMatchObject({
      state: "completed-with-failures",
      totals: { accepted: 1, bounced: 2 },
    });
  }
  const folder = world.path("after");
  const write = (template: string) =>
    world.does((io, options) => untold(io, "1", { ...options, followUp: folder, template }), clock);
  expect((await write("nothing-like-this")).exit).toBe(2);
  expect(await write("incident-report")).toMatchObject({
    exit: 0,
    stderr: expect.stringContaining('3 clients have not got "Server s12 is replaced"'),
  });
  expect((await write("incident-report")).stderr).toContain("is there already");
  expect(readFileSync(path.join(folder, "untold.csv"), "utf8")).toBe(
    'email,name,account,server,"who, exactly"\n=odd@gmail.com,Élise,C-1,s12,"a ""b"""\nb@gmail.com,Bruno,C-2,s12,\n,Dan,C-4,s12,\n',
  );
  // Beyond the template's values nothing is edited.
  const draft = readFileSync(path.join(folder, "follow-up.toml"), "utf8");
  const given = draft
    .replace('# incident = "..."', 'incident = "Server s12 was replaced"')
    .replace('# short = "..."', 'short = "It is done."')
    .replace("# started_at =", "started_at =");
  expect(given.match(/^(?:incident|short|started_at) = /gm)).toHaveLength(3);
  cpSync(folder, world.path("sent"), { recursive: true });
  world.write("sent/follow-up.toml", given);
  const before = world.accepted().size;
  const sent = answered(
    await world.does(
      (io, options) => send(io, world.path("sent/follow-up.toml"), { ...options, yes: true, json: true }),
      clock,
    ),
  );
  expect(sent.exit).toBe(0);
  expect(sent.report).toMatchObject({ name: "Server s12 is replaced (follow-up)", totals: { accepted: 2 } });
  expect([...world.accepted().keys()].slice(before).sort()).toEqual(["=odd@gmail.com", "b@gmail.com"]);
});

test("a lane that was repaired while another process sends goes on there, however often resume is typed", async () => {
  const world = await createWorld({
    clients: { "gmail.com": 60, "yahoo.com": 8 },
    connections: 2,
    replyDelayMs: 10,
    routes: "each",
    scripts: { yahoo: refuseAll("yahoo-permanently-deferred") },
  });
  await world.open(async (app) => {
    const { id } = await launch(app, world.path("campaign.toml"));
    const done = drive(app, id, (report) => report.state !== "running");
    await until("Yahoo is held", async () => {
      const { lanes } = await buildReport(app.reports, id);
      return lanes.some((lane) => lane.provider === "yahoo" && lane.state === "held");
    });
    world.setScripts({});
    await Promise.all([1, 2, 3].map(() => world.typesResume({ yes: true })));
    const report = await done;
    expect(report.state).toBe("completed");
    expectOnceEach(world, report);
  });
  for (let i = 0; i < 2; i++) expect((await world.typesResume()).exit).toBe(0);
  expect([...world.accepted().values()].every((times) => times === 1)).toBe(true);
  expect(world.accepted().size).toBe(68);
});
