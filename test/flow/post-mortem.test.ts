// After the day: the founding incident is played, and its post-mortem is written, compared with the one that the docs show,
// made a campaign, and read at the provider as a client reads it.
import { readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { simpleParser } from "mailparser";
import { expect, test } from "vitest";
import { report } from "../../src/cli/look.ts";
import type { PostMortemOptions } from "../../src/cli/post-mortem.ts";
import { check } from "../../src/cli/send.ts";
import { cancel } from "../../src/cli/steer.ts";
import { systemClock } from "../../src/clock.ts";
import { refuseAfter, refuseAll } from "../../src/sandbox/scripts.ts";
import { createShiftedClock } from "../world/clock.ts";
import { createWorld, expectTotalsAddUp, type Ran, type World } from "../world/world.ts";

const DOCS = path.resolve(import.meta.dirname, "../../docs");
/** When the team of 2017 began to notify its clients; in Paris it was 7:40. */
const BEGAN = Date.UTC(2017, 3, 28, 5, 40);
const CLIENTS = { "gmail.com": 120, "outlook.com": 60, "orange.fr": 40, "yahoo.com": 20 };

const CAMPAIGN = `name = "Server s12 was replaced"
template = "maintenance-scheduled"
audience = "clients.csv"
filter = { server = ["s12"] }
at = 2017-04-28T07:40:00
zone = "Europe/Paris"
[values]
window_start = 2017-04-28T20:00:00Z
window_end = 2017-04-28T20:07:00Z
`;

function csv(clients: Readonly<Record<string, number>>): string {
  const rows = Object.entries(clients).flatMap(([domain, count]) =>
    Array.from({ length: count }, (_, i) => {
      const french = domain === "orange.fr";
      return `client${i}@${domain},"Client, ${i}",${french ? "fr" : "en"},Europe/Paris,C-${domain}-${i},s12`;
    }),
  );
  return `email,name,locale,timezone,account,server\n${rows.join("\n")}\nelsewhere@gmail.com,E,en,UTC,C-0,s7\n`;
}

/** A clock that shows the morning of 28 April 2017 and goes on from there. */
function morning() {
  const clock = createShiftedClock();
  clock.forward(BEGAN + 1_000 - systemClock.now());
  return clock;
}

/** Gmail takes some and refuses then; 39 minutes later the record is published. */
async function incidentWorld(clients: Readonly<Record<string, number>>, takes: number) {
  const world = await createWorld({
    csv: csv(clients),
    clients,
    campaign: CAMPAIGN,
    routes: "each",
    // One connection, so that nothing else is on the wire when it stops, and the numbers are the same every time.
    connections: 1,
    keepMessages: true,
    scripts: { google: refuseAfter(takes, "google-ipv6-guidelines") },
  });
  const clock = morning();
  const held = await world.types("campaign.toml", { clock });
  expect([held.exit, held.stderr]).toEqual([4, expect.any(String)]);
  clock.forward(BEGAN + 39 * 60_000 - clock.now());
  return { world, clock };
}

function writes(world: World, options: PostMortemOptions, clock = systemClock): Promise<Ran> {
  return world.does((io, common) => report(io, undefined, { ...common, ...options }), clock);
}

/** The ids that a provider puts at the end of a reply differ each time. */
function normalised(text: string): string {
  return text.replace(/ [0-9a-z]+-20020a[0-9a-z]+si\d+\.\d+ - gsmtp/g, " ID - gsmtp");
}

test("the founding incident gives the post-mortem that the docs show", async () => {
  const { world, clock } = await incidentWorld(CLIENTS, 20);
  const before = await writes(world, { markdown: true }, clock);
  expect(before.stdout).toContain("It is not over: Gmail / Google Workspace is still stopped");
  world.setScripts({});
  const done = await world.typesResume({ clock });
  expect(done.exit).toBe(0);
  expectTotalsAddUp(done.report);
  // Over a minute's end the times would differ, and nothing else.
  clock.forward(BEGAN + 45 * 60_000 - clock.now());

  const markdown = await writes(world, { markdown: true }, clock);
  const html = await writes(world, { html: true }, clock);
  expect([markdown.exit, html.exit]).toEqual([0, 0]);
  for (const { stdout } of [markdown, html]) expect(stdout).not.toMatch(/client\d+@|@gmail\.com/);
  await expect(normalised(markdown.stdout)).toMatchFileSnapshot(path.join(DOCS, "post-mortem-example.md"));
  await expect(normalised(html.stdout)).toMatchFileSnapshot(path.join(DOCS, "post-mortem-example.html"));

  const file = world.path("post-mortem.html");
  const saved = await writes(world, { html: true, out: file }, clock);
  expect([saved.exit, saved.stdout]).toEqual([0, ""]);
  expect(readFileSync(file, "utf8")).toBe(html.stdout);
});

test("an incident report is written, checked, sent, and read by its clients in their languages", async () => {
  const { world, clock } = await incidentWorld({ "gmail.com": 30, "orange.fr": 6 }, 10);
  world.setScripts({});
  await world.typesResume({ clock });
  const before = new Map(["google", "orange"].map((id) => [id, world.log(id).length]));
  const incident = await writes(world, { incident: world.path("incident") }, clock);
  expect([incident.exit, incident.stderr]).toEqual([0, expect.stringContaining("only a person can judge")]);
  // Whoever has corrected it shall not find it overwritten.
  const twice = await writes(world, { incident: world.path("incident") }, clock);
  expect([twice.exit, twice.stderr]).toEqual([2, expect.stringContaining("is there already")]);
  expect(statSync(world.path("incident/clients.csv")).mode & 0o777).toBe(0o600);

  const checked = await world.does(
    (io, options) => check(io, world.path("incident/campaign.toml"), { ...options, json: true }),
    clock,
  );
  expect([
    checked.exit,
    JSON.parse(checked.stdout).findings.map(({ code }: { code: string }) => code),
  ]).toEqual([0, expect.not.arrayContaining(["render"])]);
  const told = await world.types("incident/campaign.toml", { clock });
  expect(told.exit).toBe(0);
  // The same audience and the same filter: the client of the other server is not among them.
  expect(told.report.totals).toMatchObject({ recipients: 36, accepted: 36 });
  const mails = await Promise.all(
    [...before]
      .flatMap(([id, count]) => world.log(id).slice(count))
      .flatMap(({ raw }) => (raw === undefined ? [] : [simpleParser(raw)])),
  );
  expect(mails).toHaveLength(36);
  const reader = (domain: string) => mails.find((mail) => JSON.stringify(mail.to).includes(domain));
  const english = reader("gmail.com");
  const french = reader("orange.fr");
  expect(english?.subject).toContain('Our notice "Server s12 was replaced" did not reach everybody in time');
  const flat = (text: string | undefined) => (text ?? "").replace(/\s+/g, " ");
  for (const part of [
    "A. THE SHORT VERSION",
    "From 05:40 UTC (07:40 Europe/Paris) on Gmail / Google Workspace did not accept our mail. It lasted until 06:19 UTC (08:19 Europe/Paris).",
    "3 of 36 addresses were refused at first, and 17 were told later than planned. 36 have the notice now.",
    "B. THE DETAILS",
    "The sending server's address has no reverse DNS name.",
    "- Mails that were refused: 3",
    "- 06:19 UTC (08:19 Europe/Paris): the mail to Gmail / Google Workspace goes on; 3 addresses to be sent to again",
  ])
    expect(flat(english?.text)).toContain(part);
  for (const part of [
    "A. EN BREF",
    "B. EN DÉTAIL",
    "n’avait pas de nom inverse dans le DNS",
    "Messages refusés : 3",
  ])
    expect(flat(french?.text)).toContain(part);
  expect(flat(french?.text)).not.toContain("The sending server");
  for (const mail of mails) expect(`${mail.html}`).toContain("Gmail / Google Workspace");
});

test("with --affected it goes to exactly those who were refused, told late, or are still untold", async () => {
  const { world, clock } = await incidentWorld({ "gmail.com": 30, "orange.fr": 6 }, 10);
  const first = new Set(world.accepted().keys());
  const refused = new Set(world.refused("google"));
  world.setScripts({ google: refuseAll("google-no-ptr") });
  await world.typesResume({ clock });
  await world.does((io, options) => cancel(io, undefined, options), clock);
  const ran = await writes(world, { incident: world.path("told"), affected: true }, clock);
  expect([ran.exit, ran.stderr]).toEqual([0, expect.any(String)]);
  const rows = readFileSync(world.path("told/affected.csv"), "utf8").trimEnd().split("\n");
  expect(rows[0]).toBe("email,name,account,locale,timezone,affected,server");
  const got = new Map(
    rows.slice(1).map((row) => [row.split(",")[0] ?? "", /(refused|late|untold),s12$/.exec(row)?.[1]]),
  );
  // Who was told before it stopped is not affected, all others are; there was nobody told after it.
  expect([...got.keys()].filter((address) => first.has(address))).toEqual([]);
  expect(got.size).toBe(36 - first.size);
  for (const address of refused) expect(got.get(String(address))).toBe("refused");
  expect([...got.values()].filter((how) => how === "untold")).toHaveLength(
    got.size - new Set([...refused, ...world.refused("google")]).size,
  );
  world.setScripts({});
  const toml = readFileSync(world.path("told/campaign.toml"), "utf8");
  expect(toml).toContain("# ended_at = not over yet");
  writeFileSync(
    world.path("told/campaign.toml"),
    toml.replace(/^short = """\n[\s\S]*?"""$/m, 'short = "In our words."'),
  );
  const told = await world.types("told/campaign.toml", { clock });
  expect([told.exit, told.report.totals.accepted]).toEqual([0, got.size]);
});

test("a campaign that nothing held says so in few words, and is no incident", async () => {
  const world = await createWorld({ clients: { "gmail.com": 8, "orange.fr": 4 } });
  await world.types("campaign.toml");
  const { exit, stdout } = await writes(world, { markdown: true });
  expect(exit).toBe(0);
  expect(stdout).toContain("- It was never held: no provider stood in its way.\n");
  expect(stdout).not.toContain("Hold:");
  expect(stdout.split("\n").length).toBeLessThan(35);
  const incident = await writes(world, { incident: world.path("incident") });
  expect([incident.exit, incident.stderr]).toEqual([
    2,
    expect.stringContaining("there is no incident to report"),
  ]);
  for (const wrong of [
    { markdown: true, html: true },
    { html: true, json: true },
    { out: "x" },
    { affected: true },
  ])
    expect((await writes(world, wrong)).exit).toBe(2);
});
