import { describe, expect, test } from "vitest";
import { makeToken, readToken } from "../../../src/delivery/token.ts";
import fc from "../../world/property.ts";

const SECRET = "a".repeat(64);

describe("the token of a return path", () => {
  test("names its delivery and attempt again, in any case, for every id that a database gives", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2 ** 31 - 1 }),
        fc.integer({ min: 1, max: 9_999 }),
        (delivery, attempt) => {
          const token = makeToken({ delivery, attempt }, SECRET);
          expect(token).toMatch(/^[0-9a-z-]{1,32}$/);
          expect(readToken(token.toUpperCase(), SECRET)).toEqual({ delivery, attempt });
        },
      ),
    );
  });

  test("is the same for every retry of an attempt, and another for the next attempt", () => {
    const first = makeToken({ delivery: 5, attempt: 1 }, SECRET);
    expect(makeToken({ delivery: 5, attempt: 1 }, SECRET)).toBe(first);
    expect(makeToken({ delivery: 5, attempt: 2 }, SECRET)).not.toBe(first);
  });

  test("is nobody's when a character is changed, or the secret is another", () => {
    const token = makeToken({ delivery: 123_456, attempt: 1 }, SECRET);
    for (let i = 0; i < token.length; i++) {
      const other = token[i] === "0" ? "1" : "0";
      if (token[i] === "-") continue;
      expect(readToken(token.slice(0, i) + other + token.slice(i + 1), SECRET), `place ${i}`).toBeNull();
    }
    expect(readToken(token, "b".repeat(64))).toBeNull();
  });

  test.each(["", "x", "1-1", "1-1-", "../../etc", `1-1-${"z".repeat(13)}`, "1-1-short", "é-1-1234567890123"])(
    "%j is no token",
    (text) => {
      expect(readToken(text, SECRET)).toBeNull();
    },
  );
});
