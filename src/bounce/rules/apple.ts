// What iCloud Mail answers; its front filter is Proofpoint's.
import type { Rulebook } from "../rule.ts";

const POSTMASTER = "https://support.apple.com/102322";

export const apple: Rulebook = {
  providers: ["apple"],
  signatures: [
    {
      provider: "apple",
      pattern:
        /support\.apple\.com|\.(?:icloud|me|mac)\.com esmtp|smtpin\S{0,20}\.(?:icloud|me|mac)\.com|\[(?:cs|hm)\d{2}\]/,
    },
  ],
  hosted: false,
  rules: [
    {
      pattern: /\[hm\d{2}\]|not accepting connections/,
      reason: "blocked",
      advice:
        "iCloud refuses the sending address. Look it up at https://ipcheck.proofpoint.com and write to icloudadmin@apple.com.",
      source: POSTMASTER,
      examples: [
        "554 [HM08] Message rejected due to local policy. https://support.apple.com/102322",
        "554 p00-smtpin001.me.com ESMTP not accepting connections",
      ],
    },
    {
      pattern: /\[cs\d{2}\]|local policy/,
      reason: "policy",
      advice:
        "iCloud's own filter refuses the mail. Check SPF, DKIM, DMARC and the links in the text; then write to icloudadmin@apple.com with this reply.",
      source: POSTMASTER,
      examples: [
        "554 5.7.1 [CS01] Message rejected due to local policy. https://support.apple.com/en-us/HT204137",
      ],
    },
    {
      pattern: /excessive volume|too many errors/,
      reason: "rate-limited",
      source: POSTMASTER,
      examples: ["421 4.7.1 Messages deferred due to excessive volume. https://support.apple.com/102322"],
    },
    {
      // With 5.1.1: the alias or account was given back, and there is no such mailbox any more.
      pattern: /5\.1\.1 .{0,20}inactive e-?mail address/,
      reason: "user-unknown",
      source: POSTMASTER,
      examples: ["550 5.1.1 <x@icloud.com>: inactive email address (mx01.icloud.com ESMTP)"],
    },
    {
      pattern: /no longer on server/,
      reason: "disabled",
      source: POSTMASTER,
      examples: ["550 5.1.6 recipient no longer on server: x@icloud.com https://support.apple.com/102322"],
    },
  ],
};
