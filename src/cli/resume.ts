// resume: goes on with whatever stands still - an interrupted import, a plan, a pause, a hold - to the end.

import type { Bellwether } from "../application.ts";
import { type Campaign, isFinished } from "../campaign/campaign.ts";
import { keyOf } from "../campaign/manager.ts";
import { BellwetherError, EXIT, type ExitCode } from "../errors.ts";
import { buildReport } from "../report/report.ts";
import type { Io } from "./io.ts";
import { type CommonOptions, campaignOf, withBellwether } from "./open.ts";
import { createInterrupt, runCampaign, tellEnd } from "./run.ts";
import { startText } from "./scheduled.ts";
import { sendNotice } from "./send.ts";
import { STOPPED } from "./steer.ts";

export interface ResumeOptions extends CommonOptions {
  provider?: string;
  yes?: boolean;
}

export async function resume(io: Io, which: string | undefined, options: ResumeOptions): Promise<ExitCode> {
  return withBellwether(io, { ...options, sends: true }, async (app) => {
    const interrupt = createInterrupt(io);
    const json = options.json === true;
    try {
      const release =
        which === undefined && options.provider !== undefined
          ? await app.providerHolds.release(options.provider)
          : null;
      if (release !== null) {
        io.say(`${options.provider} goes on in every campaign.`);
        if (!(await hasWork(app, options.provider))) return EXIT.done;
      }
      const campaign = await campaignOf(app, which);
      if (campaign.state === "draft") {
        const notice = await readAgain(app, campaign);
        const confirmed = campaign.confirmed || options.yes === true;
        return await sendNotice({ app, io, notice, campaign: { ...campaign, confirmed }, interrupt, json });
      }
      const provider = options.provider ?? null;
      const steered = await app.campaigns.steer(campaign.id, { do: "resume", provider });
      if (which === undefined) await resumeStopped(app, io, campaign);
      for (const held of await app.providerHolds.list()) {
        if (provider !== null && provider !== held.provider) continue;
        io.say(
          `${held.provider} stays held for every campaign: \`resume --provider ${held.provider}\` lets it go on.`,
        );
      }
      if (steered.lanes.length > 0) {
        io.say(`Goes on: ${steered.lanes.join(", ")}; ${steered.returned} are sent again, one first.`);
      }
      const now = await app.campaigns.find({ id: campaign.id });
      if (now?.pausedBy === "schedule") {
        io.say(`"${now.name}" has missed its moment. \`resume\` once more starts it now.`);
        return await tellEnd({ app, io, campaignId: campaign.id, json, interrupted: false });
      }
      if (now !== null && now.state !== "running" && now.state !== "scheduled") {
        io.say(`"${campaign.name}" is ${now.state}: there is nothing to resume.`);
        return await tellEnd({ app, io, campaignId: campaign.id, json, interrupted: false });
      }
      return await runCampaign({ app, io, campaignId: campaign.id, interrupt, json });
    } finally {
      interrupt.dispose();
    }
  });
}

/** Does the latest campaign still wait for this provider? */
async function hasWork(app: Bellwether, provider: string | undefined): Promise<boolean> {
  const latest = await app.campaigns.find("latest");
  if (latest === null || latest.state === "draft" || isFinished(latest.state)) return false;
  const { lanes } = await buildReport(app.reports, latest.id);
  return lanes.some((lane) => lane.provider === provider && lane.state !== "done");
}

/** What `stop` paused, `resume` lets go on, all of it. */
async function resumeStopped(app: Bellwether, io: Io, except: Campaign): Promise<void> {
  for (const other of await app.campaigns.list()) {
    if (other.id === except.id || other.state !== "paused" || other.why !== STOPPED) continue;
    await app.campaigns.steer(other.id, { do: "resume", provider: null });
    const now = await app.campaigns.find({ id: other.id });
    const start = now?.launchedAtMs === null ? now.start : null;
    if (now?.pausedBy === "schedule") {
      io.say(`"${other.name}" was stopped by \`stop\` and missed its moment meanwhile: it stays paused.`);
    } else if (now?.state === "scheduled" && start !== null) {
      io.say(`"${other.name}" is scheduled again: it begins on ${startText(start, app.clock.now())}.`);
    } else io.say(`"${other.name}" goes on too: it was stopped by \`stop\`.`);
  }
}

/** The draft's file, if it still asks for the same. */
async function readAgain(app: Bellwether, campaign: Campaign) {
  const notice = await (await app.manager()).read(campaign.file, { again: campaign.name });
  if (keyOf(notice) === campaign.key) return notice;
  const isAudience = notice.audienceHash !== campaign.audienceHash;
  throw new BellwetherError(
    isAudience ? "csv-changed" : "campaign-state",
    `${isAudience ? "The audience" : campaign.file} was changed since "${campaign.name}" was begun, and nothing of it was sent yet.`,
    "Type `send` again: it takes the file as it is now.",
    { exit: EXIT.usage },
  );
}
