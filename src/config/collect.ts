// Walks the schema over the file and the environment: each key gets its value from the variable, else from the file,
// else its default. It decides what is an unknown key and how a bad value is told; what the values mean together is
// decided in config.ts.
import { nearest } from "../suggest.ts";
import { flatKeys, isKey, isTables, type Variable } from "./environment.ts";
import { type Problem, shown } from "./problems.ts";
import type { Key, Section, Tables, Values } from "./schema.ts";
import { shownSecret } from "./server-kinds.ts";
import type { TomlTable } from "./toml.ts";
import type { TomlPath } from "./toml-lines.ts";

export interface Sources {
  /** The file as the person named it. */
  readonly name: string;
  readonly table: TomlTable;
  readonly lineOf: (path: TomlPath) => number | null;
  /** By path: "smtp.url", "routes[google].url". */
  readonly variables: ReadonlyMap<string, Variable>;
  /** Where relative paths begin. */
  readonly directory: string;
}

/** Where a value came from, for messages about it. */
export type Place = Pick<Problem, "source" | "line">;

export interface Collected<S> {
  readonly values: Values<S>;
  readonly problems: Problem[];
  /** By path: only what somebody has set. */
  readonly places: ReadonlyMap<string, Place>;
  /** The paths among them whose value was bad: their defaults must not be blamed for anything else. */
  readonly refused: ReadonlySet<string>;
}

/** Reads everything; a key with a bad value gets its default, and the problem tells. */
export function collect<S extends Section>(schema: S, sources: Sources): Collected<S> {
  const { name, lineOf, variables, directory } = sources;
  const problems: Problem[] = [];
  const places = new Map<string, Place>();
  const refused = new Set<string>();
  const allKeys = flatKeys(schema);

  function section(node: Section, table: TomlTable, path: string, at: TomlPath, skip?: string): object {
    unknownKeys(node, table, path, at, skip);
    const values: Record<string, unknown> = {};
    for (const [word, child] of Object.entries(node)) {
      const here = path + word;
      const given = table[word];
      if (isKey(child)) values[word] = one(child, given, here, [...at, word]);
      else if (isTables(child)) values[word] = entries(child, given, here, [...at, word]);
      else if (given === undefined || isTable(given)) {
        values[word] = section(child, given ?? {}, `${here}.`, [...at, word]);
      } else {
        const what = Array.isArray(given) ? `a list of sections` : "a value";
        wrong([...at, word], `${here} is ${what}`, `Write [${here}], once, and its keys below it.`);
        values[word] = section(child, {}, `${here}.`, [...at, word]);
      }
    }
    return values;
  }

  function one(key: Key<unknown>, inFile: unknown, path: string, at: TomlPath): unknown {
    const variable = variables.get(path);
    const given = variable === undefined ? inFile : key.kind.fromText(variable.text);
    if (given !== undefined) {
      const place =
        variable === undefined ? { source: name, line: lineOf(at) } : { source: variable.name, line: null };
      places.set(path, place);
      const read = key.kind.read(given, directory);
      if ("value" in read) return read.value;
      refused.add(path);
      const what = given === "" ? "empty" : key.secret ? shownSecret(given) : shown(given);
      const why = read.refused === "" || given === "" ? "" : `: ${read.refused}`;
      problems.push({
        code: "config-value",
        ...place,
        text: `${path} is ${what}${why}`,
        hint: `It takes ${key.kind.expects}.`,
      });
    }
    if (!key.hasDefault) return null;
    const fallback = key.kind.read(key.fallback, directory);
    return "value" in fallback ? fallback.value : null;
  }

  function entries(node: Tables<Section>, given: unknown, path: string, at: TomlPath): object[] {
    const list: object[] = [];
    const seen = new Set<string>();
    const inFile = Array.isArray(given) ? given : [];
    if (given !== undefined && !(Array.isArray(given) && given.every(isTable))) {
      wrong(at, `${path} is not a list of sections`, `Write [[${path}]], in double brackets, once for each.`);
    } else {
      for (const [index, table] of inFile.entries()) entry(table, [...at, index], `${path}[${index + 1}]`);
    }
    for (const variable of variables.keys()) {
      const id = variable.startsWith(`${path}[`)
        ? variable.slice(path.length + 1, variable.indexOf("]"))
        : null;
      if (id === null || seen.has(id)) continue;
      entry({ provider: id }, null, path);
      seen.add(id);
    }
    return list;

    function entry(table: TomlTable, place: TomlPath | null, label: string): void {
      const read = node.provider.read(table.provider, directory);
      if ("refused" in read) {
        const source = place === null ? variableOf(String(table.provider)) : null;
        const what = table.provider === undefined ? "is missing" : `is ${shown(table.provider)}`;
        const text = `${label}.provider ${what}`;
        const line = place === null ? null : (lineOf([...place, "provider"]) ?? lineOf(place));
        problems.push({
          code: "config-value",
          source: source ?? name,
          line,
          text,
          hint: `It takes ${node.provider.expects}.`,
        });
        return;
      }
      if (seen.has(read.value)) {
        wrong(
          place ?? at,
          `${path} has the provider ${read.value} twice`,
          "Make one of the two, or correct its provider.",
        );
        return;
      }
      seen.add(read.value);
      const own = `${path}[${read.value}]`;
      places.set(
        own,
        place === null
          ? { source: variableOf(read.value) ?? name, line: null }
          : { source: name, line: lineOf(place) },
      );
      list.push({ provider: read.value, ...section(node.entry, table, `${own}.`, place ?? at, "provider") });
    }

    function variableOf(id: string): string | undefined {
      return [...variables].find(([key]) => key.startsWith(`${path}[${id}].`))?.[1].name;
    }
  }

  function unknownKeys(node: Section, table: TomlTable, path: string, at: TomlPath, skip?: string): void {
    for (const word of Object.keys(table)) {
      if (word === skip || Object.hasOwn(node, word)) continue;
      const shape = path.replace(/\[.*\]\.$/, "[].");
      const sibling = nearest(word, Object.keys(node));
      const elsewhere = allKeys
        .map((key) => key.path)
        .filter((key) => key.endsWith(`.${word}`) && !key.includes("[]"));
      let hint = `${path === "" ? "The file" : "This section"} takes ${Object.keys(node).join(", ")}.`;
      if (sibling !== null) hint = `Did you mean ${shape}${sibling}?`;
      else if (elsewhere.length > 0) hint = `Did you mean ${elsewhere.slice(0, 3).join(" or ")}?`;
      problems.push({
        code: "config-unknown-key",
        source: name,
        line: lineOf([...at, word]),
        text: `there is no ${isTable(table[word]) ? "section" : "key"} ${path}${word}`,
        hint,
      });
    }
  }

  function wrong(at: TomlPath, text: string, hint: string): void {
    problems.push({ code: "config-value", source: name, line: lineOf(at), text, hint });
  }

  // The one cast of the walk: its result has the shape of the schema, key by key.
  const values = section(schema, sources.table, "", []) as Values<S>;
  return { values, problems, places, refused };
}

function isTable(value: unknown): value is TomlTable {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}
