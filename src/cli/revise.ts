// revise: a corrected text for those who have not been told yet. Shows what they will read instead, asks for its own
// approval, and stores it; sending goes on by itself, or with `resume`.
import type { Bellwether } from "../application.ts";
import type { Campaign } from "../campaign/campaign.ts";
import { blockersOf } from "../campaign/preflight/override.ts";
import { type PreparedRevision, prepareRevision } from "../campaign/revise.ts";
import { BellwetherError, EXIT, type ExitCode } from "../errors.ts";
import { buildReport } from "../report/report.ts";
import { safeLines, safeText } from "../report/safe-text.ts";
import { tellFinding } from "./findings.ts";
import type { Io } from "./io.ts";
import { type CommonOptions, withBellwether } from "./open.ts";

export interface ReviseOptions extends CommonOptions {
  yes?: boolean;
  /** The name under which the file was sent, where it is not its own. */
  again?: string;
}

export async function revise(io: Io, file: string, options: ReviseOptions): Promise<ExitCode> {
  return withBellwether(io, options, async (app) => {
    const { again } = options;
    const notice = await (await app.manager()).read(file, again === undefined ? {} : { again });
    const campaign = await app.campaigns.find({ name: notice.name });
    if (campaign === null) {
      throw new BellwetherError(
        "campaign-missing",
        `There is no campaign "${notice.name}" to revise.`,
        "A revision keeps the name; if the file was sent under another one, add --again NAME.",
      );
    }
    const prepared = await prepareRevision({
      campaign,
      notice,
      campaigns: app.campaigns,
      audiences: app.audiences,
      senderName: app.letterhead().from.name,
      nowMs: app.clock.now(),
    });
    return approve({ app, io, campaign, prepared, options });
  });
}

async function approve(given: {
  app: Bellwether;
  io: Io;
  campaign: Campaign;
  prepared: PreparedRevision;
  options: ReviseOptions;
}): Promise<ExitCode> {
  const { app, io, campaign, prepared, options } = given;
  const { changes, findings, number } = prepared;
  const answer = async (revision: number) => {
    if (options.json !== true) return;
    const { id, name } = campaign;
    const diff = changes.map(({ address: _address, ...change }) => change);
    await io.out(`${JSON.stringify({ campaign: id, name, revision, diff, findings })}\n`);
  };
  for (const finding of findings) tellFinding(io, finding, undefined);
  if (blockersOf(findings, {}, 0).length > 0) {
    await answer(campaign.revision);
    io.say("Refused: the former text stays. Repair what stands above.");
    return EXIT.refused;
  }
  if (changes.length === 0) {
    await answer(campaign.revision);
    io.say(`Nothing has changed: revision ${campaign.revision} of "${campaign.name}" says this already.`);
    const { validUntilMs, tellByMs } = prepared.order;
    if (validUntilMs !== campaign.validUntilMs || tellByMs !== campaign.tellByMs)
      io.say("Another valid_until or tell_by alone is no revision: it stays as it was launched.");
    return EXIT.done;
  }
  tellChanges(io, prepared);
  const { totals, lanes } = await buildReport(app.reports, campaign.id);
  const told = totals.accepted + totals.handedOver + totals.complained;
  const waiting = totals.pending + totals.deferred;
  io.say(
    `${addresses(waiting)} still waiting will read the new text, and so will those who are sent it again. ${addresses(told)} told with an earlier one will not be written to again.`,
  );
  if (options.yes !== true) {
    if (!io.canAsk) {
      throw new BellwetherError(
        "not-confirmed",
        "Nobody said yes to the new text, and nobody can be asked here.",
        "Read the difference above, then add --yes.",
      );
    }
    if (!(await io.confirm("Send this text from now on?"))) {
      io.say("The former text stays.");
      return EXIT.interrupted;
    }
  }
  await app.campaigns.steer(campaign.id, prepared.order);
  await answer(number);
  const stands = campaign.state !== "running" || lanes.some((lane) => lane.state === "held");
  io.say(
    `Revision ${number} of "${campaign.name}" is what is sent from now on.${stands ? ` \`resume ${campaign.id}\` lets it go on.` : ""}`,
  );
  return EXIT.done;
}

function addresses(count: number): string {
  return count === 1 ? "1 address" : `${count} addresses`;
}

function tellChanges(io: Io, { changes }: PreparedRevision): void {
  for (const { locale, address, diff, html } of changes) {
    io.say(`What ${safeText(address)} reads (${locale}):`);
    for (const line of safeLines(diff)) io.say(line);
    if (html) io.say(diff === "" ? "Only the html differs." : "The html differs too.");
  }
}
