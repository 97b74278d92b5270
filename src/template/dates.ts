// Moments as a client reads them: in the client's language and time zone, with the zone named, and in UTC too
// where the client's zone is unknown. Formatters and finished strings are cached, as most of a campaign's
// clients share a few zones; nothing here throws for a bad zone or locale.

export interface ClientClock {
  /** BCP 47 tag, valid for Intl. */
  locale: string;
  /** IANA zone, valid for Intl. */
  zone: string;
  /** False when `zone` is the default because the client's own is missing or unknown to Intl. */
  zoneKnown: boolean;
  /** What was written for this locale and zone before. */
  finished: Map<string, string>;
}

export interface DateFormatter {
  /** One and the same object for the same arguments; an unknown zone falls back to the default, then to UTC. */
  clock(locale: string, zone: string | null, defaultZone: string): ClientClock;
  date(clock: ClientClock, value: unknown): string;
  time(clock: ClientClock, value: unknown): string;
  datetime(clock: ClientClock, value: unknown): string;
  range(clock: ClientClock, start: unknown, end: unknown): string;
  duration(clock: ClientClock, start: unknown, end: unknown): string;
  zoneName(clock: ClientClock, value: unknown): string;
}

type Options = Intl.DateTimeFormatOptions;
const DAY: Options = { weekday: "long", day: "numeric", month: "long", year: "numeric" };
// Zones come from a CSV: what is cached must not grow with what somebody writes there.
const MAX_CLOCKS = 2_000;
const MAX_CACHED = 1_000;

export function createDateFormatter(): DateFormatter {
  const formatters = new Map<string, Intl.DateTimeFormat>();
  const clocks = new Map<string, ClientClock>();

  function formatter(locale: string, zone: string, kind: string, options: Options): Intl.DateTimeFormat {
    const key = `${locale}|${zone}|${kind}`;
    let found = formatters.get(key);
    if (found === undefined) {
      found = new Intl.DateTimeFormat(locale, { ...options, timeZone: zone });
      formatters.set(key, found);
    }
    return found;
  }

  function timeOptions(locale: string): Options {
    const twelve = formatter(locale, "UTC", "probe", { hour: "numeric" }).resolvedOptions().hour12;
    return { hour: twelve === true ? "numeric" : "2-digit", minute: "2-digit" };
  }

  const day = (locale: string, zone: string) => formatter(locale, zone, "day", DAY);
  const time = (locale: string, zone: string) => formatter(locale, zone, "time", timeOptions(locale));
  const both = (locale: string, zone: string) =>
    formatter(locale, zone, "both", { ...DAY, ...timeOptions(locale) });

  function nameOf(clock: ClientClock, moment: Date, style: "long" | "longGeneric"): string {
    if (clock.zone === "UTC") return "UTC";
    const parts = formatter(clock.locale, clock.zone, style, { timeZoneName: style }).formatToParts(moment);
    return parts.find((part) => part.type === "timeZoneName")?.value ?? clock.zone;
  }

  function withZone(clock: ClientClock, text: string, start: Date, end: Date): string {
    let name = nameOf(clock, start, "long");
    if (name !== nameOf(clock, end, "long")) name = nameOf(clock, start, "longGeneric");
    if (name === "UTC") return `${text} UTC`;
    if (clock.zoneKnown) return `${text} (${name})`;
    const sameDay = [start, end].every(
      (moment) => day(clock.locale, clock.zone).format(moment) === day(clock.locale, "UTC").format(moment),
    );
    const inUtc = (sameDay ? time : both)(clock.locale, "UTC").formatRange(start, end);
    return `${text} (${name}; ${inUtc} UTC)`;
  }

  function cached(kind: string, clock: ClientClock, a: unknown, b: unknown, make: () => string): string {
    if (typeof a !== "string" || (b !== null && typeof b !== "string")) return plainSpaces(make());
    const { finished } = clock;
    const key = `${kind} ${a} ${b}`;
    let text = finished.get(key);
    if (text === undefined) {
      text = plainSpaces(make());
      if (finished.size >= MAX_CACHED) finished.clear();
      finished.set(key, text);
    }
    return text;
  }

  return {
    clock(locale, zone, defaultZone) {
      const key = `${locale} ${zone ?? ""} ${defaultZone}`;
      let clock = clocks.get(key);
      if (clock === undefined) {
        const known = zone === null || zone === "" ? null : resolveZone(zone);
        const shown = known ?? resolveZone(defaultZone) ?? "UTC";
        clock = { locale, zone: shown, zoneKnown: known !== null, finished: new Map() };
        if (clocks.size >= MAX_CLOCKS) clocks.clear();
        clocks.set(key, clock);
      }
      return clock;
    },
    date: (clock, value) =>
      cached("date", clock, value, null, () => {
        const { moment, dayOnly } = momentOf(value);
        // A date without a time is the same day everywhere: shifted into a zone it would become its neighbour.
        return day(clock.locale, dayOnly ? "UTC" : clock.zone).format(moment);
      }),
    time: (clock, value) =>
      cached("time", clock, value, null, () => time(clock.locale, clock.zone).format(timed(value))),
    datetime: (clock, value) =>
      cached("datetime", clock, value, null, () => {
        const moment = timed(value);
        return withZone(clock, both(clock.locale, clock.zone).format(moment), moment, moment);
      }),
    range: (clock, start, end) =>
      cached("range", clock, start, end, () => {
        const [from, to] = ordered(start, end);
        return withZone(clock, both(clock.locale, clock.zone).formatRange(from, to), from, to);
      }),
    duration: (clock, start, end) =>
      cached("duration", clock, start, end, () => {
        const [from, to] = ordered(start, end);
        return durationText(clock.locale, to.getTime() - from.getTime());
      }),
    zoneName: (clock, value) => cached("zone", clock, value, null, () => nameOf(clock, timed(value), "long")),
  };
}

function resolveZone(zone: string): string | null {
  try {
    const resolved = new Intl.DateTimeFormat("en", { timeZone: zone.trim() }).resolvedOptions().timeZone;
    return /^(Etc\/)?(UTC|UCT|GMT|Zulu)$/.test(resolved) ? "UTC" : resolved;
  } catch {
    return null;
  }
}

function momentOf(value: unknown): { moment: Date; dayOnly: boolean } {
  const dayOnly = typeof value === "string" && /^\d{4}-\d{2}-\d{2}$/.test(value);
  const moment = value instanceof Date ? value : new Date(typeof value === "string" ? value : Number.NaN);
  if (Number.isNaN(moment.getTime())) throw new Error("is not a date");
  return { moment, dayOnly };
}

function timed(value: unknown): Date {
  const { moment, dayOnly } = momentOf(value);
  if (dayOnly) throw new Error("is a date without a time: show it with {{date ...}}");
  return moment;
}

function ordered(start: unknown, end: unknown): [Date, Date] {
  const [from, to] = [timed(start), timed(end)];
  if (to < from) throw new Error("ends before it starts");
  return [from, to];
}

function durationText(locale: string, ms: number): string {
  const minutes = Math.max(1, Math.round(ms / 60_000));
  const pieces: [number, string][] = [
    [Math.floor(minutes / 1440), "day"],
    [Math.floor((minutes % 1440) / 60), "hour"],
    [minutes % 60, "minute"],
  ];
  return pieces
    .filter(([count]) => count > 0)
    .map(([count, unit]) =>
      new Intl.NumberFormat(locale, { style: "unit", unit, unitDisplay: "long" }).format(count),
    )
    .join(" ");
}

/** Intl puts thin and unbreakable spaces between numbers; some mail programs show them as boxes. */
function plainSpaces(text: string): string {
  return text.replace(/[\u2009\u202f\u00a0]/g, " ");
}
