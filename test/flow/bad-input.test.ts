// Bad input of every kind: the message names the place and the remedy, nothing is sent, nothing is left half done,
// and the very same command goes through once the input is repaired.
import { mkdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { campaignText, createWorld, csvOf, type World } from "../world/world.ts";

interface Fault {
  /** What is wrong, as the test's name. */
  name: string;
  spoil: (world: World) => void;
  exit: 2 | 3;
  /** The place: file and line, or key. */
  names: RegExp[];
}

const GOOD_CSV = csvOf({ "gmail.com": 3, "yahoo.com": 2 });
const TEMPLATE = `title = "Ours"
description = "A template of this installation."
class = "service"
default_locale = "en"
[values]
window_start = { type = "datetime", required = true, description = "begin" }
window_end = { type = "datetime", required = true, description = "end" }
`;

function withTemplate(world: World, html: string, campaign = campaignText()): void {
  mkdirSync(world.path("templates/ours"), { recursive: true });
  world.write("templates/ours/template.toml", TEMPLATE);
  world.write("templates/ours/en.subject.hbs", "Maintenance");
  world.write("templates/ours/en.html.hbs", html);
  world.write("templates/ours/en.text.hbs", "Hello");
  world.write("campaign.toml", campaign.replace("maintenance-scheduled", "ours"));
}

const FAULTS: Fault[] = [
  {
    name: "a CSV with a quote that is never closed",
    spoil: (world) =>
      world.write("clients.csv", `email,name\na@gmail.com,A\nb@gmail.com,"B\nc@gmail.com,C\n`),
    exit: 2,
    names: [/clients\.csv, line 3/],
  },
  {
    name: "a CSV with text after a closing quote",
    spoil: (world) => world.write("clients.csv", `email,name\na@gmail.com,"A"x\nb@gmail.com,B\n`),
    exit: 2,
    names: [/clients\.csv, line 2/],
  },
  {
    name: "a CSV in Latin-1",
    spoil: (world) => world.write("clients.csv", Buffer.from("email,name\na@gmail.com,Zo\xeb\n", "latin1")),
    exit: 2,
    names: [/clients\.csv/, /line 2/, /UTF-8/],
  },
  {
    name: "a CSV in UTF-16",
    spoil: (world) => world.write("clients.csv", Buffer.from("\ufeffemail,name\na@gmail.com,A\n", "utf16le")),
    exit: 2,
    names: [/clients\.csv/, /UTF-8/],
  },
  {
    name: "a CSV without an email column",
    spoil: (world) => world.write("clients.csv", "mail address,name\na@gmail.com,A\n"),
    exit: 2,
    names: [/clients\.csv/, /email/],
  },
  {
    name: "a CSV with two email columns",
    spoil: (world) => world.write("clients.csv", "email,E-Mail\na@gmail.com,b@gmail.com\n"),
    exit: 2,
    names: [/clients\.csv/, /email/i],
  },
  {
    name: "an empty CSV",
    spoil: (world) => world.write("clients.csv", ""),
    exit: 2,
    names: [/clients\.csv/],
  },
  {
    name: "a CSV with a header alone",
    spoil: (world) => world.write("clients.csv", "email,name\n"),
    exit: 2,
    names: [/clients\.csv/],
  },
  {
    name: "a CSV of which no row can be taken",
    spoil: (world) => world.write("clients.csv", "email\nnobody\nno one\n"),
    exit: 2,
    names: [/clients\.csv|line 2/],
  },
  {
    name: "a CSV that is not there",
    spoil: (world) => world.write("campaign.toml", campaignText().replace("clients.csv", "client.csv")),
    exit: 2,
    names: [/client\.csv/],
  },
  {
    name: "a template that does not exist",
    spoil: (world) => world.write("campaign.toml", campaignText().replace("-scheduled", "-sheduled")),
    exit: 2,
    names: [/maintenance-sheduled/, /maintenance-scheduled/],
  },
  {
    name: "a template without a value that it requires",
    spoil: (world) => world.write("campaign.toml", campaignText().replace(/window_end.*/, "")),
    exit: 2,
    names: [/window_end/],
  },
  {
    name: "a value of the wrong kind",
    spoil: (world) =>
      world.write("campaign.toml", campaignText().replace(/window_end.*/, 'window_end = "soon"')),
    exit: 2,
    names: [/window_end/, /soon/],
  },
  {
    name: "a value that the template does not know",
    spoil: (world) =>
      world.write("campaign.toml", campaignText({ values: 'status_ulr = "https://x.example"' })),
    exit: 2,
    names: [/status_ulr/, /status_url/],
  },
  {
    name: "a template with a syntax error",
    spoil: (world) => withTemplate(world, "<p>Hello</p>\n<p>{{#if client.name}}</p>\n"),
    exit: 2,
    names: [/ours\/en\.html\.hbs/, /line \d/],
  },
  {
    name: "a template that asks for what no client has",
    spoil: (world) => withTemplate(world, "<p>{{client.nickname}}</p>\n"),
    exit: 3,
    names: [/nickname/],
  },
  {
    name: "a campaign file with an unknown key",
    spoil: (world) => world.write("campaign.toml", `tell_buy = 2030-01-01T00:00:00Z\n${campaignText()}`),
    exit: 2,
    names: [/campaign\.toml/, /campaign\.toml:1/, /tell_buy/, /tell_by/],
  },
  {
    name: "a campaign file that is no TOML",
    spoil: (world) => world.write("campaign.toml", campaignText().replace('audience = "', "audience = ")),
    exit: 2,
    names: [/campaign\.toml:3/],
  },
  {
    name: "a filter on a column that the audience does not have",
    spoil: (world) => world.write("campaign.toml", campaignText({ above: 'filter = { sever = ["s12"] }' })),
    exit: 2,
    names: [/sever/, /server/],
  },
  {
    name: "a filter that fits nobody",
    spoil: (world) => world.write("campaign.toml", campaignText({ above: 'filter = { server = ["s99"] }' })),
    exit: 3,
    names: [/nobody|no client|No client|0 addresses/],
  },
  {
    name: "a window that is over",
    spoil: (world) =>
      world.write(
        "campaign.toml",
        campaignText()
          .replace(/window_start.*/, "window_start = 2020-01-01T00:00:00Z")
          .replace(/window_end.*/, "window_end = 2020-01-01T01:00:00Z"),
      ),
    exit: 3,
    names: [/2020/],
  },
];

describe("send refuses", () => {
  test.each(FAULTS)("$name: where and what to do, nothing sent; repaired, it goes through", async (fault) => {
    const world = await createWorld({ csv: GOOD_CSV });
    fault.spoil(world);
    const refused = await world.types("campaign.toml");
    expectRefusal(world, refused, fault);
    world.write("clients.csv", GOOD_CSV);
    world.write("campaign.toml", campaignText());
    const sent = await world.types("campaign.toml");
    expect([sent.stderr, sent.exit]).toEqual([sent.stderr, 0]);
    expect(world.accepted().size).toBe(5);
    expect(world.log()).toHaveLength(5);
  });
});

describe("a configuration is refused", () => {
  const spoilt: [string, (text: string) => string, RegExp[]][] = [
    [
      "with an unknown key",
      (text) => text.replace("connections", "conections"),
      [/conections/, /connections/, /bellwether\.toml:\d+/],
    ],
    [
      "with a bad value",
      (text) => text.replace("connections = 20", "connections = 0"),
      [/connections/, /1/, /1000|1,000/],
    ],
    ["with an unknown section", (text) => `${text}\n[sever]\nlisten = "x"\n`, [/sever/, /server/]],
    ["with bad TOML", (text) => text.replace('from = "', "from = "), [/bellwether\.toml:2/]],
    ["without a sender", (text) => text.replace(/from = .*/, ""), [/from/]],
  ];
  test.each(spoilt)(
    "%s: key, place and range, nothing sent; repaired, it goes through",
    async (_, spoil, names) => {
      const world = await createWorld({ csv: GOOD_CSV });
      const { readFileSync } = await import("node:fs");
      const good = readFileSync(world.path("bellwether.toml"), "utf8");
      world.write("bellwether.toml", spoil(good));
      expectRefusal(world, await world.types("campaign.toml"), { exit: 2, names });
      world.write("bellwether.toml", good);
      const sent = await world.types("campaign.toml");
      expect([sent.stderr, sent.exit]).toEqual([sent.stderr, 0]);
      expect(world.log()).toHaveLength(5);
    },
  );

  test("from the built program too, with nothing on stdout but JSON and no stack trace", async () => {
    const world = await createWorld({ csv: "name\nA\n" });
    const refused = await world.run("send", "campaign.toml", "--yes", "--json");
    expectRefusal(world, refused, { exit: 2, names: [/clients\.csv/, /email/] });
    expect(JSON.parse(refused.stdout).error.code).toBe("csv-header");
    const unknown = await world.run("sent");
    expect(unknown.exit).toBe(2);
    expect(unknown.stderr).toContain("send");
  });
});

function expectRefusal(
  world: World,
  refused: { exit: number | null; stderr: string },
  { exit, names }: Pick<Fault, "exit" | "names">,
): void {
  expect([refused.stderr, refused.exit]).toEqual([refused.stderr, exit]);
  for (const name of names) expect(refused.stderr).toMatch(name);
  expect(refused.stderr).not.toMatch(/^\s+at .*[:(]/m);
  expect(refused.stderr).not.toContain("internal error");
  expect(refused.stderr.trim().split("\n").length).toBeGreaterThanOrEqual(2);
  expect(world.log()).toEqual([]);
}

describe("a draft that was refused", () => {
  const OVER = campaignText({ above: "valid_until = 2020-01-01T00:00:00Z" });

  test("takes a deadline that was repaired, though nothing else was", async () => {
    const world = await createWorld({ csv: GOOD_CSV, campaign: OVER });
    expect((await world.types("campaign.toml")).exit).toBe(3);
    world.write("campaign.toml", campaignText());
    const { exit, report } = await world.types("campaign.toml");
    expect(exit).toBe(0);
    expect(report.totals).toMatchObject({ accepted: 5, expired: 0 });
  });

  test("is not resumed with a file that asks for something else since", async () => {
    const world = await createWorld({ csv: GOOD_CSV, campaign: OVER });
    expect((await world.types("campaign.toml")).exit).toBe(3);
    world.write("campaign.toml", campaignText({ above: 'filter = { account = ["C-gmail.com-1"] }' }));
    const resumed = await world.typesResume();
    expect(resumed.exit).toBe(2);
    expect(resumed.stderr).toContain("Type `send` again");
    expect(world.log()).toEqual([]);
    expect((await world.types("campaign.toml")).report.totals.recipients).toBe(1);
  });

  test("does not make way for telling again who was told under the same name", async () => {
    const world = await createWorld({ csv: GOOD_CSV });
    expect((await world.types("campaign.toml")).exit).toBe(0);
    world.write("campaign.toml", campaignText({ above: 'filter = { server = ["s99"] }' }));
    expect((await world.types("campaign.toml")).exit).toBe(3);
    world.write("campaign.toml", campaignText());
    world.write("clients.csv", `${GOOD_CSV}new@gmail.com,New,C-9,s12\n`);
    const again = await world.types("campaign.toml");
    expect(again.exit).toBe(2);
    expect(again.stderr).toContain("twice");
    expect(world.log()).toHaveLength(5);
  });
});
