// How far a campaign is, while it runs: one bar a lane on a terminal, plain lines elsewhere - only when something
// changed, so that a log of the night stays readable.
import { styleText } from "node:util";
import { shownStart } from "../campaign/start.ts";
import type { Clock } from "../clock.ts";
import { providerTitle } from "../provider/directory.ts";
import type { LaneProgress, Progress } from "../report/progress.ts";
import { safeText } from "../report/safe-text.ts";
import type { Io } from "./io.ts";
import { startText } from "./scheduled.ts";

export interface ProgressDisplay {
  show(progress: Progress): void;
  notice(notice: { kind: string; name: string; trouble: string | null }): void;
  end(): void;
}

const BAR = 24;
/** Without a terminal: a line at most so often, unless a state changes. */
const QUIET_MS = 5_000;

export function createProgress(io: Io, clock: Clock): ProgressDisplay {
  return io.isTerminal ? redrawn(io, clock) : lines(io, clock);
}

function redrawn(io: Io, clock: Clock): ProgressDisplay {
  let drawn = 0;
  let last: Progress | null = null;
  let rates = new Map<string, { told: number; atMs: number; rate: number }>();
  const clear = () => {
    if (drawn > 0) io.err.write(`\x1b[${drawn}A\x1b[J`);
    drawn = 0;
  };
  const draw = (progress: Progress) => {
    clear();
    rates = new Map(progress.lanes.map((lane) => [lane.provider, rateOf(rates.get(lane.provider), lane)]));
    const rows = progress.lanes.map((lane) => laneRow(lane, rates.get(lane.provider)?.rate ?? 0, io.colour));
    if (progress.state === "scheduled" && progress.start !== null)
      rows.push(`Starts ${startText(progress.start, clock.now())}. Ctrl-C leaves it scheduled.`);
    else if (rows.length === 0) rows.push("planning ...");
    io.err.write(`${rows.join("\n")}\n`);
    drawn = rows.length;
  };
  return {
    show: (progress) => {
      last = progress;
      draw(progress);
    },
    notice: (notice) => {
      clear();
      io.say(noticeText(notice));
      if (last !== null) draw(last);
    },
    end: clear,
  };
}

function rateOf(
  before: { told: number; atMs: number; rate: number } | undefined,
  lane: LaneProgress,
): { told: number; atMs: number; rate: number } {
  const atMs = performance.now();
  if (before === undefined) return { told: lane.told, atMs, rate: 0 };
  if (atMs - before.atMs < 1_000) return before;
  return { told: lane.told, atMs, rate: ((lane.told - before.told) / (atMs - before.atMs)) * 1000 };
}

function laneRow(lane: LaneProgress, rate: number, colour: boolean): string {
  const share = lane.size === 0 ? 1 : lane.told / lane.size;
  const filled = Math.round(share * BAR);
  const bar = `${"#".repeat(filled)}${"-".repeat(BAR - filled)}`;
  const name = providerTitle(lane.provider).slice(0, 32).padEnd(32);
  const extra = [
    rate > 0 ? `${Math.round(rate)}/s` : "",
    lane.bounced > 0 ? `${lane.bounced} refused` : "",
    lane.deferred > 0 ? `${lane.deferred} deferred` : "",
    lane.uncertain > 0 ? `${lane.uncertain} uncertain` : "",
    lane.state === "held" ? "HELD" : lane.state === "done" ? "done" : lane.state,
    lane.ramp ?? "",
  ].filter(Boolean);
  const text = `${name} [${bar}] ${lane.told}/${lane.size}  ${extra.join("  ")}`;
  if (!colour) return text;
  return lane.state === "held"
    ? styleText("red", text)
    : lane.state === "done"
      ? styleText("green", text)
      : text;
}

function lines(io: Io, clock: Clock): ProgressDisplay {
  let announced = "";
  let lastStates = "";
  let lastAtMs = Number.NEGATIVE_INFINITY;
  let lastText = "";
  return {
    show: (progress) => {
      if (progress.state === "scheduled" && progress.start !== null) {
        const start = shownStart(progress.start);
        if (start !== announced) io.say(`Starts ${startText(progress.start, clock.now())}.`);
        announced = start;
        return;
      }
      const states = progress.lanes.map((lane) => `${lane.provider} ${lane.state}`).join();
      const nowMs = performance.now();
      if (states === lastStates && nowMs - lastAtMs < QUIET_MS) return;
      const parts = progress.lanes.map(
        (lane) =>
          `${lane.provider} ${lane.told}/${lane.size} ${lane.state}${lane.ramp === undefined ? "" : ` (${lane.ramp})`}`,
      );
      const text = `told ${progress.told} of ${progress.size}: ${parts.join(", ") || "planning"}`;
      if (text === lastText) return;
      lastText = text;
      lastStates = states;
      lastAtMs = nowMs;
      io.say(text);
    },
    notice: (notice) => io.say(noticeText(notice)),
    end: () => {},
  };
}

function noticeText({ kind, name, trouble }: { kind: string; name: string; trouble: string | null }): string {
  if (kind === "alert") return `Alert: ${safeText(trouble ?? "")}`;
  const what = kind === "route" ? `Route ${name}` : name;
  if (trouble === null) return `${what}: answers again.`;
  return `${what}: ${safeText(trouble)}${kind === "route" ? " - waiting; nobody's attempt is used up." : " - retrying."}`;
}
