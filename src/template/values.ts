// The values that a template declares, and whether what a campaign gives fits them. Checked values are plain JSON
// (datetimes as ISO strings in UTC), so that a snapshot read back from the database passes the same check again.
import { BellwetherError } from "../errors.ts";
import { nearest } from "../suggest.ts";

export const VALUE_TYPES = ["text", "datetime", "date", "url", "number", "boolean", "list"] as const;
export type ValueType = (typeof VALUE_TYPES)[number];

export interface ValueDeclaration {
  name: string;
  type: ValueType;
  required: boolean;
  description: string;
  /** Characters of a text, entries of a list; null: unlimited. */
  maxLength: number | null;
  /** Name of another datetime or date that must not be later than this one; null: none. */
  after: string | null;
}

/** datetime: ISO in UTC with milliseconds; date: YYYY-MM-DD; list: texts. */
export type CheckedValue = string | number | boolean | readonly string[];
export type CheckedValues = Readonly<Record<string, CheckedValue>>;

type Verdict = { value: CheckedValue } | { problem: string };

/**
 * Checks what a campaign file or a snapshot gives against the declarations. Idempotent, also over JSON.
 * Values that are not given (missing or null) are left out.
 * @throws BellwetherError `template-value`, one error that lists every problem.
 */
export function checkValues(
  template: { name: string; values: readonly ValueDeclaration[] },
  raw: Readonly<Record<string, unknown>>,
): CheckedValues {
  const problems: string[] = [];
  const checked: Record<string, CheckedValue> = {};
  const declared = new Map(template.values.map((value) => [value.name, value]));
  for (const name of Object.keys(raw)) {
    if (declared.has(name)) continue;
    const near = nearest(name, declared.keys());
    problems.push(
      `"${name}" is not a value of this template${near === null ? "" : ` (did you mean "${near}"?)`}`,
    );
  }
  for (const value of template.values) {
    const given = Object.hasOwn(raw, value.name) ? raw[value.name] : undefined;
    if (given === undefined || given === null) {
      if (value.required)
        problems.push(`"${value.name}" (${value.type}) is missing${describe(value.description)}`);
      continue;
    }
    const verdict = CHECKS[value.type](given);
    if ("problem" in verdict) problems.push(`"${value.name}" ${verdict.problem}`);
    else if (value.required && isBlank(verdict.value)) problems.push(`"${value.name}" is empty`);
    else if (tooLong(verdict.value, value.maxLength)) {
      const what = Array.isArray(verdict.value) ? "entries" : "characters";
      problems.push(`"${value.name}" is longer than ${value.maxLength} ${what}`);
    } else checked[value.name] = verdict.value;
  }
  for (const { name, after } of template.values) {
    const [later, earlier] = [checked[name], after === null ? undefined : checked[after]];
    if (typeof later === "string" && typeof earlier === "string" && later < earlier)
      problems.push(`"${name}" (${later}) is before "${after}" (${earlier})`);
  }
  if (problems.length === 0) return checked;
  throw new BellwetherError(
    "template-value",
    `The values for template "${template.name}" do not fit: ${problems.join("; ")}.`,
    template.values.length === 0
      ? "This template takes no values: remove the [values] table."
      : `Correct the [values] table. The template takes: ${template.values.map(signature).join(", ")}.`,
  );
}

const CHECKS: Record<ValueType, (given: unknown) => Verdict> = {
  text: (given) => {
    if (typeof given !== "string") return wants("a text in quotes", given);
    const value = given.replace(/\r\n?/g, "\n");
    if (/[\x00-\x08\x0b-\x1f\x7f]/.test(value)) return { problem: "contains a control character" };
    return { value };
  },
  datetime: (given) => {
    const text = isoOf(given);
    if (text === null) return wants("a date with a time, such as 2027-04-28T06:00:00Z,", given);
    const match = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)(Z|[+-]\d{2}:\d{2})?$/i.exec(
      text,
    );
    if (match === null) return wants("a date with a time, such as 2027-04-28T06:00:00Z,", given);
    if (match[3] === undefined)
      return { problem: `says no time zone: write ${text}Z for UTC, or an offset such as ${text}+02:00` };
    const ms = isRealDay(match[1] ?? "") ? Date.parse(text.replace(" ", "T")) : Number.NaN;
    if (Number.isNaN(ms)) return { problem: `is not a moment that exists: ${text}` };
    return { value: new Date(ms).toISOString() };
  },
  date: (given) => {
    const text = isoOf(given);
    if (text === null || !/^\d{4}-\d{2}-\d{2}$/.test(text))
      return wants("a date, such as 2027-04-28,", given);
    return isRealDay(text) ? { value: text } : { problem: `is not a day that exists: ${text}` };
  },
  url: (given) => {
    if (typeof given !== "string") return wants("a web address in quotes", given);
    const url = URL.canParse(given) ? new URL(given) : null;
    if (url === null || !/^https?:$/.test(url.protocol) || /[\s<>"]/.test(given))
      return wants("a web address that begins with https://", given);
    return { value: given };
  },
  number: (given) =>
    typeof given === "number" && Number.isFinite(given) ? { value: given } : wants("a number", given),
  boolean: (given) => (typeof given === "boolean" ? { value: given } : wants("true or false", given)),
  list: (given) => {
    if (!Array.isArray(given)) return wants('a list of texts, such as ["s12", "s13"],', given);
    const entries: string[] = [];
    for (const entry of given) {
      const verdict = CHECKS.text(entry);
      if ("problem" in verdict) return { problem: `has an entry that ${verdict.problem}` };
      entries.push(String(verdict.value));
    }
    return { value: entries };
  },
};

/** TOML dates know whether they are local: their own toISOString keeps that, Date's would add a Z. */
function isoOf(given: unknown): string | null {
  if (typeof given === "string") return given.trim();
  if (!(given instanceof Date)) return null;
  return Number.isNaN(given.getTime()) ? null : given.toISOString();
}

function isRealDay(day: string): boolean {
  const ms = Date.parse(`${day}T00:00:00Z`);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(day);
}

function wants(what: string, given: unknown): Verdict {
  return { problem: `wants ${what} but was given ${show(given)}` };
}

function show(given: unknown): string {
  if (typeof given === "string")
    return `the text "${given.length > 60 ? `${given.slice(0, 57)}...` : given}"`;
  if (given instanceof Date) return `the date ${isoOf(given) ?? "that does not exist"}`;
  if (Array.isArray(given)) return "a list";
  if (typeof given === "object") return "a table";
  return `the ${typeof given} ${String(given)}`;
}

function isBlank(value: CheckedValue): boolean {
  if (typeof value === "string") return value.trim() === "";
  return Array.isArray(value) && value.length === 0;
}

function tooLong(value: CheckedValue, maxLength: number | null): boolean {
  if (maxLength === null || (typeof value !== "string" && !Array.isArray(value))) return false;
  return value.length > maxLength;
}

function describe(description: string): string {
  return description === "" ? "" : `: ${description}`;
}

function signature(value: ValueDeclaration): string {
  return `${value.name} (${value.type}${value.required ? ", required" : ""})`;
}
