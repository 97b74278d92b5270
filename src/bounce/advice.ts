// The reasons in words for people: what each means, and what to do when no rule knows better. Three readers use it:
// support in the console, the engineer at the hold, the report.
import type { Reason } from "./reason.ts";

const WORDS: Readonly<Record<Reason, { means: string; advice: string }>> = {
  auth: {
    means: "the mail does not prove that it comes from its domain (SPF, DKIM, DMARC)",
    advice:
      'Publish SPF at the return path\'s domain (TXT "v=spf1 ip4:192.0.2.1 ~all" with the real addresses), sign with DKIM for the From domain, and publish _dmarc.example.com TXT "v=DMARC1; p=none". The check before launch shows which of them is missing.',
  },
  "reverse-dns": {
    means: "the sending server's address has no reverse DNS name",
    advice:
      "Ask whoever owns the sending address (the hosting company) for a PTR record to the server's full name, and give that name an A or AAAA record with the same address. IPv6 needs its own.",
  },
  blocked: {
    means: "the provider blocks the sending address or domain",
    advice:
      "Look up the sending address at https://check.spamhaus.org and at the page that the reply names, repair the cause, and apply for removal there.",
  },
  policy: {
    means: "the provider's policy refuses this sender",
    advice:
      "Read the reply: it names the rule. Check the sender address, the name in EHLO and the login of the route; where it is one organisation's rule, its administrator must allow the sender.",
  },
  "rate-limited": {
    means: "too much mail in too short a time",
    advice:
      "Send more slowly: fewer connections, a lower rate for this provider. The sending goes on by itself when the provider takes mail again.",
  },
  tls: {
    means: "the connection is not encrypted as the provider demands",
    advice: "Turn TLS on for this route and check the certificate and its date; TLS 1.2 or newer is needed.",
  },
  "relay-denied": {
    means: "the server does not take mail for this domain from us",
    advice:
      "With a relay: allow this host or set user and password. Sent directly: the MX of that domain points to a server that does not know it, which only its owner can repair.",
  },
  "suppressed-by-relay": {
    means: "the relay keeps this address on its own list and did not send",
    advice:
      "Take the address off the relay's suppression list if it is known to work, then send to it again.",
  },
  "user-unknown": {
    means: "there is no such mailbox",
    advice: "Ask the client for a working address by another way; until then this one gets no more mail.",
  },
  "host-unknown": {
    means: "the domain of the address does not exist or takes no mail",
    advice: "Look for a typing error in the domain; otherwise ask the client for a working address.",
  },
  disabled: {
    means: "the mailbox is closed",
    advice: "Ask the client for another address by another way.",
  },
  "mailbox-full": {
    means: "the mailbox is full",
    advice:
      "Nothing to do here: the mailbox's owner must make room. Tell the client by another way if it is urgent.",
  },
  greylisted: {
    means: "the provider asks to come back in some minutes",
    advice: "Nothing to do: it is tried again by itself.",
  },
  network: {
    means: "the provider's server could not be reached",
    advice:
      "It is tried again by itself. When it happens with every provider, look at this server's own connection, firewall and port 25.",
  },
  system: {
    means: "the provider has a trouble of its own",
    advice: "Nothing to do: it is tried again by itself.",
  },
  expired: {
    means: "the mail waited too long and was given up",
    advice: "Look at what the tries before it said; then send again, or tell the client by another way.",
  },
  spam: {
    means: "the provider takes the text of this mail for spam",
    advice:
      "Change the mail (links, subject, pictures without text) and try it with a few recipients first; look at the domains of its links at https://check.spamhaus.org.",
  },
  virus: {
    means: "the provider takes an attachment or link for dangerous",
    advice: "Take the attachment or link out of the template, and scan it.",
  },
  "too-big": {
    means: "the mail is too big",
    advice: "Make the mail smaller: link to pictures and files instead of carrying them.",
  },
  malformed: {
    means: "the mail or the dialogue breaks a standard",
    advice:
      "Compare the mail (preview as .eml) with what the reply names: a header twice, an invalid address, a line over 998 characters. If it comes from a relay, ask its operator.",
  },
  filtered: {
    means: "the recipient does not want mail from this sender",
    advice: "Tell this client by another way, and ask to have the sender allowed.",
  },
  complaint: {
    means: "the recipient marked the mail as spam",
    advice: "Send this client nothing more that is not required, and look at why the mail was unwelcome.",
  },
  "auto-reply": {
    means: "an automatic answer, the mail arrived",
    advice: "Nothing to do.",
  },
  notice: {
    means: "news of a mail on its way, no failure",
    advice: "Nothing to do.",
  },
  "not-a-bounce": {
    means: "not a report about a mail of ours",
    advice: "Nothing to do; somebody may want to read it.",
  },
  unclassified: {
    means: "the provider refused without a reason that is known",
    advice:
      "Read the reply itself. If it comes again, the provider's postmaster page or its support knows what it means.",
  },
};

/** What to do, in one or two plain sentences. */
export function adviceFor(reason: Reason): string {
  return WORDS[reason].advice;
}

/** What the reason means, as the end of a sentence: "the sending server's address has no reverse DNS name". */
export function describeReason(reason: Reason): string {
  return WORDS[reason].means;
}
