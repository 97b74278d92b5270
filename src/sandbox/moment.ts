// The words between a simulated provider and its script: what the provider tells about the moment, and what the
// script may answer. Ready scripts are in scripts.ts; how an answer is carried out is smtp-session.ts.
import type { Phase } from "../bounce/reason.ts";

/** A point of the SMTP dialogue at which the provider is about to reply. */
export interface Moment {
  /** Whose mailbox it is; the server's own id before RCPT, or when it plays one provider only. */
  provider: string;
  phase: Phase;
  /** As the client wrote it; null before RCPT. At `dot` of a mail to several, the first one (LMTP: each in turn). */
  recipient: string | null;
  /** Null before MAIL; "" for the null reverse-path. */
  sender: string | null;
  /** How often this recipient has got as far as RCPT, from 1; 0 before RCPT. */
  attempt: number;
  /**
   * How many RCPTs this provider has seen. From RCPT on it is this mail's own place in that order, from 1, so that
   * one mail has one number through all its phases, however many connections there are.
   */
  seen: number;
  /** Recipients for whom this provider took a mail. */
  acceptedSoFar: number;
  /** Number of the connection, from 1. */
  connection: number;
  /** The address that it comes from. */
  peer: string;
  nowMs: number;
}

/**
 * What the provider does at a moment.
 * - `reply`: these lines, verbatim ("\n" between lines; codes included). 2xx and 3xx go on, 4xx and 5xx refuse. The
 *   connection is closed after a 421 and after a refusing banner, or as `close` says.
 * - `drop`: the connection is cut: without a reply, after the normal reply, or (phase `data`) when the first bytes of
 *   the message have come. `taken` at `dot` without a reply: the mail was taken, the client never hears of it.
 * - neither: the normal reply, late.
 */
export type Answer =
  | { reply: string; close?: boolean; delayMs?: number }
  | { drop: "before-reply" | "after-reply" | "mid-data"; taken?: boolean; delayMs?: number }
  | { delayMs: number };

/** Undefined means: the normal positive reply. */
export type Script = (moment: Moment) => Answer | undefined;
