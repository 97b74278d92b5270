// What the ramp costs a healthy campaign on a `final` route: the same campaign with the window that the program gives, and
// with one that is fully open from the start, in pairs that take turns at one sink in a process of its own. The built
// program runs in this process; the open window is given to the plan through its own store. Prints a line a pair and the
// medians. Usage: npm run build && tsx bench/ramp.ts [--mails 10000] [--pairs 6] [--providers 4] [--connections 20]
// [--delay 1]
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import Database from "better-sqlite3";
import { OPEN_WINDOW } from "../src/breaker/ramp.ts";
import type { CampaignStore } from "../src/campaign/store.ts";
import { providerOfDomain } from "../src/provider/directory.ts";
import type { ProviderLookup } from "../src/provider/lookup.ts";
import { startSinkProcess } from "../test/world/sink.ts";

const { values: given } = parseArgs({
  options: {
    mails: { type: "string", default: "10000" },
    pairs: { type: "string", default: "6" },
    providers: { type: "string", default: "4" },
    connections: { type: "string", default: "20" },
    delay: { type: "string", default: "1" },
  },
});
const mails = Number(given.mails);
const pairs = Number(given.pairs);

const DIST = path.resolve(import.meta.dirname, "../dist");
/** The built program: its ledger has a thread of its own, which the sources have not. */
const built = async <Module>(file: string): Promise<Module> =>
  import(pathToFileURL(path.join(DIST, file)).href);
const { openBellwether } = await built<typeof import("../src/compose.ts")>("compose.js");
const { planCampaign } = await built<typeof import("../src/campaign/plan.ts")>("campaign/plan.js");
const { loadConfig } = await built<typeof import("../src/config/load.ts")>("config/load.js");

const DOMAINS = ["gmail.com", "outlook.com", "yahoo.com", "icloud.com"].slice(0, Number(given.providers));
const sink = await startSinkProcess({ keepLog: false, replyDelayMs: Number(given.delay) });

/** By the domain alone: DNS is not what is measured. */
const lookup: ProviderLookup = {
  providersOf: async (domains) =>
    new Map(
      [...domains].map((domain) => [domain, { provider: providerOfDomain(domain) ?? "other", site: null }]),
    ),
  stats: () => ({ asked: 0, failed: 0, skipped: 0 }),
} as ProviderLookup;

/** Ms from the start of the sending to the last settle. */
async function run(window: number | null): Promise<number> {
  const folder = mkdtempSync(path.join(tmpdir(), "bellwether-ramp-"));
  try {
    writeFileSync(path.join(folder, "bellwether.toml"), configFile());
    writeFileSync(path.join(folder, "clients.csv"), clients());
    writeFileSync(path.join(folder, "campaign.toml"), campaignFile());
    const app = await openBellwether({ config: loadConfig({ cwd: folder, env: {} }), sends: true });
    try {
      const manager = await app.manager();
      const notice = await manager.read(path.join(folder, "campaign.toml"));
      const draft = await manager.submit(notice, { confirmed: true, overrides: {}, again: false });
      const importId = await manager.importOf(notice);
      await manager.launch(draft, notice, { importId, recipients: mails, providers: [], findings: [] });
      const campaign = await app.campaigns.find({ id: draft.id });
      if (campaign === null) throw new Error("the campaign is gone");
      const plan: CampaignStore["plan"] = (id, chunk) =>
        app.campaigns.plan(id, {
          ...chunk,
          lanes: chunk.lanes.map((lane) => ({ ...lane, window: window ?? lane.window })),
        });
      await planCampaign({
        campaign,
        audiences: app.audiences,
        campaigns: { ...app.campaigns, plan },
        lookup,
        routeOf: () => ({
          name: "default",
          feedback: "final",
          connections: Number(given.connections),
          direct: null,
        }),
        canary: 5,
        signal: new AbortController().signal,
      });
      const startedMs = Date.now();
      const driver = await app.drive(() => {});
      if (driver === null) throw new Error("somebody else drives this database");
      for (;;) {
        const { state } = (await app.campaigns.find({ id: draft.id })) ?? {};
        if (state !== "running") {
          await driver.drain();
          if (state !== "completed") throw new Error(`the campaign is ${state}`);
          return lastSettleMs(path.join(folder, "bellwether.db")) - startedMs;
        }
        await app.clock.sleep(50);
      }
    } finally {
      await app.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** When the last outcome was; the campaign's own end is only looked for four times a second. */
function lastSettleMs(file: string): number {
  const db = new Database(file, { readonly: true });
  try {
    return Date.parse(db.prepare("SELECT max(at) FROM outcome").pluck().get() as string);
  } finally {
    db.close();
  }
}

const ratios: number[] = [];
const differences: number[] = [];
// Its code is compiled by then.
await run(null);
for (let pair = 0; pair < pairs; pair++) {
  const order = pair % 2 === 0 ? [null, OPEN_WINDOW] : [OPEN_WINDOW, null];
  const took = new Map<number | null, number>();
  for (const window of order) took.set(window, await run(window));
  const ramp = took.get(null) ?? Number.NaN;
  const open = took.get(OPEN_WINDOW) ?? Number.NaN;
  ratios.push(ramp / open);
  differences.push(ramp - open);
  console.log(
    `with the ramp ${Math.round(ramp)} ms, fully open ${Math.round(open)} ms, ratio ${(ramp / open).toFixed(3)}, load ${loadavg()[0]?.toFixed(1)}`,
  );
}
const { accepted } = await sink.counts();
await sink.stop();
const expected = (2 * pairs + 1) * mails;
if (accepted !== expected) throw new Error(`the sink took ${accepted} of ${expected} mails`);
// What the ramp costs it costs once, at the start: of short campaigns the difference tells it with the least noise.
console.log(
  `${mails} mails, ${pairs} pairs: median ratio ${median(ratios).toFixed(3)}, median difference ${Math.round(median(differences))} ms`,
);

function median(of: readonly number[]): number {
  const sorted = of.toSorted((one, other) => one - other);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}

function clients(): string {
  const rows = Array.from(
    { length: mails },
    (_, i) => `client${i}@${DOMAINS[i % DOMAINS.length]},Client ${i},en,s12`,
  );
  return `email,name,locale,server\n${rows.join("\n")}\n`;
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

function configFile(): string {
  return `[sender]
from = "Support <support@hoster.example>"
[smtp]
url = "smtp://127.0.0.1:${sink.port}"
feedback = "final"
connections = ${given.connections}
[database]
url = "file:bellwether.db"
`;
}
