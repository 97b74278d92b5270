// What further mailbox providers say in words of their own: Tencent QQ, Mail.ru, GMX and web.de, Comcast and Cox,
// Zoho. Each knows a few replies only; the rest is generic.
import type { Rulebook } from "../rule.ts";

const QQ = "https://service.mail.qq.com/detail/122";
const MAILRU = "https://help.mail.ru/notspam-support/errors";
const GMX = "https://postmaster.gmx.net/en/error-messages";
const COMCAST = "http://postmaster.comcast.net/mail-error-codes.html";

export const qq: Rulebook = {
  providers: ["qq"],
  signatures: [{ provider: "qq", pattern: /mail\.qq\.com/ }],
  hosted: false,
  rules: [
    {
      pattern: /frequency limited|connection frequency/,
      reason: "rate-limited",
      source: QQ,
      examples: ["550 Ip frequency limited. http://service.mail.qq.com/cgi-bin/help"],
    },
    {
      pattern: /spam sender|suspected bounce/,
      reason: "blocked",
      source: QQ,
      examples: ["550 Suspected spam sender. http://service.mail.qq.com/cgi-bin/help"],
    },
    {
      pattern: /mail content denied|content refused/,
      reason: "spam",
      source: QQ,
      examples: ["550 Mail content denied. http://service.mail.qq.com/cgi-bin/help"],
    },
    {
      pattern: /mailbox not found|mailbox unavailable or access denied/,
      reason: "user-unknown",
      source: QQ,
      examples: ["550 Mailbox not found. http://service.mail.qq.com/cgi-bin/help"],
    },
  ],
};

export const mailru: Rulebook = {
  providers: ["mailru"],
  signatures: [{ provider: "mailru", pattern: /(?:help|corp)\.mail\.ru|\.mail\.ru (?:esmtp|said)/ }],
  hosted: false,
  rules: [
    {
      pattern: /spam message rejected|message rejected under suspicion/,
      reason: "spam",
      source: MAILRU,
      examples: ["550 spam message rejected. Please visit http://help.mail.ru/notspam-support/id?c=x"],
    },
    {
      pattern: /ratelimit|try again later|receives too many/,
      reason: "rate-limited",
      replyClass: 4,
      source: MAILRU,
      examples: ["451 Ratelimit exceeded. http://help.mail.ru/mail-help/errors"],
    },
    {
      pattern: /invalid mailbox|local mailbox .{0,20}unavailable|no such message account/,
      reason: "user-unknown",
      source: MAILRU,
      examples: ["550 Message was not accepted -- invalid mailbox. See http://help.mail.ru/mail-help"],
    },
  ],
};

export const unitedinternet: Rulebook = {
  providers: ["unitedinternet"],
  signatures: [
    {
      provider: "unitedinternet",
      pattern: /postmaster\.(?:gmx|web|mail|1und1|1and1)\.|\b(?:gmx\.net|web\.de|kundenserver\.de) \(/,
    },
  ],
  hosted: false,
  rules: [
    {
      pattern: /bad dns ptr/,
      reason: "reverse-dns",
      source: GMX,
      examples: ["554 gmx.net (mxgmx001) Nemesis ESMTP Service not available. Bad DNS PTR resource record."],
    },
    {
      pattern: /invalid dns (?:mx|a\/|soa)/,
      reason: "policy",
      advice: "The domain of the return path needs an MX or A record that can receive mail.",
      source: GMX,
      examples: [
        "550 Requested action not taken: Invalid DNS MX or A/AAAA resource record. See https://postmaster.gmx.net/en/error-messages",
      ],
    },
    {
      pattern: /reject due to policy/,
      reason: "policy",
      source: GMX,
      examples: [
        "554 Transaction failed. Reject due to policy restrictions. https://postmaster.web.de/en/error-messages",
      ],
    },
    {
      pattern: /ip address is (?:black|block) ?listed/,
      reason: "blocked",
      source: GMX,
      examples: [
        "554 Service not available. IP address is block listed. https://postmaster.gmx.net/en/error-messages",
      ],
    },
    {
      pattern: /mailbox unavailable/,
      reason: "user-unknown",
      replyClass: 5,
      source: GMX,
      examples: [
        "550 Requested action not taken: mailbox unavailable. https://postmaster.gmx.net/en/error-messages",
      ],
    },
  ],
};

export const comcast: Rulebook = {
  providers: ["comcast", "cox"],
  signatures: [
    { provider: "comcast", pattern: /comcast/ },
    { provider: "cox", pattern: /\.cox\.(?:net|com)\b/ },
  ],
  hosted: false,
  rules: [
    {
      pattern: /\b(?:rl|bl)0{3}\d{3}\b/,
      reason: "blocked",
      source: COMCAST,
      examples: ["554 imta01.comcast.net 192.0.2.1 found on one or more DNSBLs, see BL000001"],
    },
    {
      pattern: /\bunallocated\b|not our customer/,
      reason: "user-unknown",
      source: COMCAST,
      examples: ["550 5.1.1 <x@comcast.net> recipient mailbox unallocated"],
    },
    {
      pattern: /\baup#/,
      reason: "blocked",
      advice:
        'Cox blocks the sending address; the words after "AUP#" say by which list. Write to unblock.request@cox.net.',
      source: "https://www.cox.com/residential/support/email-error-codes.html",
      examples: [
        "550 5.1.0 sender rejected. https://www.cox.com/residential/support/email-error-codes.html AUP#CDRBL",
      ],
    },
  ],
};

export const messagelabs: Rulebook = {
  providers: ["messagelabs"],
  signatures: [{ provider: "messagelabs", pattern: /messagelabs\.com/ }],
  hosted: true,
  rules: [
    {
      pattern: /^542 .{0,80}rejected/,
      reason: "user-unknown",
      source: "https://knowledge.broadcom.com/external/article/164767",
      examples: ["542 x@example.com Rejected (server-1.messagelabs.com)"],
    },
  ],
};

export const zoho: Rulebook = {
  providers: ["zoho"],
  signatures: [{ provider: "zoho", pattern: /\bmx\d?\.zoho(?:mail)?\.|zoho\.(?:com|eu)\// }],
  hosted: true,
  rules: [
    {
      pattern: /mailpolicy violation|restricted by policy|rejected by destination domain/,
      reason: "policy",
      scope: "organisation",
      source: "https://www.zoho.com/mail/help/bounce-mails.html",
      examples: ["554 5.2.3 MailPolicy violation Error delivering to mailboxes,mx.zoho.com"],
    },
  ],
};
