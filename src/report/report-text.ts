// The report for people at a terminal: what happened, lane by lane, and for each stop a card that says what to do.
// Colour only repeats what words and signs say. Everything foreign is made safe first; nothing here counts.
import { describeReason } from "../bounce/advice.ts";
import { type CampaignState, isFinished } from "../campaign/campaign.ts";
import { shownStart } from "../campaign/start.ts";
import { providerTitle } from "../provider/directory.ts";
import type { LaneState } from "../provider/lane.ts";
import { shownTime } from "./find.ts";
import { atRelayLines, rampLines } from "./ramp-text.ts";
import type { LaneReport, Report, ReportHold } from "./report.ts";
import { safeLines, safeText, shownCount, wrapText } from "./safe-text.ts";
import { type CountedKey, type Totals, untoldOf } from "./totals.ts";

export interface ReportStyle {
  colour: boolean;
  /** Columns of the terminal; 80 without it, never taken as less than 40. */
  width?: number;
}

export const HEADINGS: readonly (readonly [CountedKey, string])[] = [
  ["accepted", "accepted"],
  ["handedOver", "handed over"],
  ["deferred", "deferred"],
  ["bounced", "bounced"],
  ["complained", "complained"],
  ["uncertain", "uncertain"],
  ["suppressed", "suppressed"],
  ["expired", "expired"],
  ["cancelled", "cancelled"],
  ["pending", "pending"],
];

export const STATE_WORDS: Readonly<Record<CampaignState, string>> = {
  draft: "a draft: nothing was sent",
  scheduled: "scheduled: nothing was sent yet",
  running: "running",
  paused: "paused: nothing is sent until somebody resumes it",
  cancelled: "cancelled",
  completed: "completed: everybody was told",
  "completed-with-failures": "completed: everything was tried, not everybody was reached",
};

type Paint = (style: "bold" | "red" | "green" | "yellow" | "dim", text: string) => string;
const CODES = { bold: 1, red: 31, green: 32, yellow: 33, dim: 2 };

const LANE_SIGNS: Readonly<Record<LaneState, readonly [string, Parameters<Paint>[0]]>> = {
  held: ["! held", "red"],
  blind: ["? blind", "yellow"],
  "backing-off": ["~ slowed", "yellow"],
  ramping: ["> ramping", "dim"],
  open: ["> open", "dim"],
  done: ["= done", "green"],
};

/** Text that ends with a line end; without escape codes when `colour` is false, whatever the report holds. */
export function renderReport(report: Report, { colour, width = 80 }: ReportStyle): string {
  const paint: Paint = (style, text) => (colour ? `\u001b[${CODES[style]}m${text}\u001b[0m` : text);
  const columns = Math.max(40, width);
  const { totals } = report;
  const lines = [
    paint("bold", safeText(report.name)),
    `Campaign ${report.campaign} is ${STATE_WORDS[report.state]}.`,
  ];
  const why =
    report.state === "paused" ? report.timeline.findLast((one) => one.event === "paused") : undefined;
  if (report.state === "scheduled" && report.start !== undefined) {
    const { at, zone } = report.start;
    lines.push(`It begins on ${shownStart({ atMs: Date.parse(at), zone })}.`);
  }
  if (why !== undefined) lines.push(...wrapText(safeText(why.text), columns));
  lines.push("", ...table(report, paint));
  for (const lane of report.lanes) {
    if (lane.hold !== undefined) lines.push("", ...card(lane, lane.hold, report, paint, columns));
    else if (lane.ramp !== undefined) lines.push(...rampLines(lane, lane.ramp, report, { paint, columns }));
  }
  for (const { status, text } of report.sentinels ?? []) {
    if (status !== "came-back" && !isFinished(report.state))
      lines.push("", ...wrapText(safeText(text), columns));
  }
  for (const one of report.organisations ?? []) lines.push("", ...organisation(one, report, paint, columns));
  lines.push("", ...closing(report.campaign, totals));
  return `${lines.join("\n")}\n`;
}

function table({ lanes, totals }: Report, paint: Paint): string[] {
  if (lanes.length === 0) return ["No address is planned yet."];
  const keys = HEADINGS.filter(([key]) => totals[key] > 0);
  const numbers = (of: Totals) => [of.recipients, ...keys.map(([key]) => of[key])].map(shownCount);
  const rows = [
    ["provider", "state", "addresses", ...keys.map(([, heading]) => heading)],
    ...lanes.map((lane) => [
      safeText(providerTitle(lane.provider)),
      LANE_SIGNS[lane.state][0],
      ...numbers(lane.totals),
    ]),
    ["all", "", ...numbers(totals)],
  ];
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  return rows.map((row, line) => {
    const cells = row.map((cell, at) =>
      at < 2 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0),
    );
    const lane = lanes[line - 1];
    if (line === 0) return paint("dim", cells.join("  "));
    if (lane !== undefined) cells[1] = paint(LANE_SIGNS[lane.state][1], cells[1] ?? "");
    return cells.join("  ");
  });
}

function card(lane: LaneReport, hold: ReportHold, report: Report, paint: Paint, columns: number): string[] {
  const title = safeText(providerTitle(lane.provider));
  // What a route's hold stops goes on as one.
  const one = hold.scope === "route" ? "" : ` --provider ${safeText(lane.provider)}`;
  // What a person holds for every campaign is let go for every one.
  const which = lane.forAll === true ? "" : ` ${report.campaign}`;
  const resume = `bellwether resume${which}${one}`;
  const section = (heading: string, text: string) => [
    `  ${paint("bold", heading)}`,
    ...wrapText(safeText(text), columns - 4).map((line) => `    ${line}`),
  ];
  const lines = [
    paint(
      "red",
      `! ${title} is held since ${shownTime(hold.at)}: ${hold.fault === "none" ? "a person holds it" : describeReason(hold.reason)}`,
    ),
    ...section("What happened", hold.message),
    ...section("What you can do now", `${whatWaits(lane.totals)} When the cause is repaired:`),
    ...(hold.fault === "content" ? ["      bellwether revise CAMPAIGN.toml   (the corrected text)"] : []),
    `      ${resume}`,
    ...(hold.resumeFrom === undefined
      ? []
      : wrapText(
          `The last trial was refused again. Another one makes sense from ${shownTime(hold.resumeFrom)} on; each that fails doubles the wait.`,
          columns - 4,
        ).map((line) => `    ${line}`)),
    ...section("What an engineer must do", hold.advice),
    ...section("What to tell clients on the phone", hold.tell),
  ];
  if (hold.leaked > 0) {
    const mails = hold.leaked === 1 ? "1 mail was" : `${shownCount(hold.leaked)} mails were`;
    lines.push(...section("On the way when it stopped", `${mails} on the wire and ended after the stop.`));
  }
  if (hold.atRelay !== undefined) lines.push(...atRelayLines(hold.atRelay, { paint, columns }));
  if (hold.evidence.length > 0) lines.push(`  ${paint("bold", "What was answered, word for word")}`);
  hold.evidence.forEach((reply, index) => {
    if (index > 0) lines.push("    |");
    for (const line of safeLines(reply)) lines.push(`    | ${line}`);
  });
  return lines;
}

function organisation(
  one: NonNullable<Report["organisations"]>[number],
  report: Report,
  paint: Paint,
  columns: number,
): string[] {
  const mails = one.addresses === 1 ? "1 address" : `${shownCount(one.addresses)} addresses`;
  const name = safeText(one.organisation);
  const title = `- ${name} refuses us by a rule of its own (${safeText(providerTitle(one.provider))}): ${mails}`;
  const indented = (text: string) =>
    text.split("\n").flatMap((line) => wrapText(safeText(line), columns - 6).map((part) => `      ${part}`));
  return [
    paint("yellow", title),
    ...(one.ask === undefined ? [] : ["    What to write to its administrator:", ...indented(one.ask)]),
    "    When it admits our mail:",
    `      bellwether resume ${report.campaign} --organisation ${name}`,
  ];
}

function whatWaits({ pending, deferred }: Totals): string {
  const waiting = pending + deferred;
  if (waiting === 0) return "Nothing more waits here; those that were refused return with a resume.";
  return `Nothing gets lost: ${shownCount(waiting)} ${waiting === 1 ? "address waits" : "addresses wait"}, and those that were refused return.`;
}

function closing(campaign: number, totals: Totals): string[] {
  const told = totals.recipients - untoldOf(totals);
  const untold = untoldOf(totals);
  const lines = [`${shownCount(told)} of ${shownCount(totals.recipients)} addresses have got the notice.`];
  if (totals.handedOver > 0)
    lines.push(`${shownCount(totals.handedOver)} of them by the relay's word alone: not confirmed yet.`);
  if (totals.uncertain > 0)
    lines.push(`Of ${shownCount(totals.uncertain)} nobody knows: bellwether uncertain ${campaign}`);
  lines.push(
    untold === 0
      ? `Clients without an address, if any, are listed by: bellwether untold ${campaign}`
      : `${shownCount(untold)} ${untold === 1 ? "has" : "have"} not; the list, with clients without an address: bellwether untold ${campaign}`,
  );
  return lines;
}
