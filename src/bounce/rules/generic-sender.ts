// Generic words that say: it is about you, the sender. Authentication, reverse DNS, TLS, pace, relaying, block
// lists, the sender's address. More particular rules come first.
import type { Rule } from "../rule.ts";

const GUIDELINES = "https://support.google.com/mail/answer/81126";
const POSTFIX = "https://www.postfix.org/postconf.5.html";
const EXIM = "https://www.exim.org/exim-html-current/doc/html/spec_html/";
const RFC3463 = "https://www.rfc-editor.org/rfc/rfc3463";
const SMTP_AUTH = "https://www.rfc-editor.org/rfc/rfc4954";
const DNSBL = "https://www.rfc-editor.org/rfc/rfc5782";

export const genericSender: readonly Rule[] = [
  {
    pattern: /messages with the same message-id/,
    reason: "policy",
    source: "https://support.google.com/mail/answer/188131",
    examples: ["421 4.7.28 You are sending messages with the same Message-ID"],
  },
  {
    pattern:
      /suppression list|(?:recipient|address)(?: has been| is)? suppressed|suppressed due to|previously bounced/,
    reason: "suppressed-by-relay",
    scope: "recipient",
    source: "https://docs.aws.amazon.com/ses/latest/dg/sending-email-suppression-list.html",
    examples: [
      "550 5.1.1 Amazon SES has suppressed: address is on the suppression list for your account",
      "605 Not delivering to previously bounced address",
    ],
  },
  {
    pattern:
      /\b(?:ptr|rdns)\b|reverse[- ]?(?:dns|hostname|host name|lookup|mapping|name|record|resolution)|inverse (?:dns|address)|cannot find your (?:reverse )?host|ip name lookup failed|no name for your (?:ip|address)|unverifyable sending ip|unresolvable relay host|does not match the ip address of|(?:client|sending|your) ip (?:address )?.{0,45}(?:does not|doesn't|not) resolve/,
    reason: "reverse-dns",
    source: "https://www.rfc-editor.org/rfc/rfc1912#section-2.1",
    examples: [
      "450 4.7.25 Client host rejected: cannot find your reverse hostname, [192.0.2.1]",
      "554 No PTR record for 192.0.2.1",
      "550 5.7.1 Fix reverse DNS for 192.0.2.1",
      "450 4.7.1 Access denied. IP name lookup failed [192.0.2.1]",
    ],
  },
  {
    pattern: /dmarc/,
    reason: "auth",
    source: "https://www.rfc-editor.org/rfc/rfc7489",
    examples: ["550 5.7.0 Email rejected per DMARC policy of example.com"],
  },
  {
    pattern: /\bspf\b|sender policy framework/,
    reason: "auth",
    advice:
      'Publish SPF at the domain of the return path and name every address that mail leaves from: TXT "v=spf1 ip4:192.0.2.1 ip6:2001:db8::1 ~all".',
    source: "https://www.rfc-editor.org/rfc/rfc7208",
    examples: [
      "550 5.7.23 SPF validation failed",
      "550 rejected because of Sender Policy Framework violation",
    ],
  },
  {
    pattern: /\bdkim\b|domainkeys/,
    reason: "auth",
    advice:
      'Sign with DKIM for the domain of the From address and publish its key: selector._domainkey.example.com TXT "v=DKIM1; k=rsa; p=...".',
    source: "https://www.rfc-editor.org/rfc/rfc6376",
    examples: ["554 5.7.20 No valid DKIM signature found"],
  },
  {
    // There is none where From and Sender are missing or broken; nothing was checked.
    pattern: /(?:determine|missing|no) (?:the )?purported responsible/,
    reason: "policy",
    advice: "Write one address of your own in the header From, and in Sender where several write.",
    source: "https://www.rfc-editor.org/rfc/rfc4407",
    examples: ["550 5.7.1 Missing purported responsible address"],
  },
  {
    pattern:
      /(?:e-?mail|message|sender) is unauthenticated|unauthenticated (?:e-?mail|message)|authentication (?:checks|information)|purported responsible|sender id failed|no authentication results/,
    reason: "auth",
    source: GUIDELINES,
    examples: ["550 This message fails to pass authentication checks", "550 the sender is unauthenticated"],
  },
  {
    pattern:
      /(?:starttls|\btls\b|\bssl\b).{0,60}(?:require|must|first|support|fail|error|negotiat|handshake|version|not available|unavailable|repeat)|(?:require|must|need|fail|issue|use|without|no|error).{0,40}(?:starttls|\btls\b)|encryption (?:is )?(?:required|needed)|mta-sts|\bdane\b|dnssec|\btlsa\b|certificate|ciphers/,
    reason: "tls",
    source: "https://www.rfc-editor.org/rfc/rfc3207",
    examples: [
      "530 5.7.0 Must issue a STARTTLS command first",
      "454 4.7.0 TLS not available due to local problem",
      "550 5.7.10 Encryption needed",
    ],
  },
  {
    pattern:
      /rate that prevents additional|(?:recipient|user|mailbox)\b.{0,60}(?:receiving (?:mail|messages)|message rate limit|receive limit|messages they can receive|too many messages recently)|receive limit exceeded/,
    reason: "rate-limited",
    scope: "recipient",
    hard: false,
    advice: "This one mailbox gets more mail than it may just now. It is tried again later.",
    source: "https://yandex.com/support/mail/bounces/yandex.html",
    examples: ["450 4.2.1 The recipient has exceeded message rate limit. Try again later."],
  },
  {
    pattern:
      /too (?:many|much) (?:\w{1,20} ){0,3}(?:connections?|messages?|recipients?|e?-?mails?|sessions?|errors|rcpts?|hourly|traffic)|rate[- ]?limit|throttl|(?:too|so) (?:fast|quickly|frequently|often)\b|slower|slow down|frequency limited|unusual rate|(?:sending|message|delivery|mail) (?:rate|volume)|(?:sending|message|delivery|relay) (?:limit|quota)|permitted limits|exceeded threshold|(?:daily|hourly) .{0,24}(?:limit|quota)|per (?:hour|minute|day)\b|excessive (?:volume|number|rate|connections)|unexpected volume|concurrent connections|(?:connections?|recipients?|session|thread|connection rate) limit|max(?:imum)? (?:\w{1,12} )?(?:messages?|connections?|recipients?) |exceeded .{0,30}(?:connections|recipients)|per connection|this hour/,
    reason: "rate-limited",
    source: RFC3463,
    examples: [
      "421 4.7.0 Too many connections from 192.0.2.1",
      "452 4.5.3 Too many recipients",
      "451 4.7.1 Client host rejected: Please try again slower",
      "421 Max message per connection reached",
    ],
  },
  {
    pattern:
      /credentials for relay|relay(?:ing)?\b.{0,24}(?:denied|not (?:permitted|allowed|authorized|supported|configured)|disallowed|prohibited|refused|rejected|forbidden)|(?:unable|permitted|allowed|configured|authorized|authorised|refused?|cannot|can't|will not|won't|don't|do not|denied|no|open|not a) (?:to )?(?:\w{1,10} )?relay(?:ing)?\b|rcpthosts|not (?:an? )?local (?:domain|host|recipient)|(?:domain|host) (?:is )?not (?:hosted|handled) (?:here|by)/,
    reason: "relay-denied",
    source: POSTFIX,
    examples: [
      "554 5.7.1 <x@example.com>: Relay access denied",
      "550 5.7.1 Unable to relay",
      "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)",
      "550 relay not permitted",
    ],
  },
  {
    pattern: /\b(?:e-?mail|sender|from|an) address(?:es)?\b.{0,40}\bblack-?list/,
    reason: "policy",
    advice:
      "The server refuses the sender's address, not the server that sends: ask the recipient's administrator to take it off the list.",
    source: "https://knowledge.broadcom.com/external/article/173082",
    examples: ["553 Sorry, your email address has been blacklisted"],
  },
  {
    pattern:
      /spamhaus|\bs?bl ?listed|\brbl\b|dns ?(?:bl|rbl)|rblsmtpd|blackhole|(?:black|block|deny)[- ]?list|spamcop|sorbs\.net|uceprotect|abusix|senderscore|csi\.cloudmark|cloudmark sender|barracudacentral|blocked (?:using|by \S{1,60}\.(?:org|net|com))|prs\.proofpoint|found on one or more/,
    reason: "blocked",
    advice:
      "A block list names the sending address: look it up at the list that the reply names (for Spamhaus https://check.spamhaus.org), repair the cause, apply there for removal.",
    source: DNSBL,
    examples: [
      "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org",
      "550 Your IP is blacklisted",
      "554 RBL Reject.",
      "550 IP address is block listed",
    ],
  },
  {
    pattern: /reputation/,
    reason: "blocked",
    source: "https://sendersupport.olc.protection.outlook.com/pm/troubleshooting",
    examples: ["554 5.7.1 Connection refused due to bad reputation", "421 poor reputation of your domain"],
  },
  {
    pattern:
      /(?:helo|ehlo)\b.{0,50}(?:invalid|rejected|denied|bad|must|fake|forged|refused|need|mismatch|match)|(?:invalid|bad|fake|forged|wrong) (?:helo|ehlo)/,
    reason: "policy",
    advice:
      "The name that the server says in EHLO is refused: set it to the server's full name, which must have an A or AAAA record of the sending address.",
    source: POSTFIX,
    examples: [
      "550 5.7.1 <localhost>: Helo command rejected: Host not found",
      "501 5.5.4 HELO/EHLO argument is invalid",
    ],
  },
  {
    pattern:
      /\b(?:spam|suspected|bad|known) (?:sender|source|host)\b|spammers?\b|spamming|spam abuse|dynamic ip|dynamic(?:ally)? (?:address|assigned|pool)|residential|smtp (?:server|relay|service) (?:of|at|from) your (?:isp|provider|service)|your (?:isp|service provider)'s/,
    reason: "blocked",
    source: DNSBL,
    examples: [
      "550 Suspected spam sender.",
      "554 Mail from dynamic IP addresses is not accepted",
      "550 Address blocked for spamming",
    ],
  },
  {
    pattern:
      /intrusion prevention|blocked for abuse|invalid ip for sending|not in (?:white|allow)list for|not accepting (?:connections|mail from your)|connections? (?:(?:will )?not (?:be )?accepted|rejected|denied|refused by policy)|access from ip|no access from (?:mail )?server|client host rejected|(?:host|client|network|connecting) .{0,40}not (?:allowed|accepted|permitted) to (?:connect|send)|refused to talk to me|banned (?:sending|ip|host)|(?:ip|server|host|network|client|mta)\b(?: address)?.{0,50}(?:is|was|has been|have been|are|temporarily|permanently|been) (?:\w{1,12} )?(?:blocked|banned|barred)|blocked (?:ip|sending|host)|(?:ip|source) (?:is )?(?:blocked|banned|denied)/,
    reason: "blocked",
    source: POSTFIX,
    examples: [
      "554 5.7.1 <unknown[192.0.2.1]>: Client host rejected: Access denied",
      "550 Access from ip address 192.0.2.1 blocked.",
      "550 The server at 192.0.2.1 has been blocked",
      "554 mx.example.com ESMTP not accepting connections",
    ],
  },
  {
    pattern:
      /sender address rejected|sending denied|outbounds? disabled|sending (?:is |has been )?disabled|unregistered domains|address is not verified|identities failed|invalid dns (?:mx|a)|sender (?:address )?(?:is )?(?:rejected|denied|refused|invalid|unknown|not (?:allowed|accepted|authorized|permitted|verified))|(?:invalid|bad|unknown|unroutable|unverified|unresolvable) sender|domain of sender|sender'?s? (?:domain|email|e-mail|address)\b|senderfilter|sender (?:verify|verification|callout|callback)|envelope[- ](?:sender|from)|(?:mail|message|e-?mail)s? from .{0,60}(?:not (?:allowed|permitted|owned|accepted)|rejected|denied|invalid|prohibited|refused)|from address|provide a valid from|[45]\.1\.[78] .{0,30}(?:invalid|sender|unknown|address)|return[- ]path|backscatter|spoof|forged/,
    reason: "policy",
    source: EXIM,
    examples: [
      "550 5.1.8 <x@example.com>: Sender address rejected: Domain not found",
      "550 Sender verify failed",
      "553 5.1.8 Domain of sender address x@example.com does not exist",
      "501 5.1.7 Invalid sender",
      "550 rejecting spoofed message",
    ],
  },
  {
    pattern:
      /authentication (?:is )?(?:required|failed|unsuccessful|credentials|failure|rejected)|authenticat(?:e|ion) first|username and password|invalid (?:login|password|credentials)|login attempts|log in (?:with|through|to)|smtp auth(?:entication)?\b|password required|not (?:been )?authenticated|unauthenticated senders|server authentication|auth(?:entication)? credentials|need to authenticate|must (?:be )?authenticate/,
    reason: "policy",
    advice: "The server wants a login: check user and password of the route.",
    source: SMTP_AUTH,
    examples: [
      "535 5.7.8 Error: authentication failed",
      "530 5.7.0 Authentication required",
      "550 Unauthenticated senders not allowed",
    ],
  },
];
