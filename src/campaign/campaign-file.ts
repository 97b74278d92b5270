// Reads a campaign file (TOML): which notice goes to whom, and until when it is true. It decides what such a file
// may hold and tells everything that is wrong with it at once; whether template and audience fit is found later.
import { accessSync, constants, statSync } from "node:fs";
import path from "node:path";
import { TomlDate } from "smol-toml";
import { type Problem, shown, throwProblems } from "../config/problems.ts";
import { readTomlFile, whyUnreadable } from "../config/toml.ts";
import type { TomlPath } from "../config/toml-lines.ts";
import { nearest } from "../suggest.ts";
import { type CampaignStart, startOf } from "./campaign-start.ts";

export interface CampaignFile {
  /** Absolute. */
  readonly file: string;
  /** 1-200 characters, without space at its ends. */
  readonly name: string;
  /** Name of a folder of templates. */
  readonly template: string;
  readonly audience: AudienceSource;
  /** Attribute -> the values of which a client must have one; a client must pass for every attribute. */
  readonly filter: Readonly<Record<string, readonly string[]>>;
  /** When it shall begin; null: at once. */
  readonly start: CampaignStart | null;
  readonly tellBy: Date | null;
  readonly validUntil: Date | null;
  /** What the template is given beyond the client: dates as ISO 8601 in UTC, "2027-04-28T06:00:00.000Z". */
  readonly values: Readonly<Record<string, unknown>>;
}

export type AudienceSource =
  /** A CSV file: absolute path. */
  | { readonly kind: "file"; readonly path: string }
  /** One that was imported before. */
  | { readonly kind: "named"; readonly name: string };

export const CAMPAIGN_KEYS = [
  "name",
  "template",
  "audience",
  "filter",
  "at",
  "zone",
  "tell_by",
  "valid_until",
  "values",
] as const;
type CampaignKey = (typeof CAMPAIGN_KEYS)[number];

const MAX_NAME = 200;
const DATE_HINT =
  "Write date, time and offset without quotes: 2027-04-27T18:00:00Z, or with +02:00 in place of Z.";

/**
 * Reads and checks one campaign file; `file` may be relative to the working directory and is named so in messages.
 * Throws `file-unreadable` (also for an audience file that is not there), `campaign-syntax` or `campaign-key`.
 */
export function readCampaignFile(file: string): CampaignFile {
  const absolute = path.resolve(file);
  const { table, lineOf } = readTomlFile(absolute, file, "campaign-syntax");
  const problems: Problem[] = [];
  const report: Report = (at, text, hint, code = "campaign-key") => {
    problems.push({ code, source: file, line: lineOf(at), text, hint });
  };

  for (const word of Object.keys(table)) {
    if (CAMPAIGN_KEYS.some((key) => key === word)) continue;
    const near = nearest(word, CAMPAIGN_KEYS);
    report(
      [word],
      `there is no key ${word}`,
      near === null
        ? `A campaign file takes ${CAMPAIGN_KEYS.join(", ")}; what the template needs stands below [values].`
        : `Did you mean ${near}?`,
    );
  }
  const values = isTable(table.values) ? table.values : {};
  if (table.values !== undefined && !isTable(table.values)) {
    report(["values"], `values is ${shown(table.values)}`, "Write [values], and below it one key a line.");
  }
  const strayed = (key: CampaignKey) => table[key] === undefined && values[key] !== undefined;
  for (const key of ["at", "tell_by", "valid_until", "filter"] as const) {
    if (strayed(key))
      report(["values", key], `${key} stands below [values] and would only be a value`, MOVE_UP);
  }

  const text = (key: "name" | "template" | "audience", needed: string): string | null => {
    const given = table[key];
    if (strayed(key))
      report(["values", key], `${key} stands below [values], and the campaign has none`, MOVE_UP);
    else if (given === undefined) report([key], `the key ${key} is missing`, needed);
    else if (typeof given !== "string")
      report([key], `${key} is ${shown(given)}, not a text in "quotes"`, needed);
    else if (given.trim() === "") report([key], `${key} is empty`, needed);
    else return given.trim();
    return null;
  };
  const name = text(
    "name",
    'Give the campaign a name that people will recognise: name = "Server s12 is replaced".',
  );
  if (name !== null) checkName(name, report);
  const template = text("template", 'Name a folder of templates: template = "maintenance-scheduled".');
  if (template !== null && !/^[a-z0-9][a-z0-9._-]*$/i.test(template)) {
    report(
      ["template"],
      `template is ${shown(template)}`,
      "It takes the name of a folder of templates, not a path.",
    );
  }
  const audienceText = text(
    "audience",
    'Name a CSV file beside this one, audience = "clients.csv", or an imported audience, "audience:NAME".',
  );
  const audience = audienceText === null ? null : audienceOf(audienceText, absolute, report);
  const filter = filterOf(table.filter, report);
  const tellBy = dateOf(table.tell_by, "tell_by", report);
  const validUntil = dateOf(table.valid_until, "valid_until", report);
  if (tellBy !== null && validUntil !== null && tellBy > validUntil) {
    report(
      ["tell_by"],
      `tell_by (${tellBy.toISOString()}) is later than valid_until (${validUntil.toISOString()})`,
      "Nobody is told after valid_until; make tell_by the earlier one.",
    );
  }
  const plain = plainValues(values, report);
  const start = startOf(table, { report, line: lineOf(["at"]) });
  const windowMs = Date.parse(String(plain.window_start));
  const truth = validUntil?.getTime() ?? windowMs;
  if (start !== null && start.atMs >= truth) {
    const end = `${validUntil === null ? "window_start" : "valid_until"} (${new Date(truth).toISOString()})`;
    report(
      ["at"],
      `at (${new Date(start.atMs).toISOString()}) is not before ${end}: nobody would be told`,
      "Let it begin earlier; a notice is true until valid_until, and without that until its window begins.",
    );
  }
  throwProblems(problems, { subject: "the campaign file", docs: "docs/configuration.md" });
  // Each null has put its problem into the list, so this is for the compiler.
  if (name === null || template === null || audience === null) throw new TypeError("unreported problem");
  return { file: absolute, name, template, audience, filter, start, tellBy, validUntil, values: plain };
}

type Report = (at: TomlPath, text: string, hint: string, code?: "campaign-key" | "file-unreadable") => void;

const MOVE_UP = "In TOML all that follows [values] belongs to it: move this line above [values].";

function checkName(name: string, report: Report): void {
  const length = [...name].length;
  if (length > MAX_NAME) report(["name"], `name has ${length} characters`, `It takes ${MAX_NAME} at most.`);
  if (/\p{Cc}/u.test(name)) {
    report(
      ["name"],
      "name has a control character in it, such as a line break or a tab",
      "Keep it on one line.",
    );
  }
}

function audienceOf(given: string, campaignFile: string, report: Report): AudienceSource | null {
  if (given.startsWith("audience:")) {
    const name = given.slice("audience:".length).trim();
    if (name !== "") return { kind: "named", name };
    report(
      ["audience"],
      'audience is "audience:" without a name',
      'Write "audience:NAME" with the name it was imported under.',
    );
    return null;
  }
  const file = path.resolve(path.dirname(campaignFile), given);
  let why: string | null = null;
  try {
    if (statSync(file).isDirectory()) why = "this is a folder, not a file";
    accessSync(file, constants.R_OK);
  } catch (error) {
    why = whyUnreadable(error);
  }
  if (why === null) return { kind: "file", path: file };
  report(
    ["audience"],
    `audience is ${shown(given)}: ${why} (${file})`,
    'A relative path begins at the folder of the campaign file; for an imported audience write "audience:NAME".',
    "file-unreadable",
  );
  return null;
}

function filterOf(given: unknown, report: Report): Record<string, readonly string[]> {
  const filter: Record<string, readonly string[]> = {};
  if (given === undefined) return filter;
  if (!isTable(given)) {
    report(["filter"], `filter is ${shown(given)}`, 'Write it as { server = ["s12", "s13"] }.');
    return filter;
  }
  for (const [attribute, wanted] of Object.entries(given)) {
    const list: unknown[] = Array.isArray(wanted) ? wanted : [wanted];
    const texts = list.filter((element) => typeof element === "string");
    if (list.length === 0) {
      report(
        ["filter", attribute],
        `filter.${attribute} is an empty list`,
        "It would choose nobody; leave it out, or name a value.",
      );
    } else if (texts.length < list.length) {
      const hint =
        'Attributes are texts, as in the CSV file: write the value in "quotes", or a list of such.';
      report(["filter", attribute], `filter.${attribute} is ${shown(wanted)}`, hint);
    }
    filter[attribute] = texts;
  }
  return filter;
}

function dateOf(given: unknown, key: "tell_by" | "valid_until", report: Report): Date | null {
  if (given === undefined) return null;
  if (given instanceof TomlDate && !given.isLocal()) return new Date(given.getTime());
  const why =
    given instanceof TomlDate ? ": without an offset from UTC it is another moment in each place" : "";
  report([key], `${key} is ${shown(given)}${why}`, DATE_HINT);
  return null;
}

/** Tables, lists, texts, numbers and booleans as they are; dates as ISO text in UTC. */
function plainValues(values: Record<string, unknown>, report: Report): Record<string, unknown> {
  const plain = (value: unknown, at: TomlPath): unknown => {
    if (value instanceof TomlDate) {
      if (!value.isLocal()) return new Date(value.getTime()).toISOString();
      const why = "without an offset from UTC it is another moment in each place";
      report(
        at,
        `${at.join(".")} is ${shown(value)}: ${why}`,
        `${DATE_HINT} Or, if it is only a text to show, in quotes.`,
      );
      return null;
    }
    if (Array.isArray(value)) return value.map((element, index) => plain(element, [...at, index]));
    if (!isTable(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([word, inner]) => [word, plain(inner, [...at, word])]),
    );
  };
  return Object.fromEntries(
    Object.entries(values).map(([word, value]) => [word, plain(value, ["values", word])]),
  );
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}
