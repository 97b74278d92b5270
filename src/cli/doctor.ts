// doctor: the checks of the sender alone, from the configuration and DNS; no database is opened and no mail leaves. Fit
// for cron by its exit code; with --watch it goes on looking, and says what is new and what is gone.
import { examineSender } from "../adapters/sender-identity.ts";
import type { Finding } from "../campaign/preflight/finding.ts";
import { blockersOf } from "../campaign/preflight/override.ts";
import { systemClock } from "../clock.ts";
import type { Config } from "../config/config.ts";
import { loadConfig } from "../config/load.ts";
import { EXIT, type ExitCode } from "../errors.ts";
import { safeText } from "../report/safe-text.ts";
import { tellFinding } from "./findings.ts";
import type { Io } from "./io.ts";
import type { CommonOptions } from "./open.ts";

export interface DoctorOptions extends CommonOptions {
  watch?: boolean;
  /** Ends the watch, besides Ctrl-C. */
  signal?: AbortSignal;
  everyMs?: number;
}

/** Records rarely change faster, and resolvers remember them for longer. */
const EVERY_MS = 60_000;

export async function doctor(io: Io, options: DoctorOptions): Promise<ExitCode> {
  const config = loadConfig({ cwd: process.cwd(), file: options.config, env: process.env });
  const isSandbox = config.smtp.target === null && config.routes.length === 0;
  if (isSandbox)
    io.say("Sandbox: no [smtp] url is configured. Nothing leaves this machine, and DNS was not asked.");
  const findings = isSandbox ? [] : await examineSender(config, null);
  if (options.json === true) await io.out(`${JSON.stringify({ findings })}\n`);
  for (const finding of findings) tellFinding(io, finding, undefined);
  if (!isSandbox && findings.length === 0) io.say(ALL_WELL);
  if (!isSandbox && options.watch === true) return watch(io, options, { config, findings });
  return blockersOf(findings, {}, 0).length > 0 ? EXIT.refused : EXIT.done;
}

const ALL_WELL = "Nothing is wrong with the sender, as far as DNS tells.";

async function watch(
  io: Io,
  options: DoctorOptions,
  { config, findings }: { config: Config; findings: readonly Finding[] },
): Promise<ExitCode> {
  const ended = new AbortController();
  const end = () => ended.abort();
  const signals = ["SIGINT", "SIGTERM"] as const;
  for (const name of signals) process.once(name, end);
  options.signal?.addEventListener("abort", end, { once: true });
  let before = findings;
  try {
    for (;;) {
      await systemClock.sleep(options.everyMs ?? EVERY_MS, ended.signal);
      if (ended.signal.aborted) return EXIT.interrupted;
      const now = await examineSender(config, null);
      const gone = before.filter((one) => !now.some((other) => isSame(one, other)));
      const fresh = now.filter((one) => !before.some((other) => isSame(one, other)));
      before = now;
      if (gone.length + fresh.length === 0) continue;
      io.say(new Date(systemClock.now()).toISOString());
      if (options.json === true) await io.out(`${JSON.stringify({ findings: now })}\n`);
      for (const { code, message } of gone) io.say(`Gone ${code}: ${safeText(message)}`);
      for (const finding of fresh) tellFinding(io, finding, undefined);
      if (now.length === 0) io.say(ALL_WELL);
    }
  } finally {
    for (const name of signals) process.off(name, end);
  }
}

function isSame(a: Finding, b: Finding): boolean {
  return a.code === b.code && a.severity === b.severity && a.message === b.message;
}
