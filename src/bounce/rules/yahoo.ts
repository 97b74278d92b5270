// What Yahoo and AOL answer: mostly a tag in square brackets that says more than the code.
import type { Rulebook } from "../rule.ts";

const CODES = "https://senders.yahooinc.com/smtp-error-codes/";
const AOL = "https://postmaster.aol.com/error-codes";

export const yahoo: Rulebook = {
  providers: ["yahoo", "yahoojp", "att"],
  signatures: [
    { provider: "yahoojp", pattern: /yahoo-help\.jp|yahoo\.co\.jp/ },
    {
      provider: "yahoo",
      pattern:
        /\[(?:tss?|bl|ph|gl|rl|auth|sb|cn)\d{1,3}\]|postmaster\.(?:yahoo|verizonmedia|aol)|yahooinc\.com|mail\.(?:\w{2,4}\.)?yahoo\.com|yahoo requires|delivery error: dd |\((?:hvu|rtr|dyn|con|rly|dns):\w\w\)|yahoo\.com account/,
    },
  ],
  hosted: false,
  rules: [
    {
      pattern: /permanently deferred|\[tss?0[39]\]/,
      reason: "blocked",
      // Said with 421 too; trying again does not help.
      hard: true,
      advice:
        "Yahoo will take nothing more from this address however often it is tried. Repair complaints and lists, then ask at https://senders.yahooinc.com/contact.",
      source: CODES,
      examples: [
        "421 4.7.1 [TSS09] All messages from 192.0.2.1 will be permanently deferred; retrying will NOT succeed.",
      ],
    },
    {
      pattern:
        /\[tss?\d{2}\]|unexpected volume|max message per connection|messages from .{0,45}temporarily deferred/,
      reason: "rate-limited",
      advice:
        "Yahoo slows this address down, for its volume or for complaints. Send less at a time and wait some hours; the complaint feedback loop of senders.yahooinc.com shows who complains.",
      source: CODES,
      examples: [
        "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected volume or user complaints",
        "421 Max message per connection reached, closing transmission channel (mta1.mail.bf1.yahoo.com)",
      ],
    },
    {
      pattern:
        /\[auth\d{0,3}\]|sender is unauthenticated|authenticate with either|yahoo requires all senders/,
      reason: "auth",
      advice:
        'Yahoo asks every sender for SPF or DKIM, and large ones for DMARC: publish SPF at the return path\'s domain, sign with d= of the From domain, publish _dmarc TXT "v=DMARC1; p=none".',
      source: "https://senders.yahooinc.com/best-practices/",
      examples: [
        "550 5.7.9 This mail has been blocked because the sender is unauthenticated. Yahoo requires all senders to authenticate.",
      ],
    },
    {
      pattern: /\[bl\d{2}\]/,
      reason: "blocked",
      advice:
        "Yahoo refuses the address because Spamhaus lists it. Look it up and ask for removal at https://check.spamhaus.org.",
      source: CODES,
      examples: [
        "553 5.7.1 [BL21] Connections will not be accepted from 192.0.2.1, because the ip is in Spamhaus's list",
      ],
    },
    {
      pattern: /\[gl\d{2}\]/,
      reason: "greylisted",
      source: CODES,
      examples: ["451 [GL01] Message from (192.0.2.1) temporarily deferred"],
    },
    {
      pattern: /\[ph\d{2}\]|\bmessage not (?:allowed|accepted)|for policy reasons/,
      reason: "policy",
      source: CODES,
      examples: ["554 Message not allowed - [PH01] Email not accepted for policy reasons."],
    },
    {
      pattern: /mailbox is disabled|\(554\.30\)|is no longer valid/,
      reason: "disabled",
      source: CODES,
      examples: ["554 delivery error: dd This mailbox is disabled (554.30). - mta1.mail.ne1.yahoo.com"],
    },
    {
      // Said after the final dot too: Yahoo looks late.
      pattern: /doesn't have a (?:yahoo|\S{1,30}) account|not a valid (?:user|mailbox)|mailbox not found/,
      reason: "user-unknown",
      source: CODES,
      examples: [
        "554 delivery error: dd This user doesn't have a yahoo.com account (x@yahoo.com) - mta1.mail.ne1.yahoo.com",
        "552 1 Requested mail action aborted, mailbox not found",
      ],
    },
    {
      pattern: /\(dns:(?:nr|b\d)\)/,
      reason: "reverse-dns",
      source: AOL,
      examples: ["421 DNS:NR (DNS:NR) https://postmaster.aol.com/error-codes no reverse name"],
    },
    {
      pattern: /\((?:rtr|dyn|con|rly):\w\w\)/,
      reason: "blocked",
      source: AOL,
      examples: ["554 (RTR:BL) https://postmaster.aol.com/error-codes#554rtrbl"],
    },
    {
      pattern: /\(hvu:\w\w\)/,
      reason: "spam",
      source: AOL,
      examples: ["554 5.7.1 (HVU:B1) https://postmaster.aol.com/error-codes#554hvub1"],
    },
  ],
};
