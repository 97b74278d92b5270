// Which environment variable is which key: BELLWETHER_SECTION_KEY, with the provider in between for [[routes]] and
// [[bounces.webhook]], and _FILE behind it for a secret that lies in a file. Values are read elsewhere.
import { readFileSync } from "node:fs";
import path from "node:path";
import { didYouMean } from "../suggest.ts";
import { ALERT_VARIABLES } from "./command-line.ts";
import type { Problem } from "./problems.ts";
import type { Key, SchemaNode, Section } from "./schema.ts";
import { whyUnreadable } from "./toml.ts";

export const PREFIX = "BELLWETHER_";
/** Read by others: the tests, --config's stand-in, the log; and what a command finds that we have run. */
const NOT_KEYS = new RegExp(`^(BELLWETHER_(TEST_.*|CONFIG|LOG)|${ALERT_VARIABLES.join("|")})$`);

export type Environment = Readonly<Record<string, string | undefined>>;

/** One key of the schema, flat. In an array of tables `[]` stands for any entry, `*` for its provider. */
export interface FlatKey {
  /** "smtp.url", "routes[].url". */
  readonly path: string;
  /** "BELLWETHER_SMTP_URL", "BELLWETHER_ROUTES_*_URL". */
  readonly variable: string;
  readonly key: Key<unknown>;
}

/** What the environment says about one key; `name` is the variable, with its _FILE if it has it. */
export interface Variable {
  readonly name: string;
  readonly text: string;
}

/** All keys of a section, in the order of the schema. An array's `provider` is not among them. */
export function flatKeys(section: Section, path = "", variable = PREFIX): FlatKey[] {
  return Object.entries(section).flatMap(([name, node]): FlatKey[] => {
    const here = { path: path + name, variable: variable + name.toUpperCase() };
    if (isKey(node)) return [{ ...here, key: node }];
    if (isTables(node)) return flatKeys(node.entry, `${here.path}[].`, `${here.variable}_*_`);
    return flatKeys(node, `${here.path}.`, `${here.variable}_`);
  });
}

export function isKey(node: SchemaNode): node is Key<unknown> {
  return node.is === "key";
}

export function isTables(node: SchemaNode): node is Extract<SchemaNode, { is: "tables" }> {
  return node.is === "tables";
}

/**
 * The variables by path, such as "smtp.url" or "routes[google].url". Unknown ones, one given twice (with and without
 * _FILE), empty ones and unreadable files become problems. `directory` is where the paths of _FILE begin.
 */
export function readEnvironment(
  env: Environment,
  section: Section,
  directory: string,
): { variables: ReadonlyMap<string, Variable>; problems: Problem[] } {
  const keys = flatKeys(section);
  const variables = new Map<string, Variable>();
  const problems: Problem[] = [];
  for (const [name, text] of Object.entries(env).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (!name.startsWith(PREFIX) || NOT_KEYS.test(name) || text === undefined) continue;
    const found = find(name, keys);
    const problem = (code: Problem["code"], what: string, hint: string) =>
      problems.push({ code, source: name, line: null, text: what, hint });
    if (found === null) {
      problem("config-unknown-key", "there is no such setting", remedy(name, keys));
      continue;
    }
    const earlier = variables.get(found.path);
    if (earlier !== undefined) {
      problem(
        "config-value",
        `${earlier.name} is set as well, and both are ${found.path}`,
        "Unset one of the two.",
      );
    } else if (!found.inFile) {
      variables.set(found.path, { name, text });
    } else {
      try {
        // The line end that editors leave goes with the other space around it, when the value is read.
        variables.set(found.path, { name, text: readFileSync(path.resolve(directory, text), "utf8") });
      } catch (error) {
        problem(
          "file-unreadable",
          `${text}: ${whyUnreadable(error)}`,
          "Name a file that holds the value and nothing else.",
        );
      }
    }
  }
  return { variables, problems };
}

/** An exact name goes before one with _FILE: BELLWETHER_SENDER_DKIM_KEY_FILE is the key key_file. */
function find(name: string, keys: readonly FlatKey[]): { path: string; inFile: boolean } | null {
  for (const suffix of ["", "_FILE"]) {
    // Longest first, so that a provider never swallows the beginning of a key.
    for (const { path: keyPath, variable, key } of [...keys].sort(
      (a, b) => b.variable.length - a.variable.length,
    )) {
      if (suffix !== "" && !key.secret) continue;
      const [before = "", after] = variable.split("*");
      if (after === undefined) {
        if (name === variable + suffix) return { path: keyPath, inFile: suffix !== "" };
      } else if (name.startsWith(before) && name.endsWith(after + suffix)) {
        const provider = name.slice(before.length, name.length - after.length - suffix.length);
        if (!/^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/.test(provider)) continue;
        const id = provider.toLowerCase().replaceAll("_", "-");
        return { path: keyPath.replace("[]", `[${id}]`), inFile: suffix !== "" };
      }
    }
  }
  return null;
}

function remedy(name: string, keys: readonly FlatKey[]): string {
  const rest = name.slice(PREFIX.length);
  const candidates = keys.flatMap(({ variable, key }) => {
    const plain = variable
      .slice(PREFIX.length)
      .replace("*", /^(?:ROUTES|BOUNCES_WEBHOOK)_([A-Z0-9]+)_/.exec(rest)?.[1] ?? "GOOGLE");
    return key.secret ? [plain, `${plain}_FILE`] : [plain];
  });
  const near = didYouMean(rest, candidates).replace("mean ", `mean ${PREFIX}`);
  return `${near === "" ? "Unset it." : near} docs/configuration.md lists every variable.`;
}
