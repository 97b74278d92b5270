// The whole pipeline against a bare nodemailer pool: `bellwether send` (claim, render, compose, send, settle, each
// commit durable) and two pools take turns at one sink in a process of its own. One pool gets the same mails rendered
// before - subject, html, text - and composes them, as its users do; the other gets their very bytes and only sends.
// The machine's noise falls on all, so what is told is the ratio, round by round. Writes nothing but a table.
// Usage: tsx bench/pipeline.ts [--mails 10000] [--rounds 3] [--connections 1,20,50] [--delays 0,1]
import { execFile, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs, promisify } from "node:util";
import Database from "better-sqlite3";
import { systemClock } from "../src/clock.ts";
import type { ClaimedDelivery } from "../src/delivery/delivery.ts";
import { createMailContext } from "../src/delivery/mailer.ts";
import { startSinkProcess } from "../test/world/sink.ts";

const { values: given } = parseArgs({
  options: {
    mails: { type: "string", default: "10000" },
    rounds: { type: "string", default: "3" },
    connections: { type: "string", default: "1,20,50" },
    delays: { type: "string", default: "0,1" },
  },
});
const numbers = (text: string) => text.split(",").map(Number);
const mails = Number(given.mails);
const rounds = Number(given.rounds);

const ROOT = path.resolve(import.meta.dirname, "..");
const DOMAINS = ["gmail.com", "outlook.com", "yahoo.com", "icloud.com"];
const LOOK_MS = 20;
/** A round that takes longer has gone wrong. */
const LIMIT_MS = 120_000;
/** Mails that the pool sends before its time begins: its connections stand and its code is compiled by then. */
const WARM_UP = Math.min(mails, 1_000);

interface Round {
  perSecond: number;
  cpuMicrosecondsPerMail: number;
}

interface Sent extends Round {
  /** From the start of the process to the end of the plan: import, preflight, plan. */
  preparedMs: number;
}

/** One round of each. */
interface Turn {
  ours: Sent;
  rendered: Round;
  composed: Round;
}

const folder = mkdtempSync(path.join(tmpdir(), "bellwether-bench-"));
writeFileSync(path.join(folder, "clients.csv"), clients());
writeFileSync(path.join(folder, "campaign.toml"), campaignFile());
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

console.log(
  `${mails} mails to ${DOMAINS.length} providers, ${rounds} rounds each in turn; mails/s (CPU a mail), median`,
);
console.log(
  [
    "conns",
    "reply".padStart(6),
    "bellwether".padStart(15),
    "(preparing)".padStart(11),
    "pool, rendered".padStart(15),
    "ratio".padStart(20),
    "pool, composed".padStart(15),
    "ratio".padStart(20),
  ].join("  "),
);
const missing: string[] = [];
let written = false;
for (const delayMs of numbers(given.delays)) {
  for (const connections of numbers(given.connections)) {
    // At one connection and a slow reply all do nothing but wait.
    if (connections * 1000 < mails * delayMs * 0.05) continue;
    const sink = await startSinkProcess({
      keepLog: false,
      maxConnections: connections + 10,
      ...(delayMs === 0 ? {} : { replyDelayMs: delayMs }),
    });
    const turns: Turn[] = [];
    for (let round = 0; round < rounds; round++) {
      const ours = await bellwether(sink.port, connections);
      if (!written) writeMails();
      written = true;
      const rendered = await pool(sink.port, connections, false);
      turns.push({ ours, rendered, composed: await pool(sink.port, connections, true) });
    }
    const { accepted } = await sink.counts();
    const expected = rounds * (3 * mails + 2 * WARM_UP);
    if (accepted !== expected) missing.push(`${connections} connections: ${accepted} of ${expected}`);
    await sink.stop();
    tell(connections, delayMs, turns);
  }
}
if (missing.length > 0) throw new Error(`the sink did not take every mail: ${missing.join("; ")}`);

function tell(connections: number, delayMs: number, turns: readonly Turn[]): void {
  const rate = (of: readonly Round[]) =>
    `${Math.round(median(of.map((one) => one.perSecond)))} (${Math.round(median(of.map((one) => one.cpuMicrosecondsPerMail)))} us)`;
  const ratio = (name: "rendered" | "composed") => {
    const all = turns.map((turn) => turn.ours.perSecond / turn[name].perSecond);
    return `${median(all).toFixed(2)} (${all.map((one) => one.toFixed(2)).join(" ")})`;
  };
  console.log(
    [
      String(connections).padStart(5),
      `${delayMs} ms`.padStart(6),
      rate(turns.map((turn) => turn.ours)).padStart(15),
      `(${(median(turns.map((turn) => turn.ours.preparedMs)) / 1000).toFixed(1)} s)`.padStart(11),
      rate(turns.map((turn) => turn.rendered)).padStart(15),
      ratio("rendered").padStart(20),
      rate(turns.map((turn) => turn.composed)).padStart(15),
      ratio("composed").padStart(20),
    ].join("  "),
  );
}

/** One campaign from the shell. Its time begins when the plan is complete and ends when no delivery is left to settle. */
async function bellwether(port: number, connections: number): Promise<Sent> {
  const home = path.join(folder, "run");
  rmSync(home, { recursive: true, force: true });
  mkdirSync(home);
  writeFileSync(path.join(home, "bellwether.toml"), configFile(port, connections));
  const startedMs = Date.now();
  const child = spawn(
    process.execPath,
    [path.join(ROOT, "dist/main.js"), "send", "../campaign.toml", "--yes"],
    {
      cwd: home,
      stdio: ["ignore", "ignore", "pipe"],
    },
  );
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  let exit: number | null = null;
  const ended = new Promise<void>((resolve) => {
    child.once("exit", (code) => {
      exit = code ?? -1;
      resolve();
    });
  });
  const limit = setTimeout(() => child.kill(), LIMIT_MS);
  const times = await watch(path.join(home, "bellwether.db"), () => exit !== null);
  await ended;
  clearTimeout(limit);
  if (times === null || exit !== 0) throw new Error(`bellwether ended with ${exit}: ${said}`);
  return {
    perSecond: (mails / (times.endedMs - times.plannedMs)) * 1000,
    cpuMicrosecondsPerMail: (times.cpuMs / mails) * 1000,
    preparedMs: times.plannedMs - startedMs,
  };

  async function watch(file: string, over: () => boolean) {
    let db: Database.Database | null = null;
    let cpuAtPlan = 0;
    for (; !over(); await sleep(LOOK_MS)) {
      try {
        db ??= new Database(file, { readonly: true, fileMustExist: true });
        const left = db
          .prepare(
            `SELECT (SELECT count(*) FROM campaign WHERE planned = 1) AS planned,
               (SELECT sum(outstanding) + count(next_due) FROM lane) AS waiting`,
          )
          .get() as { planned: number; waiting: number | null };
        if (left.planned === 0) continue;
        cpuAtPlan ||= cpuMsOf(child.pid);
        if (left.waiting !== 0) continue;
        const endedMs = Date.now();
        const cpuMs = cpuMsOf(child.pid) - cpuAtPlan;
        const planned = db.prepare("SELECT at FROM event WHERE event = 'planned'").get() as { at: string };
        return { plannedMs: Date.parse(planned.at), endedMs, cpuMs };
      } catch (error) {
        // Not there yet, or its tables are not.
        if (!/unable to open|no such table|locked/.test(String(error))) throw error;
      }
    }
    return null;
  }
}

/** CPU time of a process so far; 0 where the system does not tell. */
function cpuMsOf(pid: number | undefined): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1]?.split(" ") ?? [];
    // Ticks of 10 ms (USER_HZ is 100 wherever Linux runs Node).
    return (Number(fields[11]) + Number(fields[12])) * 10;
  } catch {
    return 0;
  }
}

/** Writes down the mails of the last campaign for the pools: as they were rendered, and as Bellwether composes them. */
function writeMails(): void {
  const db = new Database(path.join(folder, "run/bellwether.db"), { readonly: true });
  const content = db.prepare("SELECT source, given_values FROM content_revision").get() as Record<
    string,
    string
  >;
  const secret = db.prepare("SELECT value FROM setting WHERE key LIKE '%secret%'").pluck().get() as string;
  const context = createMailContext({
    letterhead: {
      from: { name: "Support", address: "support@hoster.example" },
      replyTo: null,
      domain: "hoster.example",
      returnPath: "bounces+{token}@hoster.example",
      unsubscribeUrl: null,
    },
    secret,
    clock: systemClock,
    sign: (raw) => raw,
    campaign: { id: 1 },
    content: { source: JSON.parse(content.source ?? ""), values: JSON.parse(content.given_values ?? "") },
  });
  const rows = db
    .prepare(
      `SELECT d.id, d.campaign_id AS campaignId, d.lane_id AS laneId, d.epoch, d.attempt, d.revision, d.address, d.domain,
         c.name, c.locale, c.timezone, c.account, c.attributes
       FROM delivery d JOIN client c ON c.key = d.key ORDER BY d.spread`,
    )
    .all() as Record<string, string>[];
  const list: object[] = [];
  const parts: Buffer[] = [];
  let at = 0;
  for (const row of rows) {
    const { name = null, locale = null, timezone = null, account = null, attributes = "{}", ...rest } = row;
    const client = { name, locale, timezone, account, attributes: JSON.parse(attributes) };
    const delivery = { ...rest, clients: [client] } as unknown as ClaimedDelivery;
    const mail = context.compose(delivery);
    const { subject, html, text } = context.render(delivery);
    const { from, to } = mail;
    list.push({
      from,
      to,
      name,
      subject,
      html,
      text,
      headers: ownHeaders(mail.raw),
      at,
      length: mail.raw.length,
    });
    parts.push(mail.raw);
    at += mail.raw.length;
  }
  db.close();
  if (list.length !== mails) throw new Error(`composed ${list.length} mails of ${mails}`);
  writeFileSync(path.join(folder, "mails.json"), JSON.stringify(list));
  writeFileSync(path.join(folder, "mails.raw"), Buffer.concat(parts));
}

/** What nodemailer would not write by itself. */
function ownHeaders(raw: Buffer): Record<string, string> {
  const head = raw.toString("latin1").split("\r\n\r\n")[0] ?? "";
  const lines = head.replace(/\r\n(?=[ \t])/g, "").split("\r\n");
  const own = lines.filter((line) => /^(?:Message-ID|Feedback-ID|Auto-Submitted|X-)/.test(line));
  return Object.fromEntries(own.map((line) => line.split(/: (.*)/s).slice(0, 2) as [string, string]));
}

async function pool(port: number, connections: number, composed: boolean): Promise<Round> {
  const options = {
    mails: path.join(folder, "mails.json"),
    raw: path.join(folder, "mails.raw"),
    port,
    connections,
    warmUp: WARM_UP,
    composed,
  };
  const { stdout } = await promisify(execFile)(process.execPath, [
    path.join(import.meta.dirname, "pool.mjs"),
    JSON.stringify(options),
  ]);
  const { tookMs, cpuMs } = JSON.parse(stdout);
  return { perSecond: (mails / tookMs) * 1000, cpuMicrosecondsPerMail: (cpuMs / mails) * 1000 };
}

function clients(): string {
  const rows = Array.from({ length: mails }, (_, i) => {
    const locale = ["en", "fr", "de"][i % 3];
    return `client${i}@${DOMAINS[i % DOMAINS.length]},Client ${i},${locale},Europe/Paris,acc${i},s${i % 20},pro`;
  });
  return `email,name,locale,timezone,account,server,plan\n${rows.join("\n")}\n`;
}

function campaignFile(): string {
  const day = new Date(Date.now() + 7 * 24 * 3600_000).toISOString().slice(0, 10);
  return `name = "Server s12 is replaced"
template = "maintenance-scheduled"
audience = "clients.csv"
[values]
window_start = ${day}T06:00:00Z
window_end = ${day}T06:07:00Z
`;
}

function configFile(port: number, connections: number): string {
  return `[sender]
from = "Support <support@hoster.example>"
return_path = "bounces+{token}@hoster.example"
[smtp]
url = "smtp://127.0.0.1:${port}"
feedback = "final"
connections = ${connections}
[database]
url = "file:bellwether.db"
`;
}

function median(of: readonly number[]): number {
  const sorted = [...of].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}
