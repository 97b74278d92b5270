// Kills the program at random moments and starts it again, now with `send`, now with `resume`, until the campaign
// has ended. The seed decides the moments; what the machine makes of them differs from run to run.
import { setTimeout as sleep } from "node:timers/promises";
import type { CampaignFolder, Ledger } from "./campaign-folder.ts";
import { type Ended, type Mailer, runMailer, startMailer } from "./process.ts";

/** Where a kill falls: so many ms after this process has started, reads clients, has read them, plans, or sends. */
export interface Moment {
  after: Stage;
  ms: number;
}

export type Stage = "start" | "import" | "imported" | "plan" | "mail";

export interface Crash {
  command: "send" | "resume";
  moment: Moment;
  /** How far the ledger was when it died; what is `sending` there becomes uncertain. */
  ledger: Ledger;
  /** Mails that the provider has accepted by then. */
  accepted: number;
}

export const SEND = ["send", "campaign.toml", "--yes", "--json"];
export const RESUME = ["resume", "--yes", "--json"];

/** A seeded source of numbers in [0, 1): xorshift, 32 bits. */
export function randomOf(seed: number): () => number {
  let x = (seed | 0) === 0 ? 1 : seed | 0;
  return () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) / 2 ** 32;
  };
}

/** Dies `kills` times at most, sooner when the campaign ends; then runs to its end. */
export async function crashUntilDone(options: {
  world: CampaignFolder;
  kills: number;
  momentOf: (kill: number) => Moment;
}): Promise<{ crashes: Crash[]; last: Ended }> {
  const { world, momentOf } = options;
  const crashes: Crash[] = [];
  let submitted = false;
  for (let start = 0; ; start++) {
    const command = submitted && start % 2 === 1 ? "resume" : "send";
    const mailer = startMailer(world.folder, command === "send" ? SEND : RESUME);
    if (crashes.length === options.kills) return { crashes, last: await mailer.ended };
    const moment = momentOf(crashes.length);
    await reach(moment, { world, mailer });
    const ended = await mailer.kill();
    if (ended.signal !== "SIGKILL") return { crashes, last: ended };
    const { accepted } = await world.sink.counts();
    const ledger = world.ledger();
    submitted = ledger.campaign !== null;
    crashes.push({ command, moment, ledger, accepted });
    // Died over its report: `send` would refuse to do it again, `resume` tells what came of it.
    if (ledger.campaign?.startsWith("completed")) {
      return { crashes, last: await runMailer(world.folder, RESUME) };
    }
  }
}

/** Waits until the mailer is there, or gone. */
export async function reach(
  { after, ms }: Moment,
  { world, mailer }: { world: CampaignFolder; mailer: Mailer },
): Promise<void> {
  const before = { ...world.ledger(), accepted: (await world.sink.counts()).accepted };
  const isThere = async (): Promise<boolean> => {
    if (after === "mail") return (await world.sink.counts()).accepted > before.accepted;
    const now = world.ledger();
    // A later stage than the wanted one will do: the wanted one is over.
    if (now.planned) return true;
    if (after === "plan") return now.deliveries > before.deliveries;
    if (now.imports.ready > 0) return true;
    return after === "import" && now.imports.clients > before.imports.clients;
  };
  while (after !== "start" && mailer.running && !(await isThere())) await sleep(10);
  // The one wait that no event can replace: the moment itself is what is tried.
  await Promise.race([sleep(ms), mailer.ended]);
}
