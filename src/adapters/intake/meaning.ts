// What an intake's events mean in the words of the classifier: the reply decides; where it says nothing that anybody
// knows, the service's own word for the event does.
import { classificationOf } from "../../bounce/by-reason.ts";
import { classifyReply } from "../../bounce/classifier.ts";
import type { Classification, Reason } from "../../bounce/reason.ts";
import { REPLY_LENGTH } from "../../bounce/report.ts";

/** Classifies `reply`. `over`: the delivery is, whatever the reply's class. `otherwise` is used for what no rule knows. */
export function meaningOf(
  reply: string,
  { over, otherwise }: { over: boolean; otherwise?: Reason | undefined },
): Classification {
  const heard = classifyReply(reply);
  const vague = heard.reason === "unclassified" || (heard.reason === "system" && reply.trim() === "");
  if (vague && otherwise !== undefined) {
    return { ...classificationOf(otherwise, { over }), code: heard.code, enhanced: heard.enhanced };
  }
  return { ...heard, hard: over };
}

/** One line, at most REPLY_LENGTH characters. */
export function replyText(text: string): string {
  return text.replace(/\s+/g, " ").trim().slice(0, REPLY_LENGTH);
}
