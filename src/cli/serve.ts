// serve and worker: processes that run until they are told to stop. Campaigns that other commands submit are sent by
// them: by `serve` alone on an embedded database, by any number of workers in a cluster.
import type { Bellwether, Driver } from "../application.ts";
import { BellwetherError, EXIT, type ExitCode } from "../errors.ts";
import { safeText } from "../report/safe-text.ts";
import type { Io } from "./io.ts";
import { type CommonOptions, withBellwether } from "./open.ts";
import { createInterrupt } from "./run.ts";
import { startText } from "./scheduled.ts";

type OnNotice = Parameters<Bellwether["drive"]>[0];

/** What is said while it runs: sentences to a person at a terminal, JSON lines to a log. */
interface Voice {
  info(message: string): void;
  warn(message: string): void;
}

export async function serve(io: Io, options: CommonOptions): Promise<ExitCode> {
  return untilTold(io, options, async (app, onNotice, voice) => {
    if (app.isCluster) {
      const driver = await app.join("coordinator", onNotice);
      voice.info(
        "Coordinating: workers send. Submit campaigns with `bellwether send`; Ctrl-C ends it in order.",
      );
      return driver;
    }
    const driver = await app.drive(onNotice, { watched: true });
    if (driver === null) {
      throw new BellwetherError(
        "driver-elsewhere",
        "Another process drives this database already.",
        "Leave it to that one, or end it first.",
      );
    }
    voice.info("Driving. Submit campaigns with `bellwether send`; Ctrl-C ends it in order.");
    return driver;
  });
}

export async function worker(io: Io, options: CommonOptions): Promise<ExitCode> {
  return untilTold(io, options, async (app, onNotice, voice) => {
    if (!app.isCluster) {
      throw new BellwetherError(
        "config-value",
        "[database] url names a file, which one process drives: workers need PostgreSQL.",
        "Set [database] url to a postgresql:// address (and [redis] url), or use `bellwether serve`.",
      );
    }
    const driver = await app.join("sender", onNotice);
    voice.info("Working. SIGTERM ends it in order, a second one at once.");
    return driver;
  });
}

async function untilTold(
  io: Io,
  options: CommonOptions,
  start: (app: Bellwether, onNotice: OnNotice, voice: Voice) => Promise<Driver>,
): Promise<ExitCode> {
  return withBellwether(io, { ...options, sends: true }, async (app) => {
    const voice = await voiceOf(io, app);
    const interrupt = createInterrupt(io);
    try {
      const driver = await start(
        app,
        ({ name, trouble }) => {
          if (trouble === null) voice.info(`${name}: answers again.`);
          else voice.warn(`${name}: ${safeText(trouble)}`);
        },
        voice,
      );
      for (const { id, state, start } of await app.campaigns.list()) {
        if (state === "scheduled" && start !== null)
          voice.info(`Campaign ${id} begins on ${startText(start, app.clock.now())}.`);
      }
      if (driver.watchedAt !== null) voice.info(`Health and metrics: ${driver.watchedAt}`);
      interrupt.onForce(() => driver.abort());
      await new Promise<void>((resolve) => {
        if (interrupt.signal.aborted) resolve();
        interrupt.signal.addEventListener("abort", () => resolve(), { once: true });
      });
      await driver.drain();
      return EXIT.done;
    } finally {
      interrupt.dispose();
    }
  });
}

async function voiceOf(io: Io, app: Bellwether): Promise<Voice> {
  if (io.isTerminal) return { info: io.say, warn: io.say };
  const { createLog, logSettings } = await import("../adapters/observe/log.ts");
  return createLog({ ...logSettings(process.env.BELLWETHER_LOG), clock: app.clock });
}
