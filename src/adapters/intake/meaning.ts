// What an intake's events mean in the words of the classifier: the reply decides; where it says nothing that anybody
// knows, the service's own word for the event does.
import { adviceFor } from "../../bounce/advice.ts";
import { classifyReply } from "../../bounce/classifier.ts";
import { type Classification, FAULT_OF, type Reason, type Scope } from "../../bounce/reason.ts";
import { REPLY_LENGTH } from "../../bounce/report.ts";

/** Classifies `reply`. `over`: the delivery is, whatever the reply's class. `otherwise` is used for what no rule knows. */
export function meaningOf(
  reply: string,
  { over, otherwise }: { over: boolean; otherwise?: Reason | undefined },
): Classification {
  const heard = classifyReply(reply);
  const vague = heard.reason === "unclassified" || (heard.reason === "system" && reply.trim() === "");
  if (vague && otherwise !== undefined) {
    return { ...meaningByName(otherwise, { over }), code: heard.code, enhanced: heard.enhanced };
  }
  return { ...heard, hard: over };
}

/** For what the service says of itself (its suppression list, a complaint): no reply of a provider stands behind it. */
export function meaningByName(reason: Reason, { over }: { over: boolean }): Classification {
  return {
    reason,
    fault: FAULT_OF[reason],
    scope: scopeOf(reason),
    hard: over,
    provider: "other",
    code: null,
    enhanced: null,
    advice: adviceFor(reason),
  };
}

function scopeOf(reason: Reason): Scope {
  switch (FAULT_OF[reason]) {
    case "address":
    case "recipient":
    case "feedback":
    case "none":
      return "recipient";
    default:
      if (reason === "suppressed-by-relay" || reason === "mailbox-full") return "recipient";
      return reason === "relay-denied" ? "route" : "provider";
  }
}

/** One line, at most REPLY_LENGTH characters. */
export function replyText(text: string): string {
  return text.replace(/\s+/g, " ").trim().slice(0, REPLY_LENGTH);
}
