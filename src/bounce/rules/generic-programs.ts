// What mail programs say of their own troubles and of names they could not find: plain words that are tried first,
// because less plain rules would find a word of theirs in it ("malformed name server reply" is about no message).
import type { Rule } from "../rule.ts";

const EXIM = "https://www.exim.org/exim-html-current/doc/html/spec_html/";
const QMAIL = "https://cr.yp.to/qmail.html";
const POSTFIX = "https://www.postfix.org/postconf.5.html";
const RFC3463 = "https://www.rfc-editor.org/rfc/rfc3463";

export const genericPrograms: readonly Rule[] = [
  {
    pattern:
      /host not found, try again|name server reply|host name lookup failure|(?:contact|reach) (?:the )?dns servers?|best-preference mx|resolve (?:the )?route|address family mismatch|routes to destination|dns lookup error|retrieve source address|network error on|no valid route|failure in mx lookup|mxloopback|remote protocol error: .{0,20}(?:connection|time)/,
    reason: "network",
    source: QMAIL,
    examples: [
      "Name service error for domain example.com: Host not found, try again",
      "Deferred: Name server: example.com.: host name lookup failure",
      "451 4.4.3 malformed or unexpected name server reply",
      "Network error on destination MXs",
      "I'm listed as a best-preference MX for that host, but it isn't in my control/locals file. (#5.4.6)",
      "554 <x@example.com>... Remote protocol error: Connection reset by peer",
    ],
  },
  {
    pattern:
      /find (?:any host|a mail exchanger)|address lookups failed permanently|mx records point to non-?existent|indicated no smtp service|no host found for existing|domain doesn'?t exist|domain must exist|illegal host|returned answer with no data|mail receiving disabled|reject all mails/,
    reason: "host-unknown",
    source: EXIM,
    examples: [
      "I couldn't find any host named example.com. (#5.1.2)",
      "all host address lookups failed permanently",
      "an MX record indicated no SMTP service",
    ],
  },
  {
    pattern:
      /delivery to (?:file|pipe) forbidden|homedir creat|needs to be unique|executing qmail|no such file or directory|operating system error|not enough free space|interrupted system call|error while being processed|misconfigured|several matches found|resolver\.adr\.(?:badprimary|invalidinsmtp|ambiguous)|violates rfc 1035|loop back warning|detected a loop|can'?t create (?:user )?output/,
    reason: "system",
    source: RFC3463,
    examples: [
      "delivery to pipe forbidden",
      "451 4.0.0 Operating system error",
      "452 Requested action not taken: mailbox unavailable (not enough free space)",
      "Several matches found in Domino Directory",
      "550 5.1.4 RESOLVER.ADR.Ambiguous; ambiguous address",
    ],
  },
  {
    pattern: /sender ip address rejected|open prox(?:y|ies)\b|my name was rejected/,
    reason: "blocked",
    source: POSTFIX,
    examples: [
      "554 5.7.1 Sender IP address rejected",
      "554 5.7.1 Rejecting open proxy 192.0.2.1",
      "Connected to 192.0.2.9 but my name was rejected. Remote host said: 501 no",
    ],
  },
  {
    pattern: /\bbatv\b|sender is in my|sender was rejected|(?:null|empty) (?:envelope )?sender/,
    reason: "policy",
    source: POSTFIX,
    examples: [
      "550 Message failed BATV verification",
      "550 Sender is in my black list",
      "Connected to 192.0.2.9 but sender was rejected.",
    ],
  },
  {
    pattern: /blacklisted (?:url|link)|\buribl\b|spamprofiler/,
    reason: "spam",
    source: "https://www.uribl.com/about.shtml",
    examples: ["550 Blacklisted URL in message", "550 Your email breaches local URIBL policy"],
  },
];
