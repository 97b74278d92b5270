// The ramp behind a real Postfix whose provider defers: never more than the canary is handed over for it. Without an
// intake the lane goes blind; with the relay's log it is held, and what the relay holds is shown and can be stopped.
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import type { Report } from "../../src/report/report.ts";
import { type CampaignFolder, createCampaignFolder } from "../world/campaign-folder.ts";
import { type PostfixService, postfixService } from "../world/postfix.ts";
import { endMailers, runMailer } from "../world/process.ts";
import { postfixMissing } from "../world/service-binaries.ts";
import type { SinkRule } from "../world/sink.ts";

const CLIENTS = 12;
const CANARY = 5;

/** Where the sentinel goes, whose domain nobody knows, and where its bounce goes, which is no client's. */
const NOWHERE: SinkRule = {
  domains: ["bellwether.invalid", "hoster.example"],
  phase: "rcpt",
  reply: "550 5.1.2 no such domain",
};

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function openWorld(
  reply: string,
  config: (log: string) => string,
): Promise<{ world: CampaignFolder; relay: PostfixService }> {
  const rules: readonly SinkRule[] = [NOWHERE, { domains: ["gmail.com"], phase: "dot", reply }];
  const world = await createCampaignFolder({ clients: CLIENTS, domains: ["gmail.com"], sink: { rules } });
  ends.push(async () => {
    await endMailers(world.folder);
    await world.close();
  });
  const relay = await postfixService({ next: { host: "127.0.0.1", port: world.sink.port } });
  ends.push(() => relay.end());
  const file = path.join(world.folder, "bellwether.toml");
  const text = readFileSync(file, "utf8")
    .replace(/url = "smtp:.*"/, `url = "smtp://127.0.0.1:${relay.port}"`)
    .replace('feedback = "final"', 'feedback = "relay"');
  writeFileSync(file, `${text}${config(relay.log)}`);
  return { world, relay };
}

async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 20_000; Date.now() < end; ) {
    if (await isSo()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`It did not come to pass: ${what}`);
}

/** Queue ids of what lies in the relay's queue, by the relay's own word. */
async function queued(relay: PostfixService): Promise<{ id: string; queue: string }[]> {
  const lines = (await relay.run("postqueue", "-j")).trim().split("\n").filter(Boolean);
  return lines.map((line) => JSON.parse(line)).map((one) => ({ id: one.queue_id, queue: one.queue_name }));
}

describe.skipIf(postfixMissing() !== null)("a relay that accepts and then defers", () => {
  test("in silence gets no more than the canary, the lane is blind, and after the repair each is told once", async () => {
    const { world, relay } = await openWorld(
      "451 4.3.0 Not now, try again later",
      () => '[ramp]\nsoak = "1s"\n',
    );
    const sent = await runMailer(world.folder, ["send", "campaign.toml", "--yes", "--json"]);
    expect(sent.code, sent.stderr).toBe(4);
    const report = JSON.parse(sent.stdout) as Report;
    expect(report.lanes).toMatchObject([
      { state: "blind", totals: { handedOver: CANARY, pending: CLIENTS - CANARY } },
    ]);
    expect(report.lanes[0]?.ramp).toMatchObject({
      window: CANARY,
      seconds: null,
      atRelay: { count: CANARY },
    });
    expect(sent.stderr).toContain("is blind");
    const held = await queued(relay);
    expect(held.map((one) => one.id).sort()).toEqual(report.lanes[0]?.ramp?.atRelay?.ids.toSorted());
    expect(held).toHaveLength(CANARY);

    await world.sink.setRules([NOWHERE]);
    await relay.flush();
    await until("the five have arrived", () => world.accepted() === CANARY);
    const resumed = await runMailer(world.folder, ["resume", "--yes", "--json"]);
    expect(resumed.code, resumed.stderr).toBe(0);
    await until("all have arrived", async () => world.accepted() === CLIENTS);
    expect(await world.told()).toEqual({ once: CLIENTS, twice: 0 });
  });

  test("and says why in its log has its lane held, and its queue ids shown with the command that stops them", async () => {
    const { world, relay } = await openWorld(
      "google-no-ptr-limited",
      (log) => `[bounces.log]\nfile = ${JSON.stringify(log)}\n`,
    );
    const sent = await runMailer(world.folder, ["send", "campaign.toml", "--yes", "--json"]);
    expect(sent.code, sent.stderr).toBe(4);
    const [lane] = (JSON.parse(sent.stdout) as Report).lanes;
    expect(lane).toMatchObject({ state: "held", totals: { bounced: 0 }, hold: { reason: "reverse-dns" } });
    const { atRelay } = lane?.hold ?? {};
    expect(atRelay).toMatchObject({ count: CANARY });
    const held = await queued(relay);
    expect(held.map((one) => one.id).sort()).toEqual(atRelay?.ids.toSorted());
    expect(held).toHaveLength(CANARY);
    expect(sent.stderr).toContain("What the relay still holds");
    expect(sent.stderr).toContain(atRelay?.command ?? "no command");

    // The commands are true: what they name is put on hold by the relay, and let go.
    const order = (command: string) => command.split(" ") as [string, ...string[]];
    await relay.run(...order(atRelay?.command ?? ""));
    expect((await queued(relay)).map((one) => one.queue)).toEqual(Array(CANARY).fill("hold"));
    await relay.run(...order(atRelay?.release ?? ""));

    await world.sink.setRules([NOWHERE]);
    await relay.flush();
    await until("the five have arrived", () => world.accepted() === CANARY);
    const resumed = await runMailer(world.folder, ["resume", "--yes", "--json"]);
    expect(resumed.code, `${resumed.stdout}${resumed.stderr}`).toBe(0);
    const after = JSON.parse(resumed.stdout) as Report;
    expect(after).toMatchObject({ state: "completed", totals: { accepted: CLIENTS } });
    expect(after.sentinels).toMatchObject([{ status: "came-back", by: "log" }]);
    expect(await world.told()).toEqual({ once: CLIENTS, twice: 0 });
  });
});
