// pause, cancel, stop: orders that are written into the database. Whoever sends sees them within a tenth of a
// second; what is on the wire settles.
import type { Bellwether } from "../application.ts";
import { EXIT, type ExitCode } from "../errors.ts";
import { buildReport } from "../report/report.ts";
import type { Io } from "./io.ts";
import { type CommonOptions, campaignOf, withBellwether } from "./open.ts";

/** Why a campaign is paused by `stop`; `resume` knows by it which ones to take up again. */
export const STOPPED = "Everything was stopped by a person.";

export async function pause(io: Io, which: string | undefined, options: CommonOptions): Promise<ExitCode> {
  return withBellwether(io, options, async (app) => {
    const campaign = await campaignOf(app, which);
    await app.campaigns.steer(campaign.id, { do: "pause", why: "A person paused it." });
    io.say(
      campaign.launchedAtMs === null
        ? `"${campaign.name}" is paused before it has begun, and does not begin until it is resumed.`
        : `"${campaign.name}" is paused. What was on the way is finished; \`resume\` lets it go on.`,
    );
    return answer(app, io, campaign.id, options);
  });
}

export async function cancel(io: Io, which: string | undefined, options: CommonOptions): Promise<ExitCode> {
  return withBellwether(io, options, async (app) => {
    const campaign = await campaignOf(app, which);
    await app.campaigns.steer(campaign.id, { do: "cancel", why: "A person cancelled it." });
    io.say(`"${campaign.name}" is cancelled. Who was not told is listed by \`untold\`.`);
    return answer(app, io, campaign.id, options);
  });
}

export async function stop(io: Io, options: CommonOptions): Promise<ExitCode> {
  return withBellwether(io, options, async (app) => {
    const stopped: { campaign: number; name: string }[] = [];
    for (const campaign of await app.campaigns.list()) {
      if (campaign.state !== "running" && campaign.state !== "scheduled") continue;
      await app.campaigns.steer(campaign.id, { do: "pause", why: STOPPED });
      stopped.push({ campaign: campaign.id, name: campaign.name });
    }
    const names = stopped.map((one) => `"${one.name}"`).join(", ");
    io.say(
      stopped.length === 0
        ? "Nothing was running or scheduled."
        : `Stopped: ${names}. \`resume\` lets them go on.`,
    );
    if (options.json === true) await io.out(`${JSON.stringify({ stopped })}\n`);
    return EXIT.done;
  });
}

async function answer(
  app: Bellwether,
  io: Io,
  campaignId: number,
  options: CommonOptions,
): Promise<ExitCode> {
  if (options.json === true) await io.out(`${JSON.stringify(await buildReport(app.reports, campaignId))}\n`);
  return EXIT.done;
}
