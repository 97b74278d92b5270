// The log of a process that runs for long: one JSON object a line, on stderr, without addresses unless somebody asks
// for them. Every text goes through the same redaction as replies do; what a field may be called is a closed list, so
// that nobody logs a client by the way.
import os from "node:os";
import { pino } from "pino";
import { redactReply } from "../../bounce/redact.ts";
import type { Clock } from "../../clock.ts";
import { BellwetherError } from "../../errors.ts";

/**
 * error: nothing goes on until somebody acts. warn: it goes on by itself, or somebody should look (a hold, a server
 * that is not there). info: the process's life. debug: all else.
 */
export const LOG_LEVELS = ["silent", "error", "warn", "info", "debug"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** The fields beside `time`, `level`, `pid`, `host` and `msg`, and what they say (docs/operations.md). */
export const LOG_FIELDS = {
  campaign: "Its id.",
  lane: "Its id.",
  delivery: "Its id.",
  provider: "Id of the mailbox provider.",
  route: "Name of the route.",
  worker: "Name of the sending process in the database.",
  reason: "The reason of a refusal or a hold.",
  reply: "What a server said, at most 4096 characters.",
  address: "The recipient; only with `addresses`.",
  seconds: "How long it took.",
  count: "How many.",
  error: "An error's `code` if it has one, `message`, and at the level debug its `stack`.",
} as const;

export type LogFields = {
  readonly [Name in keyof typeof LOG_FIELDS]?: Name extends "error" ? unknown : string | number | null;
};

export interface Log {
  error(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
}

export function createLog(options: {
  level: LogLevel;
  /** Addresses are written as they are, the recipient's too. */
  showAddresses: boolean;
  clock: Clock;
  /** Takes whole lines; stderr without it, written at once, so that a crash loses none. */
  destination?: { write(line: string): void } | undefined;
}): Log {
  const { level, showAddresses, clock } = options;
  const logger = pino(
    {
      level,
      base: { pid: process.pid, host: os.hostname() },
      timestamp: () => `,"time":"${new Date(clock.now()).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    options.destination ?? pino.destination({ fd: 2, sync: true }),
  );

  function at(name: Exclude<LogLevel, "silent">) {
    return (message: string, fields: LogFields = {}): void => {
      if (!logger.isLevelEnabled(name)) return;
      const { address, error, ...rest } = fields;
      // The recipient's local part may stand alone in a reply ("mailbox jdoe is full").
      const recipient = typeof address === "string" ? { recipient: address } : {};
      const clean = (text: string) => (showAddresses ? text : redactReply(text, recipient));
      const shown: Record<string, unknown> = {};
      for (const [field, value] of Object.entries(rest)) {
        if (value !== undefined) shown[field] = typeof value === "string" ? clean(value) : value;
      }
      if (showAddresses && address !== undefined) shown.address = address;
      if (error !== undefined) shown.error = describe(error, clean, logger.isLevelEnabled("debug"));
      logger[name](shown, clean(message));
    };
  }
  return { error: at("error"), warn: at("warn"), info: at("info"), debug: at("debug") };
}

/** Of an error only what is named here: libraries hang whole envelopes on theirs. */
function describe(error: unknown, clean: (text: string) => string, withStack: boolean): object {
  if (!(error instanceof Error)) return { message: clean(String(error)) };
  const { code } = error as { code?: unknown };
  return {
    ...(typeof code === "string" ? { code: clean(code) } : {}),
    message: clean(error.message),
    ...(withStack && error.stack !== undefined ? { stack: clean(error.stack) } : {}),
  };
}

/** BELLWETHER_LOG: a level, and "addresses" behind a comma to have them shown. Throws `config-value`. */
export function logSettings(text: string | undefined): { level: LogLevel; showAddresses: boolean } {
  const [first = "", ...more] = (text?.trim() || "info").split(",").map((word) => word.trim());
  const level = LOG_LEVELS.find((known) => known === first);
  if (level === undefined || more.length > 1 || (more[0] ?? "addresses") !== "addresses") {
    throw new BellwetherError(
      "config-value",
      `BELLWETHER_LOG is "${text}".`,
      `It takes one of ${LOG_LEVELS.join(", ")}, and ",addresses" behind it to have addresses shown.`,
    );
  }
  return { level, showAddresses: more.length === 1 };
}
