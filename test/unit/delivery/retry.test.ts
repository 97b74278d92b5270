import { expect, test } from "vitest";
import {
  hintedDelaySeconds,
  RETRY_DEADLINE_SECONDS,
  retryDelaySeconds,
} from "../../../src/delivery/retry.ts";
import fc from "../../world/property.ts";

const ids = fc.integer({ min: 1, max: 10_000_000 });

/** What is waited before each next try, until the deadline. */
function waitsOf(id: number): number[] {
  const waits = [];
  for (let waited = 0, tries = 1; waited < RETRY_DEADLINE_SECONDS; tries++) {
    const wait = retryDelaySeconds({ id, try: tries, waited });
    waits.push(wait);
    waited += wait;
  }
  return waits;
}

test("waits grow, are at least half a minute and at most an hour, but for a jitter of 20 %", () => {
  fc.assert(
    fc.property(ids, fc.integer({ min: 1, max: 60 }), fc.nat(RETRY_DEADLINE_SECONDS), (id, tries, waited) => {
      const base = Math.min(Math.max(30, waited), 3600);
      const wait = retryDelaySeconds({ id, try: tries, waited });
      expect(Number.isInteger(wait)).toBe(true);
      expect(wait).toBeGreaterThanOrEqual(Math.round(base * 0.8));
      expect(wait).toBeLessThanOrEqual(Math.round(base * 1.2));
    }),
  );
});

test("a delivery's waits grow until they have come to an hour, and fill the day", () => {
  fc.assert(
    fc.property(ids, (id) => {
      const waits = waitsOf(id);
      // Each is that of all before together: even at the worst jitter the one after the next is longer.
      waits.forEach((wait, i) => {
        const later = waits[i + 2];
        if (later !== undefined && wait < 2_000) expect(later).toBeGreaterThan(wait);
      });
      expect(waits.length).toBeGreaterThan(20);
      expect(waits.length).toBeLessThan(50);
    }),
  );
});

test("the same history gives the same wait, and deliveries deferred together do not come back together", () => {
  const all = Array.from({ length: 1000 }, (_, id) => retryDelaySeconds({ id, try: 1, waited: 3600 }));
  expect(all).toEqual(
    Array.from({ length: 1000 }, (_, id) => retryDelaySeconds({ id, try: 1, waited: 3600 })),
  );
  expect(new Set(all).size).toBeGreaterThan(400);
  const mean = all.reduce((sum, wait) => sum + wait, 0) / all.length;
  expect(Math.abs(mean - 3600)).toBeLessThan(60);
  expect(new Set([1, 2, 3, 4].map((n) => retryDelaySeconds({ id: 7, try: n, waited: 3600 }))).size).toBe(4);
});

test("what the other side asks for is waited, a little longer by jitter, and never less than our own wait", () => {
  fc.assert(
    fc.property(
      ids,
      fc.nat(RETRY_DEADLINE_SECONDS),
      fc.integer({ min: 30, max: 14_400 }),
      (id, waited, asked) => {
        const delivery = { id, try: 2, waited };
        const seconds = hintedDelaySeconds(delivery, { waitMs: asked * 1000, basis: "reply" });
        const own = retryDelaySeconds(delivery);
        expect(seconds).toBeGreaterThanOrEqual(Math.max(asked, own));
        expect(seconds).toBeLessThanOrEqual(Math.max(Math.ceil(asked * 1.2), own));
      },
    ),
  );
});

test("what a page says of a reply is waited from its second time on", () => {
  const hint = { waitMs: 3_600_000, basis: "page" } as const;
  expect(hintedDelaySeconds({ id: 7, try: 1, waited: 0 }, hint)).toBeLessThanOrEqual(36);
  expect(hintedDelaySeconds({ id: 7, try: 2, waited: 31 }, hint)).toBeGreaterThanOrEqual(3_600);
});
