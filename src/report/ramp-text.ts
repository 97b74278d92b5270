// The ramp for people at a terminal: how long it will take, what keeps a lane that hears nothing, what its relay holds.
import { shownDuration } from "../breaker/silence.ts";
import { providerTitle } from "../provider/directory.ts";
import type { AtRelay } from "./at-relay.ts";
import type { RampReport } from "./ramp.ts";
import { shownRamp } from "./ramp.ts";
import type { LaneReport, Report } from "./report.ts";
import { safeText, shownCount, wrapText } from "./safe-text.ts";

interface Style {
  paint: (style: "bold" | "yellow", text: string) => string;
  columns: number;
}

/** Lines below the table for a lane that is not held; none where there is nothing to say. */
export function rampLines(lane: LaneReport, ramp: RampReport, report: Report, style: Style): string[] {
  const title = safeText(providerTitle(lane.provider));
  if (lane.state === "blind") return blindCard(lane, ramp, report, style);
  const takes = shownRamp(ramp);
  if (takes === null && ramp.why === null) return [];
  const reports =
    ramp.reportSeconds === null ? "" : `, a report takes ${shownDuration(ramp.reportSeconds * 1000)}`;
  const window = `${title}: ${shownCount(ramp.window)} may be out unconfirmed${reports}`;
  const lines = takes === null ? [] : [`${window}; its ramp takes ${takes}.`];
  if (ramp.why !== null) lines.push(`${title} does not go on: ${safeText(ramp.why)}`);
  return ["", ...lines.flatMap((line) => wrapText(line, style.columns))];
}

function blindCard(lane: LaneReport, ramp: RampReport, report: Report, { paint, columns }: Style): string[] {
  const title = safeText(providerTitle(lane.provider));
  const section = sectionOf({ paint, columns });
  const resume = `bellwether resume ${report.campaign} --provider ${safeText(lane.provider)}`;
  return [
    "",
    paint("yellow", `? ${title} is blind: nothing tells what became of what was sent there`),
    ...section("What happened", ramp.why ?? "The relay tells nothing of the mails that it took."),
    ...section(
      "What you can do now",
      "Look into the relay's log, or ask a client whether the notice has come. The first sign lets the lane go on by itself; to go on without one:",
    ),
    `      ${resume}`,
    ...(ramp.atRelay === undefined ? [] : atRelayLines(ramp.atRelay, { paint, columns })),
  ];
}

/** What the relay still holds, with the commands for it. */
export function atRelayLines({ count, ids, command, release }: AtRelay, style: Style): string[] {
  const some = ids.length > 0 && ids.length < count ? ` The first ${ids.length}:` : "";
  const mails = count === 1 ? "1 mail" : `${shownCount(count)} mails`;
  const text = `Up to ${mails} may still leave it. They are not sent again.${some}`;
  const lines = [
    ...sectionOf(style)("What the relay still holds", text),
    ...wrapText(safeText(ids.join(" ")), style.columns - 6)
      .filter(Boolean)
      .map((line) => `      ${line}`),
  ];
  if (command === null || release === null) return lines;
  return [
    ...lines,
    "    To stop them there, on the relay's host:",
    `      ${safeText(command)}`,
    "    To let them go on when the cause is repaired:",
    `      ${safeText(release)}`,
  ];
}

function sectionOf({ paint, columns }: Style): (heading: string, text: string) => string[] {
  return (heading, text) => [
    `  ${paint("bold", heading)}`,
    ...wrapText(safeText(text), columns - 4).map((line) => `    ${line}`),
  ];
}
