// A replay in words for people: where the log would have stopped, what would have been spared, and why.
import { providerTitle } from "../provider/directory.ts";
import { safeLines, safeText, wrapText } from "../report/safe-text.ts";
import type { LaneSummary, Replay, ToldHold } from "./replay.ts";

const WIDTH = 96;

export function renderReplay(replay: Replay): string {
  const lanes = replay.lanes();
  const campaigns = new Set(lanes.map((lane) => lane.campaign)).size;
  const lines = [
    `${count(replay.events, "event")} of ${count(campaigns, "campaign")} in ${count(lanes.length, "lane")}.`,
  ];
  if (replay.holds.length === 0) lines.push("Nothing would have been held.");
  for (const told of replay.holds) lines.push("", ...holdLines(told, lanes, campaigns > 1));
  return `${lines.join("\n")}\n`;
}

function holdLines(told: ToldHold, lanes: readonly LaneSummary[], named: boolean): string[] {
  const { hold, campaign, message, advice, after } = told;
  const { provider, event, at, scope } = hold;
  const which = named ? ` (campaign ${safeText(String(campaign))})` : "";
  const head = `Line ${event}, ${at}: ${whatOf(told, lanes)}${which}.`;
  const lines = wrapText(head, WIDTH);
  const say = (text: string) => {
    lines.push(...wrapText(safeText(text), WIDTH).map((line) => `  ${line}`));
  };
  say(message);
  if (after.mails > 0) {
    const where = scope === "lane" ? "there" : scope === "campaign" ? "of this campaign" : "on this route";
    say(
      `After it the log has ${count(after.mails, "more mail")} ${where}, ${after.refused} refused and ${after.accepted} accepted: without a person's word none of them would have been sent.`,
    );
  }
  say(`To do: ${advice}`);
  if (hold.evidence.length > 0) {
    say(`What ${providerTitle(provider)} said, word for word:`);
    hold.evidence.forEach((reply, index) => {
      if (index > 0) lines.push("    |");
      lines.push(...safeLines(reply).map((line) => `    | ${line}`));
    });
  }
  return lines;
}

function whatOf({ hold, campaign }: ToldHold, lanes: readonly LaneSummary[]): string {
  const { provider, scope, sent } = hold;
  const who = safeText(providerTitle(provider));
  const all = lanes.find((lane) => lane.campaign === campaign && lane.provider === provider)?.mails ?? sent;
  const not = all > sent ? `, not ${all}` : "";
  if (scope === "lane") return `${who} would have been held at mail ${sent}${not}`;
  const stopped = scope === "campaign" ? "the whole campaign" : "the route with all its lanes";
  return `${stopped} would have been stopped, at mail ${sent} to ${who}${not}`;
}

function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? "" : "s"}`;
}
