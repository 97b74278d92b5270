// The one table that says what each outcome is to each detector, and whether it slows the lane. Pure; the
// numbers are stepped in breaker.ts.
import type { Fault, Reason, Scope, Speaker } from "../bounce/reason.ts";

export const DETECTORS = ["sender", "address", "content", "unknown"] as const;
export type DetectorName = (typeof DETECTORS)[number];

/** What an outcome tells the breaker of its lane. */
export interface Evidence {
  kind: "confirmed" | "handed-over" | "refused" | "unreachable" | "uncertain";
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
  /** The reply, redacted; shown on the hold card. */
  reply: string | null;
}

export type Sign = "good" | "bad" | "none";

const NOTHING: Readonly<Record<DetectorName, Sign>> = {
  sender: "none",
  address: "none",
  content: "none",
  unknown: "none",
};

/** A sender fault of pace asks for less; every other one is a cause that patience does not cure. */
export function isPace(e: Pick<Evidence, "reason">): boolean {
  return e.reason === "rate-limited";
}

/** The table outcome x detector. */
export function signsOf(e: Evidence): Readonly<Record<DetectorName, Sign>> {
  if (e.kind === "confirmed") return { sender: "good", address: "good", content: "good", unknown: "good" };
  if (e.kind !== "refused" || (e.scope === "recipient" && e.fault !== "address")) return NOTHING;
  // What the relay itself refuses says nothing about a provider: it holds the route instead.
  if (e.speaker === "route" && e.fault === "sender") return NOTHING;
  switch (e.fault) {
    case "sender":
      return isPace(e) ? NOTHING : { ...NOTHING, sender: "bad" };
    case "address":
      return e.hard ? { ...NOTHING, address: "bad" } : NOTHING;
    case "content":
      return { ...NOTHING, content: "bad" };
    case "unknown":
      return e.hard ? { ...NOTHING, unknown: "bad" } : NOTHING;
    default:
      return NOTHING;
  }
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
