// A folder as an operator has it - configuration, clients, campaign - for the built program, with a provider in
// another process that keeps a journal; and the judgement of what came of it, by that journal alone.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import DatabaseFile from "better-sqlite3";
import type { ProviderOutcome } from "../../src/sandbox/provider-log.ts";
import { type Ended, runMailer } from "./process.ts";
import { readJournal, type SinkOptions, type SinkProcess, startSinkProcess } from "./sink.ts";

export const CONNECTIONS = 10;

export interface CampaignFolder {
  readonly folder: string;
  /** The database file. */
  readonly database: string;
  readonly addresses: readonly string[];
  /** The provider of now; another one after `restartSink`. */
  readonly sink: SinkProcess;
  /** Begins a new process of the provider on the port of the one that has ended, with the same journal and its first rules. */
  restartSink(): Promise<void>;
  /** Mails that the provider has accepted, by its journal: all its processes together. */
  accepted(): number;
  /** What stands in the ledger, read beside the program; nothing before there is one. */
  ledger(): Ledger;
  /** Somebody is in the middle of a write. */
  isLocked(): boolean;
  /** Judges after a `send` or `resume --json` that ran to its end. */
  judge(ended: Ended): Promise<Verdict>;
  /** By the provider's journal: addresses that it accepted, and those that it accepted more than once. */
  told(): Promise<{ once: number; twice: number }>;
  /** What the provider did with an address, oldest first. */
  heard(address: string): ProviderOutcome[];
  close(): Promise<void>;
}

export interface Ledger {
  /** The one campaign's state; null: there is none yet. */
  campaign: string | null;
  planned: boolean;
  /** Imports by state, and the clients of all of them. */
  imports: { reading: number; ready: number; clients: number };
  deliveries: number;
  sending: number;
  uncertain: number;
}

export interface Verdict {
  /** Addresses that the provider accepted more than once. */
  twice: string[];
  /** Addresses that were never accepted, nor refused for good, and are not listed as uncertain. */
  lost: string[];
  /** Addresses that `uncertain --json` lists. */
  uncertain: string[];
  /** Of these, the ones that the provider has accepted after all. */
  arrived: number;
  /** What is wrong with the report's arithmetic; null: nothing. */
  sums: string | null;
}

const DOMAINS = ["gmail.com", "outlook.com", "yahoo.com", "orange.fr", "one.example", "two.example"];

/** The domain of client `i`. */
export function domainOf(i: number, domains: readonly string[] = DOMAINS): string {
  return domains[i % domains.length] ?? "one.example";
}

export async function createCampaignFolder(options: {
  /** Rows of the CSV. */
  clients: number;
  /** Only every n-th of them is on the server that is announced; 1: all. */
  every?: number;
  /** Where its data folder is; beside the configuration unless given. */
  data?: string;
  /** A PostgreSQL database instead of the file: a cluster. */
  database?: string;
  redis?: string;
  /** Connections of the route; CONNECTIONS unless given. */
  connections?: number;
  /** Domains of the clients, in turns; of several providers unless given. */
  domains?: readonly string[];
  sink?: SinkOptions;
  /** When the campaign begins; at once unless given. */
  at?: Date;
}): Promise<CampaignFolder> {
  const folder = mkdtempSync(path.join(tmpdir(), "bellwether-crash-"));
  const journal = path.join(folder, "sink.jsonl");
  const sinkOptions = { replyDelayMs: 2, keepLog: false, ...options.sink, journal };
  let sink = await startSinkProcess(sinkOptions);
  const data = options.data ?? path.join(folder, "data");
  mkdirSync(data, { recursive: true });
  const file = path.join(data, "bellwether.db");
  const every = options.every ?? 1;
  const clients = Array.from({ length: options.clients }, (_, i) => ({
    address: `client${i}@${domainOf(i, options.domains)}`,
    server: i % every === 0 ? "s12" : "s13",
  }));
  const addresses = clients.filter((one) => one.server === "s12").map((one) => one.address);
  const database = options.database ?? `file:${file}`;
  writeFileSync(path.join(folder, "bellwether.toml"), configOf({ ...options, port: sink.port, database }));
  writeFileSync(
    path.join(folder, "clients.csv"),
    ["email,name,locale,server", ...clients.map(rowOf)].join("\n").concat("\n"),
  );
  const windowAt = Date.now() + 30 * 24 * 60 * 60 * 1000;
  writeFileSync(
    path.join(folder, "campaign.toml"),
    `name = "The server is replaced"
template = "maintenance-scheduled"
audience = "clients.csv"
filter = { server = ["s12"] }
${options.at === undefined ? "" : `at = ${options.at.toISOString()}`}
[values]
window_start = ${new Date(windowAt).toISOString()}
window_end = ${new Date(windowAt + 420_000).toISOString()}
`,
  );

  async function judge(ended: Ended): Promise<Verdict> {
    const report = outputOf(ended);
    const listed = outputOf(await runMailer(folder, ["uncertain", "--json"]));
    const uncertain = (listed.uncertain as { address: string }[]).map((row) => row.address);
    const accepted = acceptedBy(journal);
    const refused = new Set<string>();
    for (const { outcome, recipient } of readJournal(journal))
      if (outcome === "refused" && recipient !== null) refused.add(recipient);
    const isUncertain = new Set(uncertain);
    return {
      twice: [...accepted].filter(([, times]) => times > 1).map(([address]) => address),
      lost: addresses.filter(
        (address) => !accepted.has(address) && !refused.has(address) && !isUncertain.has(address),
      ),
      uncertain,
      arrived: uncertain.filter((address) => accepted.has(address)).length,
      sums: wrongSums(report.totals as Record<string, number>, addresses.length),
    };
  }

  return {
    folder,
    database: file,
    addresses,
    get sink() {
      return sink;
    },
    restartSink: async () => {
      sink = await startSinkProcess({ ...sinkOptions, port: sink.port });
    },
    accepted: () => readFileSync(journal, "latin1").split('"outcome":"accepted"').length - 1,
    ledger: () => lookInto(file),
    isLocked: () => isLocked(file),
    judge,
    told: async () => {
      const times = [...acceptedBy(journal).values()];
      return { once: times.length, twice: times.filter((count) => count > 1).length };
    },
    heard: (address) =>
      readJournal(journal)
        .filter((entry) => entry.recipient === address)
        .map((entry) => entry.outcome),
    close: async () => {
      await sink.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function acceptedBy(journal: string): Map<string, number> {
  const accepted = new Map<string, number>();
  for (const { outcome, recipient } of readJournal(journal)) {
    if (outcome === "accepted" && recipient !== null)
      accepted.set(recipient, (accepted.get(recipient) ?? 0) + 1);
  }
  return accepted;
}

function rowOf({ address, server }: { address: string; server: string }, i: number): string {
  return `${address},Client ${i},${i % 2 === 0 ? "en" : "fr"},${server}`;
}

function configOf({
  port,
  database,
  redis,
  connections = CONNECTIONS,
}: {
  port: number;
  database: string;
  redis?: string;
  connections?: number;
}): string {
  const queue = redis === undefined ? "" : `[redis]\nurl = "${redis}"\n`;
  return `[sender]
from = "Hoster <support@hoster.example>"
[smtp]
url = "smtp://127.0.0.1:${port}"
feedback = "final"
connections = ${connections}
[dns]
servers = ["127.0.0.1:9"]
[database]
url = "${database}"
${queue}`;
}

function outputOf(ended: Ended): Record<string, unknown> {
  if (ended.code === 0) return JSON.parse(ended.stdout);
  throw new Error(`a command ended with ${ended.code ?? ended.signal}:\n${ended.stderr}`);
}

function wrongSums({ recipients, ...rest }: Record<string, number>, wanted: number): string | null {
  const sum = Object.values(rest).reduce((a, b) => a + b, 0);
  if (recipients === wanted && sum === wanted) return null;
  return `${wanted} addresses, ${recipients} recipients, ${sum} in all states: ${JSON.stringify(rest)}`;
}

const NOTHING: Ledger = {
  campaign: null,
  planned: false,
  imports: { reading: 0, ready: 0, clients: 0 },
  deliveries: 0,
  sending: 0,
  uncertain: 0,
};

function lookInto(file: string): Ledger {
  if (!existsSync(file)) return NOTHING;
  // Only reading, so that closing it does not tidy up the log that the dead process has left.
  const db = new DatabaseFile(file, { timeout: 10_000, readonly: true });
  try {
    const count = (sql: string) => (db.prepare(sql).get() as { n: number }).n;
    const campaign = db.prepare("SELECT state, planned FROM campaign").get() as
      | { state: string; planned: number }
      | undefined;
    return {
      campaign: campaign?.state ?? null,
      planned: campaign?.planned === 1,
      imports: {
        reading: count("SELECT count(*) AS n FROM import WHERE state = 'reading'"),
        ready: count("SELECT count(*) AS n FROM import WHERE state = 'ready'"),
        clients: count("SELECT coalesce(max(id), 0) AS n FROM client"),
      },
      deliveries: count("SELECT count(*) AS n FROM delivery"),
      sending: count("SELECT count(*) AS n FROM delivery WHERE state = 'sending'"),
      uncertain: count("SELECT count(*) AS n FROM delivery WHERE state = 'uncertain'"),
    };
  } catch (error) {
    // Killed in its first migration, or before.
    if (/no such table|unable to open/.test(String(error))) return NOTHING;
    throw error;
  } finally {
    db.close();
  }
}

function isLocked(file: string): boolean {
  const db = new DatabaseFile(file, { timeout: 0 });
  try {
    db.exec("BEGIN IMMEDIATE; ROLLBACK");
    return false;
  } catch (error) {
    if ((error as { code?: string }).code === "SQLITE_BUSY") return true;
    throw error;
  } finally {
    db.close();
  }
}
