// The state tables of the nouns: closed, reachable, with final states that are final, and drawn in
// docs/states.md exactly as they stand in the code.
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it, test } from "vitest";
import { ALERT_MOVES } from "../../src/alert/alert.ts";
import { CAMPAIGN_MOVES } from "../../src/campaign/campaign.ts";
import { DELIVERY_MOVES, DELIVERY_STATES } from "../../src/delivery/delivery.ts";
import { BellwetherError } from "../../src/errors.ts";
import { isRunnable, LANE_MOVES, type LaneState } from "../../src/provider/lane.ts";
import { type Moves, mayMove, move } from "../../src/transition.ts";

const NOUNS: { noun: string; moves: Moves<string>; first: string; final: string[] }[] = [
  { noun: "campaign", moves: CAMPAIGN_MOVES, first: "draft", final: ["cancelled"] },
  { noun: "lane", moves: LANE_MOVES, first: "ramping", final: [] },
  { noun: "alert", moves: ALERT_MOVES, first: "open", final: ["settled"] },
  {
    noun: "delivery",
    moves: DELIVERY_MOVES,
    first: "pending",
    final: ["complained", "expired", "cancelled"],
  },
];

const page = readFileSync(path.resolve(import.meta.dirname, "../../docs/states.md"), "utf8");

/** The diagram under the heading `## noun`. */
function diagramOf(noun: string): string {
  const section = page.split(/^## /m).find((part) => part.toLowerCase().startsWith(`${noun}\n`)) ?? "";
  return section.match(/^```mermaid\nstateDiagram-v2\n([\s\S]*?)^```$/m)?.[1] ?? "";
}

/** `a --> b` lines as "from > to"; an identifier may stand for a name with a dash (`state "a-b" as a_b`). */
function arrowsOf(diagram: string): { arrows: string[]; first: string[]; final: string[] } {
  const names = new Map([...diagram.matchAll(/^\s*state "([^"]+)" as (\w+)$/gm)].map((m) => [m[2], m[1]]));
  const name = (id: string | undefined) => names.get(id) ?? id ?? "";
  const pairs = [...diagram.matchAll(/^\s*(\S+) --> (\S+?)(?:: .+)?$/gm)].map((m) => [
    name(m[1]),
    name(m[2]),
  ]);
  return {
    arrows: pairs.filter((pair) => !pair.includes("[*]")).map((pair) => pair.join(" > ")),
    first: pairs.filter(([from]) => from === "[*]").map(([, to]) => to ?? ""),
    final: pairs.filter(([, to]) => to === "[*]").map(([from]) => from ?? ""),
  };
}

describe.each(NOUNS)("the states of a $noun", ({ noun, moves, first, final }) => {
  const states = Object.keys(moves);

  it("name only states of the table, none twice and none itself", () => {
    for (const [from, targets] of Object.entries(moves)) {
      for (const to of targets) expect(states, `${from} > ${to}`).toContain(to);
      expect(new Set(targets).size, from).toBe(targets.length);
      expect(targets, from).not.toContain(from);
    }
  });

  it("can all be reached", () => {
    const reached = new Set([first]);
    for (const state of reached) for (const to of moves[state] ?? []) reached.add(to);
    expect([...reached].sort()).toEqual([...states].sort());
  });

  it("are final exactly where nothing more may happen", () => {
    expect(states.filter((state) => moves[state]?.length === 0).sort()).toEqual([...final].sort());
  });

  it("are moved between by the table alone", () => {
    for (const from of states) {
      for (const to of states) {
        const legal = moves[from]?.includes(to) ?? false;
        expect(mayMove(moves, from, to)).toBe(legal);
        if (legal) expect(move(noun, moves, from, to)).toBe(to);
        else expect(() => move(noun, moves, from, to)).toThrow(BellwetherError);
      }
    }
  });

  it("are drawn in docs/states.md with every move and no other", () => {
    const drawn = arrowsOf(diagramOf(noun));
    const table = Object.entries(moves).flatMap(([from, targets]) => targets.map((to) => `${from} > ${to}`));
    expect([...drawn.arrows].sort()).toEqual([...table].sort());
    expect(drawn.first).toEqual([first]);
    expect([...drawn.final].sort()).toEqual([...final].sort());
  });
});

test("an illegal move says which noun, and that it is a defect", () => {
  expect(() => move("lane", LANE_MOVES, "held", "open")).toThrow(
    expect.objectContaining({
      code: "transition-illegal",
      message: expect.stringContaining('"held" to "open"'),
    }),
  );
});

test("the list of a delivery's states is its table", () => {
  expect([...DELIVERY_STATES].sort()).toEqual(Object.keys(DELIVERY_MOVES).sort());
});

test("only a lane that ramps or is open may be claimed from", () => {
  expect((Object.keys(LANE_MOVES) as LaneState[]).filter(isRunnable)).toEqual(["ramping", "open"]);
});
