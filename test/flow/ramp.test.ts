// The ramp behind a relay, over real SMTP: the canary first, the smaller lanes after the first answer, the window grows by
// arrivals alone; and where nothing tells of arrivals, by the soak, if the sentinel has come back.
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { expect, onTestFinished, test } from "vitest";
import { SENTINEL_DOMAIN } from "../../src/delivery/sentinel.ts";
import { buildReport, type Report } from "../../src/report/report.ts";
import type { ProviderLogEntry } from "../../src/sandbox/provider-log.ts";
import { sendMail } from "../unit/sandbox/client.ts";
import { freePort } from "../world/services.ts";
import { createWorld, laneOf, launch, until, type World } from "../world/world.ts";

/** The world's server as a relay. */
async function relayWorld(
  clients: Readonly<Record<string, number>>,
  config: (world: World) => string,
): Promise<World> {
  const world = await createWorld({ clients });
  const text = readFileSync(world.path("bellwether.toml"), "utf8")
    .replace('feedback = "final"', 'feedback = "relay"')
    .replace("[sender]\n", '[sender]\nreturn_path = "bounces+{token}@bounces.example"\n');
  world.write("bellwether.toml", `${text}${config(world)}`);
  return world;
}

const isSentinel = ({ recipient }: ProviderLogEntry) => recipient?.endsWith(`@${SENTINEL_DOMAIN}`) === true;

/** Calls back for each mail that the relay took, once; until the test ends. */
function onTaken(world: World, tell: (entry: ProviderLogEntry) => void): void {
  let told = 0;
  const timer = setInterval(() => {
    const log = world.log();
    for (const entry of log.slice(told)) if (entry.outcome === "accepted") tell(entry);
    told = log.length;
  }, 20);
  onTestFinished(() => clearInterval(timer));
}

test("the largest lane's canary goes first, the others follow its first answer, and arrivals alone grow the window", async () => {
  const world = await relayWorld(
    { "gmail.com": 40, "yahoo.com": 12 },
    (one) => `[bounces.log]\nfile = ${JSON.stringify(one.path("mail.log"))}\n`,
  );
  writeFileSync(world.path("mail.log"), "");
  const waiting: ProviderLogEntry[] = [];
  let tells = false;
  const tell = (entry: ProviderLogEntry) => {
    const id = /queued as (\S+)/.exec(entry.reply)?.[1];
    const status = isSentinel(entry)
      ? "dsn=5.1.2, status=bounced (550 5.1.2 no such domain)"
      : "dsn=2.0.0, status=sent (250 2.0.0 OK)";
    appendFileSync(
      world.path("mail.log"),
      `${new Date().toISOString()} relay postfix/smtp[4]: ${id}: to=<${entry.recipient}>, relay=mx.example[192.0.2.7]:25, delay=1, ${status}\n`,
    );
  };
  onTaken(world, (entry) => (tells ? tell(entry) : waiting.push(entry)));
  const report = await world.open(async (app) => {
    const { id } = await launch(app, world.path("campaign.toml"));
    const driver = await app.drive(() => {});
    try {
      await until(
        "the canary is with the relay",
        async () => waiting.filter((one) => !isSentinel(one)).length >= 5,
      );
      // Time enough for more to leave, were it allowed.
      await app.clock.sleep(600);
      expect(world.accepted("google").size).toBe(5);
      expect(world.accepted("yahoo").size).toBe(0);
      const { lanes } = await buildReport(app.reports, id);
      // 5, 10, 20: three more rounds until the last may leave, of a minute each as long as nothing is learned.
      expect(laneOf({ lanes } as Report, "google").ramp).toMatchObject({
        window: 5,
        unconfirmed: 5,
        seconds: 180,
      });
      tells = true;
      for (const entry of waiting) tell(entry);
      await until("everybody is told", async () => (await buildReport(app.reports, id)).state !== "running");
    } finally {
      await driver?.drain();
    }
    return buildReport(app.reports, id);
  });
  expect(report).toMatchObject({ state: "completed", totals: { recipients: 52, accepted: 52 } });
  expect(report.sentinels).toMatchObject([{ status: "came-back", by: "log" }]);
  expect([...world.accepted().values()].every((times) => times === 1)).toBe(true);
});

/** What a relay sends to our listener of a mail that it could not pass on. */
async function bounce(port: number, { sender, recipient }: ProviderLogEntry): Promise<void> {
  const lines = [
    "From: MAILER-DAEMON@relay.example",
    `To: ${sender}`,
    `Message-ID: <${Math.random().toString(36).slice(2)}@relay.example>`,
    "Subject: Undelivered Mail Returned to Sender",
    "MIME-Version: 1.0",
    'Content-Type: multipart/report; report-type=delivery-status; boundary="b"',
    "",
    "--b",
    "Content-Type: text/plain",
    "",
    "It could not be delivered.",
    "--b",
    "Content-Type: message/delivery-status",
    "",
    "Reporting-MTA: dns; relay.example",
    "",
    `Final-Recipient: rfc822; ${recipient}`,
    "Action: failed",
    "Status: 5.1.2",
    "Diagnostic-Code: smtp; 550 5.1.2 no such domain",
    "",
    "--b--",
    "",
  ];
  await until("the listener takes it", async () => {
    const seen = await sendMail(port, { from: "", to: sender ?? "", text: lines.join("\r\n") });
    return seen.code === 250;
  });
}

test("where nothing tells of arrivals the soak alone confirms, once the sentinel has come back", async () => {
  const port = await freePort();
  const world = await relayWorld(
    { "gmail.com": 25 },
    () => `[ramp]\nsoak = "1s"\n[bounces.smtp]\nlisten = "127.0.0.1:${port}"\n`,
  );
  onTaken(world, (entry) => {
    if (isSentinel(entry)) void bounce(port, entry);
  });
  const report = await world.send();
  expect(report).toMatchObject({
    state: "completed",
    totals: { recipients: 25, handedOver: 25, bounced: 0 },
  });
  expect(report.timeline.filter((one) => one.event === "grown").map((one) => one.text)).toMatchObject([
    expect.stringContaining("10 may be out"),
    expect.stringContaining("20 may be out"),
    expect.stringContaining("40 may be out"),
  ]);
  expect(report.sentinels).toMatchObject([{ status: "came-back", by: "smtp" }]);
});

test("a sentinel that does not come back lets nothing grow: the lane is blind, and says why", async () => {
  const port = await freePort();
  const world = await relayWorld(
    { "gmail.com": 25 },
    () => `[ramp]\nsoak = "1s"\n[bounces.smtp]\nlisten = "127.0.0.1:${port}"\n`,
  );
  const report = await world.send();
  expect(report).toMatchObject({ state: "paused", totals: { handedOver: 5, pending: 20 } });
  const lane = laneOf(report, "google");
  expect(lane.state).toBe("blind");
  expect(lane.ramp?.why).toMatch(/nothing proves that those would be seen which come back\. The sentinel is/);
  expect(world.accepted("google").size).toBe(5);
});
