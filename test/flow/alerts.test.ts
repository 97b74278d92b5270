// Somebody hears of it: Gmail refuses us, and those who are on call are told by every road, none of them through the lane
// that is held; nobody answers, and the deputy is told; somebody answers, and it is quiet.
import { createHmac } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { simpleParser } from "mailparser";
import { expect, onTestFinished, test } from "vitest";
import { ack, list, test as testAlerts } from "../../src/cli/alerts.ts";
import { status } from "../../src/cli/look.ts";
import { check } from "../../src/cli/send.ts";
import { refuseAll } from "../../src/sandbox/scripts.ts";
import { createWorld, launch, until, type World } from "../world/world.ts";

const KEY = Buffer.alloc(32, 9);
const CLIENTS = { "gmail.com": 30, "yahoo.com": 20 };
const REFUSED = { google: refuseAll("google-no-ptr", { phase: "dot" }) };

interface Call {
  headers: IncomingHttpHeaders;
  body: string;
  atMs: number;
}

/** A server that is posted to; it answers as `status` says. */
async function receiver(answer: () => number = () => 200): Promise<{ url: string; calls: Call[] }> {
  const calls: Call[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (text: string) => {
      body += text;
    });
    request.on("end", () => {
      calls.push({ headers: request.headers, body, atMs: Date.now() });
      response.writeHead(answer()).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, calls };
}

const alertsTo = (url: string, more = "") => `[alert]
mail = ["oncall@agency.example"]
webhook = "${url}"
webhook_secret = "whsec_${KEY.toString("base64")}"
${more}`;

const PAGE = `command = ["${process.execPath}", "page.cjs"]\n`;
const PAGE_SCRIPT =
  'let s="";process.stdin.on("data",d=>{s+=d}).on("end",()=>require("fs").appendFileSync("paged.jsonl",s))';

const dataOf = (call: Call) => JSON.parse(call.body).data;

/** As docs/alerts.md tells receivers to do it. */
function isSigned({ headers, body }: Call): boolean {
  const said = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`;
  return headers["webhook-signature"] === `v1,${createHmac("sha256", KEY).update(said).digest("base64")}`;
}

async function mailsTo(world: World, address: string) {
  const mails = world.log().filter((entry) => entry.recipient === address && entry.raw !== undefined);
  return Promise.all(mails.map(({ raw }) => simpleParser(raw ?? Buffer.alloc(0))));
}

test("Gmail refuses us: within seconds a signed webhook, a command and a mail past Gmail have told it, once", async () => {
  const { url, calls } = await receiver();
  const world = await createWorld({
    clients: CLIENTS,
    routes: "each",
    scripts: REFUSED,
    keepMessages: true,
    config: `${alertsTo(url, PAGE)}\n[server]\npublic_url = "https://notices.hosting.example"\n`,
  });
  world.write("page.cjs", PAGE_SCRIPT);
  const { exit, report, stderr } = await world.types("campaign.toml");
  expect(exit).toBe(4);
  const hold = report.lanes.find((lane) => lane.provider === "google")?.hold;

  expect(calls).toHaveLength(1);
  const [call] = calls as [Call];
  expect(isSigned(call)).toBe(true);
  expect(isSigned({ ...call, body: call.body.replace("high", "low") })).toBe(false);
  expect(call.atMs - Date.parse(hold?.at ?? "")).toBeLessThan(10_000);
  expect(dataOf(call)).toMatchObject({
    kind: "lane-held",
    urgency: "high",
    deputy: false,
    provider: "google",
    campaign: { id: report.campaign, name: report.name },
    happened: hold?.message,
    engineer: hold?.advice,
    tell: hold?.tell,
    evidence: hold?.evidence.map((reply) => reply.replaceAll("\r\n", "\n")),
    link: `https://notices.hosting.example/campaigns/${report.campaign}`,
  });
  expect(dataOf(call).subject).toMatch(/^Held: Gmail refuses our mail \(reverse DNS\) - \d+ of 50 told$/);
  expect(stderr).toContain(`Alert: ${dataOf(call).subject}`);

  const paged = readFileSync(world.path("paged.jsonl"), "utf8").trimEnd().split("\n");
  expect(paged.map((line) => JSON.parse(line).data)).toEqual([dataOf(call)]);

  const [mail, ...more] = await mailsTo(world, "oncall@agency.example");
  expect(more).toEqual([]);
  expect(mail?.subject).toBe(dataOf(call).subject);
  expect(mail?.text?.trim()).toBe(dataOf(call).text.trim());
  expect(mail?.headers.get("auto-submitted")).toBe("auto-generated");
  // Not a word of it went where we are refused.
  expect(world.log("google").every((entry) => entry.recipient?.endsWith("@gmail.com") ?? true)).toBe(true);
});

test("nobody answers: the deputy is told, once; the resume settles it", async () => {
  const { url, calls } = await receiver();
  const world = await createWorld({
    clients: CLIENTS,
    routes: "each",
    scripts: REFUSED,
    keepMessages: true,
    config: alertsTo(url, 'deputy = ["boss@agency.example"]\ndeputy_after = "1s"\n'),
  });
  await world.open(async (app) => {
    const campaign = await launch(app, world.path("campaign.toml"));
    const driver = await app.drive(() => {});
    await until("the deputy is told", async () => (await mailsTo(world, "boss@agency.example")).length > 0);
    await until("by webhook too", async () => calls.length === 2);
    const [first, second] = calls.map(dataOf);
    expect(first).toMatchObject({ deputy: false });
    expect(second).toMatchObject({ ...first, deputy: true, text: second.text });
    expect(new Set(calls.map((call) => call.headers["webhook-id"])).size).toBe(2);
    expect((await mailsTo(world, "boss@agency.example"))[0]?.subject).toBe(`Deputy: ${first.subject}`);

    const open = await world.does((io, options) => status(io, undefined, options));
    expect(open.stdout).toContain(`nobody has answered: bellwether alerts ack ${first.id}`);
    const answered = await world.does((io, options) => ack(io, String(first.id), { ...options, as: "Ann" }));
    expect(answered).toMatchObject({
      exit: 0,
      stderr: `Ann looks after alert ${first.id}: nobody else is called.\n`,
    });
    expect((await world.does((io, options) => list(io, options))).stdout).toMatch(
      /^\d+\tacknowledged by Ann\t/,
    );
    expect((await world.does((io, options) => status(io, undefined, options))).stdout).not.toContain(
      "alerts ack",
    );

    world.setScripts({});
    await app.campaigns.steer(campaign.id, { do: "resume", provider: null });
    await until("it is settled", async () => (await app.alerts.find(first.id)) === "settled");
    await driver?.drain();
  });
  expect(calls).toHaveLength(2);
});

test("somebody answers in time: the deputy is left alone, and nothing more is told", async () => {
  const { url, calls } = await receiver(() => 503);
  const world = await createWorld({
    clients: CLIENTS,
    routes: "each",
    scripts: REFUSED,
    keepMessages: true,
    config: alertsTo(url, 'deputy = ["boss@agency.example"]\ndeputy_after = "20s"\n'),
  });
  const { stderr } = await world.types("campaign.toml");
  // The process that sends tells what it can before it ends, and says which road failed.
  expect(calls).toHaveLength(1);
  expect(stderr).toContain("alerts by webhook: HTTP 503");
  expect(await mailsTo(world, "oncall@agency.example")).toHaveLength(1);
  const shown = await world.does((io, options) => status(io, undefined, options));
  expect(shown.stdout).toMatch(/by webhook FAILING, try 1: HTTP 503/);
  expect((await world.does((io, options) => ack(io, "all", { ...options, as: "Ann" }))).exit).toBe(0);
  const { stdout } = await world.does((io, options) => list(io, { ...options, json: true }));
  expect(JSON.parse(stdout).alerts).toMatchObject([
    {
      kind: "lane-held",
      state: "acknowledged",
      acknowledgedBy: "Ann",
      deputyAt: null,
      tries: [
        { road: "mail", state: "sent" },
        { road: "webhook", state: "moot", tries: 1 },
      ],
    },
  ]);
  const gone = await world.does((io, options) => ack(io, "99", options));
  expect(gone).toMatchObject({ exit: 2 });
  expect(gone.stderr).toContain("There is no alert 99");
});

test("the check before the launch says when nobody would hear, or only by the mail that may be refused", async () => {
  const roads: [string, string | null][] = [
    ["", "alert-none"],
    ['[alert]\nmail = ["oncall@gmail.com"]', "alert-mail-only"],
    ['[alert]\nmail = ["oncall@gmail.com"]\ncommand = "page"', null],
    ['[alert]\nwebhook = "https://h.example"', null],
  ];
  const world = await createWorld({ clients: { "gmail.com": 1 } });
  const usual = readFileSync(world.path("bellwether.toml"), "utf8");
  for (const [config, code] of roads) {
    world.write("bellwether.toml", `${usual}\n${config}\n`);
    const { exit, stdout } = await world.does((io, options) =>
      check(io, world.path("campaign.toml"), { ...options, json: true }),
    );
    expect(exit).toBe(0);
    const findings = JSON.parse(stdout).findings.filter((one: { code: string }) =>
      one.code.startsWith("alert-"),
    );
    expect(findings.map((one: { code: string }) => one.code)).toEqual(code === null ? [] : [code]);
    if (code !== "alert-mail-only") continue;
    expect(findings).toMatchObject([{ severity: "warning", basis: "configured" }]);
    expect(findings[0].message).toContain("This campaign writes to Gmail");
    expect(findings[0].hint).toContain("[alert]");
  }
});

test("a test alert goes by every road and says what each answered; in the sandbox none leaves", async () => {
  let answer = 200;
  const { url, calls } = await receiver(() => answer);
  const more = `${PAGE}deputy = ["boss@agency.example"]\n`;
  const world = await createWorld({ clients: CLIENTS, keepMessages: true, config: alertsTo(url, more) });
  world.write("page.cjs", PAGE_SCRIPT);
  const well = await world.does((io, options) => testAlerts(io, options));
  expect(well.exit).toBe(0);
  expect(well.stderr.match(/^ok /gm)).toHaveLength(6);
  expect(calls.map((call) => [isSigned(call), dataOf(call).kind])).toEqual([
    [true, "test"],
    [true, "test"],
  ]);
  expect(existsSync(world.path("paged.jsonl"))).toBe(true);
  expect(await mailsTo(world, "boss@agency.example")).toHaveLength(1);

  answer = 401;
  const ill = await world.does((io, options) => testAlerts(io, { ...options, json: true }));
  expect(ill.exit).toBe(1);
  const failed = JSON.parse(ill.stdout).answers.filter((one: { ok: boolean }) => !one.ok);
  expect(failed.map((one: { road: string; answer: string }) => [one.road, one.answer])).toEqual([
    ["webhook", "HTTP 401"],
    ["webhook", "HTTP 401"],
  ]);

  world.write("bellwether.toml", alertsTo(url));
  const before = calls.length;
  const sandbox = await world.does((io, options) => testAlerts(io, options));
  expect(sandbox.exit).toBe(0);
  expect(sandbox.stderr).toContain("not sent: this is the sandbox");
  expect(calls).toHaveLength(before);
});
