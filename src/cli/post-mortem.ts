// report --markdown, --html, --incident: the post-mortem of a campaign as a document, and as a campaign that tells clients.
import { createWriteStream, existsSync, mkdirSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Bellwether } from "../application.ts";
import type { Campaign } from "../campaign/campaign.ts";
import { matchesFilter } from "../client/audience.ts";
import type { Config } from "../config/config.ts";
import { BellwetherError, EXIT, type ExitCode } from "../errors.ts";
import { affectedCsv, clientsCsv, incidentCampaign } from "../report/incident.ts";
import { buildPostMortem } from "../report/post-mortem.ts";
import { renderHtml } from "../report/post-mortem-html.ts";
import { renderMarkdown } from "../report/post-mortem-markdown.ts";
import { buildReport, noCampaign } from "../report/report.ts";
import type { PostMortemInput } from "../report/telling.ts";
import type { Io } from "./io.ts";
import { type CommonOptions, campaignOf, withBellwether } from "./open.ts";

export interface PostMortemOptions extends CommonOptions {
  markdown?: boolean;
  html?: boolean;
  /** A folder to be made. */
  incident?: string;
  affected?: boolean;
  out?: string;
}

/** Is it a document that was asked for, and not the report at the terminal? Throws `usage` for what does not go together. */
export function wantsPostMortem(options: PostMortemOptions): boolean {
  const asked = (["markdown", "html", "json"] as const)
    .filter((key) => options[key] === true)
    .map((key) => `--${key}`);
  if (options.incident !== undefined) asked.push("--incident");
  const [first, second] = asked;
  if (first !== undefined && second !== undefined)
    throw new BellwetherError(
      "usage",
      `${first} and ${second} are two different reports.`,
      "Ask for one of them.",
    );
  if (options.affected === true && options.incident === undefined)
    throw new BellwetherError(
      "usage",
      "--affected says to whom an incident report goes.",
      "Give --incident FOLDER with it.",
    );
  const isDocument = first === "--markdown" || first === "--html";
  if (options.out !== undefined && !isDocument)
    throw new BellwetherError(
      "usage",
      "--out names the file of a --markdown or --html report.",
      options.incident === undefined ? "Give one of them with it." : "--incident has its own folder.",
    );
  return isDocument || options.incident !== undefined;
}

export async function postMortem(
  io: Io,
  which: string | undefined,
  options: PostMortemOptions,
): Promise<ExitCode> {
  return withBellwether(io, options, async (app) => {
    const campaign = await campaignOf(app, which);
    const input = await inputOf(app, campaign.id);
    if (options.incident !== undefined)
      return writeIncident(io, app, {
        campaign,
        input,
        folder: options.incident,
        affected: options.affected === true,
      });
    const document = buildPostMortem(input);
    const text = options.html === true ? renderHtml(document) : renderMarkdown(document);
    if (options.out === undefined) await io.out(text);
    else {
      save(options.out, () => writeFileSync(path.resolve(options.out ?? ""), text));
      io.say(`Written: ${options.out}`);
    }
    return EXIT.done;
  });
}

async function inputOf(app: Bellwether, campaignId: number): Promise<PostMortemInput> {
  const report = await buildReport(app.reports, campaignId);
  const facts = await app.postMortems.facts(campaignId);
  if (facts === null) throw noCampaign(campaignId);
  return { report, facts, hosts: ownHosts(app.config), nowMs: app.clock.now() };
}

/** The longest first, lest a part of a name be hidden and the rest be left. */
function ownHosts({ sender, smtp, routes }: Config): string[] {
  const targets = [smtp, ...routes].flatMap(({ target }) =>
    target !== null && target.kind !== "direct" && "host" in target ? [target.host] : [],
  );
  const returnPath = sender.returnPath?.split("@")[1];
  const names = [os.hostname(), sender.helo, returnPath, ...targets].filter(
    (name): name is string => typeof name === "string" && name.includes(".") && !/^[\d.]+$/.test(name),
  );
  return [...new Set(names)].sort((a, b) => b.length - a.length);
}

interface IncidentInput {
  campaign: Campaign;
  input: PostMortemInput;
  folder: string;
  affected: boolean;
}

async function writeIncident(
  io: Io,
  app: Bellwether,
  { campaign, input, folder, affected }: IncidentInput,
): Promise<ExitCode> {
  const { facts } = input;
  const { audience, filter } = facts.spec;
  const named = audience.kind === "named" && !affected;
  const csv = affected ? "affected.csv" : "clients.csv";
  const made = incidentCampaign(input, {
    audience: named && audience.kind === "named" ? `audience:${audience.name}` : csv,
    filtered: !affected,
  });
  const { importId, columns } = facts;
  if (!named && importId === null)
    throw new BellwetherError(
      "campaign-state",
      `Whom campaign "${campaign.name}" was for is no longer kept.`,
      "Its recipients are past [retention] recipients: take --markdown, and write to a list of your own.",
    );
  const place = path.resolve(folder);
  const file = path.join(place, "campaign.toml");
  if (existsSync(file))
    throw new BellwetherError(
      "usage",
      `${file} is there already, and somebody may have corrected it.`,
      "Name another folder, or take that one away.",
    );
  save(folder, () => mkdirSync(place, { recursive: true }));
  if (!named && importId !== null) {
    const matches = (client: Parameters<typeof matchesFilter>[0]) => matchesFilter(client, filter);
    const lines = affected
      ? affectedCsv(app.postMortems, { campaignId: campaign.id, columns, matches })
      : clientsCsv(app.postMortems, { importId, columns });
    // Addresses of clients: nobody else on this machine shall read them.
    await saving(folder, () =>
      pipeline(Readable.from(lines), createWriteStream(path.join(place, csv), { mode: 0o600 })),
    );
  }
  save(folder, () => writeFileSync(file, made.toml));
  io.say(`Written: ${file}`);
  if (!named) io.say(`         ${path.join(place, csv)}`);
  io.say("Read it, correct what only a person can judge (cause, actions), then:");
  io.say(`  bellwether check ${path.join(folder, "campaign.toml")}`);
  return EXIT.done;
}

function save(name: string, work: () => unknown): void {
  try {
    work();
  } catch (error) {
    throw unwritable(name, error);
  }
}

async function saving(name: string, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    throw error instanceof BellwetherError ? error : unwritable(name, error);
  }
}

function unwritable(name: string, error: unknown): Error {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  if (code === undefined || !(error instanceof Error)) return error as Error;
  return new BellwetherError(
    "usage",
    `${name} cannot be written: ${error.message}.`,
    "Check the path and the rights on the folder.",
    { cause: error },
  );
}
