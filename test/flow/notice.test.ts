// What a client reads and what others are told of it: one mail an address with its accounts, in its language; the
// untold list, the outcome log, find, and the report's shape.
import { simpleParser } from "mailparser";
import { expect, test } from "vitest";
import { exportLog, find, report as reportCommand, untold } from "../../src/cli/look.ts";
import { refuseIf } from "../../src/sandbox/scripts.ts";
import { campaignText, createWorld, expectOnceEach, type World } from "../world/world.ts";

const CSV = `email,name,locale,timezone,account,server
zoë@gmail.com,Zoë,fr,Europe/Paris,C-0,s12
anna@gmail.com,Anna Müller,en,Europe/Berlin,C-1,s12
ANNA@gmail.com,Anna Müller,en,Europe/Berlin,C-2,s12
anna@gmail.com,Anna Müller,en,Europe/Berlin,C-3,s7
chloe@orange.fr,Chloé D'Été,fr,Europe/Paris,C-4,s12
li@yahoo.com,李雷,en,Asia/Tokyo,C-5,s12
li@yahoo.com,李雷,en,Asia/Tokyo,C-5,s12
post@bücher.example,Jörg,de,Europe/Berlin,C-6,s12
,Nobody,fr,Europe/Paris,C-7,s12
not-an-address,Broken,en,UTC,C-8,s12
elsewhere@gmail.com,Elsewhere,en,UTC,C-9,s7
`;

async function toldWorld(): Promise<World> {
  return createWorld({
    csv: CSV,
    keepMessages: true,
    campaign: campaignText({ above: 'filter = { server = ["s12"] }' }),
    scripts: { yahoo: refuseIf(() => true, "yahoo-user-unknown") },
  });
}

test("everybody of the filter gets one mail, with their accounts, in their language and time zone", async () => {
  const world = await toldWorld();
  const { exit, report, stderr } = await world.types("campaign.toml");
  expect([exit, stderr]).toEqual([0, expect.any(String)]);
  expect(report.totals).toMatchObject({ recipients: 5, accepted: 4, bounced: 1 });
  expectOnceEach(world, report);
  const mails = new Map(
    await Promise.all(
      world
        .log()
        .flatMap(({ recipient, raw }) =>
          raw === undefined ? [] : [simpleParser(raw).then((mail) => [String(recipient), mail] as const)],
        ),
    ),
  );
  const anna = mails.get("anna@gmail.com");
  expect(anna?.text).toContain("C-1");
  expect(anna?.text).toContain("C-2");
  expect(anna?.text).not.toContain("C-3");
  expect(anna?.text).toContain("Hello Anna Müller,");
  expect(anna?.html).toContain("C-2");
  const chloe = mails.get("chloe@orange.fr");
  expect(chloe?.text).toMatch(/Bonjour Chloé D'Été/);
  expect(chloe?.html).toMatch(/Chloé D(&#x27;|&#39;|')Été/);
  expect(chloe?.subject).not.toBe(anna?.subject);
  expect([...mails.keys()]).toContain("post@xn--bcher-kva.example");
  expect([...mails.keys()]).toContain("zoë@gmail.com");
  expect(mails.has("elsewhere@gmail.com")).toBe(false);
});

test("untold lists who was refused, who has no address and whose row was bad; find and the log know why", async () => {
  const world = await toldWorld();
  await world.types("campaign.toml");
  const list = await world.does((io, options) => untold(io, undefined, options));
  const lines = list.stdout.trimEnd().split("\n");
  expect(lines[0]).toContain("address,name,account,locale,timezone,provider,state,reason,why");
  expect(lines.slice(1).filter((line) => line.includes("li@yahoo.com"))).toHaveLength(1);
  expect(lines.find((line) => line.includes("Nobody"))).toContain("C-7");
  expect(list.stdout).toContain("not-an-address");
  expect(list.stdout).not.toContain("anna@gmail.com");
  expect(list.stdout).not.toContain("elsewhere");

  const log = await world.does((io, options) => exportLog(io, undefined, options));
  const events = log.stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(events).toHaveLength(5);
  for (const event of events)
    expect(Object.keys(event)).toEqual(
      "at campaign delivery attempt recipient provider event reply reason fault scope".split(" "),
    );
  expect(events.filter(({ event }) => event === "accepted")).toHaveLength(4);
  expect(events.find(({ provider }) => provider === "yahoo")).toMatchObject({
    recipient: "li@yahoo.com",
    reason: "user-unknown",
    fault: "address",
  });

  for (const asked of ["LI@yahoo.com", "C-5"]) {
    const found = await world.does((io, options) => find(io, asked, { ...options, json: true }));
    const { known, notices } = JSON.parse(found.stdout);
    expect(known).toBe(true);
    expect(notices[0]).toMatchObject({ address: "li@yahoo.com", state: "bounced" });
    expect(notices[0].attempts[0].reply).toContain("554 delivery error");
  }
  const nobody = await world.does((io, options) => find(io, "C-7", { ...options, json: true }));
  expect(JSON.parse(nobody.stdout).notices[0].state).toBe("no-address");
});

test("the report has the keys that others rely on, and no other", async () => {
  const world = await createWorld({
    clients: { "gmail.com": 30, "yahoo.com": 10 },
    scripts: { google: refuseIf(({ seen }) => seen > 10, "google-no-ptr") },
  });
  const sent = await world.types("campaign.toml");
  const { stdout } = await world.does((io, options) =>
    reportCommand(io, undefined, { ...options, json: true }),
  );
  const report = JSON.parse(stdout);
  expect(report).toEqual(sent.report);
  expect(Object.keys(report)).toEqual(["campaign", "name", "state", "totals", "lanes", "timeline"]);
  const totals =
    "recipients accepted handedOver bounced complained deferred uncertain suppressed expired cancelled pending";
  expect(Object.keys(report.totals).sort()).toEqual(totals.split(" ").sort());
  const [google, yahoo] = report.lanes;
  expect(Object.keys(google)).toEqual(["provider", "state", "totals", "hold"]);
  expect(Object.keys(yahoo)).toEqual(["provider", "state", "totals"]);
  expect(Object.keys(google.hold).sort()).toEqual(
    "advice at evidence fault leaked message reason scope tell".split(" "),
  );
  for (const entry of report.timeline) expect(Object.keys(entry).sort()).toEqual(["at", "event", "text"]);
  expect(Object.keys(google.totals).sort()).toEqual(totals.split(" ").sort());
});
