// Why somebody has not got the notice, as one plain sentence for the person who answers the phone: whose fault it
// is, whether the mailbox works, and what comes next. Sentences only; who is untold is decided in untold.ts.
import { describeReason } from "../bounce/advice.ts";
import type { Fault, Reason } from "../bounce/reason.ts";
import type { Hold } from "../breaker/hold.ts";
import type { CampaignState } from "../campaign/campaign.ts";
import { providerTitle } from "../provider/directory.ts";
import { OTHER } from "../provider/provider.ts";
import type { DeliveryFacts } from "./store.ts";

const OURS = "it is our fault, the mailbox is fine";

export interface Situation {
  delivery: Pick<DeliveryFacts, "provider" | "state" | "reason" | "fault" | "scope" | "unit">;
  /** What stops its lane now. */
  hold: Pick<Hold, "reason" | "fault" | "scope"> | null;
  campaign: CampaignState;
  /** What an organisation's administrator must admit: "from support@example.com, sent by 192.0.2.1". */
  admit?: string | undefined;
}

/** A provider as the subject of a sentence. */
export function providerWho(provider: string): string {
  return provider === OTHER ? "The mailbox provider" : providerTitle(provider);
}

/** A sentence with its full stop. For a delivery that was not told. */
export function whyUntold({ delivery, hold, campaign, admit }: Situation): string {
  const { state, reason, scope, unit, provider } = delivery;
  const who = scope === "route" ? "Our own relay" : providerWho(provider);
  const means = reason === null ? null : describeReason(reason);
  switch (state) {
    case "pending":
    case "claimed":
      return waiting(provider, hold, campaign);
    case "sending":
      return "It is on its way at this moment.";
    case "deferred":
      if (hold !== null) return waiting(provider, hold, campaign);
      return means === null
        ? "It was not taken yet; it is tried again by itself."
        : `${who} did not take it yet: ${means}; it is tried again by itself.`;
    case "deferred-at-relay":
      return `Our relay has it and could not hand it over yet${tail(means)}; the relay tries again by itself.`;
    case "bounced":
      if (scope === "organisation" && unit !== null && delivery.fault !== "address")
        return `A rule of ${unit} itself refused it${tail(means)}; ${allow(admit)}.`;
      return refused(who, reason, delivery.fault);
    case "uncertain":
      return "The sending broke off before an answer came: nobody knows whether it arrived. `uncertain` lists and settles it.";
    case "suppressed":
      return scope === "organisation"
        ? `Not sent: ${unit ?? "the organisation"} refused us before; ${allow(admit)}.`
        : delivery.fault === "sender"
          ? `Not sent: the mail servers of ${unit ?? "this domain"} refused us before${tail(means)}; ${OURS}.`
          : `Not sent: this address was given up before${tail(means)}; ask the client for a working one.`;
    case "expired":
      return `Given up: it waited too long, or the notice was no longer true${means === null ? "" : `; the last answer was: ${means}`}.`;
    case "cancelled":
      return "Not sent: the campaign was cancelled before.";
    case "accepted":
    case "handed-over":
    case "complained":
      return "Told.";
  }
}

function allow(admit: string | undefined): string {
  return `its administrator must allow our mail${admit === undefined ? "" : ` (${admit})`}`;
}

function waiting(provider: string, hold: Situation["hold"], campaign: CampaignState): string {
  if (hold !== null) {
    const title = providerTitle(provider);
    const means = describeReason(hold.reason);
    const ours = hold.fault === "sender" || hold.fault === "content" ? `; ${OURS}` : "";
    if (hold.fault === "none")
      return `Not sent yet: we hold our mail to ${title} ourselves; the mailbox is fine.`;
    return hold.scope === "route"
      ? `Not sent: our own relay refuses our mail: ${means}; ${OURS}.`
      : `Not sent: mail to ${title} is stopped, because of its answer: ${means}${ours}.`;
  }
  return campaign === "paused" ? "Not sent yet: the campaign is paused." : "Not sent yet: its turn comes.";
}

function refused(who: string, reason: Reason | null, fault: Fault | null): string {
  if (reason === null) return `${who} refused it; \`find\` shows the reply.`;
  const means = describeReason(reason);
  switch (fault) {
    case "sender":
      return `${who} refused our server: ${means}; ${OURS}.`;
    case "content":
      return `${who} refused this message: ${means}; ${OURS}.`;
    case "address":
      return `${who} says: ${means}; ask the client for a working address.`;
    case "unknown":
      return `${who} refused it, and no known reason fits; \`find\` shows the reply.`;
    default:
      return `${who} did not take it: ${means}; tell this client by another way.`;
  }
}

function tail(means: string | null): string {
  return means === null ? "" : ` (${means})`;
}
