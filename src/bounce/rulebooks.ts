// All rulebooks, compiled once into one matcher. Who wrote a reply is told by its words first: a gateway in front
// of a provider hands on that provider's words, and a provider's MX may be answered by its gateway.
import { OTHER } from "../provider/provider.ts";
import { createMatcher } from "./matcher.ts";
import type { Rule, Rulebook } from "./rule.ts";
import { apple } from "./rules/apple.ts";
import { barracuda } from "./rules/barracuda.ts";
import { cloudmark } from "./rules/cloudmark.ts";
import { french } from "./rules/french.ts";
import { generic } from "./rules/generic.ts";
import { genericVague } from "./rules/generic-vague.ts";
import { google } from "./rules/google.ts";
import { languages } from "./rules/languages.ts";
import { microsoft } from "./rules/microsoft.ts";
import { mimecast } from "./rules/mimecast.ts";
import { orange } from "./rules/orange.ts";
import { comcast, mailru, messagelabs, qq, unitedinternet, zoho } from "./rules/others.ts";
import { outlook } from "./rules/outlook.ts";
import { proofpoint } from "./rules/proofpoint.ts";
import { yahoo } from "./rules/yahoo.ts";

/** In the order in which signatures are asked: the particular before the shared. */
export const RULEBOOKS: readonly Rulebook[] = [
  mimecast,
  proofpoint,
  cloudmark,
  barracuda,
  google,
  outlook,
  microsoft,
  yahoo,
  apple,
  orange,
  french,
  qq,
  mailru,
  unitedinternet,
  comcast,
  messagelabs,
  zoho,
  languages,
];

export const GENERIC: readonly Rule[] = generic;
export const VAGUE: readonly Rule[] = genericVague;

/** Mailboxes and gateways of organisations, whose "policy" is one tenant's, besides those of hosted rulebooks. */
export const HOSTED: ReadonlySet<string> = new Set([
  ...RULEBOOKS.filter((book) => book.hosted).flatMap((book) =>
    book.providers.filter((id) => id !== "outlook"),
  ),
  "messagelabs",
  "trendmicro",
  "rackspace",
  "godaddy",
]);

interface Numbered {
  rule: Rule;
  number: number;
}
const patterns: RegExp[] = [];
const number = (pattern: RegExp): number => patterns.push(pattern) - 1;
const compile = (rules: readonly Rule[]): readonly Numbered[] =>
  rules.map((rule) => ({ rule, number: number(rule.pattern) }));

const books = RULEBOOKS.map((book) => ({
  book,
  signatures: book.signatures.map(({ provider, pattern }) => ({ provider, number: number(pattern) })),
  rules: compile(book.rules),
}));
const genericRules = compile(GENERIC);
const vagueRules = compile(VAGUE);
const matcher = createMatcher(patterns);

export interface Reading {
  /** Who wrote it, by its words; null when they do not say. */
  writer: string | null;
  /** The first rule that fits: provider's own, then generic. */
  rule: Rule | null;
  /** True when that rule is of a provider's book: these words are known to be its own. */
  own: boolean;
  /** The first of the vague rules that fits, when no better one does. */
  vague: Rule | null;
}

/**
 * Tries the rules on a folded reply. Books whose signature is in the text come first, then the book of `provider`
 * (null: of nobody), then the generic rules.
 */
export function findRule(folded: string, provider: string | null, replyClass: 4 | 5 | null): Reading {
  matcher.scan(folded);
  const first = (rules: readonly Numbered[]): Rule | null => {
    for (const { rule, number } of rules) {
      if (!matcher.matches(number, folded)) continue;
      if (rule.replyClass === undefined || rule.replyClass === replyClass) return rule;
    }
    return null;
  };
  let writer: string | null = null;
  let rule: Rule | null = null;
  for (const { signatures, rules } of books) {
    const signed = signatures.find((signature) => matcher.matches(signature.number, folded));
    if (!signed) continue;
    // "other" signs a shared vocabulary (French, Cloudmark's list) without naming a mailbox provider.
    if (signed.provider !== OTHER) writer ??= signed.provider;
    rule ??= first(rules);
  }
  if (provider !== null) {
    for (const { book, rules } of books) if (book.providers.includes(provider)) rule ??= first(rules);
  }
  const own = rule !== null;
  rule ??= first(genericRules);
  return { writer, rule, own, vague: rule ? null : first(vagueRules) };
}
