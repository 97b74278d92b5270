// Every rule can fire, none is stolen by an earlier one, and the one-pass matcher agrees with trying them all.

import { describe, expect, it } from "vitest";
import { requiredLiterals } from "../../../src/bounce/literal.ts";
import { createMatcher } from "../../../src/bounce/matcher.ts";
import { readReply } from "../../../src/bounce/reply-text.ts";
import type { Rule } from "../../../src/bounce/rule.ts";
import { findRule, GENERIC, RULEBOOKS, VAGUE } from "../../../src/bounce/rulebooks.ts";
import fc from "../../world/property.ts";

const own = RULEBOOKS.flatMap((book) =>
  book.rules.map((rule) => ({
    owner: book.providers.join("+") || "shared",
    provider: book.providers[0] ?? null,
    rule,
  })),
);
const shared = [...GENERIC, ...VAGUE].map((rule) => ({ owner: "generic", provider: null, rule }));
const cases = [...own, ...shared].flatMap(({ owner, provider, rule }) =>
  rule.examples.map((example) => ({ owner, provider, rule, example })),
);
const patterns = [
  ...RULEBOOKS.flatMap((book) => [
    ...book.signatures.map((s) => s.pattern),
    ...book.rules.map((r) => r.pattern),
  ]),
  ...GENERIC.map((rule) => rule.pattern),
  ...VAGUE.map((rule) => rule.pattern),
];

function fired(text: string, provider: string | null): Rule | null {
  const reply = readReply(text);
  const { rule, vague } = findRule(reply.folded, provider, reply.replyClass);
  return rule ?? vague;
}

describe("the rules", () => {
  it.each(cases)("$owner: $rule.reason is what fires on: $example", ({ provider, rule, example }) => {
    expect(fired(example, provider)?.pattern.source).toBe(rule.pattern.source);
  });

  it.each(own.filter((one) => one.provider !== null))(
    "$owner: $rule.reason fires on a reply of theirs even when nobody says whose it is",
    ({ rule }) => {
      const signed = rule.examples.filter(
        (example) => findRule(readReply(example).folded, null, null).writer !== null,
      );
      for (const example of signed) expect(fired(example, null)?.reason).toBe(rule.reason);
    },
  );

  it("each have an example and a page to read", () => {
    for (const { rule } of [...own, ...shared]) {
      expect(rule.examples.length).toBeGreaterThan(0);
      expect(URL.canParse(rule.source)).toBe(true);
    }
  });

  it("are written for folded text, and cannot repeat without bound", () => {
    for (const { source, flags } of patterns) {
      expect(flags).toBe("");
      expect(source.replace(/\\[SDWB]/g, "")).toBe(source.replace(/\\[SDWB]/g, "").toLowerCase());
      const bare = source.replace(/\\./g, "").replace(/\[[^\]]*\]/g, "");
      expect(bare, source).not.toMatch(/[*+]|\{\d+,\}/);
    }
  });

  it("need a plain string each, so that one pass can pass them over", () => {
    const blind = patterns.filter((pattern) => requiredLiterals(pattern.source) === null);
    expect(blind.map((pattern) => pattern.source)).toEqual(["^\\d{3} [45]\\.[01247]\\.[1-9]\\d\\d "]);
  });
});

describe("the matcher", () => {
  const texts = cases.map(({ example }) => readReply(example).folded);

  it("finds exactly what trying every pattern finds", () => {
    const matcher = createMatcher(patterns);
    const piece = fc.constantFrom(...texts);
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 3 }),
        fc.nat(40),
        fc.string({ maxLength: 12 }),
        (parts, cut, noise) => {
          const text = (parts.join(" ") + noise).slice(cut).toLowerCase();
          matcher.scan(text);
          patterns.forEach((pattern, index) => {
            if (matcher.matches(index, text) !== pattern.test(text)) throw new Error(`${pattern} on ${text}`);
          });
        },
      ),
      { numRuns: 300 },
    );
  });

  it("finds exactly that on each rule's own words too", () => {
    const matcher = createMatcher(patterns);
    for (const text of texts) {
      matcher.scan(text);
      const found = patterns.map((_, index) => matcher.matches(index, text));
      expect(found).toEqual(patterns.map((pattern) => pattern.test(text)));
    }
  });

  it("refuses a pattern that it cannot read", () => {
    expect(() => requiredLiterals("unbalanced)")).toThrow(SyntaxError);
    expect(() => requiredLiterals("caf\\u00e9")).toThrow(SyntaxError);
    expect(() => createMatcher([/café/])).toThrow(SyntaxError);
  });
});

describe("the strings that a pattern needs", () => {
  it.each([
    ["user unknown", ["user unknown"]],
    ["(?:user|mailbox) unknown", ["unknown"].map((word) => ` ${word}`)],
    ["over ?-?quota", ["quota"]],
    ["\\bptr\\b|reverse dns", ["ptr", "reverse dns"]],
    ["(?:optional)?", null],
    ["(?!never)sent", ["sent"]],
    ["a[bc]d", null],
    ["5\\.7\\.(?:1|25)", ["5.7."]],
    ["relays? denied", [" denied"]],
    ["(?:foo){0,3}", null],
  ])("of %s are %j", (source, literals) => {
    expect(requiredLiterals(source)).toEqual(literals);
  });
});
