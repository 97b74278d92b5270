// The import map, and its documentation: a folder imports only from floors below its own. Types count. What sends
// mail, keeps data or draws pages is known to adapters and to compose.ts alone.
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";

const SRC = path.resolve(import.meta.dirname, "../src");

/** From the ground up; what shares a line shares a floor and must not import from one another. */
const FLOORS: readonly (readonly string[])[] = [
  ["errors.ts", "clock.ts", "suggest.ts"],
  ["transition.ts"],
  ["config"],
  // Words that everybody may use: what a provider is, what a reason is.
  ["provider"],
  ["client"],
  ["template"],
  ["bounce"],
  // Decides by values alone when to slow and when to stop.
  ["breaker"],
  ["campaign"],
  // The protocol of claims, intents and settles; speaks to ports.
  ["delivery"],
  ["report"],
  // What people must be called for, and by which roads.
  ["alert"],
  // A recorded log through the same decisions.
  ["replay"],
  // The program as its faces see it.
  ["application.ts"],
  // Everything that touches the world.
  ["adapters"],
  ["sandbox"],
  ["cli"],
  ["compose-intakes.ts"],
  ["compose-upkeep.ts", "compose-watch.ts", "compose-alerts.ts", "compose-ramp.ts", "compose-loops.ts"],
  ["compose-sending.ts"],
  ["compose.ts"],
  ["main.ts"],
];

/** Packages that bind a file to the outside world, and who may know them. */
const BOUND: readonly (readonly [RegExp, readonly string[]])[] = [
  [/^@prisma\//, ["adapters"]],
  [/^better-sqlite3$/, ["adapters"]],
  [/^nodemailer/, ["adapters"]],
  [/^(bull|ioredis)$/, ["adapters"]],
  [/^(pg|prom-client|pino)$/, ["adapters"]],
  [/^(imapflow|smtp-server)$/, ["adapters"]],
  [/^(libmime|mailparser|@zone-eu\/mailsplit)$/, ["bounce", "adapters"]],
  [/^commander$/, ["main.ts"]],
];

const files = readdirSync(SRC, { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts") && !file.includes("generated"))
  .sort();

function importsOf(file: string): string[] {
  const text = readFileSync(path.join(SRC, file), "utf8");
  return [...text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*"([^"]+)"/g)].flatMap((match) => match[1] ?? []);
}

/** The folder (or file, at the top) that has a place in the map. */
function placeOf(file: string): string {
  return file.split(path.sep)[0] ?? "";
}

function floorOf(place: string): number {
  return FLOORS.findIndex((floor) => floor.includes(place));
}

describe("the import map", () => {
  test("every file has its floor", () => {
    const homeless = files.filter((file) => floorOf(placeOf(file)) < 0);
    expect(homeless).toEqual([]);
    expect(files.length).toBeGreaterThan(100);
  });

  test.each(files)("%s imports only from below", (file) => {
    const own = placeOf(file);
    for (const specifier of importsOf(file)) {
      if (!specifier.startsWith(".")) {
        const bound = BOUND.find(([pattern]) => pattern.test(specifier));
        if (bound !== undefined) expect(bound[1], `${file} imports ${specifier}`).toContain(own);
        continue;
      }
      const target = path.relative(SRC, path.resolve(SRC, path.dirname(file), specifier));
      // The entry points load upper floors when they run; a string in import() is an import all the same.
      const place = placeOf(target);
      if (place === own) continue;
      expect(floorOf(place), `${file} imports ${target}`).toBeLessThan(floorOf(own));
      expect(floorOf(place), `${target} has no floor`).toBeGreaterThanOrEqual(0);
    }
  });

  test("no file imports itself in a circle", () => {
    const graph = new Map(
      files.map((file) => [
        file,
        importsOf(file)
          .filter((specifier) => specifier.startsWith("."))
          .map((specifier) => path.relative(SRC, path.resolve(SRC, path.dirname(file), specifier))),
      ]),
    );
    const done = new Set<string>();
    const walk = (file: string, above: readonly string[]): void => {
      expect(above, `circle: ${[...above, file].join(" -> ")}`).not.toContain(file);
      if (done.has(file)) return;
      for (const next of graph.get(file) ?? []) walk(next, [...above, file]);
      done.add(file);
    };
    for (const file of files) walk(file, []);
  });
});
