// Connections to the queue's Redis, and what is said about their trouble. A command never waits for a Redis that is
// away: it fails at once, or within a second when Redis is connected and silent. Connections come back by themselves.
import { Redis, type RedisOptions } from "ioredis";

/** A command that got no answer for so long has failed. */
const COMMAND_MS = 1_000;
const CONNECT_MS = 2_000;
/** The longest wait between two attempts to connect. */
const RECONNECT_MS = 1_000;
/** How long a worker's blocking read waits for a job before it asks again, in seconds. */
export const BLOCK_SECONDS = 5;

/** Redis is back when nothing was heard against it for so long: what fails again every second is one trouble. */
const QUIET_MS = 3_000;

export function connectRedis(
  url: string,
  kind: "client" | "subscriber" | "bclient",
  onError: (error: unknown) => void,
): Redis {
  const shared: RedisOptions = {
    connectionName: `bellwether-${kind}`,
    connectTimeout: CONNECT_MS,
    keepAlive: 10_000,
    disconnectTimeout: 500,
    retryStrategy: (times) => Math.min(50 * 2 ** Math.min(times, 10), RECONNECT_MS),
  };
  const redis =
    kind === "client"
      ? new Redis(url, {
          ...shared,
          commandTimeout: COMMAND_MS,
          enableOfflineQueue: false,
          maxRetriesPerRequest: 0,
          autoResendUnfulfilledCommands: false,
        })
      : // What Bull demands of the others: they wait for as long as it takes.
        new Redis(url, {
          ...shared,
          enableReadyCheck: false,
          maxRetriesPerRequest: null,
          // Bull subscribes to delayed jobs, of which there are none. Subscribing again, ioredis leaves a promise to
          // itself, whose rejection, when the connection is closed meanwhile, would end the process.
          autoResubscribe: false,
        });
  // Bull listens only as long as its queue is open, and an error that nobody hears is printed.
  redis.on("error", onError);
  // Each provider's queue listens on the shared connections.
  redis.setMaxListeners(0);
  return redis;
}

/** Resolves when it is connected, or could not be, or after a second: whatever comes first. */
export function settled(redis: Redis): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      for (const event of ["ready", "close", "end"]) redis.off(event, done);
      resolve();
    };
    const timer = setTimeout(done, COMMAND_MS);
    for (const event of ["ready", "close", "end"]) redis.on(event, done);
    if (redis.status === "ready" || redis.status === "end") done();
  });
}

export interface Troubles {
  /** An error of a connection or a command. Those that are no news (a lost job, a closing line) are not told. */
  heard(error: unknown): void;
  /** Redis did what it was asked. */
  fine(): void;
}

/** Tells `onTrouble` when trouble begins, becomes another one, or ends (null); not each time that it is met. */
export function createTroubles(url: string, onTrouble: (trouble: string | null) => void): Troubles {
  const place = placeOf(url);
  let trouble: { text: string; refusal: boolean; lastMs: number } | null = null;
  return {
    heard: (error) => {
      const text = textOf(error);
      if (isConsequence(text)) return;
      const refusal = error instanceof Error && error.name === "ReplyError";
      const lastMs = performance.now();
      // A line that is down fails in many words; the first said why.
      if (trouble !== null && !trouble.refusal && !refusal) {
        trouble.lastMs = lastMs;
        return;
      }
      const told = refusal
        ? `Redis at ${place} refuses: ${text.slice(0, 120)}`
        : `Redis at ${place} cannot be reached: ${text}`;
      const news = trouble?.text !== told;
      trouble = { text: told, refusal, lastMs };
      if (news) onTrouble(told);
    },
    fine: () => {
      if (trouble === null || performance.now() - trouble.lastMs < QUIET_MS) return;
      trouble = null;
      onTrouble(null);
    },
  };
}

/** True: Redis is connected, and did not answer in time. */
export function isSilence(error: unknown): boolean {
  return error instanceof Error && error.message === "Command timed out";
}

/** A name with several addresses fails with an error for each of them and no message. */
function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const [first] = error instanceof AggregateError ? error.errors : [error];
  return first instanceof Error ? first.message : error.name;
}

/** Bull's words for a job that is gone (a flush, a lock that ran out), and ioredis's for a line that is known to be down. */
function isConsequence(text: string): boolean {
  return /^Missing (key|lock) for job|is not in the \w+ state|^Lock mismatch|^Connection is closed|^Stream isn't writeable|^Reached the max retries/.test(
    text,
  );
}

/** Host and port alone: the URL may hold a password. */
function placeOf(url: string): string {
  try {
    const { hostname, port } = new URL(url);
    return `${hostname}:${port === "" ? "6379" : port}`;
  } catch {
    return "its address";
  }
}
