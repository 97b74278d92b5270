// Nobody can stop the sending by a reply: time grows with the length that is looked at, and that is bounded.
import { describe, expect, it } from "vitest";
import { classifyReply } from "../../../src/bounce/classifier.ts";
import { requiredLiterals } from "../../../src/bounce/literal.ts";
import { redactReply } from "../../../src/bounce/redact.ts";
import { GENERIC, RULEBOOKS, VAGUE } from "../../../src/bounce/rulebooks.ts";

const patterns = [
  ...RULEBOOKS.flatMap((book) => [
    ...book.signatures.map((s) => s.pattern),
    ...book.rules.map((r) => r.pattern),
  ]),
  ...GENERIC.map((rule) => rule.pattern),
  ...VAGUE.map((rule) => rule.pattern),
];

function fill(unit: string): string {
  return unit.repeat(Math.ceil(4096 / unit.length)).slice(0, 4096);
}

/** The best of three when the first is slow: the machine's other work is not ours. */
function millisecondsOf(work: () => unknown): number {
  const once = () => {
    const start = process.hrtime.bigint();
    work();
    return Number(process.hrtime.bigint() - start) / 1e6;
  };
  const first = once();
  return first < 15 ? first : Math.min(once(), once(), once());
}

describe("hostile replies", () => {
  it("cost all patterns together no more than 100 ms, whichever word of a rule is repeated", () => {
    const words = new Set(
      patterns.flatMap(({ source }) => source.split(/[^a-z ]/).filter((word) => word.length > 2)),
    );
    const begins = [...words].map((word) => fill(`${word.trim()} `));
    const worst = { ms: 0, pattern: "", text: "" };
    for (const text of begins) {
      const ms = millisecondsOf(() => {
        for (const pattern of patterns) pattern.test(text);
      });
      if (ms > worst.ms) Object.assign(worst, { ms, text: text.slice(0, 40) });
    }
    expect(worst.ms, JSON.stringify(worst)).toBeLessThan(100);
  });

  it.each([
    ["at signs", fill("@")],
    ["open quotes", fill('"@')],
    ["addresses", fill("a@b.cd ")],
    ["percent signs", fill("%40")],
    ["open brackets", fill("<[@[")],
    ["codes", `550-${fill("550-5.7.1 ")}`],
    ["spaces", `550 ${" ".repeat(4000)}x`],
    ["lines", fill("550-\r\n")],
    [
      "all words of the rules",
      fill([...new Set(patterns.flatMap((one) => requiredLiterals(one.source) ?? []))].join(" ")),
    ],
    ["two words and far apart", fill(`message ${"x".repeat(30)} header ${"y".repeat(30)} user `)],
    ["letters", fill("a")],
    ["umlauts", fill("\u00fc\u2019")],
  ])("of %s are classified and redacted in 25 ms", (_, text) => {
    expect(millisecondsOf(() => classifyReply(text))).toBeLessThan(25);
    expect(millisecondsOf(() => redactReply(text, { recipient: "aaa@b.example" }))).toBeLessThan(25);
  });

  it("of a megabyte cost no more than their first 4096 characters", () => {
    const text = `550 ${"user ".repeat(200_000)}`;
    expect(millisecondsOf(() => classifyReply(text))).toBeLessThan(25);
  });
});
