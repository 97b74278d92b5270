// What nearly every command needs first: the configuration, the program opened, the campaign that is meant.
import { readFileSync } from "node:fs";
import type { Bellwether } from "../application.ts";
import type { Campaign } from "../campaign/campaign.ts";
import { loadConfig } from "../config/load.ts";
import { BellwetherError } from "../errors.ts";
import type { Io } from "./io.ts";

export interface CommonOptions {
  config?: string;
  json?: boolean;
}

/** Opens the program for the work, and closes it whatever happens. */
export async function withBellwether<T>(
  io: Io,
  options: CommonOptions & { sends?: boolean },
  work: (app: Bellwether) => Promise<T>,
): Promise<T> {
  const config = loadConfig({ cwd: process.cwd(), file: options.config, env: process.env });
  const app = await io.open({ config, sends: options.sends ?? false });
  try {
    if (app.isSandbox && options.sends === true) {
      io.say(
        "Sandbox: no [smtp] url is configured. Simulated providers answer; nothing leaves this machine.",
      );
    }
    return await work(app);
  } finally {
    await app.close();
  }
}

/** A campaign by id or name; the latest when none is named. */
export async function campaignOf(app: Bellwether, which: string | undefined): Promise<Campaign> {
  if (which === undefined) {
    const latest = await app.campaigns.find("latest");
    if (latest !== null) return latest;
    throw new BellwetherError(
      "campaign-missing",
      "There is no campaign yet.",
      "Begin one: bellwether send CAMPAIGN.toml",
    );
  }
  const byName = await app.campaigns.find({ name: which });
  const byId = /^[1-9]\d{0,8}$/.test(which) ? await app.campaigns.find({ id: Number(which) }) : null;
  const found = byName ?? byId;
  if (found !== null) return found;
  throw new BellwetherError(
    "campaign-missing",
    `There is no campaign "${which}".`,
    "`bellwether status --all` lists them; a name with blanks needs quotes.",
  );
}

/** Reads standard input whole. */
export function readStdin(): string {
  return readFileSync(0, "utf8");
}
