// The demo: the founding incident, played over real SMTP on loopback. In the middle of a campaign Gmail begins to
// refuse the new server for its missing reverse DNS. The demo checks what it claims, and fails when it is not so.

import type { Bellwether, Open } from "../application.ts";
import { EXIT } from "../errors.ts";
import { buildReport, type Report } from "../report/report.ts";
import { createDemoWorld, type DemoWorld } from "./demo-world.ts";
import type { SimulatedProvider } from "./provider-server.ts";
import { acceptAll, refuseAfter } from "./scripts.ts";

/** So many mails were returned in the incident of 28 April 2017 before somebody noticed and stopped by hand. */
const INCIDENT_MAILS = 390;
/** Gmail takes this many before the new server's address is noticed there. */
const GMAIL_TAKES = 60;
const CONNECTIONS = 20;
const PATIENCE_MS = 25_000;

/** Returns the exit code: 0 when everything happened as it must. `open` is how the program is composed. */
export async function demo(open: Open): Promise<number> {
  const say = (text = "") => void process.stdout.write(`${text}\n`);
  const failures: string[] = [];
  const must = (isSo: boolean, what: string) => {
    say(`   ${isSo ? "ok  " : "FAIL"} ${what}`);
    if (!isSo) failures.push(what);
  };
  const world = await createDemoWorld();
  try {
    const app = await open({ config: world.config, sends: true });
    try {
      await play(app, world, say, must);
    } finally {
      await app.close();
    }
  } finally {
    await world.close();
  }
  if (failures.length === 0) return EXIT.done;
  say(`\nThe demo failed:\n${failures.map((one) => `  - ${one}`).join("\n")}`);
  return EXIT.internal;
}

async function play(
  app: Bellwether,
  world: DemoWorld,
  say: (text?: string) => void,
  must: (isSo: boolean, what: string) => void,
): Promise<void> {
  const google = world.providers.get("google");
  if (google === undefined) throw new Error("The demo has no Gmail.");
  say(
    `1. ${world.clients} clients shall hear that server s12 is replaced. Six providers, real SMTP, ${CONNECTIONS} connections each.`,
  );
  const notice = await (await app.manager()).read(world.campaignFile);
  const campaign = await (await app.manager()).submit(notice, {
    confirmed: true,
    overrides: {},
    again: false,
  });
  const checked = await (await app.manager()).check(notice, {});
  must(
    checked.findings.every((one) => one.severity !== "blocker"),
    `preflight: ${checked.recipients} mails rendered, every route answers`,
  );

  google.setScript(refuseAfter(GMAIL_TAKES, "google-ipv6-guidelines"));
  await (await app.manager()).launch(campaign, notice, checked);
  const first = await app.drive(() => {});
  if (first === null) throw new Error("Another process drives the demo's database.");
  const held = await until(app, campaign.id);
  await first.drain();
  const lane = held.lanes.find((one) => one.provider === "google");
  const refused = refusals(google);

  say(
    `\n2. After ${GMAIL_TAKES} mails Gmail notices that the new server's IPv6 has no reverse DNS, and refuses.`,
  );
  must(held.state === "paused" && lane?.state === "held", "the lane of Gmail is held, by the program itself");
  must(
    lane?.hold?.reason === "reverse-dns" && lane.hold.fault === "sender",
    "it knows why: reverse DNS, and that the fault is ours",
  );
  must(
    refused > 0 && refused <= 3 + CONNECTIONS,
    `Gmail refused ${refused} mails: 3 to decide, the rest was on the wire (20 connections)`,
  );
  const others = held.lanes.filter((one) => one.provider !== "google");
  must(
    others.every((one) => one.state === "done" && one.totals.accepted === one.totals.recipients),
    `the other ${others.length} lanes finished: ${sum(others.map((one) => one.totals.accepted))} clients told`,
  );
  must(adds(held), "the totals add up");
  say(`\n   ${lane?.hold?.message ?? ""}`);
  say(`   To do: ${lane?.hold?.advice ?? ""}`);
  say(`   On the phone: ${lane?.hold?.tell ?? ""}`);
  say("   What Gmail said, word for word:");
  for (const reply of lane?.hold?.evidence ?? [])
    for (const line of reply.split(/\r?\n/)) say(`     | ${line}`);
  must(lane?.hold?.evidence.length === 3, "three verbatim replies");

  say("\n3. The record is published. `resume`: one mail first, then the rest.");
  const before = google.log.length;
  const refusedOnes = new Set(
    google.log.filter((entry) => entry.outcome === "refused").map((entry) => entry.recipient),
  );
  google.setScript(acceptAll());
  const steered = await app.campaigns.steer(campaign.id, { do: "resume", provider: null });
  const second = await app.drive(() => {});
  if (second === null) throw new Error("Another process drives the demo's database.");
  const done = await until(app, campaign.id);
  await second.drain();
  must(
    steered.returned === refusedOnes.size,
    `exactly the ${refusedOnes.size} refused ones return; nobody else is written to again`,
  );
  const again = google.log.slice(before).map((entry) => entry.recipient);
  must(
    [...refusedOnes].every((one) => again.includes(one)),
    "each of them was sent once more",
  );
  must(
    done.state === "completed" && done.totals.accepted === world.clients,
    `completed: ${done.totals.accepted} of ${world.clients} told`,
  );
  const times = [...world.providers.values()].flatMap((provider) => [...provider.accepted().values()]);
  must(
    times.length === world.clients && times.every((n) => n === 1),
    "at the providers' own logs each client got it exactly once",
  );
  must(adds(done), "the totals add up");

  say("\n4. Report");
  for (const { at, text } of done.timeline) say(`   ${at.slice(11, 19)}  ${text}`);
  say(
    `\n${refused} mails refused until it stopped by itself; on 28 April 2017 it was ${INCIDENT_MAILS}, stopped by hand.`,
  );
}

/** Waits until the campaign ends or is held. */
async function until(app: Bellwether, campaignId: number): Promise<Report> {
  const endMs = app.clock.monotonic() + PATIENCE_MS;
  for (;;) {
    const report = await buildReport(app.reports, campaignId);
    if (report.state !== "running" || app.clock.monotonic() > endMs) return report;
    await app.clock.sleep(100);
  }
}

function refusals(provider: SimulatedProvider): number {
  return provider.log.filter((entry) => entry.outcome === "refused").length;
}

function adds(report: Report): boolean {
  const { recipients, ...rest } = report.totals;
  return sum(Object.values(rest)) === recipients;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, n) => total + n, 0);
}
