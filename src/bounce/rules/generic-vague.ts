// Words that say little. They are asked last, after the trusted enhanced codes: "access denied" beside 5.1.1 is still
// an address that does not exist.
import type { Rule } from "../rule.ts";

const RFC5321 = "https://www.rfc-editor.org/rfc/rfc5321";
const RFC3463 = "https://www.rfc-editor.org/rfc/rfc3463";
const POSTFIX = "https://www.postfix.org/postconf.5.html";

export const genericVague: readonly Rule[] = [
  {
    pattern: /\bblocked\b|blocked$|\bbanned\b|go away/,
    reason: "blocked",
    source: POSTFIX,
    examples: ["550 Blocked", "550 permanent failure (x@example.com:blocked)"],
  },
  {
    pattern:
      /polic(?:y|ies)\b|access (?:is )?denied|permission (?:is )?denied|not have permission|administrative(?:ly)? prohibit|(?:not|un)[- ]?(?:authorized|authorised|permitted|allowed)|prohibited|not accepted|message refused|restricted|forbidden|denied by/,
    reason: "policy",
    source: RFC3463,
    examples: [
      "550 5.7.1 Access denied",
      "550 5.7.1 Delivery not authorized, message refused",
      "550 5.7.0 Local policy violation",
    ],
  },
  {
    pattern:
      /mailbox (?:is )?(?:unavailable|not available)|recipient unavailable|(?:mailbox|recipient) (?:address )?(?:rejected|refused)(?!: )/,
    reason: "user-unknown",
    replyClass: 5,
    source: RFC5321,
    examples: ["550 Requested action not taken: mailbox unavailable", "550 Recipient rejected"],
  },
  {
    pattern: /temporar(?:y|ily)|try (?:again )?later|come back later/,
    reason: "system",
    source: RFC3463,
    examples: ["temporary failure", "550 Sorry, please try again later"],
  },
];
