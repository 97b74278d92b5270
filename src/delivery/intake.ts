// The intake port: whatever brings reports to us - a mailbox, a listener, a relay's log, webhooks, a file. Each may be
// on at the same time; each brings everything at least once and lets go of it only when it is recorded.
import type { Report } from "../bounce/report.ts";

/** One thing that came back, as an intake hands it over. */
export interface Incoming {
  /**
   * The same whenever the same thing is brought again by this kind of intake: a hash of the message, the event's id, a
   * hash of the log's line. At most 100 characters.
   */
  key: string;
  /** Name of the intake: "imap", "smtp", "log", "webhook:sendgrid", "file". */
  intake: string;
  receivedAtMs: number;
  report: Report;
  /** How it began, for the person who looks at what matched nothing: text, at most EXCERPT_LENGTH characters. */
  excerpt: string;
}

export const EXCERPT_LENGTH = 4_000;

/** Records them; resolves when that is durable. Once it has, the intake may let go of them. May be repeated. */
export type Deliver = (incoming: readonly Incoming[]) => Promise<void>;

export interface IntakeHealth {
  name: string;
  /** `failing`: its source cannot be reached or read; it goes on trying. */
  state: "starting" | "alive" | "failing";
  /** When its source last answered, ms. */
  seenAtMs: number | null;
  /** When it last brought something, ms. */
  broughtAtMs: number | null;
  /** How old the oldest thing is that waits to be read, ms; null when it cannot be known. */
  lagMs: number | null;
  /** What is wrong, in words without secrets; null when nothing is. */
  trouble: string | null;
}

export interface Intake {
  readonly name: string;
  /** Begins; rejects only for what a person must mend (a port that is taken, a file name that is a folder). */
  start(deliver: Deliver): Promise<void>;
  health(): IntakeHealth;
  /** Ends after what is being recorded; twice is once, and before the start it is nothing. */
  stop(): Promise<void>;
}

/** Where an intake keeps how far it has read: small texts, durable. */
export interface Bookmarks {
  load(intake: string): Promise<string | null>;
  save(intake: string, place: string): Promise<void>;
}
