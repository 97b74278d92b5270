// A classification that rests on what kind of news came, and on nobody's reply: a complaint, a machine's answer, a
// service's own list.
import { adviceFor } from "./advice.ts";
import { type Classification, FAULT_OF, type Reason, type Scope } from "./reason.ts";

/** `over`: the delivery is. */
export function classificationOf(reason: Reason, { over }: { over: boolean }): Classification {
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
