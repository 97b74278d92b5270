// Commands that only look: status, report, untold, export, uncertain (which can also settle), find.
import { shownStart } from "../campaign/start.ts";
import { BellwetherError, EXIT, type ExitCode } from "../errors.ts";
import { findClient, renderFind } from "../report/find.ts";
import { describeIntake } from "../report/intakes.ts";
import { outcomeLog } from "../report/outcome-log.ts";
import { progressOf } from "../report/progress.ts";
import { buildReport } from "../report/report.ts";
import { renderReport } from "../report/report-text.ts";
import { safeText } from "../report/safe-text.ts";
import { untoldCsv } from "../report/untold.ts";
import { alertLines } from "./alerts.ts";
import type { Io } from "./io.ts";
import { type CommonOptions, campaignOf, withBellwether } from "./open.ts";
import { type PostMortemOptions, postMortem, wantsPostMortem } from "./post-mortem.ts";
import { startText } from "./scheduled.ts";
import { senderFacts } from "./sender-facts.ts";

const DAY_MS = 24 * 60 * 60_000;

export async function status(
  io: Io,
  which: string | undefined,
  options: CommonOptions & { all?: boolean },
): Promise<ExitCode> {
  return withBellwether(io, options, async (app) => {
    if (options.all === true) {
      const campaigns = await app.campaigns.list();
      const rows = campaigns.map(({ id, name, state }) => ({ campaign: id, name, state }));
      if (options.json === true) await io.out(`${JSON.stringify({ campaigns: rows })}\n`);
      else
        for (const { id, state, name, start } of campaigns) {
          const when = state === "scheduled" && start !== null ? `\t${shownStart(start)}` : "";
          await io.out(`${id}\t${state}\t${safeText(name)}${when}\n`);
        }
      return EXIT.done;
    }
    const campaign = await campaignOf(app, which);
    if (options.json === true) {
      await io.out(`${JSON.stringify(await buildReport(app.reports, campaign.id, senderFacts(app)))}\n`);
      return EXIT.done;
    }
    const now = await progressOf(app.reports, campaign.id);
    const how =
      now.state === "scheduled" && now.start !== null
        ? `begins on ${startText(now.start, app.clock.now())}`
        : now.start !== null && campaign.pausedBy === "person"
          ? `was to begin on ${startText(now.start, app.clock.now())}`
          : `told ${now.told} of ${now.size}`;
    await io.out(`${safeText(now.name)}: ${now.state}, ${how}\n`);
    if (campaign.why !== null) await io.out(`  ${safeText(campaign.why)}\n`);
    for (const lane of now.lanes) {
      const rest = [
        lane.bounced > 0 ? `${lane.bounced} refused` : "",
        lane.deferred > 0 ? `${lane.deferred} deferred` : "",
        lane.pending > 0 ? `${lane.pending} waiting` : "",
        lane.uncertain > 0 ? `${lane.uncertain} uncertain` : "",
        lane.ramp === undefined ? "" : `the ramp takes ${lane.ramp}`,
      ].filter(Boolean);
      await io.out(
        `  ${lane.provider}: ${lane.state}, told ${lane.told} of ${lane.size}${rest.length > 0 ? `, ${rest.join(", ")}` : ""}\n`,
      );
    }
    for (const sentinel of now.sentinels) await io.out(`  ${safeText(sentinel)}\n`);
    for (const intake of await app.intakes.intakes()) await io.out(`  ${safeText(describeIntake(intake))}\n`);
    for (const line of alertLines(await app.alerts.list({ live: true, limit: 20 })))
      await io.out(`  ${line}\n`);
    const unmatched = await app.returned.unmatchedSince(app.clock.now() - DAY_MS);
    if (unmatched > 0)
      await io.out(`  ${unmatched} of the last day's reports matched nothing: bounces list --unmatched\n`);
    for (const held of await app.providerHolds.list()) {
      await io.out(
        `  ${held.provider} is held for every campaign since ${held.at}: ${safeText(held.why)} \`resume --provider ${held.provider}\` lets it go on.\n`,
      );
    }
    return EXIT.done;
  });
}

export async function report(
  io: Io,
  which: string | undefined,
  options: PostMortemOptions,
): Promise<ExitCode> {
  if (wantsPostMortem(options)) return postMortem(io, which, options);
  return withBellwether(io, options, async (app) => {
    const campaign = await campaignOf(app, which);
    const built = await buildReport(app.reports, campaign.id, senderFacts(app));
    if (options.json === true) await io.out(`${JSON.stringify(built)}\n`);
    else await io.out(`${renderReport(built, { colour: false, width: process.stdout.columns || 80 })}\n`);
    return EXIT.done;
  });
}

export async function untold(
  io: Io,
  which: string | undefined,
  options: CommonOptions & { followUp?: string; template?: string },
): Promise<ExitCode> {
  if (options.template !== undefined && options.followUp === undefined)
    throw new BellwetherError(
      "usage",
      "--template stands without --follow-up.",
      "It names the template of the follow-up notice.",
    );
  return withBellwether(io, options, async (app) => {
    const campaign = await campaignOf(app, which);
    if (options.followUp !== undefined) {
      const { writeFollowUp } = await import("./follow-up.ts");
      return writeFollowUp({ app, io, campaign, folder: options.followUp, template: options.template });
    }
    for await (const line of untoldCsv(app.reports, campaign.id, senderFacts(app))) await io.out(line);
    return EXIT.done;
  });
}

export async function exportLog(
  io: Io,
  which: string | undefined,
  options: CommonOptions,
): Promise<ExitCode> {
  return withBellwether(io, options, async (app) => {
    const campaign = await campaignOf(app, which);
    for await (const line of outcomeLog(app.reports, campaign.id)) await io.out(line);
    return EXIT.done;
  });
}

export async function uncertain(
  io: Io,
  which: string | undefined,
  options: CommonOptions & { resend?: boolean; markSent?: boolean },
): Promise<ExitCode> {
  if (options.resend === true && options.markSent === true) {
    throw new BellwetherError(
      "usage",
      "--resend and --mark-sent contradict each other.",
      "Give one of them.",
    );
  }
  return withBellwether(io, options, async (app) => {
    const campaign = await campaignOf(app, which);
    const rows = await app.reports.uncertain(campaign.id);
    if (options.json === true) await io.out(`${JSON.stringify({ uncertain: rows })}\n`);
    else
      for (const row of rows)
        await io.out(`${row.delivery}\t${row.provider}\t${row.address}\t${row.at ?? ""}\n`);
    const as = options.resend === true ? "resend" : options.markSent === true ? "sent" : null;
    if (as !== null) {
      const { returned } = await app.campaigns.steer(campaign.id, { do: "settle-uncertain", as });
      io.say(
        as === "resend"
          ? `${returned} will be sent once more: \`bellwether resume\`. Who had got it gets it twice.`
          : `${returned} count as told.`,
      );
    } else if (rows.length > 0) {
      io.say(
        `${rows.length} may or may not have arrived. Ask their provider or the clients; then --resend or --mark-sent.`,
      );
    } else {
      io.say("Nothing is uncertain.");
    }
    return EXIT.done;
  });
}

export async function find(io: Io, text: string, options: CommonOptions): Promise<ExitCode> {
  return withBellwether(io, options, async (app) => {
    const found = await findClient(app.reports, text);
    if (options.json === true) await io.out(`${JSON.stringify(found)}\n`);
    else await io.out(`${renderFind(found)}\n`);
    return EXIT.done;
  });
}

/** Every command migrates when it opens the database; this one does nothing else. */
export async function migrate(io: Io, options: CommonOptions): Promise<ExitCode> {
  return withBellwether(io, options, async () => {
    io.say("The database is at this program's version.");
    return EXIT.done;
  });
}
