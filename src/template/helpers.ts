// The helpers that a template may call. They know the client being rendered only by the state that the renderer
// sets before each client; rendering is synchronous, so one state per renderer is enough.
import type { ClientClock, DateFormatter } from "./dates.ts";

export interface HelperState {
  clock: ClientClock;
  dates: DateFormatter;
}

/** A helper was given what it cannot show; `line` is a compiled template's line number. */
export class HelperError extends Error {
  readonly line: number;

  constructor(message: string, line: number) {
    super(message);
    this.line = line;
  }
}

interface Options {
  name: string;
  loc?: { start?: { line: number } };
  data?: { root?: unknown };
}

export const HELPER_NAMES = [
  "date",
  "time",
  "datetime",
  "range",
  "duration",
  "zone",
  "eq",
  "and",
  "or",
  "not",
  "join",
  "count",
  "several",
  "has",
  "optional",
  "paragraphs",
] as const;

type Helper = (this: unknown, ...args: unknown[]) => unknown;

export function createHelpers(state: HelperState): Record<(typeof HELPER_NAMES)[number], Helper> {
  const lists = new Map<string, Intl.ListFormat>();

  /** A date helper shows nothing for an optional value that was not given. */
  function onDates(arity: 1 | 2, show: (a: unknown, b: unknown) => string): Helper {
    return (...args) => {
      const options = args.at(-1) as Options;
      if (args.length - 1 !== arity)
        throw new HelperError(
          `"${options.name}" takes ${arity === 1 ? "one date" : "two dates"}`,
          lineOf(options),
        );
      const [a, b] = arity === 1 ? [args[0], null] : args;
      if (a === null || (arity === 2 && b === null)) return "";
      try {
        return show(a, b);
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        throw new HelperError(`what "${options.name}" is to show ${why}`, lineOf(options));
      }
    };
  }

  function sentence(entries: readonly string[]): string {
    const { locale } = state.clock;
    let format = lists.get(locale);
    if (format === undefined) {
      format = new Intl.ListFormat(locale, { type: "conjunction" });
      lists.set(locale, format);
    }
    return format.format(entries);
  }

  return {
    date: onDates(1, (value) => state.dates.date(state.clock, value)),
    time: onDates(1, (value) => state.dates.time(state.clock, value)),
    datetime: onDates(1, (value) => state.dates.datetime(state.clock, value)),
    zone: onDates(1, (value) => state.dates.zoneName(state.clock, value)),
    range: onDates(2, (start, end) => state.dates.range(state.clock, start, end)),
    duration: onDates(2, (start, end) => state.dates.duration(state.clock, start, end)),
    eq: (a, b) => a === b,
    and: (...args) => args.slice(0, -1).every(isGiven),
    or: (...args) => args.slice(0, -1).find(isGiven) ?? "",
    not: (value) => !isGiven(value),
    join: (list, separator) => {
      if (!Array.isArray(list)) return list ?? "";
      const entries = list.map(String);
      return typeof separator === "string" ? entries.join(separator) : sentence(entries);
    },
    count: (list) => (Array.isArray(list) ? list.length : isGiven(list) ? 1 : 0),
    several: (list) => Array.isArray(list) && list.length > 1,
    has(name, ...rest) {
      return isGiven(own(place(this, rest.at(-1) as Options), name));
    },
    optional(name, ...rest) {
      const value = own(place(this, rest.at(-1) as Options), name);
      if (isGiven(value)) return Array.isArray(value) ? sentence(value.map(String)) : value;
      return rest.length > 1 ? rest[0] : "";
    },
    paragraphs: (text) =>
      typeof text === "string"
        ? text
            .split(/\n\s*\n/)
            .map((paragraph) => paragraph.trim())
            .filter((paragraph) => paragraph !== "")
        : [],
  };
}

function lineOf(options: Options): number {
  return options.loc?.start?.line ?? 0;
}

/** In a list of accounts the account, else the client: `this` is a plain text inside a list of texts. */
function place(context: unknown, options: Options): object {
  if (typeof context === "object" && context !== null) return context;
  const root = options.data?.root;
  return typeof root === "object" && root !== null ? root : {};
}

function own(holder: object, name: unknown): unknown {
  return typeof name === "string" && Object.hasOwn(holder, name)
    ? (holder as Record<string, unknown>)[name]
    : undefined;
}

function isGiven(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : Boolean(value);
}
