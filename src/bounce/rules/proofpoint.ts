// What Proofpoint's gateways (pphosted, Essentials) and Cloudmark's sender list answer: the address's reputation is
// theirs and reaches everybody behind them; all else is one customer's rule.
import type { Rulebook } from "../rule.ts";

const CHECK = "https://ipcheck.proofpoint.com/";

export const proofpoint: Rulebook = {
  providers: ["proofpoint"],
  signatures: [{ provider: "proofpoint", pattern: /proofpoint|pphosted\.com|ppe-hosted\.com/ }],
  hosted: true,
  rules: [
    {
      pattern: /proofpoint\.com\/dnsbl|prs\.proofpoint|ipcheck\.proofpoint/,
      reason: "blocked",
      scope: "provider",
      advice:
        "Proofpoint refuses the sending address for its reputation. Look it up and ask for its release at https://ipcheck.proofpoint.com.",
      source: CHECK,
      examples: [
        "550 5.7.1 Service unavailable; client [192.0.2.1] blocked using prs.proofpoint.com",
        "550 5.7.0 Blocked - see https://support.proofpoint.com/dnsbl-lookup.cgi?ip=192.0.2.1",
      ],
    },
    {
      pattern: /marked as invalid|not a valid email address/,
      reason: "user-unknown",
      source: "https://help.proofpoint.com/Proofpoint_Essentials",
      examples: [
        "550 5.7.1 <x@example.com>: Recipient address rejected: User email address is marked as invalid. - proofpoint",
      ],
    },
    {
      pattern: /opportunistic tls|secure (?:connection|channel) required/,
      reason: "tls",
      scope: "organisation",
      source: "https://help.proofpoint.com/Proofpoint_Essentials",
      examples: ["550 5.7.0 Secure connection required; see proofpoint"],
    },
    {
      pattern: /relay(?:ing|) (?:access )?denied/,
      reason: "relay-denied",
      scope: "organisation",
      advice:
        "Proofpoint does not know this domain: the organisation's MX still points there, or not yet. Tell its administrator.",
      source: "https://help.proofpoint.com/Proofpoint_Essentials",
      examples: ["550 5.7.1 <x@example.com>: Relay access denied (mx1.pphosted.com)"],
    },
  ],
};
