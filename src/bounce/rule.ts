// What a rule is: one thing that a provider is known to say, and what it means. Rules are data; matcher.ts finds
// which of them fits, classifier.ts decides what follows.
import type { Reason, Scope } from "./reason.ts";

export interface Rule {
  /**
   * Tried on the folded text (reply-text.ts): lower case, one line, single spaces, plain quotes, addresses
   * written as "@", the code and enhanced code in front. Hence all lower case, no flags, no `*`, `+` or `{n,}`.
   */
  pattern: RegExp;
  reason: Reason;
  /** How far it reaches, where that differs from the usual of the reason. */
  scope?: Scope;
  /** Whether the delivery is over, where the reply class says the wrong thing. */
  hard?: boolean;
  /** Only for replies of this class: 4 (try again) or 5 (no). */
  replyClass?: 4 | 5;
  /** What to do, where more is known than the usual advice of the reason. */
  advice?: string;
  /** Page where the provider or the standard says so. */
  source: string;
  /** Replies in our wording around the provider's code and key words; each one is a test of this rule. */
  examples: readonly string[];
}

/** All that is known of one provider's replies. Rules are tried in their order. */
export interface Rulebook {
  /** Provider ids (providers' directory) whose mailboxes answer in these words. */
  providers: readonly string[];
  /** Words that nobody else writes, and whose they are: they show the writer whatever the MX says. */
  signatures: readonly { provider: string; pattern: RegExp }[];
  /** True for hosted mailboxes and gateways: "policy" is then one tenant's rule. */
  hosted: boolean;
  rules: readonly Rule[];
}

/** What an enhanced status code means by itself, for one provider or for all (RFC 3463). */
export interface CodeRule {
  reason: Reason;
  scope?: Scope;
  advice?: string;
  source: string;
}
