// The mailbox that bounces arrive in: reads whatever lies in its folder and whatever comes, hands the reports over,
// and puts away what is recorded. It comes back after any failure and never gives up. People read that mailbox too:
// what is no report stays as it is. How a server is spoken to is imap-session.ts, what a mail says is the parser's.
import type { Report } from "../../bounce/report.ts";
import type { Clock } from "../../clock.ts";
import type { Bookmarks, Deliver, Incoming, Intake, IntakeHealth } from "../../delivery/intake.ts";
import {
  type ImapMail,
  type ImapMailbox,
  type ImapSession,
  type ImapTimeouts,
  openImapSession,
} from "./imap-session.ts";
import { LoginRefused, oneLine } from "./imap-trouble.ts";
import { excerptOf, messageKey, type ReadMail, recordingTrouble, UNREADABLE } from "./message.ts";

export interface ImapIntakeOptions {
  mailbox: ImapMailbox;
  read: ReadMail;
  bookmarks: Bookmarks;
  clock: Clock;
  /** PEM of an authority to trust in place of the system's. */
  ca?: string | null;
  timing?: Partial<ImapTiming>;
  /** Told of each mail that `read` failed on; it stays in the folder. */
  unreadable?: (error: unknown) => void;
}

export interface ImapTiming extends ImapTimeouts {
  /** A server that says nothing is asked so often, with IDLE or without. */
  pollMs: number;
  /** Wait after a failure; doubles up to the longest. A refused login waits the longest at once. */
  retryFirstMs: number;
  retryLongestMs: number;
  /** Upon stop, what is under way gets so long. */
  drainMs: number;
}

export const IMAP_TIMING: ImapTiming = {
  connectMs: 20_000,
  greetingMs: 20_000,
  silenceMs: 60_000,
  pollMs: 50_000,
  retryFirstMs: 1_000,
  retryLongestMs: 60_000,
  drainMs: 5_000,
};

/** Mails that are handed over together; one at a time is in memory, of the others what they said. */
const BATCH = 50;

/** `start` never rejects: whatever is wrong may be mended on the other side. */
export function createImapIntake(options: ImapIntakeOptions): Intake {
  const { mailbox, clock, bookmarks } = options;
  const timing = { ...IMAP_TIMING, ...options.timing };
  const ending = new AbortController();
  const { signal } = ending;
  let running: Promise<void> | null = null;
  let stopping: Promise<void> | null = null;
  let session: ImapSession | null = null;
  let recording: Promise<void> | null = null;
  let state: IntakeHealth["state"] = "starting";
  let trouble: string | null = null;
  let seenAtMs: number | null = null;
  let broughtAtMs: number | null = null;
  /** Of the oldest that waits; "none" when nothing does; null when nobody knows. */
  let oldest: number | "none" | null = null;
  let failures = 0;

  async function run(deliver: Deliver): Promise<void> {
    while (!signal.aborted) {
      try {
        session = await openImapSession({
          ...{ mailbox, bookmarks, clock, timeouts: timing, ca: options.ca ?? null, signal },
          answered: () => {
            seenAtMs = clock.now();
          },
        });
        await follow(session, deliver);
      } catch (error) {
        fail(error);
      }
      await session?.close();
      session = null;
      oldest = null;
      if (!signal.aborted) await clock.sleep(waitMs(), signal);
    }
  }

  function fail(error: unknown): void {
    if (signal.aborted) return;
    state = "failing";
    trouble = oneLine(error);
    failures = error instanceof LoginRefused ? 30 : failures + 1;
  }

  /** Ends when it is told to; rejects when the session is lost. */
  async function follow(open: ImapSession, deliver: Deliver): Promise<void> {
    while (!signal.aborted) {
      const recorded = await sweep(open, deliver);
      if (recorded) {
        state = "alive";
        trouble = open.note();
        failures = 0;
        await open.change(timing.pollMs, signal);
      } else {
        // The mailbox is well: the session stays, and nothing has been moved.
        await clock.sleep(waitMs(), signal);
      }
    }
  }

  /** Everything that nobody has looked at; false when some of it could not be recorded. */
  async function sweep(open: ImapSession, deliver: Deliver): Promise<boolean> {
    const uids = await open.unread();
    for (let at = 0; at < uids.length && !signal.aborted; at += BATCH) {
      const batch = uids.slice(at, at + BATCH);
      const move: number[] = [];
      const mark: number[] = [];
      const incoming: Incoming[] = [];
      let first = true;
      for await (const mail of open.read(batch)) {
        if (first) oldest = mail.receivedAtMs;
        first = false;
        const report = await reportOf(mail);
        (leavesTheFolder(report) ? move : mark).push(mail.uid);
        if (report.kind !== "not-a-bounce") incoming.push(incomingOf(mail, report));
      }
      if (!(await record(incoming, deliver))) return false;
      await open.putAway({ move, mark });
    }
    if (!signal.aborted) oldest = "none";
    return true;
  }

  async function reportOf(mail: ImapMail): Promise<Report> {
    try {
      return await options.read(mail.raw);
    } catch (error) {
      options.unreadable?.(error);
      return UNREADABLE;
    }
  }

  function incomingOf({ raw, receivedAtMs }: ImapMail, report: Report): Incoming {
    return {
      key: messageKey(raw),
      intake: "imap",
      receivedAtMs: receivedAtMs ?? clock.now(),
      report,
      excerpt: excerptOf(raw),
    };
  }

  async function record(incoming: readonly Incoming[], deliver: Deliver): Promise<boolean> {
    if (incoming.length === 0) return true;
    try {
      recording = deliver(incoming);
      await recording;
      broughtAtMs = clock.now();
      return true;
    } catch (error) {
      state = "failing";
      trouble = recordingTrouble(error);
      failures++;
      return false;
    } finally {
      recording = null;
    }
  }

  /** Doubles from the first to the longest; half of it is jitter, so that many that lost a server do not come at once. */
  function waitMs(): number {
    const { retryFirstMs, retryLongestMs } = timing;
    const whole = Math.min(retryLongestMs, retryFirstMs * 2 ** Math.min(30, Math.max(0, failures - 1)));
    return Math.round(whole * (0.5 + (clock.now() % 1_000) / 2_000));
  }

  async function end(): Promise<void> {
    ending.abort();
    if (running === null) return;
    await recording?.catch(() => {});
    const timer = new AbortController();
    await Promise.race([running, clock.sleep(timing.drainMs, timer.signal)]);
    timer.abort();
    session?.cut();
    await running;
  }

  return {
    name: "imap",
    start: async (deliver) => {
      if (!signal.aborted) running ??= run(deliver);
    },
    health: () => ({
      ...{ name: "imap", state, seenAtMs, broughtAtMs, trouble },
      lagMs: oldest === null ? null : oldest === "none" ? 0 : Math.max(0, clock.now() - oldest),
    }),
    stop: () => {
      stopping ??= end();
      return stopping;
    },
  };
}

/**
 * Bounces and complaints leave the folder. An auto-reply or a notice leaves it only with a token of ours in it: without
 * one it may answer a mail of somebody who works in that mailbox. What is no report stays.
 */
function leavesTheFolder({ kind, marks }: Report): boolean {
  if (kind === "bounce" || kind === "feedback") return true;
  return kind !== "not-a-bounce" && marks.tokens.length > 0;
}
