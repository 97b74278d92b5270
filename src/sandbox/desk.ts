// What an SMTP session asks of the provider for whom it speaks: who it is, what it offers, what it answers, and where
// verdicts go. The session keeps the dialogue, the provider keeps the counts.
import type { SecureContext } from "node:tls";
import type { Phase } from "../bounce/reason.ts";
import type { Clock } from "../clock.ts";
import type { Keep, MessageReader } from "./message-reader.ts";
import type { Answer } from "./moment.ts";
import type { ProviderOutcome } from "./provider-log.ts";

export interface ProviderFeatures {
  /** Announced unless false; commands that come together are served either way. */
  pipelining?: boolean;
  /** PEM; when given, STARTTLS is offered. */
  starttls?: { key: string; cert: string };
  /** When given, MAIL needs AUTH PLAIN or LOGIN with these. */
  auth?: { user: string; pass: string };
  lmtp?: boolean;
  dsn?: boolean;
  /** Announced unless false. */
  smtpUtf8?: boolean;
  /** Largest message in bytes. */
  size?: number;
}

/** A recipient of the transaction, as numbered by the provider. */
export interface Addressee {
  address: string;
  provider: string;
  attempt: number;
  seen: number;
  notify?: string;
}

export interface Transaction {
  sender: string;
  envid?: string;
  addressees: Addressee[];
}

export interface Verdict {
  outcome: ProviderOutcome;
  phase: Phase;
  connection: number;
  transaction: Transaction | null;
  to: Addressee | null;
  reply: string;
  message: MessageReader | null;
}

/** What the session asks of the provider for whom it speaks. */
export interface Desk {
  readonly name: string;
  readonly features: ProviderFeatures;
  readonly clock: Clock;
  readonly keep: Keep;
  readonly secureContext: SecureContext | null;
  replyDelayMs(): number;
  script(phase: Phase, connection: number, sender: string | null, to: Addressee | null): Answer | undefined;
  addressee(address: string): Addressee;
  /** For "queued as". */
  nextId(): string;
  record(verdict: Verdict): void;
}
