// What real providers say, as they put it on the wire: codes on each line, the provider's own tags, the phase at
// which it comes. Facts for the scripts; what they mean is for the classifier to find out.
import type { Phase } from "../bounce/reason.ts";

export interface KnownReply {
  /** Where in the dialogue the provider says it. */
  phase: Phase;
  /** Lines with "\n" between them. {ip}, {id}, {recipient} and {sender} are filled in. */
  text: string;
}

/** Gmail repeats code and enhanced code on each line and ends with an id of its own and "- gsmtp". */
function gmail(phase: Phase, code: string, enhanced: string, lines: readonly string[]): KnownReply {
  const last = lines.length - 1;
  const text = lines
    .map((line, i) => `${code}${i < last ? "-" : " "}${enhanced} ${line}${i < last ? "" : " {id} - gsmtp"}`)
    .join("\n");
  return { phase, text };
}

// https://support.google.com/a/answer/3726730 (SMTP errors of Gmail and Google Workspace)
const google = {
  "google-no-ptr": gmail("dot", "550", "5.7.25", [
    "[{ip}] The IP address sending this message does not",
    "have a PTR record setup, or the corresponding forward DNS entry does",
    "not match the sending IP. As a policy, Gmail does not accept messages",
    "from IPs with missing PTR records. For more information, go to",
    "https://support.google.com/a?p=sender-guidelines-ip",
    "To learn more about Gmail requirements for bulk senders, visit",
    "https://support.google.com/a?p=sender-guidelines.",
  ]),
  // The wording of 2017, which the founding incident met.
  "google-ipv6-guidelines": gmail("dot", "550", "5.7.1", [
    "[{ip}] Our system has detected that this",
    "message does not meet IPv6 sending guidelines regarding PTR records",
    "and authentication. Please review",
    "https://support.google.com/mail/?p=IPv6AuthError for more information.",
  ]),
  "google-no-ptr-limited": gmail("dot", "421", "4.7.23", [
    "[{ip}] The IP address sending this message does not",
    "have a PTR record setup, or the corresponding forward DNS entry does",
    "not match the sending IP. To protect our users from spam, mail sent",
    "from your IP address has been temporarily rate limited. For more",
    "information, go to https://support.google.com/a?p=sender-guidelines-ip",
  ]),
  "google-unauthenticated": gmail("dot", "550", "5.7.26", [
    "Your email has been blocked because the sender is unauthenticated.",
    "Gmail requires all senders to authenticate with either SPF or DKIM.",
    "Authentication results: DKIM = did not pass,",
    "SPF [{sender}] with ip: [{ip}] = did not pass.",
    "For instructions, go to https://support.google.com/mail/answer/81126#authentication",
  ]),
  "google-rate-limited": gmail("dot", "421", "4.7.28", [
    "Gmail has detected an unusual rate of unsolicited mail originating",
    "from your IP address [{ip}]. To protect our users from spam, mail",
    "sent from your IP address has been temporarily rate limited. For more",
    "information, go to https://support.google.com/mail/?p=UnsolicitedRateLimitError",
  ]),
  "google-user-unknown": gmail("rcpt", "550", "5.1.1", [
    "The email account that you tried to reach does not exist. Please try",
    "double-checking the recipient's email address for typos or",
    "unnecessary spaces. For more information, go to",
    "https://support.google.com/mail/?p=NoSuchUser",
  ]),
  "google-mailbox-full": gmail("rcpt", "552", "5.2.2", [
    "The recipient's inbox is out of storage space and inactive. Please",
    "direct the recipient to",
    "https://support.google.com/mail/?p=OverQuotaPerm",
  ]),
} as const;

// https://sendersupport.olc.protection.outlook.com/pm/troubleshooting and
// https://learn.microsoft.com/exchange/mail-flow-best-practices/non-delivery-reports-in-exchange-online
const microsoft = {
  "outlook-blocked": {
    phase: "mail",
    text:
      "550 5.7.1 Unfortunately, messages from [{ip}] weren't sent. Please contact your Internet service provider " +
      "since part of their network is on our block list (S3140). You can also refer your provider to " +
      "http://mail.live.com/mail/troubleshooting.aspx#errors. [{id}.prod.protection.outlook.com]",
  },
  "outlook-rate-limited": {
    phase: "mail",
    text:
      "451 4.7.650 The mail server [{ip}] has been temporarily rate limited due to IP reputation. For e-mail " +
      "delivery information, see https://postmaster.live.com (S775) [{id}.prod.protection.outlook.com]",
  },
  "outlook-user-unknown": {
    phase: "rcpt",
    text: "550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302). [{id}.prod.protection.outlook.com]",
  },
  "microsoft365-user-unknown": {
    phase: "rcpt",
    text:
      "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient {recipient} not found by SMTP address lookup " +
      "[{id}.prod.outlook.com]",
  },
  "microsoft365-tenant-rule": {
    phase: "dot",
    text: "550 5.7.129 RESOLVER.RST.RestrictedToRecipientsPermission; not authorized to send to recipient [{id}.prod.outlook.com]",
  },
} as const;

// https://senders.yahooinc.com/smtp-error-codes/
const yahoo = {
  "yahoo-deferred": {
    phase: "mail",
    text:
      "421 4.7.0 [TSS04] Messages from {ip} temporarily deferred due to unexpected volume or user complaints - " +
      "4.16.55.1; see https://postmaster.yahooinc.com/error-codes",
  },
  "yahoo-permanently-deferred": {
    phase: "mail",
    text:
      "421 4.7.1 [TS03] All messages from {ip} will be permanently deferred; Retrying will NOT succeed. " +
      "See https://postmaster.yahooinc.com/error-codes",
  },
  "yahoo-user-unknown": {
    phase: "dot",
    text: "554 delivery error: dd This user doesn't have a yahoo.com account ({recipient}) [0] - {id}.mail.yahoo.com",
  },
} as const;

const others = {
  // https://support.apple.com/102322
  "apple-policy": {
    phase: "dot",
    text: "550 5.7.1 [CS01] Message rejected due to local policy. Please visit https://support.apple.com/en-us/HT204137",
  },
  "apple-user-unknown": { phase: "rcpt", text: "550 5.1.1 <{recipient}>: user does not exist" },
  "apple-mailbox-full": { phase: "rcpt", text: "552 5.2.2 <{recipient}>: user is over quota" },
  // https://postmaster.orange.fr and https://www.postmastery.com/orange-postmaster-smtp-error-codes-ofr/
  "orange-spam": { phase: "dot", text: "550 5.2.0 Mail rejete. Mail rejected. OFR_506 [506]" },
  "orange-user-unknown": {
    phase: "rcpt",
    text: "550 5.1.1 {id} Adresse d au moins un destinataire invalide. Invalid recipient. OFR_416 [416]",
  },
  "orange-busy": {
    phase: "dot",
    text: "421 4.2.0 Service refuse. Veuillez essayer plus tard. Service refused, please try later. OFR_505 [505]",
  },
  // Postfix with Postgrey: https://postgrey.schweikert.ch/
  greylisted: {
    phase: "rcpt",
    text: "450 4.2.0 <{recipient}>: Recipient address rejected: Greylisted, please try again in 300 seconds",
  },
  // Postfix, reject_unlisted_recipient: https://www.postfix.org/postconf.5.html
  "user-unknown": {
    phase: "rcpt",
    text: "550 5.1.1 <{recipient}>: Recipient address rejected: User unknown in virtual mailbox table",
  },
  // Postfix, reject_rbl_client: https://www.postfix.org/postconf.5.html
  "block-list": {
    phase: "rcpt",
    text:
      "554 5.7.1 Service unavailable; Client host [{ip}] blocked using zen.spamhaus.org; " +
      "https://www.spamhaus.org/query/ip/{ip}",
  },
  // RFC 5321 section 3.1: 554 in place of the greeting.
  "banner-block-list": {
    phase: "connect",
    text: "554 mx.example.net Your access to this mail system has been rejected; {ip} is on a block list",
  },
  "too-many-connections": { phase: "connect", text: "421 4.7.0 Too many concurrent connections from {ip}" },
} as const;

export const REPLIES = { ...google, ...microsoft, ...yahoo, ...others } as const satisfies Record<
  string,
  KnownReply
>;
export type ReplyName = keyof typeof REPLIES;
