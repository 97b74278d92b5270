// What Mimecast's gateway answers. Most of it is one customer's policy: it reaches that organisation only, and only
// its administrator can change it.
import type { Rulebook } from "../rule.ts";

const CODES =
  "https://mimecastsupport.zendesk.com/hc/en-us/articles/34000709564691-Policies-Mimecast-SMTP-Error-Codes";
const ASK =
  "This organisation's Mimecast policy refuses the mail; only its administrator can permit the sender (Administration, Gateway, Policies).";

export const mimecast: Rulebook = {
  providers: ["mimecast"],
  signatures: [{ provider: "mimecast", pattern: /mimecast|account service is temporarily/ }],
  hosted: true,
  rules: [
    {
      pattern: /(?:spf|dkim|dmarc) sender invalid/,
      reason: "auth",
      source: CODES,
      examples: [
        "550 SPF Sender Invalid - envelope rejected - https://community.mimecast.com/docs/DOC-1369#550 [x]",
      ],
    },
    {
      pattern: /(?:manually )?blocked senders/,
      reason: "filtered",
      advice: "The person there has blocked the sender. Tell them by another way.",
      source: CODES,
      examples: [
        "550 Rejected by header based manually Blocked Senders: x@example.com - https://community.mimecast.com/docs/DOC-1369#550",
      ],
    },
    {
      pattern:
        /sender address blocked|envelope blocked|anti-?spoofing|content examination|security policies|header based|host network not allowed/,
      reason: "policy",
      scope: "organisation",
      advice: ASK,
      source: CODES,
      examples: [
        "550 Rejected by header based Anti-Spoofing policy: x@example.com - https://community.mimecast.com/docs/DOC-1369#550",
        "554 Email rejected due to security policies - https://community.mimecast.com/docs/DOC-1369#554",
      ],
    },
    {
      pattern: /rejected by (?:rbl|reputation)|ip (?:temporarily )?blacklisted/,
      reason: "blocked",
      source: CODES,
      examples: ["421 Sending IP temporarily blacklisted - https://community.mimecast.com/docs/DOC-1369#421"],
    },
    {
      pattern: /encryption \(tls\)|requires tls|high-strength ciphers|invalid for this certificate/,
      reason: "tls",
      scope: "organisation",
      source: CODES,
      examples: [
        "553 This route requires encryption (TLS) - https://community.mimecast.com/docs/DOC-1369#553",
      ],
    },
    {
      pattern: /internal resource[s]? .{0,12}temporarily unavailable/,
      reason: "greylisted",
      source: CODES,
      examples: [
        "451 Internal resource temporarily unavailable - https://community.mimecast.com/docs/DOC-1369#451",
      ],
    },
    {
      pattern: /account service is temporarily unavailable|outbound thread limit|rate limit/,
      reason: "rate-limited",
      scope: "organisation",
      source: CODES,
      examples: [
        "451 Account service is temporarily unavailable - https://community.mimecast.com/docs/DOC-1369#451",
      ],
    },
    {
      pattern: /inbounds disabled/,
      reason: "host-unknown",
      source: CODES,
      examples: ["451 Account inbounds disabled - https://community.mimecast.com/docs/DOC-1369#451"],
    },
    {
      pattern: /incorrect hostname|unable to process connection|message ended early/,
      reason: "system",
      source: CODES,
      examples: [
        "421 Unable to process connection at this time - https://community.mimecast.com/docs/DOC-1369#421",
      ],
    },
    {
      pattern: /invalid recipient|recipient verification/,
      reason: "user-unknown",
      replyClass: 5,
      source: CODES,
      examples: ["550 Invalid Recipient - https://community.mimecast.com/docs/DOC-1369#550"],
    },
  ],
};
