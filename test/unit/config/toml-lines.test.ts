// On which line a key stands, compared with what the parser reads from the same text.

import { parse, stringify } from "smol-toml";
import { describe, expect, it } from "vitest";
import { type TomlPath, tomlLines } from "../../../src/config/toml-lines.ts";
import fc from "../../world/property.ts";

const TEXT = `# comment with [brackets] and = signs
name = "a # b"   # comment
'quoted key' = 1
"with \\"escape\\"" = 2

a.b.c = [1, # one
  "]", '''
] multi
''',
  { x = 1, y = { z = 2 } },
]
text = """
[not.a.table]
key = "no" \\""" still """""
after = 1
[table]
key = 1
  [table.sub . deep]
  key = """"quoted""""
[[list]]
key = 1
[list.inner]
key = 1
[[list]]
[[list.more]]
[[list.more]]
key = 1979-05-27T07:32:00Z
`;

describe("the lines of a TOML text", () => {
  it.each<[TomlPath, number]>([
    [["name"], 2],
    [["quoted key"], 3],
    [['with "escape"'], 4],
    [["a"], 6],
    [["a", "b", "c"], 6],
    [["a", "b", "c", 1], 7],
    [["a", "b", "c", 2], 7],
    [["a", "b", "c", 3, "y", "z"], 10],
    [["text"], 12],
    [["after"], 15],
    [["table", "key"], 17],
    [["table", "sub", "deep"], 18],
    [["table", "sub", "deep", "key"], 19],
    [["list", 0], 20],
    [["list", 0, "key"], 21],
    [["list", 0, "inner", "key"], 23],
    [["list", 1], 24],
    [["list", 1, "more", 0], 25],
    [["list", 1, "more", 1, "key"], 27],
  ])("%j is found", (path, line) => {
    expect(paths(parse(TEXT)).map((known) => JSON.stringify(known))).toContain(JSON.stringify(path));
    expect(tomlLines(TEXT)(path)).toBe(line);
  });

  it("has every key that the parser reads, and no other", () => {
    const lineOf = tomlLines(TEXT);
    for (const path of paths(parse(TEXT))) expect(lineOf(path), JSON.stringify(path)).not.toBeNull();
    expect(lineOf(["not", "a", "table"])).toBeNull();
    expect(lineOf(["not"])).toBeNull();
  });

  it("counts lines that end in CR LF as one", () => {
    expect(tomlLines(TEXT.replaceAll("\n", "\r\n"))(["list", 1, "more", 1, "key"])).toBe(27);
  });

  it("finds each key of any document on a line that has its name", () => {
    const scalar = fc.oneof(
      fc.string(),
      fc.integer(),
      fc.boolean(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
    );
    const name = fc.oneof(
      fc.stringMatching(/^[a-z]{1,6}$/),
      fc.constantFrom("a b", "x.y", 'q"t', "#", "[", "ü"),
    );
    const table = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: "small" },
        scalar,
        fc.array(scalar, { maxLength: 3 }),
        tie("table"),
        fc.array(tie("table"), { minLength: 1, maxLength: 3 }),
      ),
      table: fc.dictionary(name, tie("value"), { maxKeys: 4 }),
    })).table as fc.Arbitrary<Record<string, unknown>>;
    fc.assert(
      fc.property(table, (document) => {
        const text = stringify(document);
        const lineOf = tomlLines(text);
        const lines = text.split("\n");
        for (const path of paths(parse(text))) {
          const last = path.at(-1);
          const line = lineOf(path);
          expect(line, `${JSON.stringify(path)} in\n${text}`).not.toBeNull();
          if (typeof last === "string") expect(lines[(line ?? 0) - 1]).toContain(last.replaceAll('"', '\\"'));
        }
      }),
      { numRuns: 300 },
    );
  });

  it("ends on any text, TOML or not", () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom("a", "=", "[", "]", "{", "}", '"', '"""', "'", ",", ".", "#", "\n", "\\")),
        (parts) => {
          expect(tomlLines(parts.join(""))(["no such key"])).toBeNull();
        },
      ),
      { numRuns: 1_000 },
    );
  });
});

function paths(value: unknown, path: TomlPath = []): TomlPath[] {
  if (typeof value !== "object" || value === null || value instanceof Date) return [path];
  const inner = Object.entries(value).flatMap(([key, child]) =>
    paths(child, [...path, Array.isArray(value) ? Number(key) : key]),
  );
  return path.length === 0 ? inner : [path, ...inner];
}
