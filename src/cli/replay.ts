// replay: an outcome log through ramp and breaker, with this configuration or another one. Lines that cannot be read are
// named and left out whole, the others are replayed, and the exit code tells.

import type { Price } from "../breaker/price.ts";
import { loadConfig } from "../config/load.ts";
import { BellwetherError, EXIT, type ExitCode } from "../errors.ts";
import { isProblem } from "../replay/event.ts";
import { pricesOf, renderExplain } from "../replay/explain.ts";
import { createEventReader } from "../replay/reader.ts";
import { createReplay } from "../replay/replay.ts";
import { renderReplay } from "../replay/text.ts";
import type { Io } from "./io.ts";
import { LINE_LIMIT, lineGroups } from "./lines.ts";

/** Refused lines that are named; all are counted. */
const NAMED = 20;

interface Refused {
  line: number;
  field: string | null;
  reason: string;
}

export async function replay(
  io: Io,
  input: string | undefined,
  options: { config?: string; json?: boolean; explain?: boolean },
): Promise<ExitCode> {
  const config = loadConfig({ cwd: process.cwd(), file: options.config, env: process.env });
  const prices = options.explain === true ? pricesOf(config.breaker) : null;
  if (input === undefined) return explain(io, prices, options.json === true);
  const reader = createEventReader();
  const routeOf = (provider: string) =>
    config.routes.find((route) => route.provider === provider) ?? config.smtp;
  const run = createReplay({ breaker: config.breaker, canary: config.ramp.canary, routeOf });
  const refused: Refused[] = [];
  let bad = 0;
  let number = 0;
  const refuse = (field: string | null, reason: string) => {
    bad += 1;
    if (refused.length < NAMED) refused.push({ line: number, field, reason });
  };
  for await (const lines of lineGroups(input)) {
    for (const text of lines) {
      number += 1;
      const line = number === 1 && text.startsWith("\ufeff") ? text.slice(1) : text;
      if (line.trim() === "") continue;
      if (line.length > LINE_LIMIT) {
        refuse(null, `is longer than ${LINE_LIMIT} characters`);
        continue;
      }
      const event = reader.read(line);
      if (isProblem(event)) refuse(event.field, event.reason);
      else run.take(event, number);
    }
  }
  if (options.json === true) {
    const holds = run.holds.map(({ hold }) => hold);
    const rejected = bad === 0 ? {} : { rejected: refused };
    const detectors = prices === null ? {} : { detectors: prices };
    await io.out(`${JSON.stringify({ events: run.events, holds, ...rejected, ...detectors })}\n`);
  } else {
    await io.out(renderReplay(run));
    if (prices !== null) await io.out(`\n${renderExplain(prices)}`);
  }
  if (bad === 0) return EXIT.done;
  for (const { line, field, reason } of refused)
    io.say(`bellwether: line ${line}: ${field === null ? "it" : `"${field}"`} ${reason}.`);
  io.say(
    `bellwether: ${bad} of ${number} lines could not be read${bad > NAMED ? `; the first ${NAMED} are named` : ""}. They are left out, the others are replayed.`,
  );
  return EXIT.usage;
}

/** Without a log: the prices alone. */
async function explain(io: Io, prices: readonly Price[] | null, json: boolean): Promise<ExitCode> {
  if (prices === null) {
    throw new BellwetherError(
      "usage",
      "There is no log to replay.",
      'Give a file that `export` has written, or "-" for standard input; or --explain alone.',
    );
  }
  await io.out(json ? `${JSON.stringify({ detectors: prices })}\n` : renderExplain(prices));
  return EXIT.done;
}
