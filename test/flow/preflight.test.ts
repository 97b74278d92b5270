// A campaign folder with much wrong in it: `check --json` names all of it, blockers first, and nothing of it in a good
// one.
import { mkdirSync } from "node:fs";
import { expect, test } from "vitest";
import type { Bellwether } from "../../src/application.ts";
import type { Finding } from "../../src/campaign/preflight/finding.ts";
import { withBellwether } from "../../src/cli/open.ts";
import { check } from "../../src/cli/send.ts";
import { campaignText, createWorld, launch, type World } from "../world/world.ts";

async function checked(
  world: World,
  file = "campaign.toml",
): Promise<{ exit: number | null; findings: Finding[] }> {
  const ran = await world.does((io, options) => check(io, world.path(file), { ...options, json: true }));
  return { exit: ran.exit, findings: JSON.parse(ran.stdout).findings };
}

/** What is said of the sender in a world without DNS is another test's. */
const OF_THE_SENDER = new Set(["dns-unanswered", "sender-addresses-unknown"]);
const codes = (findings: readonly Finding[]) =>
  findings.map((one) => one.code).filter((code) => !OF_THE_SENDER.has(code));

const TEMPLATE = `title = "Ours"
description = "A template of this installation."
class = "optional"
default_locale = "en"
[values]
window_start = { type = "datetime", required = true, description = "begin" }
window_end = { type = "datetime", required = true, description = "end" }
`;

function withTemplate(world: World, html: string, subject = "Maintenance"): void {
  mkdirSync(world.path("templates/ours"), { recursive: true });
  world.write("templates/ours/template.toml", TEMPLATE);
  world.write("templates/ours/en.subject.hbs", subject);
  world.write("templates/ours/en.html.hbs", html);
  world.write("templates/ours/en.text.hbs", '{{optional "nothing"}}');
  world.write("campaign.toml", campaignText().replace("maintenance-scheduled", "ours"));
}

test("what is wrong with the mails is named, and refuses where it is certain", async () => {
  const rows = Array.from(
    { length: 30 },
    (_, i) => `client${i}@gmail.com,${"x".repeat(i * 1_000)},${i < 25 ? "" : "s12"}`,
  );
  const world = await createWorld({ csv: `email,note,server\n${rows.join("\n")}\n`, sizeLimit: 25_000 });
  withTemplate(
    world,
    '<p>{{note_or_not}}</p><a href="/login">in</a><img src="http://example.com/logo.png">{{optional "note"}}'.replace(
      "{{note_or_not}}",
      '{{#if (has "server")}}{{missing}}{{/if}}',
    ),
    `Maintenance ${"of many servers ".repeat(5)}`,
  );
  const { exit, findings } = await checked(world);
  expect(exit).toBe(3);
  const severities = findings.map((one) => one.severity);
  expect(severities).toEqual(
    [...severities].sort((a, b) => "bwi".indexOf(a[0] ?? "") - "bwi".indexOf(b[0] ?? "")),
  );
  expect(codes(findings)).toEqual(
    expect.arrayContaining([
      "render-failed",
      "link-relative",
      "mail-over-limit",
      "link-not-https",
      "text-missing",
      "image-without-alt",
      "subject-long",
    ]),
  );
  const relative = findings.find((one) => one.code === "link-relative");
  expect(relative?.message).toContain("25 mails");
  expect(relative?.hint).toContain("and 5 more");
  const large = findings.find((one) => one.code === "mail-over-limit");
  expect(large).toMatchObject({ severity: "blocker", basis: "measured" });
  expect(large?.hint).toContain("client24@gmail.com");
  expect(large?.message).toContain("24.4 kB");
  expect(findings.find((one) => one.code === "render-failed")?.message).toContain("5 of 30");
});

test("what is odd about audience, time and former campaigns is named, and refuses nothing", async () => {
  const world = await createWorld({
    csv: `email,server\n${Array.from({ length: 120 }, (_, i) => `client${i}@gmail.com,s12\n`).join("")}info@gmial.com,s12\nx@yaho.fr,s12\ngone@yahoo.com,s12\ngone@orange.fr,s13\n`,
    config: 'rate = "1/min"\ndaily_limit = 100\n',
  });
  const endsMs = Date.now() + 60 * 60_000;
  const text = campaignText().replace(
    "[values]",
    `filter = { server = ["s12"] }\ntell_by = ${new Date(endsMs).toISOString()}\n[values]`,
  );
  world.write("campaign.toml", text);
  const open = (work: (app: Bellwether) => Promise<void>) =>
    world.does(async (io, options) => withBellwether(io, options, async (app) => work(app).then(() => 0)));
  await open(async (app) => {
    for (const address of ["gone@yahoo.com", "gone@orange.fr"])
      await app.suppressions.add({ address, key: address, templateClass: "", note: "asked" });
    await app.providerHolds.hold("google", "we ask Gmail first");
    await launch(app, world.path("campaign.toml"));
  });
  world.write("campaign.toml", text.replace(/^name = .*$/m, 'name = "The same once more"'));
  const { exit, findings } = await checked(world);
  expect(exit).toBe(0);
  expect(codes(findings)).toEqual([
    "domain-mistyped",
    "deadline-too-near",
    "told-before",
    "provider-held",
    "suppressed",
    "role-addresses",
    "audience-shares",
    "alert-none",
  ]);
  const said = (code: string) => findings.find((one) => one.code === code)?.message;
  expect(said("domain-mistyped")).toContain("gmial.com (gmail.com?), yaho.fr (yahoo.fr?)");
  // The filter leaves the other one out.
  expect(said("suppressed")).toContain("1 of 123 addresses");
  expect(said("deadline-too-near")).toContain("100 a day");
  expect(said("provider-held")).toContain("120 mails wait");
});

test("a good campaign has none of these findings", async () => {
  const world = await createWorld({ clients: { "gmail.com": 3, "yahoo.com": 2 }, sizeLimit: 1_000_000 });
  const { exit, findings } = await checked(world);
  expect(exit).toBe(0);
  expect(codes(findings)).toEqual(["alert-none"]);
});
