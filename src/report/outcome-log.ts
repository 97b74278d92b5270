// The outcome log: what came of every try as JSON lines, one an outcome, in the order in which they were recorded.
// Its events are a closed set that a replay reads; what is no provider's verdict is left out.
import type { Fault, Reason, Scope } from "../bounce/reason.ts";
import type { ReportStore } from "./store.ts";

export const LOG_EVENTS = ["accepted", "rejected", "deferred", "bounced", "complained", "uncertain"] as const;
export type LogEvent = (typeof LOG_EVENTS)[number];

export interface LogLine {
  /** ISO 8601 UTC. */
  at: string;
  /** Id of the campaign. */
  campaign: number;
  delivery: number;
  attempt: number;
  recipient: string;
  provider: string;
  event: LogEvent;
  /** Verbatim. */
  reply: string | null;
  reason: Reason | null;
  fault: Fault | null;
  scope: Scope | null;
}

/**
 * One JSON object and "\n" at a time. Left out: `handed-over`, because a relay's 250 is not yet the provider's word
 * (the confirmation comes as `accepted`), and `unreachable`, because nobody answered.
 */
export async function* outcomeLog(store: ReportStore, campaignId: number): AsyncGenerator<string> {
  let after = 0;
  for (;;) {
    const page = await store.outcomes(campaignId, after);
    if (page.length === 0) return;
    for (const outcome of page) {
      after = outcome.id;
      if (!isLogged(outcome.event)) continue;
      const { at, delivery, attempt, recipient, provider, event, reply, reason, fault, scope } = outcome;
      const line: LogLine = {
        at,
        campaign: campaignId,
        delivery,
        attempt,
        recipient,
        provider,
        event,
        reply,
        reason,
        fault,
        scope,
      };
      yield `${JSON.stringify(line)}\n`;
    }
  }
}

function isLogged(event: string): event is LogEvent {
  return (LOG_EVENTS as readonly string[]).includes(event);
}
