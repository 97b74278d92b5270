// Kills the built program with kill -9 at random moments of real campaigns - start, import, check, plan, sending -
// and judges by the provider's journal. Usage: npm run build && tsx bench/faults/crash.ts [kills = 20] [seed = 1].
// Prints one row a campaign and the sum; exit 1 when somebody was told twice, was lost, or too many are uncertain.
import { CONNECTIONS, createCampaignFolder } from "../../test/world/campaign-folder.ts";
import { type Crash, crashUntilDone, type Moment, randomOf, type Stage } from "../../test/world/crashes.ts";
import { endMailers } from "../../test/world/process.ts";

const kills = Number(process.argv[2] ?? 20);
const seed = Number(process.argv[3] ?? 1);

/** More kills than this to one campaign, and little but dying would be left of it. */
const KILLS_A_CAMPAIGN = 10;
const SPREAD_MS: Record<Stage, number> = {
  start: 1_500,
  import: 800,
  imported: 1_500,
  plan: 400,
  mail: 1_500,
};

interface Row {
  campaign: string;
  kills: number;
  "in import": number;
  "in check": number;
  "in plan": number;
  "in sending": number;
  "accepted twice": number;
  lost: number;
  uncertain: number;
  "of these arrived": number;
  "max a kill": number;
  sums: string;
}

const random = randomOf(seed);
const rows: Row[] = [];
let failed = false;
try {
  for (let done = 0; done < kills; ) {
    const isLarge = rows.length % 2 === 1;
    const row = await campaign(isLarge, Math.min(KILLS_A_CAMPAIGN, kills - done));
    rows.push(row);
    done += row.kills;
    // Ended before its first kill: once more would be the same.
    if (row.kills === 0) break;
  }
} finally {
  await endMailers();
}
console.table(rows);
const sum = (key: keyof Row) => rows.reduce((total, row) => total + Number(row[key]), 0);
const worst = Math.max(...rows.map((row) => row["max a kill"]));
console.log(
  `${sum("kills")} kills, accepted twice ${sum("accepted twice")}, lost ${sum("lost")}, uncertain ${sum("uncertain")}, ` +
    `at most ${worst} a kill (bound ${2 * CONNECTIONS}); seed ${seed}`,
);
process.exitCode = failed || sum("kills") < kills ? 1 : 0;

async function campaign(isLarge: boolean, most: number): Promise<Row> {
  const world = await createCampaignFolder(isLarge ? { clients: 60_000, every: 100 } : { clients: 3_000 });
  try {
    const stages: Stage[] = isLarge ? ["start", "import", "imported", "plan", "mail"] : ["mail"];
    // Each stage comes once in a campaign's life, so the kills walk through them in order.
    const momentOf = (kill: number): Moment => {
      const after = stages[Math.floor((kill * stages.length) / most)] ?? "mail";
      return { after, ms: Math.round(random() * SPREAD_MS[after]) };
    };
    const { crashes, last } = await crashUntilDone({ world, kills: most, momentOf });
    if (last.code !== 0)
      throw new Error(`the last run ended with ${last.code ?? last.signal}:\n${last.stderr}`);
    const verdict = await world.judge(last);
    const found = stagesOf(crashes);
    const max = Math.max(0, ...crashes.map((crash) => crash.ledger.sending));
    const lateOnes = verdict.uncertain.length > crashes.reduce((n, crash) => n + crash.ledger.sending, 0);
    failed ||= verdict.twice.length + verdict.lost.length > 0 || verdict.sums !== null;
    failed ||= max > 2 * CONNECTIONS || lateOnes;
    return {
      campaign: isLarge ? "600 of 60,000 rows" : "3,000 rows",
      kills: crashes.length,
      ...found,
      "accepted twice": verdict.twice.length,
      lost: verdict.lost.length,
      uncertain: verdict.uncertain.length,
      "of these arrived": verdict.arrived,
      "max a kill": max,
      sums: verdict.sums ?? "right",
    };
  } finally {
    await endMailers();
    await world.close();
  }
}

/** What the ledger says it was doing when it died. */
function stagesOf(crashes: readonly Crash[]): Pick<Row, "in import" | "in check" | "in plan" | "in sending"> {
  const count = (is: (crash: Crash) => boolean) => crashes.filter(is).length;
  return {
    "in import": count(({ ledger }) => ledger.campaign !== "running" && ledger.imports.ready === 0),
    "in check": count(({ ledger }) => ledger.campaign === "draft" && ledger.imports.ready > 0),
    "in plan": count(({ ledger }) => ledger.campaign === "running" && !ledger.planned),
    "in sending": count(({ ledger }) => ledger.planned),
  };
}
