// The campaign file of a follow-up notice, as text: its name, template and audience are given, and what only a person
// can say - the values of the template - stands below [values], with what the first notice said. Pure.
import type { Template } from "../template/template.ts";
import type { ValueDeclaration } from "../template/values.ts";

const SUFFIX = " (follow-up)";
const LONGEST_NAME = 200;

/** "Server s12 is replaced (follow-up)"; with a number where that is taken. */
export function followUpName(name: string, isTaken: (name: string) => boolean): string {
  for (let number = 1; ; number++) {
    const suffix = number === 1 ? SUFFIX : ` (follow-up ${number})`;
    const candidate = `${[...name]
      .slice(0, LONGEST_NAME - suffix.length)
      .join("")
      .trimEnd()}${suffix}`;
    if (!isTaken(candidate)) return candidate;
  }
}

export function followUpFile(given: {
  name: string;
  /** The name of the first notice. */
  first: string;
  template: Pick<Template, "name" | "values">;
  /** Beside this file. */
  audience: string;
  /** What the first notice was given. */
  values: Readonly<Record<string, unknown>>;
}): string {
  const { template, values } = given;
  const lines = [
    `# For those who have not got "${given.first.replaceAll(/\p{Cc}/gu, " ")}".`,
    "# Correct what stands below [values], look at it with `bellwether preview`, and type `bellwether send` with this file.",
    `name = ${toml(given.name)}`,
    `template = ${toml(template.name)}`,
    `audience = ${toml(given.audience)}`,
    "",
    "[values]",
    ...template.values.flatMap((value) => valueLines(value, values[value.name])),
  ];
  return `${lines.join("\n")}\n`;
}

function valueLines({ name, type, required, description }: ValueDeclaration, value: unknown): string[] {
  const about = `# ${description === "" ? type : description}${required ? "" : " (may be left out)"}`;
  if (value === undefined || value === null) return [about, `# ${name} = ${EXAMPLES[type]}`];
  return [about, `${name} = ${type === "datetime" ? String(value) : toml(value)}`];
}

const EXAMPLES: Readonly<Record<ValueDeclaration["type"], string>> = {
  text: '"..."',
  datetime: "2027-04-28T06:00:00Z",
  date: '"2027-04-28"',
  url: '"https://..."',
  number: "1",
  boolean: "true",
  list: '["...", "..."]',
};

/** A basic string, number, boolean or list; JSON writes them as TOML does, but for the one control that it lets stand. */
function toml(value: unknown): string {
  return JSON.stringify(value).replaceAll("\u007f", "\\u007f");
}
