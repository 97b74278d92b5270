// The world of a flow test: a folder with clients, a campaign file and a configuration that points at simulated
// providers over real SMTP; the program in it, in this process or as the command line; and what the providers say.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { expect, onTestFinished } from "vitest";
import type { Bellwether } from "../../src/application.ts";
import type { Campaign } from "../../src/campaign/campaign.ts";
import { type Io, tellError } from "../../src/cli/io.ts";
import { type ResumeOptions, resume } from "../../src/cli/resume.ts";
import { send } from "../../src/cli/send.ts";
import { type Clock, systemClock } from "../../src/clock.ts";
import { openBellwether } from "../../src/compose.ts";
import { loadConfig } from "../../src/config/load.ts";
import { providerOfDomain } from "../../src/provider/directory.ts";
import { OTHER } from "../../src/provider/provider.ts";
import { buildReport, type Report } from "../../src/report/report.ts";
import type { Script } from "../../src/sandbox/moment.ts";
import type { ProviderLogEntry } from "../../src/sandbox/provider-log.ts";
import { SimulatedProvider } from "../../src/sandbox/provider-server.ts";
import { byProvider } from "../../src/sandbox/scripts.ts";

const PROGRAM = path.resolve(import.meta.dirname, "../../dist/main.js");
const PATIENCE_MS = 40_000;
const LOOK_MS = 10;

export interface WorldOptions {
  /** Mail domain -> number of clients; "gmail.com" makes the lane google, and so on. */
  clients?: Readonly<Record<string, number>>;
  /** In place of `clients`. */
  csv?: string | Buffer;
  /** One server and one route for everybody (default), or a server and a [[routes]] entry for each provider. */
  routes?: "shared" | "each";
  /** What each provider does, by id. A server that all share learns the provider at RCPT. */
  scripts?: Readonly<Record<string, Script>>;
  connections?: number;
  /** Whose word the server's answers are; by default the providers' own. */
  feedback?: "relay" | "final";
  /** What the server asks for before it takes a mail. */
  login?: { user: string; pass: string };
  /** Largest message that the servers take, by their word; none unless given. */
  sizeLimit?: number;
  replyDelayMs?: number;
  keepMessages?: boolean;
  /** In place of the usual campaign file. */
  campaign?: string;
  /** Added below the usual configuration. */
  config?: string;
}

export interface Ran {
  exit: number | null;
  stdout: string;
  stderr: string;
}

/** What a command with --json answered; the report is there unless it refused. */
export interface Answered extends Ran {
  readonly report: Report;
}

export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ran>;
}

export class World {
  readonly folder = mkdtempSync(path.join(os.tmpdir(), "bellwether-flow-"));
  readonly #servers: SimulatedProvider[] = [];
  readonly #children = new Set<ChildProcess>();
  readonly #each: boolean;

  constructor(each: boolean) {
    this.#each = each;
  }

  async start(options: WorldOptions): Promise<this> {
    const { clients = {}, scripts = {}, connections = 20, replyDelayMs = 0, keepMessages = false } = options;
    const { login, feedback = "final" } = options;
    const settings = {
      replyDelayMs,
      keepMessages,
      features: {
        ...(login === undefined ? {} : { auth: login }),
        ...(options.sizeLimit === undefined ? {} : { size: options.sizeLimit }),
      },
    };
    const common = `feedback = "${feedback}"\nconnections = ${connections}\n`;
    const as = login === undefined ? "" : `${login.user}:${login.pass}@`;
    let routes = "";
    if (this.#each) {
      const ids = new Set([...Object.keys(clients).map(providerOf), ...Object.keys(scripts), OTHER]);
      for (const id of ids) {
        const { port } = await this.#serve(id, new SimulatedProvider({ id, ...settings }), scripts[id]);
        const table = id === OTHER ? "[smtp]" : `[[routes]]\nprovider = "${id}"`;
        routes += `${table}\nurl = "smtp://${as}127.0.0.1:${port}"\n${common}`;
      }
    } else {
      const server = new SimulatedProvider({ id: OTHER, route: providerOf, ...settings });
      const { port } = await this.#serve(OTHER, server, byProvider(scripts));
      routes = `[smtp]\nurl = "smtp://${as}127.0.0.1:${port}"\n${common}`;
    }
    this.write("clients.csv", options.csv ?? csvOf(clients));
    this.write("campaign.toml", options.campaign ?? campaignText());
    this.write(
      "bellwether.toml",
      `[sender]\nfrom = "Example Hosting <support@hosting.example>"\n` +
        `[dns]\nservers = ["127.0.0.1:9"]\ntimeout = "200ms"\n${routes}${options.config ?? ""}`,
    );
    return this;
  }

  async #serve(
    id: string,
    server: SimulatedProvider,
    script: Script | undefined,
  ): Promise<SimulatedProvider> {
    if (script !== undefined) server.setScript(script);
    this.#servers.push(server);
    expect(server.id).toBe(id);
    return server.start();
  }

  write(name: string, content: string | Buffer): void {
    writeFileSync(path.join(this.folder, name), content);
  }

  path(name: string): string {
    return path.join(this.folder, name);
  }

  /** The provider's server; the only one where all share it. */
  server(provider: string = OTHER): SimulatedProvider {
    const found = this.#each ? this.#servers.find((one) => one.id === provider) : this.#servers[0];
    if (found === undefined) throw new Error(`this world has no server for ${provider}`);
    return found;
  }

  setScripts(scripts: Readonly<Record<string, Script>>): void {
    for (const server of this.#servers)
      server.setScript(this.#each ? (scripts[server.id] ?? (() => undefined)) : byProvider(scripts));
  }

  /** The providers' own log, of one provider or of all, oldest first. */
  log(provider?: string): ProviderLogEntry[] {
    const all = this.#servers.flatMap((server) => server.log);
    return all.filter((entry) => provider === undefined || entry.provider === provider);
  }

  /** Whom this provider took a mail for, and how often. */
  accepted(provider?: string): Map<string, number> {
    const taken = new Map<string, number>();
    for (const { outcome, recipient } of this.log(provider))
      if (outcome === "accepted" && recipient !== null) taken.set(recipient, (taken.get(recipient) ?? 0) + 1);
    return taken;
  }

  /** Addresses to which the provider said no, for good or for now. */
  refused(provider: string): (string | null)[] {
    return this.log(provider)
      .filter(({ outcome }) => outcome === "refused" || outcome === "deferred")
      .map(({ recipient }) => recipient);
  }

  /** Resolves when the provider has taken so many mails. */
  whenAccepted(count: number, provider?: string): Promise<void> {
    return until(`${count} accepted`, async () => sum([...this.accepted(provider).values()]) >= count);
  }

  /** Opens the program in this process, for as long as the work takes. */
  async open<T>(work: (app: Bellwether) => Promise<T>, clock: Clock = systemClock): Promise<T> {
    const config = loadConfig({ cwd: this.folder, env: {} });
    const app = await openBellwether({ config, clock, sends: true });
    try {
      return await work(app);
    } finally {
      await app.close();
    }
  }

  /** `send`, in this process, until the campaign ends or is held. */
  send(clock: Clock = systemClock): Promise<Report> {
    return this.open(async (app) => {
      const campaign = await launch(app, this.path("campaign.toml"));
      return drive(app, campaign.id, (report) => report.state !== "running");
    }, clock);
  }

  /** `resume`, in this process, until the campaign ends or is held again. */
  resume(options: { provider?: string } = {}): Promise<Report & { returned: number }> {
    return this.open(async (app) => {
      const campaign = await app.campaigns.find("latest");
      if (campaign === null) throw new Error("there is nothing to resume");
      const { returned } = await app.campaigns.steer(campaign.id, {
        do: "resume",
        provider: options.provider ?? null,
      });
      const report = await drive(app, campaign.id, (now) => now.state !== "running");
      return { ...report, returned };
    });
  }

  /** A command's code, in this process: as typed, but without the second that a new process needs. */
  async does(
    work: (io: Io, options: { config: string }) => Promise<number>,
    clock: Clock = systemClock,
  ): Promise<Ran> {
    const said = { stdout: "", stderr: "" };
    const io: Io = {
      out: async (text) => {
        said.stdout += text;
      },
      say: (text) => {
        said.stderr += `${text}\n`;
      },
      err: process.stderr,
      isTerminal: false,
      colour: false,
      canAsk: false,
      confirm: async () => false,
      open: (options) => openBellwether({ ...options, clock }),
    };
    try {
      const exit = await work(io, { config: this.path("bellwether.toml") });
      return { exit, ...said };
    } catch (error) {
      const exit = tellError(io, error, false);
      return { exit, ...said };
    }
  }

  /** `send FILE --yes --json` */
  async types(file: string, more: { again?: string; clock?: Clock } = {}): Promise<Answered> {
    const { clock, ...rest } = more;
    const yes = { yes: true, json: true, ...rest };
    return answered(
      await this.does((io, options) => send(io, this.path(file), { ...options, ...yes }), clock),
    );
  }

  /** `resume [CAMPAIGN] [--provider P] ... --json` */
  async typesResume(
    more: ResumeOptions & { campaign?: string; clock?: Clock; asked?: "yes" | "no" } = {},
  ): Promise<Answered> {
    const { campaign, clock, asked, ...rest } = more;
    const asking = asked === undefined ? {} : { canAsk: true, confirm: async () => asked === "yes" };
    return answered(
      await this.does(
        (io, options) => resume({ ...io, ...asking }, campaign, { ...options, ...rest, json: true }),
        clock,
      ),
    );
  }

  /** The built program in a process of its own, to its end. */
  run(...args: string[]): Promise<Ran> {
    return this.spawn(...args).ended;
  }

  /** The built program in a process of its own, while it runs. */
  spawn(...args: string[]): Running {
    const child = spawn(process.execPath, [PROGRAM, ...args], {
      cwd: this.folder,
      stdio: ["ignore", "pipe", "pipe"],
      env: { PATH: process.env.PATH, TZ: "UTC" },
    });
    this.#children.add(child);
    let stdout = "";
    let stderr = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    const ended = new Promise<Ran>((resolve) => {
      child.once("close", (exit) => {
        this.#children.delete(child);
        resolve({ exit, stdout, stderr });
      });
    });
    return { child, ended };
  }

  async close(): Promise<void> {
    for (const child of this.#children) child.kill("SIGKILL");
    await Promise.all(this.#servers.map((server) => server.close()));
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export function answered(ran: Ran): Answered {
  return { ...ran, report: ran.stdout === "" ? null : JSON.parse(ran.stdout) };
}

/** A world that ends with the test that made it. */
export async function createWorld(options: WorldOptions = {}): Promise<World> {
  const world = new World(options.routes === "each");
  onTestFinished(() => world.close());
  return world.start(options);
}

/** Reads, submits, checks and launches a campaign file; nothing is sent until somebody drives. */
export async function launch(app: Bellwether, file: string): Promise<Campaign> {
  const notice = await (await app.manager()).read(file);
  const campaign = await (await app.manager()).submit(notice, {
    confirmed: true,
    overrides: {},
    again: false,
  });
  const checked = await (await app.manager()).check(notice, {});
  expect(checked.findings.filter((one) => one.severity === "blocker")).toEqual([]);
  await (await app.manager()).launch(campaign, notice, checked);
  return campaign;
}

/** Drives the database until the report is as wanted; what is on the wire then settles. */
export async function drive(
  app: Bellwether,
  campaignId: number,
  wanted: (report: Report) => boolean,
): Promise<Report> {
  const driver = await app.drive(() => {});
  if (driver === null) throw new Error("another process drives this database");
  try {
    await until("the report is as wanted", async () => wanted(await buildReport(app.reports, campaignId)));
  } finally {
    await driver.drain();
  }
  return buildReport(app.reports, campaignId);
}

/** Looks every few milliseconds until it is so; fails with the words when it never is. */
export async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const endMs = systemClock.monotonic() + PATIENCE_MS;
  while (!(await isSo())) {
    if (systemClock.monotonic() > endMs) throw new Error(`it never came to this: ${what}`);
    await systemClock.sleep(LOOK_MS);
  }
}

/** What holds of every report, whatever happened: each row is in exactly one place. */
export function expectTotalsAddUp(report: Report): void {
  for (const { totals } of [report, ...report.lanes]) {
    const { recipients, ...rest } = totals;
    expect(sum(Object.values(rest))).toBe(recipients);
  }
  expect(sum(report.lanes.map((lane) => lane.totals.recipients))).toBe(report.totals.recipients);
}

/** What the report says is what the providers say, and nobody got it twice. */
export function expectOnceEach(world: World, report: Report): void {
  expectTotalsAddUp(report);
  for (const lane of report.lanes) {
    const taken = world.accepted(lane.provider);
    expect([...taken.values()].every((times) => times === 1)).toBe(true);
    expect([lane.provider, taken.size]).toEqual([lane.provider, lane.totals.accepted]);
  }
}

export function laneOf(report: Report, provider: string): Report["lanes"][number] {
  const lane = report.lanes.find((one) => one.provider === provider);
  if (lane === undefined) throw new Error(`the report has no lane ${provider}`);
  return lane;
}

export function csvOf(clients: Readonly<Record<string, number>>): string {
  const rows = Object.entries(clients).flatMap(([domain, count]) =>
    Array.from({ length: count }, (_, i) => `client${i}@${domain},Client ${i},C-${domain}-${i},s12`),
  );
  return `email,name,account,server\n${rows.join("\n")}\n`;
}

/** A notice of a window a week ahead. */
export function campaignText(
  options: { name?: string; above?: string; values?: string; atMs?: number } = {},
): string {
  const startMs = Math.ceil((options.atMs ?? systemClock.now()) / 3_600_000) * 3_600_000 + 7 * 24 * 3_600_000;
  const iso = (ms: number) => new Date(ms).toISOString();
  return `name = "${options.name ?? "Server s12 is replaced"}"
template = "maintenance-scheduled"
audience = "clients.csv"
${options.above ?? ""}
[values]
window_start = ${iso(startMs)}
window_end = ${iso(startMs + 7 * 60_000)}
${options.values ?? ""}`;
}

function providerOf(domain: string): string {
  return providerOfDomain(domain) ?? OTHER;
}

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, n) => total + n, 0);
}
