// Cloudmark Sender Intelligence: a list of sending addresses that many providers (telecoms, Proofpoint) ask; its name
// in a reply tells where to apply for release, not whose mailbox it is.
import type { Rulebook } from "../rule.ts";

export const cloudmark: Rulebook = {
  providers: [],
  signatures: [{ provider: "other", pattern: /cloudmark/ }],
  hosted: false,
  rules: [
    {
      pattern: /csi\.cloudmark|cloudmark sender/,
      reason: "blocked",
      advice:
        "Cloudmark's list names the sending address. Apply for its release at https://csi.cloudmark.com/reset-request.",
      source: "https://csi.cloudmark.com/en/reset/",
      examples: [
        "550 5.7.1 client [192.0.2.1] blocked using Cloudmark Sender Intelligence (http://csi.cloudmark.com/reset-request/)",
      ],
    },
  ],
};
