// untold --follow-up: a folder with the list of those who missed a notice and a campaign file that tells them something
// else. Nothing that stands there is overwritten: somebody may have worked on it.
import { mkdirSync } from "node:fs";
import { open, rename, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import type { Bellwether } from "../application.ts";
import { type Campaign, isFinished } from "../campaign/campaign.ts";
import { followUpFile, followUpName } from "../campaign/follow-up.ts";
import { BellwetherError, EXIT, type ExitCode } from "../errors.ts";
import { followUpAudience } from "../report/follow-up.ts";
import type { Io } from "./io.ts";

const AUDIENCE = "untold.csv";
const FILE = "follow-up.toml";

export async function writeFollowUp(given: {
  app: Bellwether;
  io: Io;
  campaign: Campaign;
  folder: string;
  /** Another one than that of the first notice. */
  template?: string | undefined;
}): Promise<ExitCode> {
  const { app, io, campaign } = given;
  const folder = path.resolve(given.folder);
  const names = new Set((await app.campaigns.list()).map((one) => one.name));
  const text = followUpFile({
    name: followUpName(campaign.name, (name) => names.has(name)),
    first: campaign.name,
    template: (await app.manager()).template(given.template ?? campaign.templateName),
    audience: AUDIENCE,
    values: campaign.spec.values,
  });
  const { lines, counted } = await followUpAudience(app.reports, campaign.id);
  await refuseTaken(folder);
  try {
    mkdirSync(folder, { recursive: true });
    await writeWhole(path.join(folder, AUDIENCE), lines);
    await writeFile(path.join(folder, FILE), text, { flag: "wx" });
  } catch (error) {
    throw new BellwetherError(
      "file-unwritable",
      `The follow-up cannot be written into ${folder}: ${error instanceof Error ? error.message : String(error)}`,
      "Name a folder that this user may write into.",
      { cause: error },
    );
  }
  io.say(
    `${counted.clients} ${counted.clients === 1 ? "client has" : "clients have"} not got "${campaign.name}"; they are the audience of ${path.join(folder, FILE)}.`,
  );
  if (counted.unreachable > 0)
    io.say(`${counted.unreachable} of them have no address: tell them by another way.`);
  if (counted.refused > 0)
    io.say(`${counted.refused} rows of the first list were refused and are not in it: see \`untold\`.`);
  io.say(`Correct the values in it, then: bellwether send ${path.join(given.folder, FILE)}`);
  const over = campaign.validUntilMs !== null && campaign.validUntilMs <= app.clock.now();
  if (!isFinished(campaign.state) && !over)
    io.say(`"${campaign.name}" is not at its end: whoever waits there still gets both. \`cancel\` ends it.`);
  return EXIT.done;
}

async function refuseTaken(folder: string): Promise<void> {
  for (const name of [AUDIENCE, FILE]) {
    const file = path.join(folder, name);
    const there = await stat(file).then(
      () => true,
      () => false,
    );
    if (there)
      throw new BellwetherError(
        "file-unwritable",
        `${file} is there already.`,
        "Name another folder, or remove that file.",
      );
  }
}

/** Under its name only when it is whole: half a list would leave somebody out. */
async function writeWhole(file: string, lines: AsyncGenerator<string>): Promise<void> {
  const part = `${file}.part`;
  try {
    const handle = await open(part, "w");
    try {
      for await (const line of lines) await handle.write(line);
    } finally {
      await handle.close();
    }
    await rename(part, file);
  } finally {
    await rm(part, { force: true });
  }
}
