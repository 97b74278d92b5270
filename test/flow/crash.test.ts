// What a violent death may do: nobody is told twice, nobody is lost, and what nobody can know is listed. Judged by
// the journal of a provider in another process.
import { afterEach, expect, test } from "vitest";
import { type CampaignFolder, CONNECTIONS, createCampaignFolder } from "../world/campaign-folder.ts";
import { type Crash, crashUntilDone, type Moment, randomOf } from "../world/crashes.ts";
import { endMailers } from "../world/process.ts";

const worlds: CampaignFolder[] = [];
afterEach(async () => {
  await endMailers();
  for (const world of worlds.splice(0)) await world.close();
});

async function createWorld(options: Parameters<typeof createCampaignFolder>[0]): Promise<CampaignFolder> {
  const world = await createCampaignFolder(options);
  worlds.push(world);
  return world;
}

/** Nobody twice, nobody lost, the uncertain listed, within the bound of each kill. */
async function expectWell(world: CampaignFolder, crashes: readonly Crash[]): Promise<void> {
  const verdict = await world.judge();
  expect(verdict).toMatchObject({ twice: [], lost: [], sums: null });
  const left = crashes.map((crash) => crash.ledger.sending);
  for (const sending of left) expect(sending).toBeLessThanOrEqual(2 * CONNECTIONS);
  expect(verdict.uncertain.length).toBeLessThanOrEqual(left.reduce((a, b) => a + b, 0));
}

test("killed in mid-run again and again, everybody is told once or listed", async () => {
  const world = await createWorld({ clients: 900 });
  const random = randomOf(20_170_428);
  const momentOf = (): Moment => ({ after: "mail", ms: Math.round(random() * 150) });
  const { crashes, last } = await crashUntilDone({ world, kills: 10, momentOf });
  expect(last).toMatchObject({ code: 0 });
  console.log(
    crashes
      .map((c) => `${c.command} ${c.moment.after}+${c.moment.ms} ${c.accepted} ${JSON.stringify(c.ledger)}`)
      .join("\n"),
  );
  expect(crashes.length).toBeGreaterThanOrEqual(6);
  await expectWell(world, crashes);
}, 240_000);

test("killed while it reads, checks and plans a large audience, it tells everybody once in the end", async () => {
  const world = await createWorld({ clients: 60_000, every: 200 });
  const random = randomOf(390);
  const stages: Moment["after"][] = [
    "start",
    "import",
    "import",
    "import",
    "imported",
    "imported",
    "plan",
    "plan",
    "plan",
    "mail",
  ];
  const momentOf = (kill: number): Moment => {
    const after = stages[kill] ?? "start";
    return { after, ms: Math.round(random() * (after === "imported" ? 1_000 : 150)) };
  };
  const { crashes, last } = await crashUntilDone({ world, kills: stages.length, momentOf });
  expect(last).toMatchObject({ code: 0 });
  console.log(
    crashes
      .map((c) => `${c.command} ${c.moment.after}+${c.moment.ms} ${c.accepted} ${JSON.stringify(c.ledger)}`)
      .join("\n"),
  );
  await expectWell(world, crashes);
}, 240_000);
