// template.toml: what a template is called, whom it must reach, and which values it takes. Whether given values
// fit is checked in values.ts.
import { parse, TomlError } from "smol-toml";
import { nearest } from "../suggest.ts";
import { HELPER_NAMES } from "./helpers.ts";
import { syntaxError } from "./prepare.ts";
import { VALUE_TYPES, type ValueDeclaration, type ValueType } from "./values.ts";

/** required: must reach everybody; service: about the service, can be unsubscribed; optional: all else. */
export const TEMPLATE_CLASSES = ["required", "service", "optional"] as const;
export type TemplateClass = (typeof TEMPLATE_CLASSES)[number];

export interface Manifest {
  title: string;
  description: string;
  class: TemplateClass;
  defaultLocale: string;
  values: readonly ValueDeclaration[];
}

/** Names that a template can use besides its values, so that no value may take them. */
export const RESERVED_NAMES = ["client", "accounts", "locale", "subject", "sender", "this"] as const;

const KEYS = ["title", "description", "class", "default_locale", "values"];
const VALUE_KEYS = ["type", "required", "description", "max_length", "after"];

/** @throws BellwetherError `template-syntax` */
export function parseManifest(file: string, text: string): Manifest {
  const table = parseToml(file, text);
  const fail = (what: string) => syntaxError(file, lineOf(text, what), what);
  refuseUnknown(table, KEYS, "", fail);
  const textOf = (key: string, required: boolean): string => {
    const value = table[key];
    if (typeof value === "string" && (!required || value.trim() !== "")) return value;
    if (value === undefined && !required) return "";
    throw fail(`"${key}" must be a text`);
  };
  const templateClass = TEMPLATE_CLASSES.find((name) => name === table.class);
  if (templateClass === undefined) throw fail(`"class" must be one of ${TEMPLATE_CLASSES.join(", ")}`);
  const declarations = table.values ?? {};
  if (!isTable(declarations)) throw fail('"values" must be a table');
  const values = Object.entries(declarations).map(([name, value]) => declaration(name, value, fail));
  for (const { name, type, after } of values) {
    if (after === null) continue;
    const other = values.find((value) => value.name === after);
    if (other?.type !== type || (type !== "datetime" && type !== "date"))
      throw fail(`"${name}" can come after another datetime or date of its own type only`);
  }
  return {
    title: textOf("title", true),
    description: textOf("description", false),
    class: templateClass,
    defaultLocale: textOf("default_locale", true),
    values,
  };
}

function declaration(name: string, value: unknown, fail: (what: string) => Error): ValueDeclaration {
  if (!/^[a-z][a-z0-9_]*$/i.test(name)) throw fail(`"${name}" cannot be the name of a value`);
  if ([...RESERVED_NAMES, ...HELPER_NAMES].some((taken) => taken === name))
    throw fail(`"${name}" has a meaning of its own in templates: choose another name for the value`);
  if (!isTable(value)) throw fail(`"${name}" must be a table such as { type = "text" }`);
  refuseUnknown(value, VALUE_KEYS, `${name}.`, fail);
  const type = VALUE_TYPES.find((known): known is ValueType => known === value.type);
  if (type === undefined) throw fail(`"${name}" must have a type: one of ${VALUE_TYPES.join(", ")}`);
  const { required = false, description = "", max_length: maxLength = null, after = null } = value;
  if (typeof required !== "boolean") throw fail(`"${name}.required" must be true or false`);
  if (typeof description !== "string") throw fail(`"${name}.description" must be a text`);
  if (maxLength !== null && !(typeof maxLength === "number" && Number.isInteger(maxLength) && maxLength > 0))
    throw fail(`"${name}.max_length" must be a whole number above 0`);
  if (after !== null && typeof after !== "string") throw fail(`"${name}.after" must be the name of a value`);
  return { name, type, required, description, maxLength, after };
}

function parseToml(file: string, text: string): Record<string, unknown> {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const short = error.message.split("\n")[0]?.replace(/^Invalid TOML document: /, "") ?? "not valid TOML";
    throw syntaxError(file, error.line, short, error);
  }
}

function refuseUnknown(
  table: Record<string, unknown>,
  known: readonly string[],
  prefix: string,
  fail: (what: string) => Error,
): void {
  for (const key of Object.keys(table)) {
    if (known.includes(key)) continue;
    const near = nearest(key, known);
    throw fail(`"${prefix}${key}" is not a key${near === null ? "" : ` (did you mean "${near}"?)`}`);
  }
}

/** The line where the quoted key of a message stands; the parser keeps no positions of what is valid TOML. */
function lineOf(text: string, message: string): number {
  const key = /^"(?:[^".]*\.)?([^"]*)"/.exec(message)?.[1] ?? "";
  const lines = text.split("\n");
  const at = lines.findIndex((line) => {
    const [before = "", after] = line.split(key, 2);
    return after !== undefined && /(^|[\s{,[."])$/.test(before) && /^"?\s*[=\].]/.test(after);
  });
  return Math.max(1, at + 1);
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}
