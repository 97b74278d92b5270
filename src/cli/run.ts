// Runs a campaign until it is done, held or interrupted: as the driver of the database, or, where another process
// drives it, as a watcher who takes over when that one dies. `send` and `resume` share it.
import type { Bellwether, Driver } from "../application.ts";
import { BellwetherError, EXIT, type ExitCode } from "../errors.ts";
import { progressOf, watchProgress } from "../report/progress.ts";
import { buildReport, type Report } from "../report/report.ts";
import { renderReport } from "../report/report-text.ts";
import type { Io } from "./io.ts";
import { createProgress } from "./progress.ts";
import { stillScheduled } from "./scheduled.ts";
import { senderFacts } from "./sender-facts.ts";

const LOOK_MS = 250;

export interface Interrupt {
  /** Aborted by the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  /** Called at the second one, before the process ends. */
  onForce(listener: () => void): void;
  dispose(): void;
}

/** The first signal asks for an orderly end, the second forces it. */
export function createInterrupt(io: Io): Interrupt {
  const first = new AbortController();
  let force = () => {};
  const listener = () => {
    if (first.signal.aborted) {
      force();
      io.say("Forced: what was on the way is uncertain and will be listed by `uncertain`.");
      process.exit(EXIT.interrupted);
    }
    io.say("Stopping: what is on the way is finished first. Once more forces.");
    first.abort();
  };
  process.on("SIGINT", listener);
  process.on("SIGTERM", listener);
  return {
    signal: first.signal,
    onForce: (next) => {
      force = next;
    },
    dispose: () => {
      process.off("SIGINT", listener);
      process.off("SIGTERM", listener);
    },
  };
}

export async function runCampaign(options: {
  app: Bellwether;
  io: Io;
  campaignId: number;
  interrupt: Interrupt;
  json: boolean;
}): Promise<ExitCode> {
  const { app, io, campaignId, interrupt } = options;
  const progress = createProgress(io, app.clock);
  const watch = watchProgress({ store: app.reports, clock: app.clock, campaignId });
  const look = () => answered({ app, io, interrupt }, watch);
  let driver: Driver | null = null;
  let told = false;
  try {
    while (!interrupt.signal.aborted) {
      if (driver === null) {
        driver = await app.drive((notice) => progress.notice(notice));
        if (driver !== null) interrupt.onForce(() => driver?.abort());
        else if (!told) {
          told = true;
          io.say(await answered({ app, io, interrupt }, () => watching(app)));
        }
      }
      const now = await look();
      progress.show(now);
      if (now.state !== "running" && now.state !== "scheduled") {
        if (driver === null) break;
        // What this process itself still had to say may wake a campaign that another one has ended meanwhile.
        await driver.drain();
        driver = null;
        if ((await progressOf(app.reports, campaignId)).state !== "running") break;
        continue;
      }
      await app.clock.sleep(LOOK_MS, interrupt.signal);
    }
  } finally {
    await driver?.drain();
    progress.end();
  }
  return tellEnd({ ...options, interrupted: interrupt.signal.aborted });
}

/** In a cluster the database may go and come back while others send: whoever only watches waits for it, as they do. */
async function answered<T>(
  { app, io, interrupt }: { app: Bellwether; io: Io; interrupt: Interrupt },
  ask: () => Promise<T>,
): Promise<T> {
  for (let told = false; ; told = true) {
    try {
      return await ask();
    } catch (error) {
      const isAway =
        error instanceof BellwetherError &&
        (error.code === "database-unusable" || error.code === "database-full");
      if (!app.isCluster || !isAway || interrupt.signal.aborted) throw error;
      if (!told) io.say(`${error.message}\nWaiting; the workers go on when it is back.`);
      await app.clock.sleep(1_000, interrupt.signal);
    }
  }
}

async function watching(app: Bellwether): Promise<string> {
  if (!app.isCluster) return "Another process drives this database; watching it.";
  const alive = await app.workersAlive();
  return alive === 0
    ? "No worker is alive: nothing is sent until `bellwether worker` runs somewhere. Watching."
    : `${alive} ${alive === 1 ? "worker sends" : "workers send"}; watching.`;
}

/** The report, to its readers, and the exit code that it means. */
export async function tellEnd(options: {
  app: Bellwether;
  io: Io;
  campaignId: number;
  json: boolean;
  interrupted: boolean;
}): Promise<ExitCode> {
  const { app, io, campaignId, json } = options;
  const report = await buildReport(app.reports, campaignId, senderFacts(app));
  if (json) await io.out(`${JSON.stringify(report)}\n`);
  io.say(renderReport(report, { colour: io.colour, width: io.err.columns || 80 }));
  if (options.interrupted && report.state === "scheduled") {
    io.say(`Interrupted. ${stillScheduled(app)}`);
    return EXIT.interrupted;
  }
  if (options.interrupted && report.state === "running") {
    io.say("Interrupted: `bellwether resume` goes on where it stopped.");
    return EXIT.interrupted;
  }
  return exitOf(report);
}

export function exitOf(report: Report): ExitCode {
  if (
    report.state === "paused" ||
    report.lanes.some((lane) => lane.state === "held" || lane.state === "blind")
  ) {
    return EXIT.held;
  }
  return EXIT.done;
}
