// The timeline of a post-mortem: what the campaign's own timeline says, to the minute, with what stopped and what went on
// marked by a word. Asks to slow down come in crowds: they are told once, with how often.
import { providerTitle } from "../provider/directory.ts";
import type { Moment } from "./minutes.ts";
import type { Telling } from "./telling.ts";

export interface TimelineRow extends Moment {
  /** "stop", "go on", "end", or "" for all else. */
  mark: string;
  text: string;
}

const MARKS: Readonly<Record<string, string>> = {
  held: "stop",
  "route-held": "stop",
  "provider-held": "stop",
  blind: "stop",
  paused: "stop",
  resumed: "go on",
  "provider-released": "go on",
  completed: "end",
  "completed-with-failures": "end",
  cancelled: "end",
};

interface Entry {
  at: string;
  event: string;
  text: string;
  provider: string | null;
}

export function timelineOf({ facts, minutes, clean }: Telling): { days: string; rows: TimelineRow[] } {
  const entries = [...facts.events, ...untoldResumes(facts)].sort((a, b) =>
    a.at === b.at ? 0 : a.at < b.at ? -1 : 1,
  );
  const rows: TimelineRow[] = [];
  for (let index = 0; index < entries.length; ) {
    const entry = entries[index];
    if (entry === undefined) break;
    let same = 1;
    while (entry.event === "slowed" && isSame(entries[index + same], entry)) same++;
    const last = entries[index + same - 1] ?? entry;
    const often = same === 1 ? "" : ` ${same} times in a row, the last at ${minutes.sentence(last.at)}.`;
    rows.push({
      ...minutes.at(entry.at),
      mark: MARKS[entry.event] ?? "",
      text: `${clean(withoutReplies(entry))}${often}`,
    });
    index += same;
  }
  return { days: daysOf(entries, minutes.day), rows };
}

/** Replies of which nobody can tell any more to whom they were: a name may stand in them without its domain. */
function withoutReplies({ event, text }: Entry): string {
  return event === "not-judged" ? text.replace(/ It said: [\s\S]*$/, "") : text;
}

function isSame(other: Entry | undefined, { event, provider }: Entry): boolean {
  return other?.event === event && other.provider === provider;
}

/** What time alone lets go on is not in the campaign's timeline of every version. */
function untoldResumes({ ended, events }: Telling["facts"]): Entry[] {
  return ended.flatMap(({ provider, by, endedAt, returned }) => {
    if (by !== "time" || endedAt === null || provider === null) return [];
    const told = events.some(
      (one) => one.event === "resumed" && one.provider === provider && one.at === endedAt,
    );
    if (told) return [];
    const text = `${providerTitle(provider)} goes on by itself, one mail first; ${returned} return to be sent again.`;
    return [{ at: endedAt, event: "resumed", text, provider }];
  });
}

function daysOf(entries: readonly Entry[], day: (iso: string) => string): string {
  const [first, last] = [entries[0], entries.at(-1)];
  if (first === undefined || last === undefined) return "";
  const [from, to] = [day(first.at), day(last.at)];
  return from === to ? from : `${from} to ${to}`;
}
