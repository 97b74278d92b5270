// Lets a fault happen many times at random moments of real campaigns, and judges what came of each: by the provider's
// journal (told twice, lost), by the report (sums), and by the outcome log folded again (breaker, window, counts).
import { setTimeout as sleep } from "node:timers/promises";
import type { CampaignFolder } from "../../test/world/campaign-folder.ts";
import { RESUME } from "../../test/world/crashes.ts";
import { foldAgain, type Query } from "../../test/world/outcome-fold.ts";
import { type Mailer, runMailer } from "../../test/world/process.ts";
import type { SinkOptions } from "../../test/world/sink.ts";

/** A campaign under way, however it is run. */
export interface Scene {
  world: CampaignFolder;
  /** The command that has submitted it. */
  watcher: Mailer;
  taken(mails: number): Promise<void>;
  query: Query;
  close(): Promise<void>;
}

export interface Fault<S extends Scene> {
  name: string;
  /** Uncertain mails that one of them may leave. */
  bound: number;
  strike: (scene: S) => Promise<void>;
  /** How many faults one campaign gets. */
  aCampaign?: number;
  open: () => Promise<S>;
  /** When the campaign has ended for the first time, before it is judged. */
  afterwards?: (scene: S) => Promise<void>;
  /** How often it has struck since the start, where a strike is more than one, or may miss. */
  count?: () => number;
  /** Said beside the figures. */
  note?: () => string;
}

export interface Row {
  fault: string;
  times: number;
  campaigns: number;
  /** Campaigns that ended without a person's help once the fault was over. */
  ended: number;
  twice: number;
  lost: number;
  uncertain: number;
  "of these arrived": number;
  bound: string;
  sums: string;
  /** Lanes and rows that are not what the outcome log says. */
  "log folded": string;
  seconds: number;
  note: string;
}

/** Mails of a campaign. More faults in it, and little but faults would be left. */
export const MAILS = 1_000;
const FAULTS_A_CAMPAIGN = 20;
const END_WITHIN_MS = 240_000;

/** A few unknown users in each lane, so that there is something for the breaker to count. */
export const SINK: SinkOptions = {
  replyDelayMs: 10,
  rules: [{ share: 0.03, seed: 7, reply: "google-user-unknown", phase: "rcpt" }],
};

export async function runFault<S extends Scene>(
  fault: Fault<S>,
  { times, random }: { times: number; random: () => number },
): Promise<{ row: Row; well: boolean }> {
  const { aCampaign = FAULTS_A_CAMPAIGN } = fault;
  const startedMs = performance.now();
  const before = fault.count?.() ?? 0;
  const row: Row = {
    ...{ fault: fault.name, times: 0, campaigns: 0, ended: 0, twice: 0, lost: 0, uncertain: 0 },
    ...{ "of these arrived": 0, bound: `${fault.bound} each`, sums: "right", "log folded": "the same" },
    ...{ seconds: 0, note: "" },
  };
  while (row.times < times) {
    const scene = await fault.open();
    try {
      let struck = 0;
      const step = MAILS / (aCampaign + 2);
      for (let i = 1; i <= aCampaign && row.times + struck < times; i++) {
        const reached = await scene.taken(Math.round((i + random() - 0.5) * step)).then(
          () => true,
          () => false,
        );
        if (!reached) break;
        await fault.strike(scene);
        struck += 1;
      }
      const ended = await ends(scene);
      if (ended) {
        row.ended += 1;
        await fault.afterwards?.(scene);
        await ends(scene);
      } else {
        console.error(`${fault.name}: a campaign did not end by itself\n${scene.watcher.stderr()}`);
      }
      const watched =
        scene.watcher.running || fault.afterwards !== undefined ? null : await scene.watcher.ended;
      // The command that watches may have lost its database; what it started goes on without it.
      const last = watched?.code === 0 ? watched : await runMailer(scene.world.folder, RESUME);
      const verdict = await scene.world.judge(last);
      row.times = fault.count === undefined ? row.times + struck : fault.count() - before;
      row.campaigns += 1;
      row.twice += verdict.twice.length;
      row.lost += verdict.lost.length;
      row.uncertain += verdict.uncertain.length;
      row["of these arrived"] += verdict.arrived;
      if (verdict.sums !== null) row.sums = verdict.sums;
      const wrong = await foldAgain(scene.query);
      if (wrong.length > 0) row["log folded"] = wrong.slice(0, 3).join("; ");
      if (struck === 0 && row.campaigns > 3) break;
    } finally {
      await scene.close();
    }
  }
  row.seconds = Math.round((performance.now() - startedMs) / 1000);
  row.note = fault.note?.() ?? "";
  const well =
    row.times >= times &&
    row.ended === row.campaigns &&
    row.twice + row.lost === 0 &&
    row.sums === "right" &&
    row["log folded"] === "the same" &&
    row.uncertain <= row.times * fault.bound;
  return { row, well };
}

async function ends({ query, watcher }: Scene): Promise<boolean> {
  const until = performance.now() + END_WITHIN_MS;
  while (performance.now() < until) {
    const [campaign] = await query<{ state: string }>("SELECT state FROM campaign");
    if (campaign?.state.startsWith("completed")) {
      // It is about to end as well; what watches no more never will.
      await Promise.race([watcher.ended, sleep(5_000)]);
      return true;
    }
    await sleep(200);
  }
  return false;
}

/** Runs those whose name holds the words; prints each as it ends, then the table. False: one was not well. */
export async function runFaults<S extends Scene>(
  faults: readonly Fault<S>[],
  options: { only: string; times: number; random: () => number },
): Promise<boolean> {
  const rows: Row[] = [];
  let good = true;
  for (const fault of faults.filter((one) => one.name.includes(options.only))) {
    const { row, well } = await runFault(fault, options);
    good &&= well;
    rows.push(row);
    console.error(JSON.stringify({ ...row, well }));
  }
  console.table(rows);
  return good;
}
