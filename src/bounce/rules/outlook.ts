// What only the consumer service (outlook.com, hotmail, live, msn) says; the blocks of addresses that it shares
// with Microsoft 365 are in microsoft.ts.
import type { Rulebook } from "../rule.ts";

const CODES = "https://sendersupport.olc.protection.outlook.com/pm/troubleshooting";

export const outlook: Rulebook = {
  providers: ["outlook"],
  signatures: [{ provider: "outlook", pattern: /\((?:ou|sc|dy|rp|sl)-00\d\)|\b(?:ou|sc|dy|rp)-00[1-9]\b/ }],
  hosted: false,
  rules: [
    {
      // RFC 5321 gives this text to 550 in general; here it is said of addresses that there are not.
      pattern: /requested action not taken: mailbox unavailable/,
      reason: "user-unknown",
      replyClass: 5,
      source: CODES,
      examples: ["550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302)"],
    },
    {
      pattern: /\brp-00[1-3]\b/,
      reason: "rate-limited",
      source: CODES,
      examples: [
        "421 RP-001 (COL004-MC1F1) The mail server IP connecting to Outlook.com has exceeded the rate limit allowed.",
      ],
    },
    {
      pattern: /\bdy-00[12]\b/,
      reason: "blocked",
      advice:
        "The sending address is taken for a home or dynamic line. Send from a server address with its own reverse name, or through a relay.",
      source: CODES,
      examples: ["550 DY-001 Mail rejected by Outlook.com for policy reasons: dynamic IP."],
    },
    {
      pattern: /\b(?:ou|sc)-00[1-9]\b/,
      reason: "blocked",
      advice:
        "Outlook.com blocks this address for its reputation. Ask for its release at https://olcsupport.office.com and look at it in SNDS.",
      source: CODES,
      examples: [
        "550 SC-001 (BAY004-MC4F9) Mail rejected by Outlook.com for policy reasons.",
        "550 OU-002 Mail rejected by Outlook.com.",
      ],
    },
  ],
};
