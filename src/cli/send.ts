// send and check: from a campaign file to its end, with everything that may refuse it on the way.

import type { Bellwether } from "../application.ts";
import type { Campaign } from "../campaign/campaign.ts";
import type { Checked, Notice } from "../campaign/manager.ts";
import { blockersOf, type Overrides, overrideOf, overridesBy, tied } from "../campaign/preflight/override.ts";
import { BellwetherError, EXIT, type ExitCode } from "../errors.ts";
import { providerTitle } from "../provider/directory.ts";
import { parseOverrides, tellFinding } from "./findings.ts";
import type { Io } from "./io.ts";
import { login } from "./login.ts";
import { type CommonOptions, withBellwether } from "./open.ts";
import { createInterrupt, type Interrupt, runCampaign } from "./run.ts";
import { sendAgain, startText } from "./scheduled.ts";

export interface SendOptions extends CommonOptions {
  yes?: boolean;
  override?: string[];
  again?: string;
}

export async function send(io: Io, file: string, options: SendOptions): Promise<ExitCode> {
  const overrides = parseOverrides(options.override ?? []);
  return withBellwether(io, { ...options, sends: true }, async (app) => {
    const interrupt = createInterrupt(io);
    try {
      app.letterhead();
      const notice = await (await app.manager()).read(
        file,
        options.again === undefined ? {} : { again: options.again },
      );
      const campaign = await (await app.manager()).submit(notice, {
        confirmed: options.yes === true,
        overrides: overridesBy(overrides, login(), app.clock.now()),
        again: options.again !== undefined,
      });
      return await sendNotice({ app, io, notice, campaign, interrupt, json: options.json === true });
    } finally {
      interrupt.dispose();
    }
  });
}

/** From the draft, or from wherever this campaign was interrupted, to its end. */
export async function sendNotice(options: {
  app: Bellwether;
  io: Io;
  notice: Notice;
  campaign: Campaign;
  interrupt: Interrupt;
  json: boolean;
}): Promise<ExitCode> {
  const { app, io, notice, campaign, interrupt, json } = options;
  if (campaign.state === "draft") {
    const refused = await launchDraft({ app, io, notice, campaign, interrupt, json });
    if (refused !== null) return refused;
  } else if (campaign.launchedAtMs === null) {
    await sendAgain({ app, io, notice, campaign });
  } else if (campaign.state === "paused") {
    io.say(`"${campaign.name}" is paused: ${campaign.why ?? ""} \`bellwether resume\` lets it go on.`);
  } else {
    io.say(`"${campaign.name}" was begun before; going on with it.`);
  }
  return runCampaign({ app, io, campaignId: campaign.id, interrupt, json });
}

async function launchDraft(options: {
  app: Bellwether;
  io: Io;
  notice: Notice;
  campaign: Campaign;
  interrupt: Interrupt;
  json: boolean;
}): Promise<ExitCode | null> {
  const { app, io, notice, campaign, interrupt, json } = options;
  const checked = await checkWithProgress(app, io, notice, interrupt.signal);
  if (checked === null) return EXIT.interrupted;
  const nowMs = app.clock.now();
  const overrides = tied(campaign.overrides, checked.findings);
  await app.campaigns.prepare(campaign.id, { overrides });
  tellChecked(io, checked, { overrides, nowMs });
  if (blockersOf(checked.findings, overrides, nowMs).length > 0) {
    if (json) await io.out(`${JSON.stringify({ findings: checked.findings })}\n`);
    io.say("Refused: nothing was sent. Repair what stands above, or override it by name and reason:");
    io.say('  --override CODE="why"');
    return EXIT.refused;
  }
  if (!campaign.confirmed) {
    if (!io.canAsk) {
      throw new BellwetherError(
        "not-confirmed",
        `Nobody said yes to sending ${checked.recipients} mails, and nobody can be asked here.`,
        "Add --yes.",
      );
    }
    const { start } = notice;
    const when = start === null || start.atMs <= nowMs ? "now" : `on ${startText(start, nowMs)}`;
    if (!(await io.confirm(`Send ${checked.recipients} mails ${when}?`))) {
      io.say("Nothing was sent.");
      return EXIT.interrupted;
    }
  }
  await (await app.manager()).launch({ ...campaign, overrides }, notice, checked);
  return null;
}

export async function check(io: Io, file: string, options: CommonOptions): Promise<ExitCode> {
  return withBellwether(io, options, async (app) => {
    const interrupt = createInterrupt(io);
    try {
      const notice = await (await app.manager()).read(file);
      const checked = await checkWithProgress(app, io, notice, interrupt.signal);
      if (checked === null) return EXIT.interrupted;
      if (options.json === true) await io.out(`${JSON.stringify({ findings: checked.findings })}\n`);
      tellChecked(io, checked, { overrides: {}, nowMs: 0 });
      return blockersOf(checked.findings, {}, 0).length > 0 ? EXIT.refused : EXIT.done;
    } finally {
      interrupt.dispose();
    }
  });
}

async function checkWithProgress(
  app: Bellwether,
  io: Io,
  notice: Notice,
  signal: AbortSignal,
): Promise<Checked | null> {
  const words = { import: "rows read", render: "mails rendered" };
  let saidAtMs = performance.now();
  try {
    return await (await app.manager()).check(notice, {
      signal,
      onProgress: (step, done) => {
        if (performance.now() - saidAtMs < 2_000) return;
        saidAtMs = performance.now();
        io.say(`${done} ${words[step]} ...`);
      },
    });
  } catch (error) {
    if (signal.aborted) return null;
    throw error;
  }
}

function tellChecked(
  io: Io,
  checked: Checked,
  { overrides, nowMs }: { overrides: Overrides; nowMs: number },
): void {
  const parts = checked.providers.map(([provider, count]) => `${providerTitle(provider)} ${count}`);
  io.say(`${checked.recipients} addresses${parts.length > 0 ? `: ${parts.join(", ")}` : ""}.`);
  for (const finding of checked.findings)
    tellFinding(io, finding, overrideOf(finding, overrides, nowMs)?.why);
}
