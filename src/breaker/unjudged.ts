// A lane that ends before its breaker could say anything: what it heard is told, so that nobody takes two refusals of two
// mails for bad luck. Pure.
import type { Fault } from "../bounce/reason.ts";
import { redactReply } from "../bounce/redact.ts";
import type { Pulse } from "./breaker.ts";

const JUDGED: ReadonlySet<Fault> = new Set<Fault>(["sender", "content", "unknown"]);
const SHOWN = 2;

/** The refusals that counted and were followed by no confirmation, redacted, the last ones; null: there is nothing to say. */
export function unjudged({ sender, content, unknown, recent }: Pulse): string[] | null {
  if (sender + content + unknown === 0) return null;
  const replies = recent.filter((one) => JUDGED.has(one.fault)).map((one) => redactReply(one.reply));
  return replies.length === 0 ? null : replies.slice(-SHOWN);
}
