// Moments as a post-mortem tells them: to the minute, in UTC, and in the zone in which people spoke of the campaign.
import { isZone } from "../campaign/start.ts";

export interface Moment {
  /** ISO 8601 UTC. */
  iso: string;
  /** "05:52", with its day in front where the document has more than one. */
  utc: string;
  /** The same in the campaign's zone; null where it has none, or is UTC. */
  local: string | null;
}

export interface Minutes {
  /** How people call the zone; null: UTC alone. */
  zone: string | null;
  at(iso: string): Moment;
  /** "05:52 UTC (07:52 Europe/Paris)" */
  sentence(iso: string): string;
  /** "28 April 2017 05:52 UTC (07:52 Europe/Paris)" */
  dated(iso: string): string;
  /** "28 April 2017", by UTC. */
  day(iso: string): string;
}

const SHIFT = /^([+-])(\d{2}):(\d{2})$/;

/** `moments`: all that will be told; when they lie on one day, the day is said once and not with each. */
export function createMinutes(
  zone: string | null,
  moments: readonly string[],
  language: "en" | "fr" = "en",
): Minutes {
  const shift = zone === null ? null : SHIFT.exec(zone);
  const shiftMs =
    shift === null ? 0 : Number(`${shift[1]}1`) * (Number(shift[2]) * 60 + Number(shift[3])) * 60_000;
  const known = zone !== null && zone !== "UTC" && (shift !== null || isZone(zone)) ? zone : null;
  const timeZone = known === null || shift !== null ? "UTC" : known;
  const tag = language === "en" ? "en-GB" : "fr-FR";
  const format = (options: Intl.DateTimeFormatOptions, zoned: string) => {
    const made = new Intl.DateTimeFormat(tag, { ...options, timeZone: zoned });
    return (ms: number) => made.format(ms).replace(/[\u2009\u202f\u00a0]/g, " ");
  };
  const time = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" } as const;
  const utcTime = format(time, "UTC");
  const localTime = format(time, timeZone);
  const shortDay = { day: "numeric", month: "short" } as const;
  const utcShort = format(shortDay, "UTC");
  const localShort = format(shortDay, timeZone);
  const longDay = format({ day: "numeric", month: "long", year: "numeric" }, "UTC");
  const localMs = (ms: number) => ms + shiftMs;
  const days = new Set(
    moments.flatMap((iso) => {
      const ms = Date.parse(iso);
      return known === null ? [utcShort(ms)] : [utcShort(ms), localShort(localMs(ms))];
    }),
  );
  const several = days.size > 1;

  function at(iso: string): Moment {
    const ms = Date.parse(iso);
    const utc = several ? `${utcShort(ms)} ${utcTime(ms)}` : utcTime(ms);
    if (known === null) return { iso, utc, local: null };
    const there = localMs(ms);
    return { iso, utc, local: several ? `${localShort(there)} ${localTime(there)}` : localTime(there) };
  }

  function zoned(iso: string, utc: string): string {
    const { local } = at(iso);
    return local === null ? `${utc} UTC` : `${utc} UTC (${local} ${known})`;
  }

  return {
    zone: known,
    at,
    sentence: (iso) => zoned(iso, at(iso).utc),
    dated: (iso) => zoned(iso, `${longDay(Date.parse(iso))} ${utcTime(Date.parse(iso))}`),
    day: (iso) => longDay(Date.parse(iso)),
  };
}

/** "less than a minute", "39 minutes", "2 hours 5 minutes", by the minutes that the document shows. */
export function shownDuration(fromIso: string, toIso: string, language: "en" | "fr" = "en"): string {
  const minute = (iso: string) => Math.floor(Date.parse(iso) / 60_000);
  const minutes = Math.max(0, minute(toIso) - minute(fromIso));
  if (minutes === 0) return language === "en" ? "less than a minute" : "moins d’une minute";
  const pieces: [number, string][] = [
    [Math.floor(minutes / 1440), "day"],
    [Math.floor((minutes % 1440) / 60), "hour"],
    [minutes % 60, "minute"],
  ];
  return pieces
    .filter(([count]) => count > 0)
    .map(([count, unit]) =>
      new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "long" })
        .format(count)
        .replace(/[\u202f\u00a0]/g, " "),
    )
    .join(" ");
}
