// Generic words that say: not now. Greylisting, waiting too long, the network, the other side's troubles.
import type { Rule } from "../rule.ts";

const RFC3463 = "https://www.rfc-editor.org/rfc/rfc3463";
const POSTFIX = "https://www.postfix.org/postconf.5.html";

export const genericSystem: readonly Rule[] = [
  {
    pattern: /(?:mailbox|quota|folder) (?:is )?full\b.{0,20}retry timeout/,
    reason: "mailbox-full",
    source: "https://www.exim.org/exim-html-current/doc/html/spec_html/",
    examples: ["mailbox is full: retry timeout exceeded"],
  },
  {
    pattern: /host or domain name not found/,
    reason: "host-unknown",
    source: POSTFIX,
    examples: [
      "5.4.4 Host or domain name not found. Name service error for name=example.com type=A: Host not found",
    ],
  },
  {
    pattern: /dns lookup failure: host \S{1,80} not found|no mx (?:record )?found for|null mx\b/,
    reason: "host-unknown",
    source: "https://www.rfc-editor.org/rfc/rfc7505",
    examples: ["DNS lookup failure: host mx.example.com not found", "No MX found for domain"],
  },
  {
    pattern:
      /gr[ea]y-?list|gr[ea]y list|postgrey|you are being delayed|(?:try|retry|come back) (?:again )?(?:in|after) \d{1,5} ?(?:s\b|sec|min)/,
    reason: "greylisted",
    source: "https://www.rfc-editor.org/rfc/rfc6647",
    examples: [
      "451 4.7.1 Greylisted, please try again in 300 seconds",
      "450 4.2.0 <x@example.com>: Recipient address rejected: Greylisted",
    ],
  },
  {
    // Said with what comes of it: "giving up", "too long in the queue".
    pattern:
      /(?:contact|login into|search on|failure in|error in) (?:the )?ldap|ldap (?:server|lookup|attribute|error|directory)/,
    reason: "system",
    source: RFC3463,
    examples: ["Unable to reach the LDAP server. (#4.4.3) This message has been in the queue too long."],
  },
  {
    pattern:
      /(?:message|delivery|queue|mail) (?:time )?(?:has )?expired|queue too long|too long in (?:the )?queue|in the queue too long|retry time(?:out)? (?:not reached|exceeded|has)|queue\.expired|retry timeout|not going to try again|giving up(?! on \d)|could not (?:be delivered|deliver) for|envelope expired|failing for a long time|(?:delivery|delevery) failed \d{1,4} attempts|was aborted after|undelivered after|undeliverable for \d|did not accept our requests to connect/,
    reason: "expired",
    source: RFC3463,
    examples: [
      "550 4.4.7 QUEUE.Expired; message expired",
      "554 5.4.7 Delivery expired (message too old) delivery time expired",
    ],
  },
  {
    pattern:
      /connection (?:timed out|refused|dropped|reset|lost|expired|closed|failed|to the remote)|timed out|time-?out\b|no route to host|network (?:is )?unreachable|lost connection|(?:mail|routing|forwarding|message) loop|loop (?:detected|back)|loops? back|hop count|too many hops|\d hops\b|dns (?:query|lookup|server|error)s?\b.{0,20}fail|name server (?:timeout|failure)|cannot connect|couldn't (?:connect|establish)|host(?: is)? (?:unreachable|not reachable)|unable to connect|broken pipe|refused our requests? to connect/,
    reason: "network",
    source: RFC3463,
    examples: [
      "451 4.4.2 Connection timed out",
      "554 5.4.6 Too many hops",
      "554 5.4.6 Mail loop detected",
      "450 4.4.1 No route to host",
    ],
  },
  {
    pattern:
      /insufficient (?:system |disk )?(?:storage|resources?|space|disk)|mail system full|(?:out of|low on|no) (?:memory|disk|resources|free space)|disk (?:is )?full|no space left|queue (?:quota|file|is full)|load (?:too high|average)|system load|temporar(?:y|ily) (?:system|server|lookup|dns|internal|local|authentication) |temporary system|internal (?:server )?error|server (?:is )?(?:too )?busy|system (?:is )?(?:too )?busy|local (?:error|problem|delivery failed)|(?:server|system|local) config(?:uration)? (?:error|problem)|ldap|database error|mapping error|shutting down|maintenance|agent busy|unable to (?:correctly )?(?:process|read|write|create|lock)|could ?n[o']t create|text was generated during the delivery attempt|mailer error|command output:|verify cache|unverified address|service (?:is )?(?:currently )?(?:not available|unavailable)\b(?!; client)|(?:mail )?server temporarily|system error|resources? temporarily|unknown error|system (?:is )?not accepting/,
    reason: "system",
    source: POSTFIX,
    examples: [
      "452 4.3.1 Insufficient system storage",
      "451 4.3.0 Temporary system problem",
      "421 4.3.2 Service not available, closing transmission channel",
      "450 4.1.1 <x@example.com>: Recipient address rejected: unverified address: Address verification in progress",
      "451 4.3.0 Error: queue file write error",
    ],
  },
];
