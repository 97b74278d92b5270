// doctor: the checks of the sender alone, from the configuration and DNS; no database is opened and no mail leaves. Fit
// for cron: it says nothing new when all is well, and its exit code tells.
import { examineSender } from "../adapters/sender-identity.ts";
import { blockersOf } from "../campaign/preflight/override.ts";
import { loadConfig } from "../config/load.ts";
import { EXIT, type ExitCode } from "../errors.ts";
import { tellFinding } from "./findings.ts";
import type { Io } from "./io.ts";
import type { CommonOptions } from "./open.ts";

export async function doctor(io: Io, options: CommonOptions): Promise<ExitCode> {
  const config = loadConfig({ cwd: process.cwd(), file: options.config, env: process.env });
  const isSandbox = config.smtp.target === null && config.routes.length === 0;
  const findings = isSandbox ? [] : await examineSender(config, null);
  if (options.json === true) await io.out(`${JSON.stringify({ findings })}\n`);
  if (isSandbox) {
    io.say("Sandbox: no [smtp] url is configured. Nothing leaves this machine, and DNS was not asked.");
  }
  for (const finding of findings) tellFinding(io, finding, undefined);
  if (blockersOf(findings, {}, 0).length > 0) return EXIT.refused;
  if (!isSandbox && findings.length === 0) io.say("Nothing is wrong with the sender, as far as DNS tells.");
  return EXIT.done;
}
