// What came of a try. The transport tells what was heard on the wire; here it becomes an outcome: whose word it
// was, what it means, and what becomes of the delivery. Pure.
import { classifyReply } from "../bounce/classifier.ts";
import { hintOf } from "../bounce/hint.ts";
import type { Classification, Phase, Speaker } from "../bounce/reason.ts";
import type { DeliveryState } from "./delivery.ts";
import { hintedDelaySeconds, RETRY_DEADLINE_SECONDS } from "./retry.ts";

/** What a connection heard for one message. */
export type Heard =
  /** The final dot was answered with 2xx. */
  | {
      kind: "accepted";
      reply: string;
      relayId: string | null;
      /** The other side offers reports of success, and was asked for one. */
      asked?: true;
    }
  /** Some command was answered with 4xx or 5xx. */
  | { kind: "refused"; phase: Phase; reply: string }
  /** The connection ended without an answer. `handedOver`: the final dot had been given to the socket. */
  | { kind: "lost"; phase: Phase; handedOver: boolean; message: string }
  /** Nothing was sent: the lane was held, the lease was lost, or the process drains. */
  | { kind: "returned" };

export interface Outcome {
  event:
    | "accepted"
    | "handed-over"
    | "rejected"
    | "deferred"
    | "unreachable"
    | "uncertain"
    | "returned"
    // By a later report.
    | "bounced"
    | "complained";
  phase: Phase | null;
  speaker: Speaker;
  reply: string | null;
  classification: Classification | null;
  relayId: string | null;
  /** A report of its arrival was asked for, and is offered. */
  asked?: true;
}

export function outcomeOf(heard: Heard, context: { provider: string; feedback: "relay" | "final" }): Outcome {
  const speaker: Speaker = context.feedback === "final" ? "provider" : "route";
  const none = { classification: null, relayId: null };
  switch (heard.kind) {
    case "accepted":
      return {
        event: context.feedback === "final" ? "accepted" : "handed-over",
        phase: "dot",
        speaker,
        reply: heard.reply,
        classification: null,
        relayId: heard.relayId,
        ...(heard.asked === true ? { asked: true as const } : {}),
      };
    case "refused":
      return refusal(heard, context.provider, speaker);
    case "lost":
      return {
        event: heard.handedOver ? "uncertain" : "unreachable",
        phase: heard.phase,
        speaker,
        reply: heard.message,
        ...none,
      };
    case "returned":
      return { event: "returned", phase: null, speaker, reply: null, ...none };
  }
}

/** A refusal, in whose word it is: a relay that passes on a provider's own text lets the provider speak. */
export function refusal(heard: { phase: Phase; reply: string }, provider: string, speaker: Speaker): Outcome {
  let classification = classifyReply(heard.reply, { provider, phase: heard.phase, speaker });
  let who = speaker;
  if (speaker === "route") {
    const quoted = classifyReply(heard.reply, { phase: heard.phase, speaker: "provider" });
    if (quoted.provider !== "other" && quoted.provider === provider) {
      who = "provider";
      classification = quoted;
    }
  }
  // What our own relay refuses has not been seen by anybody's provider: it waits until the route is repaired.
  const isOurs = who === "route" && classification.fault === "sender" && classification.scope === "route";
  return {
    event: classification.hard && !isOurs && !beforeRecipient(heard.phase) ? "rejected" : "deferred",
    phase: heard.phase,
    speaker: who,
    reply: heard.reply,
    classification,
    relayId: null,
  };
}

/** Before RCPT nobody was named: such a refusal is about us and is nobody's bounce. */
export function beforeRecipient(phase: Phase): boolean {
  return phase === "connect" || phase === "ehlo" || phase === "tls" || phase === "auth" || phase === "mail";
}

/** Must the connection wait for this outcome's settle before it begins another message? */
export function isFence(outcome: Outcome): boolean {
  const fault = outcome.classification?.fault;
  return fault === "sender" || fault === "content" || fault === "unknown";
}

/** What becomes of the delivery. */
export interface Settlement {
  state: DeliveryState;
  dueAtMs: number;
  /** Seconds waited between tries, this wait included. */
  waited: number;
  losses: number;
}

/** A connection that dies this often under one message is that message's trouble: wait longer. */
const LOSSES_BEFORE_WAIT = 3;

export function settlementOf(
  outcome: Outcome,
  delivery: { id: number; try: number; waited: number; losses: number },
  nowMs: number,
): Settlement {
  const { waited, losses } = delivery;
  const at = (state: DeliveryState): Settlement => ({ state, dueAtMs: nowMs, waited, losses });
  switch (outcome.event) {
    case "accepted":
    case "handed-over":
      return at(outcome.event);
    case "rejected":
    case "bounced":
      return at("bounced");
    case "complained":
      return at("complained");
    case "uncertain":
      return at("uncertain");
    case "returned":
      return at("pending");
    case "unreachable":
      if (losses + 1 < LOSSES_BEFORE_WAIT) return { ...at("pending"), losses: losses + 1 };
      return deferred({ ...delivery, losses: losses + 1 }, null, nowMs);
    case "deferred":
      return deferred(delivery, outcome.reply, nowMs);
  }
}

function deferred(
  delivery: { id: number; try: number; waited: number; losses: number },
  reply: string | null,
  nowMs: number,
): Settlement {
  const seconds = hintedDelaySeconds(delivery, hintOf(reply));
  const waited = Math.min(delivery.waited + seconds, RETRY_DEADLINE_SECONDS);
  return { state: "deferred", dueAtMs: nowMs + seconds * 1000, waited, losses: delivery.losses };
}
