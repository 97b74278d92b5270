// The one table that says what each outcome is to each detector, and whether it slows the lane. Pure; the
// numbers are stepped in breaker.ts.
import type { Fault, Reason, Scope, Speaker } from "../bounce/reason.ts";

/**
 * The detectors of a lane, in the order in which they speak when one outcome trips several: an address that took our
 * mail last month and "does not exist" now is the provider's trouble before it is the list's.
 */
export const DETECTORS = [
  "sender",
  "content",
  "unknown",
  "provider-incident",
  "address",
  "complaint",
  "deferral",
] as const;
export type DetectorName = (typeof DETECTORS)[number];

/** What an outcome tells the breaker of its lane. */
export interface Evidence {
  kind: "confirmed" | "handed-over" | "refused" | "complained" | "unreachable" | "uncertain";
  reason: Reason | null;
  fault: Fault | null;
  scope: Scope | null;
  /** Permanent (5xx class). */
  hard: boolean;
  speaker: Speaker;
  /** Who counts as one for tenant rules: an organisation's domain or an MX site; null: each recipient. */
  unit: string | null;
  /** False when this delivery was evidence in this epoch before: a retry is no new evidence. */
  fresh: boolean;
  /** Said before any recipient was named: of all mail that the connection would have carried. */
  door: boolean;
  /** This very address took mail of ours in another campaign, not long ago. */
  knownGood: boolean;
  /** When it was heard, ms since the epoch. */
  atMs: number;
  /** The reply, redacted; shown on the hold card. */
  reply: string | null;
}

export type Sign = "good" | "bad" | "none";

const NOTHING: Readonly<Record<DetectorName, Sign>> = {
  sender: "none",
  content: "none",
  unknown: "none",
  "provider-incident": "none",
  address: "none",
  complaint: "none",
  deferral: "none",
};

const ALL_GOOD: Readonly<Record<DetectorName, Sign>> = {
  sender: "good",
  content: "good",
  unknown: "good",
  "provider-incident": "good",
  address: "good",
  complaint: "good",
  deferral: "good",
};

/** A sender fault of pace asks for less; every other one is a cause that patience does not cure. */
export function isPace(e: Pick<Evidence, "reason">): boolean {
  return e.reason === "rate-limited";
}

/** The table outcome x detector. */
export function signsOf(e: Evidence): Readonly<Record<DetectorName, Sign>> {
  if (e.kind === "confirmed") return ALL_GOOD;
  if (e.kind === "complained") return { ...NOTHING, complaint: "bad" };
  if (e.kind !== "refused" || (e.scope === "recipient" && e.fault !== "address")) return NOTHING;
  // What the relay itself refuses says nothing about a provider: it holds the route instead.
  if (e.speaker === "route" && e.fault === "sender") return NOTHING;
  switch (e.fault) {
    case "sender":
      return isPace(e) ? NOTHING : { ...NOTHING, sender: "bad" };
    case "address":
      if (!e.hard) return NOTHING;
      return { ...NOTHING, address: "bad", ...(e.knownGood ? { "provider-incident": "bad" } : {}) };
    case "content":
      return { ...NOTHING, content: "bad" };
    case "temporary":
      return defersAll(e) ? { ...NOTHING, deferral: "bad" } : NOTHING;
    case "unknown":
      return e.hard ? { ...NOTHING, unknown: "bad" } : NOTHING;
    default:
      return NOTHING;
  }
}

/** "Not now", said by the provider about itself or us, and not about one full mailbox. */
function defersAll(e: Evidence): boolean {
  return !e.hard && e.speaker === "provider" && e.reason !== "mailbox-full";
}

/** Whether the lane shall go slower: the provider named our pace, and not one recipient's. */
export function slows(e: Evidence): boolean {
  return (
    e.kind === "refused" &&
    e.fault === "sender" &&
    isPace(e) &&
    e.scope !== "recipient" &&
    e.speaker === "provider"
  );
}
