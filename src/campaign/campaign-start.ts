// The keys `at` and `zone` of a campaign file: a moment with its offset, or a local time in a named zone. Refused is
// whatever is not one moment; whether that moment has passed is asked where the campaign is known.
import { TomlDate } from "smol-toml";
import { shown } from "../config/problems.ts";
import type { TomlTable } from "../config/toml.ts";
import type { TomlPath } from "../config/toml-lines.ts";
import { BellwetherError } from "../errors.ts";
import { nearest } from "../suggest.ts";
import { GRACE_MS, isMissed, isZone, momentsIn, type Start, shownStart, withOffset } from "./start.ts";

/** A start as a campaign file asks for it. */
export interface CampaignStart extends Start {
  /** Where `at` stands in the file. */
  readonly line: number | null;
}

const AT_HINT =
  'Write date and time without quotes: at = 2027-04-27T09:00:00+02:00, or at = 2027-04-27T09:00:00 with zone = "Europe/Paris".';

/** The start that a file asks for; null when it asks for none, or when what is wrong with it was reported. */
export function startOf(
  { at, zone }: TomlTable,
  file: { report: (at: TomlPath, text: string, hint: string) => void; line: number | null },
): CampaignStart | null {
  const { report, line } = file;
  const refused = (key: "at" | "zone", text: string, hint: string): null => {
    report([key], text, hint);
    return null;
  };
  if (at === undefined) {
    if (zone === undefined) return null;
    return refused(
      "zone",
      "zone stands without at",
      "Write at as well, a local date and time; or leave zone out.",
    );
  }
  if (!(at instanceof TomlDate) || !at.isDateTime()) return refused("at", `at is ${shown(at)}`, AT_HINT);
  if (!at.isLocal()) {
    if (zone !== undefined) {
      return refused(
        "zone",
        `zone stands beside at = ${at.toISOString().replace(/\.0+(?=\D|$)/, "")}, which has an offset from UTC already`,
        "Leave out the one or the other.",
      );
    }
    const offset = /[+-]\d\d:\d\d$/.exec(at.toISOString())?.[0];
    return {
      atMs: at.getTime(),
      zone: offset === undefined || /^.00:00$/.test(offset) ? "UTC" : offset,
      line,
    };
  }
  const local = at.toISOString().replace(/\.0+$/, "");
  if (zone === undefined)
    return refused("at", `at is ${local}: without a zone it is another moment in each place`, AT_HINT);
  if (typeof zone !== "string" || !isZone(zone)) {
    const near = typeof zone === "string" ? nearest(zone, Intl.supportedValuesOf("timeZone")) : null;
    const hint = near === null ? 'It takes a name such as zone = "Europe/Paris".' : `Did you mean "${near}"?`;
    return refused("zone", `zone is ${shown(zone)}, which is no time zone that is known here`, hint);
  }
  const localMs = Date.parse(`${local}Z`);
  const [first, second] = momentsIn(zone, localMs);
  if (first === undefined) {
    return refused(
      "at",
      `at is ${local}: in ${zone} the clocks go forward over that time, it does not exist`,
      "Write a time before or after the change.",
    );
  }
  if (second !== undefined) {
    return refused(
      "at",
      `at is ${local}: in ${zone} the clocks go back then, and that time comes twice`,
      `Write which one, and leave zone out: at = ${withOffset(zone, first)}, or at = ${withOffset(zone, second)}.`,
    );
  }
  return { atMs: first, zone, line };
}

/** @throws BellwetherError("campaign-key") for a moment that has passed: what it would start now, nobody expects. */
export function refuseMissed(file: string, start: CampaignStart | null, nowMs: number): void {
  if (start === null || !isMissed(start, nowMs)) return;
  throw new BellwetherError(
    "campaign-key",
    `${file}${start.line === null ? "" : `:${start.line}`}: at has passed: it was ${shownStart(start)}, more than ${GRACE_MS / 60_000} minutes ago`,
    "Write another at, or take the line out to send at once.",
  );
}
