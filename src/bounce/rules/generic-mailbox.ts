// Generic words that say: it is about this mailbox. Full, gone, closed, or its owner does not want the mail.
// "User unknown" is the last of them, because other troubles name the user too.
import type { Rule } from "../rule.ts";

const RFC3463 = "https://www.rfc-editor.org/rfc/rfc3463";
const POSTFIX = "https://www.postfix.org/postconf.5.html";
const EXIM = "https://www.exim.org/exim-html-current/doc/html/spec_html/";

export const genericMailbox: readonly Rule[] = [
  {
    pattern:
      /(?:mail ?box|inbox|mail ?folder|maildir|mail ?file|mail ?store|account|storage|user)\b.{0,30}(?:is |are |was )(?:\w{1,10} )?(?:full\b|exceeded|out of)|(?:mail ?box|inbox|mailfolder|folder|account|storage) full|over ?-?quota|over (?:the |its |their )?(?:\w{1,12} )?quota|quota.{0,20}(?:exceed|violat|full|reached)|(?:exceed\w{0,3}|out of|not enough|insufficient|over) .{0,30}(?:quota|storage|mailbox|disk ?space)|full mailbox|blocks? limit|inode limit|too full|messages in recipient's mailbox exceeded/,
    reason: "mailbox-full",
    source: RFC3463,
    examples: [
      "552 5.2.2 Mailbox full",
      "452 4.2.2 Over quota",
      "552 Requested mail action aborted: exceeded storage allocation",
      "550 <x@example.com>: user is over quota",
      "554 Quota exceeded (mailbox for user is full)",
    ],
  },
  {
    pattern:
      /user reject|recipients? was rejected by a remote mail server|refused by recipient|recipient (?:has )?(?:refused|blocked|preferences|does not (?:want|accept))|recipient preferences|blocked senders?|block-send-er|rejected by (?:the )?(?:user|recipient|owner)\b|on the target address|not (?:in|on) .{0,24}(?:white|allow|safe|approved)[- ]?(?:ed )?(?:list|senders)|only accepts mail from|challenge[- ]response|by the recipient's/,
    reason: "filtered",
    source: "https://www.rfc-editor.org/rfc/rfc3463#section-3.8",
    examples: [
      "550 5.1.2 User reject",
      "550 5.1.1 RCP-P2 Refused due to recipient preferences",
      "550 5.7.1 Policy rejection on the target address",
    ],
  },
  {
    pattern:
      /(?:account|mail ?box|user|recipient|addressee|inbox|address|service)\b.{0,60}(?:disabled|temporarily limited|deactivated|de-activated|inactive|not active|suspended|suspend |locked|frozen|terminated|archived|cancell?ed|expired|dormant|no longer (?:valid|active|in use|available|on server|exist|work|here|employed|accept)|has been (?:replaced|closed|deleted|moved|removed)|is closed|has (?:moved|left))|(?:inactive|disabled|suspended|deactivated|closed|blocked|locked) (?:user|account|mailbox|recipient|address|e-?mail)|no longer (?:on server|valid|with (?:us|the company))|(?:account|mail ?box) (?:is |was |has been )?closed|is (?:administratively )?disabled|recipient suspend|account.{0,10} is blocked/,
    reason: "disabled",
    source: RFC3463,
    examples: [
      "550 5.2.1 Mailbox disabled, not accepting messages",
      "550 This account has been suspended",
      "554 Mailbox is frozen",
      "550 5.1.6 recipient no longer on server",
      "550 5.1.6 address has been replaced by x@example.com",
    ],
  },
  {
    pattern:
      /host (?:name )?(?:is )?(?:unknown|not found)|unknown host|no such (?:host|domain)|(?:domain|host)(?: name)?\b.{0,50}(?:does not exist|doesn't exist|not found|not exist|is unknown|is invalid|doesn't receive|does not receive|not accept mail)|nonexistent domain|unknown (?:mail )?domain|unroutable|unrouteable (?:mail )?domain|domain (?:is )?not reachable|null ?mx|nxdomain|name or service not known|no mx (?:record|host)|no valid mx|invalid domain|recipient domain|bad destination (?:system|host)|non-existent host|address resolution failed|5xx permanent dns/,
    reason: "host-unknown",
    source: RFC3463,
    examples: [
      "550 5.1.2 Host unknown (Name server: host not found)",
      "554 5.4.4 No such domain",
      "556 5.1.10 Domain does not accept mail (nullMX)",
      "550 5.1.2 <x@example.com>: Recipient address rejected: Domain not found",
    ],
  },
  {
    pattern:
      /(?:user|recipient|mail ?box|account|address|addressee|member|alias|username|mail ?drop)s?\b.{0,60}(?:unknown|not found|not known|doesn't exist|does not exist|not exist|don't exist|invalid|not valid|unallocated|not listed|not be found|undeliverable|not recogni[sz]ed|not a valid|not in (?:the )?(?:recipient|directory|user))|(?:unknown|invalid|nonexistent|non-existent|bad|undeliverable|illegal|no valid|not a known|incorrect|wrong|unregistered) (?:\w{1,12} )?(?:user|recipient|mail ?box|address|account|local[- ]part|e-?mail|member|rcpt|person|alias|destination mailbox)|user not local|check if (?:the )?address is correct|no such (?:user|recipient|mail ?box|address|account|person|local user|e-?mail|mail ?drop|name|id)|no (?:mail ?box|user|account|one|recipient) (?:here|by (?:that|this) name|with that name|found)|(?:there is|is|has) no (?:one|user|such|mail ?box|account)|(?:isn't|is not|not) (?:an? )?(?:\w{1,20} )?(?:account|user|customer|known user|mailbox|recipient)(?: here| at|\b)|recip(?:ient)?notfound|not in recipient list|doesn't have an? \S{1,40} account|550 5\.1\.1 .{0,30}rejected|#5\.1\.0 address rejected|unknown local ?-?part|not our customer/,
    reason: "user-unknown",
    source: POSTFIX,
    examples: [
      "550 5.1.1 <x@example.com>: Recipient address rejected: User unknown in virtual mailbox table",
      "550 No such user here",
      "550 5.1.1 Mailbox does not exist",
      "550 Invalid recipient",
      "550 sorry, no mailbox here by that name. (#5.1.1)",
      "550 #5.1.0 Address rejected.",
    ],
  },
  {
    pattern: /unrouteable address/,
    reason: "user-unknown",
    source: EXIM,
    examples: ["550 Unrouteable address"],
  },
];
