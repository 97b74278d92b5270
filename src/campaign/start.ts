// When a campaign shall begin: a moment, the zone in which people speak of it, and how long after it a start is still
// what was asked for. What a local time means in a zone is decided here; who starts the campaign is not.

export interface Start {
  /** Ms since the epoch. */
  readonly atMs: number;
  /** How people call its time: an IANA zone, an offset like "+02:00", or "UTC". */
  readonly zone: string;
}

/**
 * A campaign is started so long after its moment and no later. A restart, an upgrade or a failover of the database
 * takes minutes; whoever comes back after hours, or from last week's backup, must not send what nobody expects now.
 */
export const GRACE_MS = 15 * 60_000;

/** Its moment has passed for so long that only a person may start it. */
export function isMissed(start: Start, nowMs: number): boolean {
  return nowMs > start.atMs + GRACE_MS;
}

export function isSameStart(a: Start | null, b: Start | null): boolean {
  return a?.atMs === b?.atMs && a?.zone === b?.zone;
}

/** An IANA zone that this program's time zone data know. */
export function isZone(name: string): boolean {
  // An offset would pass for a zone in newer versions of Node.
  if (!/^[a-z]/i.test(name)) return false;
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** Further than any zone is from UTC, so that both sides of a clock change are seen. */
const PROBE_MS = 26 * 3_600_000;

/**
 * The moments that a local time is in a zone, earliest first: one; none where the clocks go forward over it; two where
 * they go back and it comes again. `localMs`: the local time as if it were UTC.
 */
export function momentsIn(zone: string, localMs: number): number[] {
  const offsets = new Set([-PROBE_MS, 0, PROBE_MS].map((ms) => offsetMs(zone, localMs + ms)));
  return [...offsets]
    .map((offset) => localMs - offset)
    .filter((atMs) => atMs + offsetMs(zone, atMs) === localMs)
    .sort((a, b) => a - b);
}

const FIELDS = {
  year: "numeric",
  month: "2-digit",
  day: "2-digit",
  hour: "2-digit",
  minute: "2-digit",
} as const;

function offsetMs(zone: string, atMs: number): number {
  const format = new Intl.DateTimeFormat("en", {
    ...FIELDS,
    second: "2-digit",
    hourCycle: "h23",
    timeZone: zone,
  });
  const part = Object.fromEntries(format.formatToParts(atMs).map(({ type, value }) => [type, Number(value)]));
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part;
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(atMs / 1000) * 1000;
}

/** "2027-10-31T02:30:00+02:00": the moment as it is written in a campaign file. */
export function withOffset(zone: string, atMs: number): string {
  const offset = offsetMs(zone, atMs);
  const minutes = Math.abs(offset) / 60_000;
  const two = (n: number) => String(Math.trunc(n)).padStart(2, "0");
  const sign = offset < 0 ? "-" : "+";
  return `${new Date(atMs + offset).toISOString().slice(0, 19)}${sign}${two(minutes / 60)}:${two(minutes % 60)}`;
}

/** "27 April 2027 09:00 Europe/Paris"; with seconds where there are any. */
export function shownStart({ atMs, zone }: Start): string {
  const shift = /^([+-])(\d{2}):(\d{2})$/.exec(zone);
  const shiftMinutes =
    shift === null ? 0 : Number(`${shift[1]}1`) * (Number(shift[2]) * 60 + Number(shift[3]));
  const at = new Date(atMs + shiftMinutes * 60_000);
  const timeZone = shift === null && isZone(zone) ? zone : "UTC";
  const second = atMs % 60_000 === 0 ? {} : ({ second: "2-digit" } as const);
  const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long", year: "numeric", timeZone });
  const time = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", ...second, timeZone });
  return `${day.format(at)} ${time.format(at)} ${zone}`;
}

/** "in 3 h", "in 40 s"; "now" when it is here, "missed" when only a person may start it. */
export function shownWait(start: Start, nowMs: number): string {
  const seconds = Math.ceil((start.atMs - nowMs) / 1000);
  if (isMissed(start, nowMs)) return "missed";
  if (seconds <= 0) return "now";
  if (seconds < 100) return `in ${seconds} s`;
  if (seconds < 100 * 60) return `in ${Math.round(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `in ${Math.round(seconds / 3600)} h`;
  return `in ${Math.round(seconds / 86_400)} days`;
}
