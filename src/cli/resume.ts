// resume: goes on with whatever stands still - an interrupted import, a plan, a pause, a hold - to the end.

import type { Bellwether } from "../application.ts";
import { type Campaign, isFinished } from "../campaign/campaign.ts";
import { keyOf } from "../campaign/manager.ts";
import { BellwetherError, EXIT, type ExitCode } from "../errors.ts";
import { providerTitle } from "../provider/directory.ts";
import { shownTime } from "../report/find.ts";
import { buildReport } from "../report/report.ts";
import { parseOverrides } from "./findings.ts";
import type { Io } from "./io.ts";
import { type CommonOptions, campaignOf, withBellwether } from "./open.ts";
import { recheck } from "./recheck.ts";
import { createInterrupt, type Interrupt, runCampaign, tellEnd } from "./run.ts";
import { startText } from "./scheduled.ts";
import { sendNotice } from "./send.ts";
import { STOPPED } from "./steer.ts";

export interface ResumeOptions extends CommonOptions {
  provider?: string;
  /** An organisation that refused us by its own rule, by its domain. */
  organisation?: string;
  yes?: boolean;
  override?: string[];
}

export async function resume(io: Io, which: string | undefined, options: ResumeOptions): Promise<ExitCode> {
  const overrides = parseOverrides(options.override ?? []);
  if (options.organisation !== undefined && options.provider !== undefined)
    throw new BellwetherError(
      "usage",
      "--organisation and --provider stand together.",
      "An organisation comes back in every lane; leave --provider out.",
    );
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
      if (options.organisation !== undefined) {
        await resumeByName(app, io, campaign, options.organisation);
        return await goOn({ app, io, campaign, interrupt, json });
      }
      if (campaign.state === "draft") {
        const notice = await readAgain(app, campaign);
        const confirmed = campaign.confirmed || options.yes === true;
        return await sendNotice({ app, io, notice, campaign: { ...campaign, confirmed }, interrupt, json });
      }
      const provider = options.provider ?? null;
      const over = tellOver(app, io, campaign);
      const keep = over
        ? []
        : await recheck({ app, io, campaign, provider, overrides, early: options.yes === true });
      const steered = await app.campaigns.steer(campaign.id, { do: "resume", provider, keep });
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
      return await goOn({ app, io, campaign, interrupt, json });
    } finally {
      interrupt.dispose();
    }
  });
}

/** To its end, if there is anything to go on with. */
async function goOn(given: {
  app: Bellwether;
  io: Io;
  campaign: Campaign;
  interrupt: Interrupt;
  json: boolean;
}): Promise<ExitCode> {
  const { app, io, campaign, interrupt, json } = given;
  const now = await app.campaigns.find({ id: campaign.id });
  if (now !== null && now.state !== "running" && now.state !== "scheduled") {
    io.say(`"${campaign.name}" is ${now.state}: nothing is sent.`);
    return tellEnd({ app, io, campaignId: campaign.id, json, interrupted: false });
  }
  return runCampaign({ app, io, campaignId: campaign.id, interrupt, json });
}

async function resumeByName(
  app: Bellwether,
  io: Io,
  campaign: Campaign,
  organisation: string,
): Promise<void> {
  const { returned, lanes } = await app.campaigns.steer(campaign.id, {
    do: "resume-organisation",
    organisation,
  });
  io.say(`${organisation}: ${returned} are sent again, by ${lanes.map(providerTitle).join(", ")}.`);
  const now = await app.campaigns.find({ id: campaign.id });
  if (now?.state === "paused") io.say("They wait: the campaign is paused. `resume` lets it go on.");
}

/** After its time nothing is sent: what to do instead. */
function tellOver(app: Bellwether, io: Io, { id, name, validUntilMs, launchedAtMs }: Campaign): boolean {
  if (validUntilMs === null || validUntilMs > app.clock.now() || launchedAtMs === null) return false;
  io.say(
    `"${name}" was true until ${shownTime(new Date(validUntilMs).toISOString())}: nobody is sent it any more.`,
  );
  io.say(
    `\`bellwether untold ${id} --follow-up FOLDER\` writes a list of those who missed it, and a campaign file that tells them.`,
  );
  return true;
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
