// Reports that come when nobody waits for them: together with the relay's own answer, after the end, and about an
// attempt that is past. In the end each client stands where its mailbox says.
import { expect, test } from "vitest";
import type { Bellwether } from "../../src/application.ts";
import { readReport } from "../../src/bounce/read-report.ts";
import { buildReport, type Report } from "../../src/report/report.ts";
import type { ProviderLogEntry } from "../../src/sandbox/provider-log.ts";
import { createWorld, drive, laneOf, launch, until, type World } from "../world/world.ts";

const NO_PTR = "550-5.7.25 [2001:db8::25] The IP address sending this message does not have a PTR record";
let made = 0;

/** What the relay tells of a mail that it had taken, later. */
function notification({ recipient, delivery }: ProviderLogEntry, told: "failed" | "delivered"): string {
  made += 1;
  const status = told === "failed" ? "5.7.25" : "2.0.0";
  return [
    "From: MAILER-DAEMON@relay.example",
    "To: support@hosting.example",
    `Message-ID: <dsn${made}@relay.example>`,
    "Subject: Delivery Status Notification",
    'Content-Type: multipart/report; report-type=delivery-status; boundary="b"',
    "",
    "--b",
    "Content-Type: text/plain",
    "",
    `Your mail to ${recipient} was ${told}.`,
    "--b",
    "Content-Type: message/delivery-status",
    "",
    "Reporting-MTA: dns; relay.example",
    "",
    `Final-Recipient: rfc822; ${recipient}`,
    `Action: ${told}`,
    `Status: ${status}`,
    `Diagnostic-Code: smtp; ${told === "failed" ? NO_PTR : "250 2.0.0 OK"}`,
    "",
    "--b",
    "Content-Type: text/rfc822-headers",
    "",
    `X-Bellwether-Delivery: ${delivery}`,
    "",
    "--b--",
    "",
  ].join("\r\n");
}

async function tell(app: Bellwether, mail: string): Promise<string> {
  made += 1;
  const [done] = await app.record([
    {
      key: `test ${made}`,
      intake: "file",
      receivedAtMs: app.clock.now(),
      report: readReport(mail),
      excerpt: "",
    },
  ]);
  return done?.effect ?? "nothing";
}

/** Everybody who has the notice by the report has it in the mailbox, once; and nobody else. */
function expectAsMailboxes(report: Report, mailboxes: ReadonlySet<string | null>): void {
  expect(report.totals.accepted + report.totals.handedOver).toBe(mailboxes.size);
}

const holdsOf = (report: Report) => report.timeline.filter((one) => one.event === "held").length;

test("together with their settles, long after the end, and of a first attempt when the second has arrived", async () => {
  const world: World = await createWorld({
    clients: { "gmail.com": 5, "yahoo.com": 4 },
    routes: "each",
    feedback: "relay",
    config: '[ramp]\nsoak = "200ms"\n',
  });
  const google = world.server("google");
  const early: Promise<string>[] = [];
  const first: ProviderLogEntry[] = [];
  await world.open(async (app) => {
    const off = google.onEntry((entry) => {
      if (entry.outcome !== "accepted") return;
      // On its way together with the relay's 250: whichever is recorded first.
      first.push(entry);
      early.push(tell(app, notification(entry, "failed")));
    });
    const campaign = await launch(app, world.path("campaign.toml"));
    const held = await drive(app, campaign.id, (now) => now.state !== "running");
    off();
    expect(await Promise.all(early)).toEqual(first.map(() => "moved"));
    expect(laneOf(held, "google")).toMatchObject({ state: "held", hold: { reason: "reverse-dns" } });
    expect(laneOf(held, "google").totals).toMatchObject({ handedOver: 0, accepted: 0 });
    expect(holdsOf(held)).toBe(1);
    const yahoo = new Set(world.log("yahoo").map((entry) => entry.recipient));
    expectAsMailboxes(held, yahoo);

    // After the repair: the second attempt arrives, and then somebody tells of the first one again.
    await app.campaigns.steer(campaign.id, { do: "resume", provider: "google" });
    const second = google.log.length;
    const driver = await app.drive(() => {});
    for (let i = second; i < second + 5; i++) {
      await until("the next one is taken", async () => google.log.length > i);
      const entry = google.log[i];
      if (entry === undefined) throw new Error("there is no such entry");
      await until(
        "it counts",
        async () => (await tell(app, notification(entry, "delivered"))) !== "unmatched",
      );
    }
    for (const entry of first) expect(await tell(app, notification(entry, "failed"))).toBe("earlier");
    await driver?.drain();
    const told = await buildReport(app.reports, campaign.id);
    expect(laneOf(told, "google").totals).toMatchObject({ accepted: 5, bounced: 0 });
    expect(holdsOf(told)).toBe(1);
    expectAsMailboxes(told, new Set([...yahoo, ...google.log.map((entry) => entry.recipient)]));

    // Long after its end the other lane's relay tells that nothing arrived.
    const ended = await drive(app, campaign.id, (now) => now.state.startsWith("completed"));
    expect(ended.totals.pending).toBe(0);
    for (const entry of world.log("yahoo")) await tell(app, notification(entry, "failed"));
    const late = await buildReport(app.reports, campaign.id);
    expect(late.state).toBe("paused");
    expect(laneOf(late, "yahoo")).toMatchObject({ state: "held", totals: { bounced: 4 } });
    expect(holdsOf(late)).toBe(2);
    expectAsMailboxes(late, new Set(google.log.map((entry) => entry.recipient)));
  });
});
