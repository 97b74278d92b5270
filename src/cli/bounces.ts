// bounces: what came back by report - brought by hand from files and pipes, or looked at.

import { type FiledMail, readMails } from "../adapters/intake/mail-files.ts";
import { excerptOf, messageKey } from "../adapters/intake/message.ts";
import type { Bellwether } from "../application.ts";
import { readReport } from "../bounce/read-report.ts";
import type { Incoming } from "../delivery/intake.ts";
import type { ReportEffect } from "../delivery/reported.ts";
import { BellwetherError, EXIT, type ExitCode } from "../errors.ts";
import { describeReturned, redacted } from "../report/returned.ts";
import type { Io } from "./io.ts";
import { type CommonOptions, withBellwether } from "./open.ts";

/** Mails recorded in one go. */
const GROUP = 50;

type Counts = Record<ReportEffect | "repeated", number> & { mails: number; reports: number };

export async function ingest(io: Io, names: readonly string[], options: CommonOptions): Promise<ExitCode> {
  return withBellwether(io, options, async (app) => {
    const counts: Counts = {
      mails: 0,
      reports: 0,
      moved: 0,
      known: 0,
      earlier: 0,
      unmatched: 0,
      sentinel: 0,
      repeated: 0,
    };
    let group: FiledMail[] = [];
    for await (const mail of readMails(names)) {
      group.push(mail);
      if (group.length < GROUP) continue;
      await record(app, group, counts);
      group = [];
    }
    await record(app, group, counts);
    if (options.json === true) await io.out(`${JSON.stringify(counts)}\n`);
    const { mails, reports, moved, known, earlier, unmatched, sentinel, repeated } = counts;
    io.say(
      `${mails} ${mails === 1 ? "mail" : "mails"} read, ${reports} of them ${reports === 1 ? "a report" : "reports"}: ${moved} changed a delivery, ${known} told nothing new, ${earlier} were about an earlier attempt, ${unmatched} matched nothing${sentinel > 0 ? `, ${sentinel} told of a sentinel` : ""}${repeated > 0 ? `, ${repeated} were recorded before` : ""}.`,
    );
    if (unmatched > 0) io.say("`bellwether bounces list --unmatched` shows what matched nothing.");
    return EXIT.done;
  });
}

async function record(app: Bellwether, mails: readonly FiledMail[], counts: Counts): Promise<void> {
  const incoming = mails.map(({ raw }): Incoming => {
    const report = readReport(raw);
    if (report.kind !== "not-a-bounce") counts.reports += 1;
    return {
      key: `file/${messageKey(raw)}`,
      intake: "file",
      receivedAtMs: app.clock.now(),
      report,
      excerpt: excerptOf(raw),
    };
  });
  counts.mails += mails.length;
  for (const { effect } of await app.record(incoming)) counts[effect] += 1;
}

const PAGE = 200;

export async function list(
  io: Io,
  options: CommonOptions & { unmatched?: boolean; limit?: string; addresses?: boolean },
): Promise<ExitCode> {
  const limit = Number(options.limit ?? 50);
  if (!Number.isInteger(limit) || limit < 1)
    throw new BellwetherError(
      "usage",
      `--limit ${options.limit} is no number.`,
      "Give a whole number above 0.",
    );
  return withBellwether(io, options, async (app) => {
    const unmatched = options.unmatched === true;
    let beforeId: number | null = null;
    let left = limit;
    while (left > 0) {
      const page = await app.returned.returned({ beforeId, limit: Math.min(left, PAGE), unmatched });
      for (const report of page) {
        if (options.json === true)
          await io.out(`${JSON.stringify(options.addresses === true ? report : redacted(report))}\n`);
        else await io.out(`${describeReturned(report)}\n`);
      }
      const last = page.at(-1);
      if (last === undefined) break;
      beforeId = last.id;
      left -= page.length;
    }
    if (left === limit)
      io.say(unmatched ? "Everything that came back matched a delivery." : "Nothing came back.");
    return EXIT.done;
  });
}
