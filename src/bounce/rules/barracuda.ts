// What Barracuda's gateways answer: short words, "cuda" tags; all but the reputation of the address is one customer's.
import type { Rulebook } from "../rule.ts";

const CODES = "https://campus.barracuda.com/product/emailsecuritygateway/doc/39815000/smtp-error-codes/";

export const barracuda: Rulebook = {
  providers: ["barracuda"],
  signatures: [{ provider: "barracuda", pattern: /barracuda|\bcuda_nsu\b/ }],
  hosted: true,
  rules: [
    {
      pattern: /barracudacentral|barracuda reputation/,
      reason: "blocked",
      scope: "provider",
      advice:
        "Barracuda's reputation list names the sending address. Ask for removal at https://www.barracudacentral.org/rbl/removal-request.",
      source: "https://www.barracudacentral.org/rbl",
      examples: [
        "554 Service unavailable; Client host [192.0.2.1] blocked using Barracuda Reputation; http://www.barracudacentral.org/reputation",
      ],
    },
    {
      pattern: /^4\d\d 4\.7\.1 try again later/,
      reason: "greylisted",
      source: CODES,
      examples: ["451 4.7.1 Try again later (barracuda)"],
    },
    {
      pattern: /(?:^5\d\d|@:) ?blocked/,
      reason: "blocked",
      scope: "organisation",
      source: CODES,
      examples: [
        "550 Blocked (barracuda)",
        "550 permanent failure for one or more recipients (x@example.com:blocked) barracuda",
      ],
    },
    {
      pattern: /banned content/,
      reason: "virus",
      source: CODES,
      examples: ["554 rejecting banned content (barracuda)"],
    },
    {
      pattern: /policy rejection|spoofed message/,
      reason: "policy",
      scope: "organisation",
      source: CODES,
      examples: ["450 cuda_nsu 4.7.1 <x@example.com>: Recipient address rejected: Policy Rejection- Abuse."],
    },
  ],
};
