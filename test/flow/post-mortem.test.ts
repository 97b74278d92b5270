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
import { createShiftedClock, createWorld, expectTotalsAddUp, type Ran, type World } from "../world/world.ts";

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

function csv(): string {
  const rows = Object.entries(CLIENTS).flatMap(([domain, count]) =>
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

/** Gmail takes twenty and refuses then; 39 minutes later the record is published. */
async function incidentWorld() {
  const world = await createWorld({
    csv: csv(),
    campaign: CAMPAIGN,
    routes: "each",
    clients: CLIENTS,
    // One connection, so that nothing else is on the wire when it stops, and the numbers are the same every time.
    connections: 1,
    keepMessages: true,
    scripts: { google: refuseAfter(20, "google-ipv6-guidelines") },
  });
  world.write("clients.csv", csv());
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
  const { world, clock } = await incidentWorld();
  const before = await writes(world, { markdown: true }, clock);
  expect(before.stdout).toContain("It is not over: Gmail / Google Workspace is still stopped");
  world.setScripts({});
  const done = await world.typesResume({ clock });
  expect([done.exit, done.report.returned]).toEqual([0, undefined]);
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
