// A relay that accepts everything, while what became of it comes back later: a campaign through a real Postfix, with the
// reports taken in by each of the intakes. Gmail refuses for want of a PTR record; the lane is held by reports alone,
// and after the repair each client is told once.
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { SMTPServer } from "smtp-server";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CampaignFolder, createCampaignFolder } from "../world/campaign-folder.ts";
import { type DovecotService, dovecotService } from "../world/dovecot.ts";
import { type PostfixService, postfixService } from "../world/postfix.ts";
import { endMailers, type Mailer, runMailer, startMailer } from "../world/process.ts";
import { dovecotMissing, postfixMissing } from "../world/service-binaries.ts";
import { freePort } from "../world/services.ts";
import type { SinkRule } from "../world/sink.ts";

const CLIENTS = 10;
/** Where the sentinel goes: nobody knows that domain. */
const NOWHERE: SinkRule = {
  domains: ["bellwether.invalid"],
  phase: "rcpt",
  reply: "550 5.1.2 no such domain",
};
const GMAIL_REFUSES: readonly SinkRule[] = [
  NOWHERE,
  {
    domains: ["gmail.com"],
    phase: "dot",
    reply:
      "550 5.7.25 [192.0.2.1] The IP address sending this message does not have a PTR record setup, or the corresponding forward DNS entry does not point to the sending IP. As a policy, Gmail does not accept messages from IPs with missing PTR records. - gsmtp",
  },
];

const ends: (() => Promise<unknown>)[] = [];
async function ended(): Promise<void> {
  for (const end of ends.splice(0).reverse()) await end();
}

/** A folder whose route is a relay; `relay` is made when the provider behind it is known. */
async function openWorld(options: {
  relay: (provider: { host: string; port: number }) => Promise<{ host: string; port: number }>;
  config: (relay: { host: string; port: number }) => string;
}): Promise<CampaignFolder> {
  const world = await createCampaignFolder({
    clients: CLIENTS,
    domains: ["gmail.com", "yahoo.com"],
    sink: { rules: GMAIL_REFUSES },
  });
  ends.push(async () => {
    await endMailers(world.folder);
    await world.close();
  });
  const relay = await options.relay({ host: "127.0.0.1", port: world.sink.port });
  const file = path.join(world.folder, "bellwether.toml");
  const config = readFileSync(file, "utf8")
    .replace("[sender]\n", '[sender]\nreturn_path = "bounces+{token}@bounces.example"\n')
    .replace(/url = "smtp:.*"/, `url = "smtp://127.0.0.1:${relay.port}"`)
    .replace('feedback = "final"', 'feedback = "relay"');
  writeFileSync(file, `${config}[ramp]\nsoak = "20s"\n${options.config(relay)}`);
  return world;
}

/** A Postfix that relays to the provider and hands what is for our return path to `reports`. */
async function relayWith(next: { host: string; port: number }, reports: string): Promise<PostfixService> {
  const postfix = await postfixService({
    next,
    settings: { transport_maps: `inline:{ bounces.example=${reports} }` },
  });
  ends.push(() => postfix.end());
  return postfix;
}

interface Lane {
  provider: string;
  state: string;
  totals: Record<string, number>;
  hold?: { reason: string; evidence: string[] };
}

async function laneOf(world: CampaignFolder, provider: string): Promise<Lane> {
  const { stdout } = await runMailer(world.folder, ["report", "--json"]);
  const lane = (JSON.parse(stdout).lanes as Lane[]).find((one) => one.provider === provider);
  if (lane === undefined) throw new Error(`no lane ${provider} in ${stdout}`);
  return lane;
}

async function until(what: string, done: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 30_000; Date.now() < end; ) {
    if (await done()) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error(`It did not come to pass: ${what}`);
}

/** Under `serve`: sent to the relay, held by what came back alone, and all of Gmail's where they belong. */
async function sendUntilHeld(world: CampaignFolder): Promise<Mailer> {
  const server = startMailer(world.folder, ["serve"]);
  await server.said("Driving.");
  const sent = await runMailer(world.folder, ["send", "campaign.toml", "--yes", "--json"]);
  expect(sent.code, sent.stderr).toBe(4);
  await until(
    "all five of Gmail's are bounced",
    async () => (await laneOf(world, "google")).totals.bounced === 5,
  );
  const google = await laneOf(world, "google");
  expect(google).toMatchObject({ state: "held", hold: { reason: "reverse-dns" } });
  expect(google.hold?.evidence.join(" ")).toContain("PTR record");
  expect(google.hold?.evidence.join(" ")).not.toContain("@gmail.com");
  return server;
}

/** The whole story: held, repaired, resumed, told once. */
async function playStory(world: CampaignFolder): Promise<void> {
  const server = await sendUntilHeld(world);
  await until("Yahoo's are told", async () => (await laneOf(world, "yahoo")).totals.accepted === 5);

  await world.sink.setRules([NOWHERE]);
  const resumed = await runMailer(world.folder, ["resume", "--yes", "--json"]);
  expect(resumed.code, `${resumed.stdout}${resumed.stderr}`).toBe(0);
  expect(JSON.parse(resumed.stdout)).toMatchObject({
    state: "completed",
    totals: { recipients: CLIENTS, accepted: CLIENTS },
  });
  expect(await world.told()).toEqual({ once: CLIENTS, twice: 0 });
  server.signal("SIGTERM");
  expect((await server.ended).code).toBe(0);
}

const noPostfix = postfixMissing();
const noDovecot = dovecotMissing();

describe.skipIf(noPostfix !== null)("a relay that accepts everything", () => {
  test("and sends what came of it to our listener", async ({ onTestFinished }) => {
    onTestFinished(ended);
    const port = await freePort();
    const world = await openWorld({
      relay: (provider) => relayWith(provider, `smtp:[127.0.0.1]:${port}`),
      config: () => `[bounces.smtp]\nlisten = "127.0.0.1:${port}"\n`,
    });
    await playStory(world);
  });

  test("and writes what came of it into its log", async ({ onTestFinished }) => {
    onTestFinished(ended);
    let log = "";
    const world = await openWorld({
      relay: async (provider) => {
        const postfix = await relayWith(provider, "discard:");
        log = postfix.log;
        return postfix;
      },
      config: () => `[bounces.log]\nfile = ${JSON.stringify(log)}\n`,
    });
    await playStory(world);
  });
});

describe.skipIf(noPostfix !== null || noDovecot !== null)("a relay whose reports go to a mailbox", () => {
  let dovecot: DovecotService;
  const mbox: string[] = [];
  let mailboxPort = 0;
  let stop: () => Promise<void> = async () => undefined;
  beforeAll(async () => {
    dovecot = await dovecotService();
    // What an MDA is there for.
    const mda = new SMTPServer({
      authOptional: true,
      disabledCommands: ["STARTTLS", "AUTH"],
      onData: (stream, _session, done) => {
        const parts: Buffer[] = [];
        stream.on("data", (part: Buffer) => parts.push(part));
        stream.on("end", () => {
          const mail = Buffer.concat(parts).toString("latin1");
          mbox.push(mail);
          dovecot.deliver("reports", [mail]);
          done();
        });
      },
    });
    mailboxPort = await freePort();
    await new Promise<void>((resolve) => mda.listen(mailboxPort, "127.0.0.1", resolve));
    stop = () => new Promise((resolve) => mda.close(() => resolve()));
  });
  afterAll(async () => {
    await stop();
    await dovecot?.end();
  });

  test("is heard by IMAP", async ({ onTestFinished }) => {
    onTestFinished(ended);
    const password = encodeURIComponent(dovecot.password);
    const world = await openWorld({
      relay: (provider) => relayWith(provider, `smtp:[127.0.0.1]:${mailboxPort}`),
      config: () => `[bounces.imap]\nurl = "imaps://reports:${password}@127.0.0.1:${dovecot.port}"\n`,
    });
    await playStory(world);
  });

  test("is heard by hand, after the end: the campaign that was done is paused", async ({
    onTestFinished,
  }) => {
    onTestFinished(ended);
    mbox.length = 0;
    const world = await openWorld({
      relay: (provider) => relayWith(provider, `smtp:[127.0.0.1]:${mailboxPort}`),
      config: () => "",
    });
    const file = path.join(world.folder, "bellwether.toml");
    writeFileSync(file, readFileSync(file, "utf8").replace('soak = "20s"', 'soak = "1s"'));
    const sent = await runMailer(world.folder, ["send", "campaign.toml", "--yes", "--json"]);
    expect(sent.code, sent.stderr).toBe(0);
    expect(JSON.parse(sent.stdout)).toMatchObject({ state: "completed", totals: { handedOver: CLIENTS } });
    await until("five reports have come", async () => mbox.length >= 5);
    const text = mbox.map((mail) => `From MAILER-DAEMON Mon Jan  1 00:00:00 2027\n${mail}\n`).join("");
    writeFileSync(path.join(world.folder, "reports.mbox"), text, "latin1");
    const counted = await runMailer(world.folder, ["bounces", "ingest", "reports.mbox", "--json"]);
    expect(JSON.parse(counted.stdout)).toMatchObject({ mails: 5, reports: 5, moved: 5, unmatched: 0 });
    const again = await runMailer(world.folder, ["bounces", "ingest", "reports.mbox", "--json"]);
    expect(JSON.parse(again.stdout)).toMatchObject({ mails: 5, moved: 0, repeated: 5 });
    expect(await laneOf(world, "google")).toMatchObject({ state: "held", hold: { reason: "reverse-dns" } });
    const { stdout } = await runMailer(world.folder, ["status"]);
    expect(stdout).toContain("paused");
  });
});

test("a service that tells by webhook holds the lane and confirms the others", async ({ onTestFinished }) => {
  onTestFinished(ended);
  const port = await freePort();
  const secret = "bellwether:a password that is long";
  const repaired = { yes: false };
  const world = await openWorld({
    relay: async () => {
      const service = await startService({ hook: `http://127.0.0.1:${port}`, secret, repaired });
      ends.push(service.stop);
      return service;
    },
    config: () =>
      `[server]\nlisten = "127.0.0.1:${port}"\n[[bounces.webhook]]\nprovider = "postmark"\nsecret = "${secret}"\n`,
  });
  await sendUntilHeld(world);
  expect(await laneOf(world, "yahoo")).toMatchObject({ totals: { accepted: 5 } });
  repaired.yes = true;
  const resumed = await runMailer(world.folder, ["resume", "--yes", "--json"]);
  expect(resumed.code, resumed.stderr).toBe(0);
  expect(JSON.parse(resumed.stdout)).toMatchObject({ state: "completed", totals: { accepted: CLIENTS } });
});

/** A mail service as its users see it: takes everything with an id, and posts what came of it. */
async function startService(options: { hook: string; secret: string; repaired: { yes: boolean } }) {
  let taken = 0;
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS", "AUTH"],
    onData: (stream, session, done) => {
      stream.resume();
      stream.on("end", () => {
        taken += 1;
        const id = `00000000-0000-4000-8000-${String(taken).padStart(12, "0")}`;
        const to = session.envelope.rcptTo[0]?.address ?? "";
        done(null, `queued as ${id}`);
        void post(options, eventOf({ id, to, refused: to.endsWith("@gmail.com") && !options.repaired.yes }));
      });
    },
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const stop = () => new Promise<void>((resolve) => server.close(() => resolve()));
  return { host: "127.0.0.1", port, stop };
}

function eventOf({ id, to, refused }: { id: string; to: string; refused: boolean }): object {
  const at = new Date().toISOString();
  if (!refused) return { RecordType: "Delivery", MessageID: id, Recipient: to, DeliveredAt: at };
  const Details =
    "smtp;550 5.7.25 [192.0.2.1] The IP address sending this message does not have a PTR record setup - gsmtp";
  const about = { MessageID: id, Email: to, BouncedAt: at, ID: Number(id.slice(-6)) };
  return { RecordType: "Bounce", Type: "Blocked", ...about, Details };
}

/** Tries again until it is taken, as services do. */
async function post({ hook, secret }: { hook: string; secret: string }, event: object): Promise<void> {
  for (let tries = 0; tries < 50; tries++) {
    const answer = await fetch(`${hook}/webhooks/postmark`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        authorization: `Basic ${Buffer.from(secret).toString("base64")}`,
      },
      body: JSON.stringify(event),
    }).catch(() => null);
    if (answer?.status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
