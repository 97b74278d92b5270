// The post-mortem of a campaign as a document: A. the short version, B. the details to the minute. Pure. Every text in
// it is redacted and plain; whoever renders it escapes it for its format. What is not known is left out or said to be.
import { describeReason } from "../bounce/advice.ts";
import { providerTitle } from "../provider/directory.ts";
import { type Minutes, shownDuration } from "./minutes.ts";
import { shortVersion } from "./post-mortem-short.ts";
import type { Affected, HoldCard, PostMortemFacts } from "./post-mortem-store.ts";
import { type TimelineRow, timelineOf } from "./post-mortem-timeline.ts";
import { HEADINGS } from "./report-text.ts";
import { safeLines, shownCount } from "./safe-text.ts";
import { faultWords, type PostMortemInput, type Telling, tell, unitsOf, upper } from "./telling.ts";
import { type Totals, untoldOf } from "./totals.ts";

export interface PostMortem {
  title: string;
  /** "Campaign 7, written on 28 April 2017 06:20 UTC." */
  subtitle: string;
  /** Sentences. */
  short: readonly string[];
  /** Of the table of providers: what stands above its columns, and its rows, the last one the sum. */
  providers: { headings: readonly string[]; rows: readonly (readonly string[])[] };
  timeline: {
    /** "28 April 2017", or "28 to 29 April 2017". */
    days: string;
    /** How people call the local time; null: there is none. */
    zone: string | null;
    rows: readonly TimelineRow[];
  };
  holds: readonly HoldStory[];
  /** Organisations and sites that were set aside, without their names. */
  aside: readonly string[];
  /** Who has not got it, by why: uncertain, expired, and so on. */
  open: readonly string[];
  /** What the document leaves out, and why. */
  notes: readonly string[];
}

export interface HoldStory {
  title: string;
  facts: readonly { label: string; text: string }[];
  /** Verbatim and redacted, each as its lines. */
  replies: readonly (readonly string[])[];
}

const WAYS: readonly (readonly [Affected, string])[] = [
  ["refused", "once refused"],
  ["late", "told late"],
];

export function buildPostMortem(input: PostMortemInput): PostMortem {
  const telling = tell(input);
  const { report, facts, incident, minutes, clean } = telling;
  const made = new Date(input.nowMs).toISOString();
  const cards = incident?.troubles.flatMap((one) => one.cards) ?? [];
  return {
    title: `Post-mortem: ${clean(report.name)}`,
    subtitle: `Campaign ${report.campaign}, written on ${minutes.dated(made)}.`,
    short: shortVersion(telling),
    providers: providerTable(telling),
    timeline: { ...timelineOf(telling), zone: minutes.zone },
    holds: [...cards]
      .sort((a, b) => (a.hold.at < b.hold.at ? -1 : 1))
      .map((card) => holdStory(card, telling)),
    aside: asideOf(telling),
    open: openOf(report.totals),
    notes: notesOf(facts, cards),
  };
}

/** What each has become by now, and, where anything was held, how it came there. */
function providerTable({ report, facts, incident }: Telling): PostMortem["providers"] {
  const keys = HEADINGS.filter(([key]) => report.totals[key] > 0);
  const ways = incident === null ? [] : WAYS;
  const touched = (which: Affected, provider?: string) =>
    facts.affected
      .filter((one) => one.affected === which && (provider === undefined || one.provider === provider))
      .reduce((sum, one) => sum + one.addresses, 0);
  const cells = (of: Totals, provider?: string) =>
    [of.recipients, ...ways.map(([which]) => touched(which, provider)), ...keys.map(([key]) => of[key])].map(
      shownCount,
    );
  if (report.lanes.length === 0) return { headings: [], rows: [] };
  return {
    headings: [
      "provider",
      "state",
      "addresses",
      ...ways.map(([, heading]) => heading),
      ...keys.map(([, heading]) => heading),
    ],
    rows: [
      ...report.lanes.map((lane) => [
        providerTitle(lane.provider),
        lane.state,
        ...cells(lane.totals, lane.provider),
      ]),
      ["all", "", ...cells(report.totals)],
    ],
  };
}

function holdStory(card: HoldCard, { facts, minutes, clean }: Telling): HoldStory {
  const { hold, endedAt, by, returned } = card;
  const byHand = hold.fault === "none";
  const title =
    card.provider === null || hold.scope === "route" ? "Our own relay" : providerTitle(card.provider);
  const lines: HoldStory["facts"] = [
    { label: "What happened", text: clean(hold.message) },
    ...(byHand ? [] : [{ label: "What the answers mean", text: `${upper(describeReason(hold.reason))}.` }]),
    { label: "Whose fault", text: `${upper(faultWords(hold))}.` },
    { label: "Stopped", text: `${minutes.sentence(hold.at)}, ${byHand ? "by a person" : "by itself"}.` },
    { label: "On the way when it stopped", text: leakWords(hold.leaked) },
    { label: "What an engineer had to do", text: clean(hold.advice) },
    { label: "What clients were to be told on the phone", text: clean(hold.tell) },
    {
      label: "Went on",
      text: endedAt === null ? "Not yet." : wentOn({ hold, endedAt, by, returned }, minutes),
    },
  ];
  return {
    title: `${title}, ${minutes.sentence(hold.at)}`,
    facts: lines,
    replies: repliesOf(card, facts, clean),
  };
}

function wentOn(
  { hold, endedAt, by, returned }: Pick<HoldCard, "hold" | "by" | "returned"> & { endedAt: string },
  minutes: Minutes,
): string {
  const who = by === "time" ? "by itself, after its time" : "by a person's order";
  const back =
    returned === 0
      ? "Nobody had to be sent to again."
      : `${shownCount(returned)} ${returned === 1 ? "address that had been refused was" : "addresses that had been refused were"} given back to be sent again.`;
  return `${minutes.sentence(endedAt)}, ${who}, after ${shownDuration(hold.at, endedAt)}. ${back}`;
}

function leakWords(leaked: number): string {
  if (leaked === 0) return "No mail that ended after the stop was counted.";
  return `${shownCount(leaked)} ${leaked === 1 ? "mail was" : "mails were"} on the wire and ended after the stop.`;
}

function repliesOf(card: HoldCard, facts: PostMortemFacts, clean: Telling["clean"]): string[][] {
  if (facts.forgotten > 0) return [];
  const verbatim =
    card.replies.length > 0
      ? card.replies.map(({ text, recipient }) => clean(text, recipient))
      : card.hold.evidence.map((text) => clean(text));
  return verbatim.map(safeLines);
}

function asideOf({ facts, clean }: Telling): string[] {
  return facts.aside.map(({ provider, unit, reason, addresses }) => {
    const why = reason === null ? "" : `: ${describeReason(reason)}`;
    const whose =
      addresses === 1 ? "1 of its addresses was" : `${shownCount(addresses)} of its addresses were`;
    return `${upper(clean(unit))} at ${providerTitle(provider)} refused us by a rule of its own${why}. ${whose} left out.`;
  });
}

function openOf(totals: Totals): string[] {
  const lines: [number, string, string][] = [
    [totals.pending, "waits for its turn", "wait for their turn"],
    [totals.deferred, "was put off and is tried again", "were put off and are tried again"],
    [totals.bounced, "was refused for good", "were refused for good"],
    [
      totals.uncertain,
      "is uncertain: the connection broke before an answer came",
      "are uncertain: the connection broke before an answer came",
    ],
    [
      totals.expired,
      "expired: the notice was no longer true, or had waited too long",
      "expired: the notice was no longer true, or had waited too long",
    ],
    [totals.suppressed, "was left out", "were left out"],
    [totals.cancelled, "was cancelled before its turn", "were cancelled before their turn"],
  ];
  const open = lines.flatMap(([count, one, many]) =>
    count === 0 ? [] : [`${shownCount(count)} ${count === 1 ? `address ${one}` : `addresses ${many}`}.`],
  );
  if (open.length > 0 && untoldOf(totals) > 0) open.push("Each of them is listed, with why, by `untold`.");
  return open;
}

function notesOf(facts: PostMortemFacts, cards: readonly HoldCard[]): string[] {
  const notes = ["Addresses, tokens and the names of our hosts are left out."];
  if (unitsOf(facts).length > 0) notes.push("Organisations are numbered; `untold` names them.");
  if (cards.length > 0 && facts.forgotten > 0) notes.push("The replies themselves are no longer kept.");
  const heldTimes = facts.events.filter(({ event }) => event === "held" || event === "route-held").length;
  if (heldTimes > cards.length)
    notes.push("Not every hold has its details: those that ended under an earlier version were not kept.");
  return notes;
}
