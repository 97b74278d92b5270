// Generic words that say: it is about this message. Form and size first, for they are plain; what it is taken for
// (spam, malware) is asked only after the rules about the sender, who is named in the same breath.
import type { Rule } from "../rule.ts";

const RFC5321 = "https://www.rfc-editor.org/rfc/rfc5321";
const RFC5322 = "https://www.rfc-editor.org/rfc/rfc5322";
const RFC3463 = "https://www.rfc-editor.org/rfc/rfc3463";
const AMAVIS = "https://www.ijs.si/software/amavisd/amavisd-new-docs.html";

export const genericForm: readonly Rule[] = [
  {
    pattern: /account or domain may not exist/,
    reason: "host-unknown",
    source: "https://docs.cpanel.net/knowledge-base/email/",
    examples: [
      "The mail server could not deliver mail to x@example.com. The account or domain may not exist, they may be blacklisted, or missing the proper dns entries.",
    ],
  },
  {
    pattern: /mailbox exceeds allowed size/,
    reason: "mailbox-full",
    source: "https://www.ipswitch.com/",
    examples: ["User mailbox exceeds allowed size: x@example.com"],
  },
  {
    pattern:
      /rfc ?-?(?:2?822|5322|5321|2045|2047)\b.{0,40}|(?:multiple|duplicate|illegal|missing|improper|malformed|invalid) .{0,30}header|headers? .{0,30}(?:invalid|missing|malformed|too (?:long|large)|improper|disallowed)|disallowed header|malformed|corrupt message|bare (?:lf|cr|newline|line ?feed)|improper(?:ly)? |encoded-word|multiple addresses in from|address(?:es)? in from|no from:|mime (?:error|structure)|invalid message content|line (?:is )?too long|(?:8-?bit|non-ascii|unicode) .{0,40}(?:data|character|header)|smtputf8/,
    reason: "malformed",
    source: RFC5322,
    examples: [
      "554 5.6.0 Message rejected: duplicate header 'From'",
      "550 5.7.1 The message is not RFC 5322 compliant",
      "550 5.6.0 improperly formatted data in message",
      "550 5.2.0 Bare LF received",
    ],
  },
  {
    // RFC 5321 section 4.2.1: x0z is of syntax, x5z is what a server decides.
    pattern: /\b55\d (?:[45]\.\d\.\d{1,2} )?protocol violation/,
    reason: "policy",
    source: RFC5321,
    examples: ["550 Protocol violation"],
  },
  {
    pattern:
      /syntax error|sequence of commands|bad sequence|protocol (?:violation|error|synchronization)|unrecogni[sz]ed (?:command|authentication|parameter)|(?:command|parameter) (?:not (?:recogni[sz]ed|implemented|supported)|unrecogni[sz]ed)|(?:helo|hello|ehlo|rcpt|mail|data)(?:\/[eh][eh]lo)? first|no data after|issued out of sequence|unauthenticated commands|too many related errors|unrecognized commands/,
    reason: "malformed",
    source: RFC5321,
    examples: [
      "501 Syntax error in parameters or arguments",
      "503 5.5.1 Bad sequence of commands",
      "550 5.3.3 Unrecognized command",
    ],
  },
  {
    pattern:
      /message size violation|(?:message|mail|e-?mail|content|data|attachment|file|body)s?\b.{0,30}(?:too (?:big|large)|size .{0,24}exceed|larger than|exceeds? .{0,40}(?:size|limit of \d|bytes|maximum))|size limit|exceeded .{0,30}size limit|(?:message|maximum|max|e?mail|fixed) (?:\w{1,10} )?size\b.{0,30}exceed|exceed\w{0,3} .{0,30}(?:maximum|message|fixed|allowed) (?:\w{1,10} )?size|too (?:big|large) (?:for|message|mail)|message length exceeds|number of attachments/,
    reason: "too-big",
    source: RFC3463,
    examples: [
      "552 5.3.4 Message size exceeds fixed limit",
      "554 5.2.3 Message too large",
      "552 5.2.3 Message length exceeds limit set by recipient",
      "554 Maximum email size exceeded",
    ],
  },
];

export const genericContent: readonly Rule[] = [
  {
    pattern:
      /(?:marked|flagged|classified|identified|detected|considered|looks like|regarded) .{0,20}(?:as )?spam|spam or virus|spam (?:message|mail|content|url|filter|policy|score|detected|classification|rejected)|(?:suspicion of|suspected|likely|considered|contains|is|as|possible|probable|per|this) spam\b|unsolicited|\bube\b|\buce\b|junk ?mail|spamassassin|bulk mail|phishing|nature of the content|(?:message|mail|suspicious) content\b.{0,24}(?:rejected|denied|refused|blocked|detected)|content (?:rejected|denied|filter|restrictions)|blocked url|suspicious|\bspam\b/,
    reason: "spam",
    source: "https://spamassassin.apache.org/",
    examples: [
      "554 5.7.1 Spam message rejected",
      "550 5.7.1 Message contains spam or virus.",
      "554 5.7.1 Message rejected under suspicion of SPAM",
      "550 5.7.1 Message content rejected, UBE, id=1",
    ],
  },
  {
    pattern:
      /virus|malware|trojan|infected|(?:illegal|prohibited|banned|forbidden|dangerous|blocked|executable) (?:attachment|content|file|extension)|attachment.{0,40}(?:not (?:allowed|accepted|permitted)|blocked|prohibited|rejected|banned)|security (?:issue|threat)/,
    reason: "virus",
    source: AMAVIS,
    examples: [
      "550 virus detected",
      "554 5.7.0 Reject, id=1 - INFECTED: Eicar",
      "552 5.7.0 illegal attachment on your message",
    ],
  },
];
