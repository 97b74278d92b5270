import { describe, expect, it } from "vitest";
import type { ClaimedDelivery } from "../../../src/delivery/delivery.ts";
import { createReadyList, type ReadyItem } from "../../../src/delivery/ready.ts";
import fc from "../../world/property.ts";

const item = (id: number, laneId: number, destination = "mx"): ReadyItem => ({
  delivery: { id, laneId } as ClaimedDelivery,
  destination,
});
const idOf = (one: ReadyItem | undefined) => one?.delivery.id;
const anywhere = () => true;

describe("the list of what waits for a connection", () => {
  it("serves lanes in turn, each in its own order", () => {
    const list = createReadyList();
    list.push([item(1, 1), item(2, 1), item(3, 1)]);
    list.push([item(4, 2), item(5, 3), item(6, 2)]);
    expect(Array.from({ length: 7 }, () => idOf(list.take(null, anywhere)))).toEqual([
      1,
      4,
      5,
      2,
      6,
      3,
      undefined,
    ]);
  });

  it("prefers the destination of an open connection, but only while its door is open", () => {
    const list = createReadyList();
    list.push([item(1, 1, "a"), item(2, 1, "b"), item(3, 1, "b"), item(4, 1, "c")]);
    expect(idOf(list.take("b", anywhere))).toBe(2);
    expect(idOf(list.take("b", (destination) => destination !== "b"))).toBe(1);
    expect(list.has((destination) => destination === "z")).toBe(false);
    expect(list.has((destination) => destination === "c")).toBe(true);
    expect(idOf(list.takeFor("z"))).toBeUndefined();
    expect(idOf(list.takeFor("c"))).toBe(4);
    expect(list.size).toBe(1);
  });

  it("looks no further than 32 into a lane for a destination", () => {
    const list = createReadyList();
    list.push(Array.from({ length: 32 }, (_, i) => item(i, 1, "a")));
    list.push([item(99, 1, "b")]);
    expect(idOf(list.takeFor("b"))).toBeUndefined();
    expect(list.has((destination) => destination === "b")).toBe(false);
    list.take(null, anywhere);
    expect(idOf(list.takeFor("b"))).toBe(99);
  });

  it("gives first what was put back", () => {
    const list = createReadyList();
    list.push([item(1, 1), item(2, 1)]);
    const first = list.take(null, anywhere);
    if (first !== undefined) list.putBack(first);
    expect(list.count(1)).toBe(2);
    expect(idOf(list.take(null, anywhere))).toBe(1);
  });

  it("drops what is void and counts right, whatever was done", () => {
    const action = fc.oneof(
      fc.record({ do: fc.constant("push" as const), lane: fc.nat(3), to: fc.constantFrom("a", "b") }),
      fc.record({
        do: fc.constantFrom("take" as const, "drop" as const),
        lane: fc.nat(3),
        to: fc.constantFrom("a", "b"),
      }),
    );
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
        const list = createReadyList();
        let id = 0;
        const inside = new Set<number>();
        for (const { do: what, lane, to } of actions) {
          if (what === "push") {
            id += 1;
            inside.add(id);
            list.push([item(id, lane, to)]);
          } else if (what === "take") {
            const got = idOf(list.take(to, anywhere));
            expect(got === undefined).toBe(inside.size === 0);
            if (got !== undefined) expect(inside.delete(got)).toBe(true);
          } else {
            for (const one of list.drop((kept) => kept.delivery.laneId !== lane)) {
              expect(one.delivery.laneId).toBe(lane);
              expect(inside.delete(one.delivery.id)).toBe(true);
            }
            expect(list.count(lane)).toBe(0);
          }
          expect(list.size).toBe(inside.size);
          expect(new Set([...list.items()].map((one) => one.delivery.id))).toEqual(inside);
          expect([0, 1, 2, 3].reduce((sum, one) => sum + list.count(one), 0)).toBe(inside.size);
        }
      }),
    );
  });
});
