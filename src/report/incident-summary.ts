// What went wrong in a campaign, in numbers and moments: who stood in the way, since when, until when, at what cost. Pure;
// sentences are made of it in post-mortem-short.ts and incident-words.ts. What is not known is null, never guessed.
import type { Fault, Reason } from "../bounce/reason.ts";
import { providerTitle } from "../provider/directory.ts";
import { OTHER } from "../provider/provider.ts";
import type { HoldCard, PostMortemFacts } from "./post-mortem-store.ts";
import type { Report } from "./report.ts";
import { untoldOf } from "./totals.ts";

/** Everything that one provider, or one's own relay, had to do with. */
export interface Trouble {
  /** null: our own relay. */
  provider: string | null;
  /** Subject of a sentence. */
  who: string;
  /** Oldest first, at least one. */
  cards: readonly HoldCard[];
  /** Of the first hold. */
  reason: Reason;
  fault: Fault;
  /** The answers refused mail, and not addresses or patience: there is a first refusal to count from. */
  refusedUs: boolean;
  /** A person's order, and nobody's fault as far as is known. */
  byHand: boolean;
  /** When it was first refused, or else when it was stopped; ISO 8601 UTC. */
  since: string;
  /** When it went on for the last time; null: it stands. */
  until: string | null;
  /** Tries that were refused for it, and different addresses among them. */
  mails: number;
  addresses: number;
}

export interface Incident {
  /** Earliest first. */
  troubles: readonly Trouble[];
  /** Stops of which there is no card: of the whole campaign by its breaker, of a lane that heard nothing. */
  stops: readonly { at: string; text: string; provider: string | null }[];
  since: string;
  until: string | null;
  mails: number;
  refused: number;
  late: number;
  /** Of those that were touched, who has it now and who has not. */
  told: number;
  untold: number;
}

/** null: nothing was ever held. */
export function incidentOf(report: Report, facts: PostMortemFacts): Incident | null {
  const byProvider = new Map<string | null, HoldCard[]>();
  for (const card of [...facts.ended, ...standingCards(report, facts)]) {
    const provider = card.hold.scope === "route" ? null : card.provider;
    byProvider.set(provider, [...(byProvider.get(provider) ?? []), card]);
  }
  const troubles = [...byProvider]
    .flatMap(([provider, cards]) => troubleOf(provider, cards, facts) ?? [])
    .sort((a, b) => (a.since < b.since ? -1 : 1));
  const stops = facts.events.filter(
    ({ event, text }) => event === "blind" || (event === "paused" && isBreakers(text)),
  );
  const begun = [...troubles.map((one) => one.since), ...stops.map((one) => one.at)].sort();
  const [since] = begun;
  if (since === undefined) return null;
  const stands = troubles.some((one) => one.until === null) || report.state === "paused";
  const ends = [
    ...troubles.flatMap((one) => one.until ?? []),
    ...stops.flatMap((stop) => wentOnAfter(stop, facts) ?? []),
  ].sort();
  const touched = (which: string, told?: boolean) =>
    facts.affected
      .filter((one) => one.affected === which && (told === undefined || one.told === told))
      .reduce((sum, one) => sum + one.addresses, 0);
  return {
    troubles,
    stops,
    since,
    until: stands ? null : (ends.at(-1) ?? null),
    mails: troubles.reduce((sum, one) => sum + one.mails, 0),
    refused: touched("refused"),
    late: touched("late"),
    told: touched("refused", true) + touched("late"),
    untold: touched("refused", false) + touched("untold"),
  };
}

/** Addresses that have the notice. */
export function toldOf({ totals }: Pick<Report, "totals">): number {
  return totals.recipients - untoldOf(totals);
}

/** "Gmail / Google Workspace"; for the long tail what can be the subject of a sentence. */
export function whoIs(provider: string | null): string {
  if (provider === null) return "our own relay";
  return provider === OTHER ? "the smaller providers" : providerTitle(provider);
}

function standingCards(report: Report, facts: PostMortemFacts): HoldCard[] {
  const cards: HoldCard[] = [];
  for (const { provider, hold } of report.lanes) {
    if (hold === undefined) continue;
    const isRoute = hold.scope === "route";
    // One route stands under many lanes.
    if (isRoute && cards.some((card) => card.provider === null && card.hold.at === hold.at)) continue;
    cards.push({
      provider: isRoute ? null : provider,
      hold: { ...hold, detector: isRoute ? "" : (facts.standing[provider]?.detector ?? "") },
      endedAt: null,
      by: null,
      returned: 0,
      replies: isRoute ? [] : (facts.standing[provider]?.replies ?? []),
    });
  }
  return cards;
}

function troubleOf(
  provider: string | null,
  cards: readonly HoldCard[],
  facts: PostMortemFacts,
): Trouble | null {
  const [first] = cards;
  if (first === undefined) return null;
  const faults = new Set(cards.map((card) => card.hold.fault));
  const paced = cards.some((card) => card.hold.reason === "rate-limited");
  const counted = facts.refusals.filter(
    (one) => one.provider === provider && faults.has(one.fault) && (!one.isPace || paced),
  );
  const { reason, fault, at } = first.hold;
  // Some unknown users are in every list: the first of them is not when it began.
  const refusedUs = fault === "sender" || fault === "content" || fault === "unknown";
  const heard = refusedUs ? counted.map((one) => one.firstAt) : [];
  return {
    provider,
    who: whoIs(provider),
    cards,
    reason,
    fault,
    refusedUs,
    byHand: fault === "none",
    since: [at, ...heard].sort()[0] ?? at,
    until: cards.some((card) => card.endedAt === null) ? null : (cards.at(-1)?.endedAt ?? null),
    mails: counted.reduce((sum, one) => sum + one.mails, 0),
    addresses: counted.reduce((sum, one) => sum + one.addresses, 0),
  };
}

/** A campaign is paused because its lanes stand, which their cards tell, or by a person. */
function isBreakers(text: string): boolean {
  return /^Too many addresses |refuse us, and nobody takes our mail/.test(text);
}

function wentOnAfter(
  stop: { at: string; provider: string | null },
  { events, endedAt }: PostMortemFacts,
): string | null {
  const after = events.find(
    ({ at, event, provider }) => at > stop.at && event === "resumed" && provider === stop.provider,
  );
  return after?.at ?? endedAt;
}
