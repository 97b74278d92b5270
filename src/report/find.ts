// What was this client told, when, and what did their provider say: the answer for the telephone, over all campaigns.
// Decides which deliveries concern the person asked for; why one failed, in words, is why.ts.
import { describeReason } from "../bounce/advice.ts";
import type { Reason } from "../bounce/reason.ts";
import { readAddress } from "../client/address.ts";
import { matchesFilter } from "../client/audience.ts";
import { holdOf } from "./report.ts";
import { safeLines, safeText } from "./safe-text.ts";
import type { FoundDelivery, FoundSuppression, Outline, ReportClient, ReportStore } from "./store.ts";
import { providerWho, whyUntold } from "./why.ts";

export interface FoundAttempt {
  attempt: number;
  try: number;
  /** ISO 8601 UTC. */
  at: string;
  event: string;
  /** Verbatim. */
  reply: string | null;
  reason: Reason | null;
}

export interface FoundNotice {
  /** Id of the campaign. */
  campaign: number;
  /** Name of the campaign. */
  name: string;
  /** null: none is known. */
  address: string | null;
  /** The accounts for which this notice was, with commas; null: none. */
  account: string | null;
  /** The delivery's state; `no-address`, or `pending` where the plan has not come so far. */
  state: string;
  /** ISO 8601 UTC of the last that happened; null: nothing yet. */
  at: string | null;
  sentence: string;
  attempts: FoundAttempt[];
}

export interface Found {
  /** What was asked for. */
  asked: string;
  /** Is anybody of that address or account known at all? */
  known: boolean;
  /** Newest campaign first. */
  notices: FoundNotice[];
  suppressions: FoundSuppression[];
}

/** By an address, in any case, or by an account. Never throws because nothing is found. */
export async function findClient(store: ReportStore, text: string): Promise<Found> {
  const asked = text.trim();
  const parsed = readAddress(asked);
  const key = typeof parsed === "string" ? null : parsed.key;
  const accounts = [...new Set([asked, asked.toLowerCase(), asked.toUpperCase()])].filter((a) => a !== "");
  const { clients, campaigns, deliveries, suppressions } = await store.find({ key, accounts });
  const concerns = (client: ReportClient) =>
    (key !== null && client.key === key) || (client.account !== null && accounts.includes(client.account));

  const notices: FoundNotice[] = [];
  for (const campaign of campaigns) {
    const mine = clients.filter(
      (client) =>
        client.importId === campaign.importId && concerns(client) && matchesFilter(client, campaign.filter),
    );
    const told = new Set<string>();
    for (const delivery of deliveries) {
      if (delivery.campaignId !== campaign.campaign.id) continue;
      const sharing = mine.filter((client) => client.key === delivery.key);
      // Another account at the same address may have been told where this one was not meant.
      if (delivery.key !== key && sharing.length === 0) continue;
      told.add(delivery.key);
      notices.push(noticeOf(delivery, campaign, sharing));
    }
    notices.push(
      ...withoutDelivery(
        mine.filter((client) => !told.has(client.key ?? "")),
        campaign,
      ),
    );
  }
  notices.sort((a, b) => b.campaign - a.campaign);
  const known = notices.length > 0 || clients.length > 0 || suppressions.length > 0;
  return { asked, known, notices, suppressions };
}

function noticeOf(delivery: FoundDelivery, outline: Outline, sharing: readonly ReportClient[]): FoundNotice {
  const { outcomes, changedAt } = delivery;
  const at = outcomes.at(-1)?.at ?? changedAt;
  return {
    campaign: outline.campaign.id,
    name: outline.campaign.name,
    address: delivery.address,
    account: accountsOf(sharing),
    state: delivery.state,
    at,
    sentence: sentenceOf(delivery, outline),
    attempts: outcomes.map(({ attempt, try: tryNumber, at, event, reply, reason }) => ({
      attempt,
      try: tryNumber,
      at,
      event,
      reply,
      reason,
    })),
  };
}

function sentenceOf(delivery: FoundDelivery, outline: Outline): string {
  const { state, provider, outcomes, changedAt } = delivery;
  const when = (event: string) => {
    const at = outcomes.findLast((one) => one.event === event)?.at ?? changedAt;
    return at === null ? "" : ` on ${shownTime(at)}`;
  };
  if (state === "accepted") return `Told${when("accepted")}: ${providerWho(provider)} accepted it.`;
  if (state === "handed-over")
    return `Told as far as is known${when("handed-over")}: our relay took it, ${providerWho(provider)} has not confirmed it.`;
  if (state === "complained")
    return `Told${when("accepted")}, and marked as spam by the recipient${when("complained")}.`;
  const lane = outline.lanes.find((one) => one.id === delivery.laneId);
  const hold = lane === undefined ? null : holdOf(lane, outline.campaign.state);
  const why = whyUntold({ delivery, hold, campaign: outline.campaign.state });
  return why.startsWith("Not sent") ? why.replace("Not sent", "Not told") : `Not told: ${why}`;
}

/** Clients of the audience for whom there is no row: without an address, or not yet planned. */
function withoutDelivery(clients: readonly ReportClient[], { campaign }: Outline): FoundNotice[] {
  return clients.map((client) => ({
    campaign: campaign.id,
    name: campaign.name,
    address: client.address,
    account: client.account,
    state: client.key === null ? "no-address" : "pending",
    at: null,
    sentence:
      client.key === null
        ? "Not told: no address is known for this client."
        : "Not told: the campaign has not come to this address.",
    attempts: [],
  }));
}

function accountsOf(clients: readonly ReportClient[]): string | null {
  const accounts = new Set(clients.flatMap((client) => client.account ?? []));
  return accounts.size === 0 ? null : [...accounts].join(", ");
}

/** "2027-04-28 07:41 UTC" */
export function shownTime(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC`;
}

/** For the terminal: plain text, safe to print, ends with a line end. */
export function renderFind(found: Found): string {
  const asked = safeText(found.asked);
  if (!found.known)
    return `Nothing is known of ${asked}: no campaign was meant for this address or account.\n`;
  const lines: string[] = [];
  if (found.notices.length === 0)
    lines.push(`${asked}: known, but no campaign was meant for this client.`, "");
  for (const notice of found.notices) {
    const account = notice.account === null ? "" : `, account ${notice.account}`;
    lines.push(safeText(`${notice.name} (campaign ${notice.campaign})`));
    lines.push(safeText(`  ${notice.address ?? "no address"}${account}: ${notice.state}`));
    lines.push(safeText(`  ${notice.sentence}`));
    for (const { attempt, try: tryNumber, at, event, reply, reason } of notice.attempts) {
      const why = reason === null ? "" : ` (${reason})`;
      lines.push(safeText(`    ${shownTime(at)}  attempt ${attempt}, try ${tryNumber}: ${event}${why}`));
      if (reply !== null) for (const line of safeLines(reply)) lines.push(`      | ${line}`);
    }
    lines.push("");
  }
  for (const { address, reason, provisional, since } of found.suppressions) {
    const how = provisional ? "provisionally" : "for good";
    const text = `${address} is suppressed ${how} since ${shownTime(since)}: ${describeReason(reason)}.`;
    lines.push(safeText(text));
  }
  return `${lines.join("\n").trimEnd()}\n`;
}
