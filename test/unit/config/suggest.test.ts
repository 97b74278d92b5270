// Which known word is meant by a mistyped one.
import { describe, expect, it } from "vitest";
import { nearest } from "../../../src/suggest.ts";

const KEYS = ["url", "kind", "feedback", "connections", "rate", "daily_limit", "source_address", "tls"];

describe("the nearest word", () => {
  it.each([
    ["conections", "connections"],
    ["connection", "connections"],
    ["conecctions", "connections"],
    ["feedbcak", "feedback"],
    ["dailyLimit", "daily_limit"],
    ["DAILY-LIMIT", "daily_limit"],
    ["ulr", "url"],
    ["raet", "rate"],
  ])("to %s is %s", (word, near) => {
    expect(nearest(word, KEYS)).toBe(near);
  });

  it.each(["password", "x", "usr1", "completely_different", ""])("to %j is none", (word) => {
    expect(nearest(word, KEYS)).toBeNull();
  });

  it("is the nearer of two, and the first of two that are equally near", () => {
    expect(nearest("abcdefx", ["abcdxyx", "abcdefg"])).toBe("abcdefg");
    expect(nearest("cat", ["bat", "hat"])).toBe("bat");
  });
});
