// Part A of a post-mortem: what happened in five to ten plain sentences. Each says one thing that is known; where
// something is not known, that is what it says.
import { describeReason } from "../bounce/advice.ts";
import { type Incident, type Trouble, toldOf, whoIs } from "./incident-summary.ts";
import { shownDuration } from "./minutes.ts";
import type { Report } from "./report.ts";
import { shownCount } from "./safe-text.ts";
import { faultWords, type Telling, upper } from "./telling.ts";
import { untoldOf } from "./totals.ts";

/** Detectors that hear something else than a refusal: the hold's own sentence says what. */
const OTHERWISE: ReadonlySet<string> = new Set(["provider-incident", "deferral", "complaint", "pace"]);
/** Providers that the short version names; the others are counted. */
const NAMED = 3;

export function shortVersion(telling: Telling): string[] {
  const { incident, report } = telling;
  const first = announced(telling);
  const last = whoHasIt(report);
  if (incident === null) {
    const never =
      telling.facts.launchedAt === null ? [] : ["It was never held: no provider stood in its way."];
    return [first, ...never, ...last];
  }
  const others = restOf(report, incident);
  return [
    first,
    ...whatWrong(telling, incident),
    ...fault(incident),
    ...stopped(telling, incident),
    cost(incident),
    ...(others === null ? [] : [others]),
    ...repaired(telling, incident),
    ...last,
  ];
}

function announced({ report, facts, minutes, clean }: Telling): string {
  const name = `"${clean(report.name)}"`;
  if (facts.launchedAt === null) {
    if (report.state === "cancelled") return `${name} was cancelled before it had begun: nothing was sent.`;
    return `${name} has not begun: nothing was sent.`;
  }
  const { length } = report.lanes;
  const where = length === 0 ? "" : ` at ${length} mailbox ${length === 1 ? "provider" : "providers"}`;
  const addresses = counted(report.totals.recipients, "address", "addresses");
  return `We announced ${name} to ${addresses}${where}, from ${minutes.dated(facts.launchedAt)} on.`;
}

function whatWrong({ minutes, clean }: Telling, { troubles, stops }: Incident): string[] {
  const named = troubles.slice(0, NAMED).map((one) => {
    const since = minutes.sentence(one.since);
    if (one.byHand) return `At ${since} a person stopped the mail to ${one.who}.`;
    const hold = one.cards[0]?.hold;
    if (hold !== undefined && OTHERWISE.has(hold.detector))
      return `At ${since}: ${clean(/^[^.]*\.(?=\s|$)/.exec(hold.message)?.[0] ?? hold.message)}`;
    if (one.fault === "address")
      return `At ${since} too many of the addresses at ${one.who} did not exist: ${describeReason(one.reason)}.`;
    const again = one.cards.length === 1 ? "" : ` It was held ${times(one.cards.length)}.`;
    return `${upper(one.who)} refused our mail from ${since} on: ${describeReason(one.reason)}.${again}`;
  });
  const more = troubles.length - NAMED;
  if (more > 0)
    named.push(`So did ${counted(more, "more provider", "more providers")}, which are told of below.`);
  for (const { at, text } of stops.slice(0, 1)) named.push(`At ${minutes.sentence(at)}: ${clean(text)}`);
  return named;
}

function fault({ troubles }: Incident): string[] {
  const words = new Set(troubles.map(faultOf));
  if (words.size === 0) return ["Whose fault it was is not known."];
  if (words.size === 1) {
    const [word = ""] = words;
    return [`${word.startsWith("not known") ? "Whose fault it was is" : "The fault was"} ${word}.`];
  }
  const each = troubles.slice(0, NAMED).map((one) => `with ${one.who} it was ${faultOf(one)}`);
  return [`Whose fault it was differs: ${each.join("; ")}.`];
}

/** By its first hold. */
function faultOf({ cards, fault }: Trouble): string {
  return faultWords(cards[0]?.hold ?? { fault, scope: "provider", detector: "" });
}

function stopped({ minutes }: Telling, { troubles }: Incident): string[] {
  const own = troubles.filter((one) => !one.byHand);
  if (own.length === 0) return [];
  const each = own.slice(0, NAMED).map(({ who, since, cards, refusedUs }) => {
    const at = cards[0]?.hold.at ?? since;
    const after = !refusedUs ? "" : `, ${shownDuration(since, at)} after the first refusal`;
    return `the mail to ${who} at ${minutes.sentence(at)}${after}`;
  });
  return [`Our mailer stopped by itself: ${each.join("; ")}.`];
}

function cost(incident: Incident): string {
  const { mails, refused, late, troubles } = incident;
  const leaked = troubles.flatMap((one) => one.cards).reduce((sum, card) => sum + card.hold.leaked, 0);
  const wire = leaked === 0 ? "" : `, with ${counted(leaked, "mail", "mails")} on the wire when it stopped`;
  const price =
    mails === 0
      ? "It cost no mail that was counted"
      : `It cost ${counted(mails, "refused mail", "refused mails")}${wire}`;
  return `${price}; ${counted(refused, "address was", "addresses were")} refused, and ${shownCount(late)} ${late === 1 ? "was" : "were"} told later than planned.`;
}

/** What did not stop. */
function restOf(report: Report, { troubles }: Incident): string | null {
  if (troubles.some((one) => one.provider === null)) return null;
  const held = new Set(troubles.map((one) => one.provider));
  const free = report.lanes.filter((lane) => !held.has(lane.provider));
  if (free.length === 0 || free.some((lane) => lane.state !== "done")) return null;
  const told = free.reduce((sum, { totals }) => sum + totals.recipients - untoldOf(totals), 0);
  const who =
    free.length === 1
      ? `${upper(whoIs(free[0]?.provider ?? null))} was`
      : `The other ${free.length} providers were`;
  return `${who} not stopped: ${counted(told, "address", "addresses")} told there.`;
}

function repaired({ report, facts, minutes }: Telling, { troubles, until }: Incident): string[] {
  if (until === null) {
    if (report.state === "cancelled") return ["The campaign was cancelled before it could go on."];
    const standing = troubles.filter((one) => one.until === null).map((one) => one.who);
    const who = standing.length === 0 ? "The campaign" : upper(standing.slice(0, NAMED).join(", "));
    return [
      `It is not over: ${who} ${standing.length > 1 ? "are" : "is"} still stopped, and what was repaired so far is not recorded.`,
    ];
  }
  const since = facts.refusals
    .filter((one) =>
      troubles.some((trouble) => trouble.provider === one.provider && trouble.fault === one.fault),
    )
    .some((one) => one.lastAt > until);
  const returned = troubles.flatMap((one) => one.cards).reduce((sum, card) => sum + card.returned, 0);
  const again =
    returned === 0
      ? ""
      : ` ${counted(returned, "address that had been refused was", "addresses that had been refused were")} sent to again.`;
  const how = since ? "some mail was still refused afterwards" : "nothing more was refused for that reason";
  return [
    `It went on at ${minutes.sentence(until)}, ${shownDuration(troubles[0]?.cards[0]?.hold.at ?? until, until)} after the stop.${again}`,
    `What exactly was repaired is not recorded; ${how}.`,
  ];
}

function whoHasIt(report: Report): string[] {
  const { totals, state } = report;
  if (totals.recipients === 0) return [];
  const untold = untoldOf(totals);
  const now = state === "running" ? "So far " : "";
  const sentences = [
    `${now}${shownCount(toldOf(report))} of ${counted(totals.recipients, "address has", "addresses have")} the notice${untold === 0 ? ", and nobody is left" : `, ${shownCount(untold)} not`}.`,
  ];
  if (totals.handedOver > 0)
    sentences.push(
      `${shownCount(totals.handedOver)} of them by our relay's word alone: their providers have not confirmed it.`,
    );
  if (totals.uncertain > 0)
    sentences.push(`Of ${shownCount(totals.uncertain)} nobody knows whether it arrived.`);
  return sentences;
}

function counted(count: number, one: string, many: string): string {
  return `${shownCount(count)} ${count === 1 ? one : many}`;
}

function times(count: number): string {
  return count === 2 ? "twice" : `${count} times`;
}
