// What Gmail and Google Workspace answer. Authentication, missing PTR and reputation come as 5.7.1 too, and as
// 421 that mean us: the words decide, the codes only help (enhanced.ts).
import type { Rulebook } from "../rule.ts";

const ERRORS = "https://support.google.com/a/answer/3726730";
const GUIDELINES = "https://support.google.com/mail/answer/81126";

export const google: Rulebook = {
  providers: ["google"],
  signatures: [
    {
      provider: "google",
      pattern:
        /\bgsmtp\b|support\.google\.com|groups\.google\.com\/support|gmail has detected|to gmail,|gmail (?:requires|does not accept)|mail\.google\.com/,
    },
  ],
  hosted: false,
  rules: [
    {
      pattern: /groups\.google\.com\/support|customfromdenied/,
      reason: "policy",
      scope: "organisation",
      advice:
        "A Google group or account does not let this sender write: its owner must allow strangers to post, or the address of the sender must be allowed.",
      source: "https://support.google.com/groups/answer/2464926",
      examples: [
        "You might not have permission to post messages to the group. https://groups.google.com/support/",
        "https://support.google.com/mail/?p=CustomFromDenied Smtp server does not advertise AUTH capability",
      ],
    },
    {
      pattern: /spam classification/,
      reason: "spam",
      scope: "organisation",
      advice:
        "A Google group refused the mail as spam. Its owner can let such mail wait for moderation instead.",
      source: "https://support.google.com/a/answer/10025753",
      examples: [
        "Your email to group x@example.com was rejected due to spam classification. https://support.google.com",
      ],
    },
    {
      pattern: /does not meet ipv6 sending guidelines|ipv6autherror/,
      reason: "reverse-dns",
      advice:
        "Gmail refuses this server's IPv6 address: give it a PTR record (name.ip6.arpa PTR mail.example.com.) and that name an AAAA record with the same address, or let the mail leave by IPv4 only.",
      source: GUIDELINES,
      examples: [
        "550-5.7.1 [2001:db8::25] This message does not meet IPv6 sending guidelines regarding PTR records and\r\n550 5.7.1 authentication. https://support.google.com/mail/?p=IPv6AuthError - gsmtp",
      ],
    },
    {
      pattern: /\bptr record|does not match the ip address of the hostname/,
      reason: "reverse-dns",
      advice:
        "Ask whoever owns the sending address (the hosting company) for a PTR record to the server's full name, and give that name an A or AAAA record with the same address; IPv6 and IPv4 each need theirs.",
      source: ERRORS,
      examples: [
        "550 5.7.25 [192.0.2.1] The IP address sending this message does not have a PTR record setup - gsmtp",
        "421 4.7.23 The sending IP address doesn't have a PTR record; your email has been temporarily rate limited. - gsmtp",
        "550 5.7.25 [2001:db8::1] does not match the IP address of the hostname - gsmtp",
      ],
    },
    {
      pattern: /authenticate (?:their email )?with dkim\b|dkim does not pass|dkim authentication did ?n[o']t/,
      reason: "auth",
      advice:
        'Sign every mail with DKIM: publish selector._domainkey.example.com TXT "v=DKIM1; k=rsa; p=..." and check that the relay signs with that selector and the domain of the From address.',
      source: ERRORS,
      examples: [
        "550 5.7.30 This mail has been blocked because DKIM does not pass. - gsmtp",
        "421 4.7.30 Gmail requires large senders to authenticate with DKIM. - gsmtp",
      ],
    },
    {
      pattern:
        /senders to authenticate with spf\b|spf (?:record with a hard fail|does not pass)|the spf record of the sending/,
      reason: "auth",
      advice:
        'Publish SPF for the domain of the return path, naming every address that mail leaves from: example.com TXT "v=spf1 ip4:192.0.2.1 ip6:2001:db8::1 ~all".',
      source: ERRORS,
      examples: [
        "550 5.7.27 SPF did not pass. Gmail requires all senders to authenticate with SPF. - gsmtp",
        "550-5.7.26 The MAIL FROM domain [example.com] has an SPF record with a 550-5.7.26 hard fail policy (-all) - gsmtp",
      ],
    },
    {
      pattern: /dmarc/,
      reason: "auth",
      advice:
        'Publish _dmarc.example.com TXT "v=DMARC1; p=none" for the domain of the From address, and let SPF\'s return path or the DKIM signature (d=) be of that same domain, so that one of them aligns.',
      source: ERRORS,
      examples: [
        "550 5.7.26 Unauthenticated email from example.com is not accepted due to domain's DMARC policy. - gsmtp",
        "421 4.7.32 This mail has been rate limited because there is no DMARC alignment. - gsmtp",
      ],
    },
    {
      pattern:
        /aligned with either|unauthenticated (?:e-?mail|message)|sender is unauthenticated|it is unauthenticated|authentication (?:information|checks)|authenticate with either spf or dkim/,
      reason: "auth",
      advice:
        'Gmail could authenticate this mail neither by SPF nor by DKIM. Publish SPF (TXT "v=spf1 ip4:192.0.2.1 ~all" at the return path\'s domain) and sign with DKIM for the From domain; both is better.',
      source: GUIDELINES,
      examples: [
        "550 5.7.26 This mail has been blocked because the sender is unauthenticated. Authentication results: DKIM = did not pass SPF = did not pass - gsmtp",
        "421 4.7.32 The From: header is not aligned with either the authenticated SPF or DKIM domain - gsmtp",
      ],
    },
    {
      pattern: /tls required|must issue a starttls|starttls may not|to use tls|not sent over a tls/,
      reason: "tls",
      source: ERRORS,
      examples: [
        "421 4.7.0 TLS required for RCPT domain, closing connection. - gsmtp",
        "550 5.7.29 Gmail requires all bulk email senders to use TLS/SSL for SMTP - gsmtp",
      ],
    },
    {
      pattern: /receivingrate|receiving mail (?:too quickly|at a rate)|rate that prevents additional/,
      reason: "rate-limited",
      scope: "recipient",
      // Google says "Perm" and means this hour.
      hard: false,
      advice:
        "This one mailbox gets too much mail from everybody just now. It is tried again later; nothing is wrong with the sender.",
      source: "https://support.google.com/mail/answer/22839",
      examples: [
        "450 4.2.1 The user you are trying to contact is receiving mail too quickly. https://support.google.com/mail/?p=ReceivingRate - gsmtp",
        "550-5.2.1 The user is receiving mail at a rate that\r\n550 5.2.1 prevents delivery. https://support.google.com/mail/?p=ReceivingRatePerm - gsmtp",
      ],
    },
    {
      pattern: /daily (?:smtp relay|user|sending)|smtp relay (?:sending )?limit|sending limit/,
      reason: "rate-limited",
      advice:
        "The Google account that relays has reached its daily limit. Wait until it is free again, or send over another route.",
      source: "https://support.google.com/a/answer/6140680",
      examples: ["550 5.4.5 Daily SMTP relay limit exceeded for customer. - gsmtp"],
    },
    {
      pattern: /same message-id/,
      reason: "policy",
      advice: "Many mails carried one Message-ID. Each mail needs its own.",
      source: "https://support.google.com/mail/answer/188131",
      examples: [
        "421 4.7.28 Gmail has detected this message exceeded its quota for messages with the same Message-ID: - gsmtp",
      ],
    },
    {
      pattern: /unusual rate of|unsolicitedratelimit/,
      reason: "rate-limited",
      advice:
        "Gmail finds the rate from this address or domain unusual. Slow down, let the volume grow over days, and look at the domain in postmaster.google.com: a spam rate above 0.3 % is the usual cause.",
      source: "https://support.google.com/mail/?p=UnsolicitedRateLimitError",
      examples: [
        "421 4.7.28 Gmail has detected an unusual rate of unsolicited mail originating 421-4.7.28 from your IP address. - gsmtp",
      ],
    },
    {
      pattern: /low reputation|bad reputation/,
      reason: "blocked",
      advice:
        "Gmail gives this address or domain a very low reputation. Stop, look at postmaster.google.com, repair authentication and complaints, begin again slowly; the form is support.google.com/mail/contact/gmail_bulk_sender_escalation.",
      source: "https://support.google.com/mail/answer/188131",
      examples: [
        "550 5.7.1 This message is likely suspicious due to the very low reputation of the sending domain. - gsmtp",
      ],
    },
    {
      pattern: /not in whitelist for rcpt|ip not in allowlist/,
      reason: "blocked",
      scope: "organisation",
      advice:
        "This organisation takes mail from listed addresses only: ask its administrator to add the sending address to the inbound gateway or allowlist in the Google Admin console.",
      source: "https://support.google.com/a/answer/60752",
      examples: ["421 4.7.0 IP not in whitelist for RCPT domain, closing connection. - gsmtp"],
    },
    {
      pattern: /not authorized to send (?:e-?mail|mail) directly/,
      reason: "blocked",
      advice:
        "Gmail takes no mail from this range of addresses (home or dynamic lines). Send through the provider's relay or from a server address.",
      source: "https://support.google.com/mail/answer/10336",
      examples: [
        "550 5.7.1 The IP you're using to send mail is not authorized to send email directly to our servers. - gsmtp",
      ],
    },
    {
      pattern: /mail relay denied|credentials for relay/,
      reason: "relay-denied",
      source: "https://support.google.com/a/answer/6140680",
      examples: ["550 5.7.0 Mail relay denied [192.0.2.1]. Invalid credentials for relay - gsmtp"],
    },
    {
      pattern:
        /too many login attempts|authentication required|application-specific password|log in (?:with|through)|username and password|mail sending denied/,
      reason: "policy",
      advice: "Google asks the relay's user to log in. Check user and app password of the route.",
      source: ERRORS,
      examples: [
        "535 5.7.8 Username and Password not accepted. - gsmtp",
        "530 5.7.0 Authentication Required. - gsmtp",
      ],
    },
    {
      pattern: /has a policy that prohibited/,
      reason: "policy",
      scope: "organisation",
      source: "https://support.google.com/a/answer/172179",
      examples: [
        "550 5.7.1 The user or domain that you are sending to (or from) has a policy that prohibited the mail - gsmtp",
      ],
    },
    {
      pattern: /illegal attachment|security issue|content presents a potential/,
      reason: "virus",
      advice:
        "The mail carries a file or link of a kind that Gmail never takes (programs, archives of programs). Take it out of the template.",
      source: "https://support.google.com/mail/answer/6590",
      examples: [
        "552 5.7.0 This message was blocked because its content presents a potential security issue. - gsmtp",
      ],
    },
    {
      pattern: /nature of the content|unsolicited (?:mail|message)|likely unsolicited|suspicious/,
      reason: "spam",
      advice:
        "Gmail takes the text or a link of this mail for spam. Look at the links' domains and at postmaster.google.com, change the mail, try a few first.",
      source: "https://support.google.com/mail/?p=UnsolicitedMessageError",
      examples: [
        "550-5.7.1 [192.0.2.1] Gmail has detected that this message is likely\r\n550-5.7.1 unsolicited mail.\r\n550 5.7.1 - gsmtp",
        "421 4.7.0 This message is suspicious due to the nature of the content or the links within. - gsmtp",
      ],
    },
    {
      pattern: /overquota|over quota|out of storage|email quota exceeded/,
      reason: "mailbox-full",
      source: "https://support.google.com/mail/?p=OverQuotaTemp",
      examples: [
        "452-4.2.2 The recipient's inbox is out of storage space.\r\n452 4.2.2 https://support.google.com/mail/?p=OverQuotaTemp - gsmtp",
        "552 5.2.2 The account is over quota. - gsmtp",
      ],
    },
    {
      pattern: /tried to reach is (?:disabled|inactive)|disableduser/,
      reason: "disabled",
      source: "https://support.google.com/mail/?p=DisabledUser",
      examples: [
        "550 5.2.1 The email account that you tried to reach is disabled. https://support.google.com/mail/?p=DisabledUser - gsmtp",
      ],
    },
    {
      pattern: /nosuchuser|tried to reach does not exist|recipient address @? ?.{0,40}not a valid rfc/,
      reason: "user-unknown",
      source: "https://support.google.com/mail/?p=NoSuchUser",
      examples: [
        "550-5.1.1 The email account that you tried to reach does not exist. Please try\r\n550 5.1.1 https://support.google.com/mail/?p=NoSuchUser - gsmtp",
        "553 5.1.3 The recipient address <a..b@example.com> is not a valid RFC 5321 address. - gsmtp",
      ],
    },
    {
      pattern: /find the recipient domain/,
      reason: "host-unknown",
      source: ERRORS,
      examples: ["553 5.1.2 We weren't able to find the recipient domain. - gsmtp"],
    },
    {
      pattern: /sender address .{0,60}not a valid rfc/,
      reason: "malformed",
      source: ERRORS,
      examples: ["553 5.1.7 The sender address <a..b@example.com> is not a valid RFC 5321 address. - gsmtp"],
    },
    {
      pattern: /temporary system problem|temporarily rejected message|server busy/,
      reason: "system",
      source: ERRORS,
      examples: ["421 4.3.0 Temporary System Problem. Try again later. - gsmtp"],
    },
  ],
};
