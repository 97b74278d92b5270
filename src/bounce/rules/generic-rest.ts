// Rarer words, tried when none of the others fitted: directories that do not know a name, lists that take no mail from
// strangers, recipients who want none, filters that say so in few words.
import type { Rule } from "../rule.ts";

const POSTFIX = "https://www.postfix.org/postconf.5.html";
const QMAIL = "https://cr.yp.to/qmail.html";
const EXIM = "https://www.exim.org/exim-html-current/doc/html/spec_html/";
const RFC3463 = "https://www.rfc-editor.org/rfc/rfc3463";
const RFC5322 = "https://www.rfc-editor.org/rfc/rfc5322";
const DOMINO = "https://help.hcl-software.com/domino/";
const AMAVIS = "https://www.ijs.si/software/amavisd/amavisd-new-docs.html";

export const genericRest: readonly Rule[] = [
  {
    pattern:
      /recipient .{0,40}only (?:accepts|accepting)|account is protected by|has restricted (?:\w{1,10} )?e-?mail|user rules|refuses? to (?:receive|accept)|cannot route mail to user|ambiguous recipient|is not accepting any mail/,
    reason: "filtered",
    source: DOMINO,
    examples: [
      "550 The recipient is only accepting mail from known addresses",
      "550 Message rejected due to user rules",
      "550 User refuses to receive this mail",
      "Cannot route mail to user (x@example.com).",
    ],
  },
  {
    pattern:
      /not listed in |se encuentra en el directorio|repertorie dans l'annuaire|not present in (?:the )?directory|in name directory|missing home directory|bad ?rcpt ?to|badrecipientto|validrcptto|not an active address|final delivery userid|recipient not ok|not (?:a )?local (?:address|user)|(?:addresses|recipients) were unknown|rejected recipients|can'?t accept user|envelope recipient has been denied|(?:rcpt|550) .{0,4}@.{0,4} does(?: not|n't) exist|(?:rcpt|550) <?@>?:? not found/,
    reason: "user-unknown",
    source: QMAIL,
    examples: [
      "Jane Doe/Example (x@example.com) not listed in Domino Directory",
      "553 sorry, badrcptto (#5.7.1)",
      "550 <x@example.com> does not exist",
      "550 is not an active address at this host",
    ],
  },
  {
    pattern: /archived recipient|temporary locked/,
    reason: "disabled",
    source: RFC3463,
    examples: ["550 5.5.0 Archived recipient"],
  },
  {
    pattern:
      /bogus mail from|third-party dsns?|fully qualified .{0,40}required|rule imposed|different address or alias|sender not pre-?approved|(?:server|host|system) (?:does not|doesn't) accept mail from|unsigned dsn|accepting mail with|members?-only|non-?member|closed mailing list|organi[sz]ational settings|given low priority|not subscribed to|not allowed to post|messages containing|mass mailer|insecure (?:mail )?relay|verification failure|recursive cname|bouncedeny|retrieve credentials|not (?:a )?member (?:article|of)|reject mail from|security alert/,
    reason: "policy",
    source: POSTFIX,
    examples: [
      "550 Mail from a non-member to a members-only list",
      "550 We do not take messages containing images",
      "554 Fully qualified sender required",
      "550 This server does not accept mail from example.com",
      "You are not a member of this mailing list",
    ],
  },
  {
    pattern:
      /bad ip profile|ip (?:address )?(?:\S{1,40} )?(?:has been rejected|is in the|(?:is )?listed as)|(?:mail|messages) from your (?:ip|server|host|network)|passed validation|(?:mail|message) server requires confirmation|confirm this mail server|(?:blocked|refused|rejected) - see /,
    reason: "blocked",
    source: POSTFIX,
    examples: [
      "550 Your access IP 192.0.2.1 has been rejected",
      "554 Server IP 192.0.2.1 listed as abusive",
      "550 Not currently accepting mail from your IP",
    ],
  },
  {
    pattern:
      /message filtered|unacceptable content|bulk[. ](?:advertising|e-?mail)|rejecting (?:mail|message) content|recurrent pattern|(?:mail|spam) score|reject, id=/,
    reason: "spam",
    source: AMAVIS,
    examples: ["553 Message filtered", "554 rejected - bulk email", "550 Mail score (9.1) is over 5.0"],
  },
  {
    pattern: /cannot resolve your address|forward dns entry|mismatches client ip/,
    reason: "reverse-dns",
    source: "https://www.rfc-editor.org/rfc/rfc1912",
    examples: ["450 Cannot resolve your address.", "550 Domain example.com mismatches client IP"],
  },
  {
    pattern: /as a relay\b|smtp relay error|authenticated relay/,
    reason: "relay-denied",
    source: POSTFIX,
    examples: ["553 You are trying to use me as a relay", "Due to the following SMTP relay error"],
  },
  {
    pattern:
      /angle-brackets nested|expected word or|source-routed address|conversion to internet format|stray (?:linefeed|newline)|duplicated message-id/,
    reason: "malformed",
    source: RFC5322,
    examples: ["501 domain missing in source-routed address", "553 Stray linefeeds in message (#5.6.2)"],
  },
  {
    pattern: /exe(?:ce)?eded the maximum size/,
    reason: "too-big",
    source: RFC3463,
    examples: ["The message exeeded the maximum size that the user accepts"],
  },
  {
    pattern:
      /find a gateway for|failed to deliver to domain|not been collected|(?:server|host) did not respond|after multiple retries|allowed queue period|delivery attempts will continue|message timed out|not delivered within|is not responding/,
    reason: "expired",
    source: EXIM,
    examples: [
      "Unable to deliver the message after multiple retries",
      "Could not find a gateway for x@example.com",
    ],
  },
  {
    pattern: /could not connect and send|able to establish an smtp|dns records for the destination/,
    reason: "network",
    source: QMAIL,
    examples: ["I wasn't able to establish an SMTP connection. (#4.4.1)"],
  },
];
