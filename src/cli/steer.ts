// pause, cancel, stop: orders that are written into the database. Whoever sends sees them within a tenth of a
// second; what is on the wire settles.
import type { Bellwether } from "../application.ts";
import { BellwetherError, EXIT, type ExitCode } from "../errors.ts";
import { PROVIDER_IDS } from "../provider/directory.ts";
import { buildReport } from "../report/report.ts";
import type { Io } from "./io.ts";
import { type CommonOptions, campaignOf, withBellwether } from "./open.ts";

const BY_HAND = "A person paused it.";
/** Why a campaign is paused by `stop`; `resume` knows by it which ones to take up again. */
export const STOPPED = "Everything was stopped by a person.";

export interface PauseOptions extends CommonOptions {
  provider?: string;
}

export async function pause(io: Io, which: string | undefined, options: PauseOptions): Promise<ExitCode> {
  const { provider } = options;
  return withBellwether(io, options, async (app) => {
    if (provider !== undefined && which === undefined) return holdProvider(io, app, provider, options);
    const campaign = await campaignOf(app, which);
    if (provider === undefined) {
      await app.campaigns.steer(campaign.id, { do: "pause", why: BY_HAND });
      io.say(
        campaign.launchedAtMs === null
          ? `"${campaign.name}" is paused before it has begun, and does not begin until it is resumed.`
          : `"${campaign.name}" is paused. What was on the way is finished; \`resume\` lets it go on.`,
      );
    } else {
      await app.campaigns.steer(campaign.id, { do: "pause", why: BY_HAND, provider });
      io.say(
        `"${campaign.name}" sends nothing more to ${provider}; its other lanes go on. \`resume ${campaign.id} --provider ${provider}\` lets it go on.`,
      );
    }
    return answer(app, io, campaign.id, options);
  });
}

/** All campaigns, those to come too. */
async function holdProvider(
  io: Io,
  app: Bellwether,
  provider: string,
  options: CommonOptions,
): Promise<ExitCode> {
  if (!PROVIDER_IDS.includes(provider)) {
    throw new BellwetherError(
      "provider-unknown",
      `There is no provider "${provider}".`,
      `Known are: ${PROVIDER_IDS.join(", ")}.`,
    );
  }
  const added = await app.providerHolds.hold(provider, BY_HAND);
  io.say(
    `${provider} ${added ? "is" : "was already"} held: no campaign sends there, nor one that is launched later. \`resume --provider ${provider}\` lets it go on.`,
  );
  if (options.json === true) await io.out(`${JSON.stringify({ held: await app.providerHolds.list() })}\n`);
  return EXIT.done;
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
