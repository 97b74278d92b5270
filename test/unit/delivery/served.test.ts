import { expect, test } from "vitest";
import { createServed } from "../../../src/delivery/served.ts";

test("a lane with more connections than may serve it is crowded, until enough are closed or serve another lane", () => {
  const served = createServed((lane) => (lane === 1 ? 2 : undefined));
  const connections: (number | null)[] = [null, null, null, null];
  const serve = (at: number, lane: number) => {
    connections[at] = served.serve(lane, connections[at] ?? null);
  };
  expect(served.isCrowded(null)).toBe(false);
  for (const at of [0, 1]) serve(at, 1);
  serve(0, 1);
  expect(served.isCrowded(1)).toBe(false);
  for (const at of [2, 3]) serve(at, 1);
  expect(served.isCrowded(1)).toBe(true);
  serve(3, 2);
  expect(served.isCrowded(1)).toBe(true);
  served.leave(connections[2] ?? null);
  expect(served.isCrowded(1)).toBe(false);
  expect(served.isCrowded(2)).toBe(false);
});
