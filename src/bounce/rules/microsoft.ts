// What Microsoft 365 (Exchange Online) answers, and what it shares with the consumer service (outlook.ts): both run
// on the same edge, so that a block of an address reads alike. Tenants' rules reach one organisation only.
import type { Rulebook } from "../rule.ts";

const NDR =
  "https://learn.microsoft.com/exchange/mail-flow-best-practices/non-delivery-reports-in-exchange-online/non-delivery-reports-in-exchange-online";
const DELIST =
  "https://learn.microsoft.com/defender-office-365/use-the-delist-portal-to-remove-yourself-from-the-office-365-blocked-senders-list";
const TENANT_ADVICE =
  "A rule of this organisation refuses the mail. Its administrator must allow the sender address in Exchange Online (mail flow rules, or who may send to this recipient).";

export const microsoft: Rulebook = {
  providers: ["microsoft365", "outlook"],
  signatures: [
    {
      provider: "outlook",
      pattern:
        /\.olc\.protection\.outlook\.com|mail\.live\.com|postmaster\.live\.com|\(s(?:3140|3150|775|844)\)/,
    },
    {
      provider: "microsoft365",
      pattern:
        /protection\.outlook\.com|prod\.outlook\.com|\[outlook\.com\]|resolver\.(?:adr|rst)|smtpsend\.dns|transport\.rules|tenantattribution|storedrv\.deliver|\bas\(?\d{3,12}\)?\]?|sender\.office\.com|per resource forest/,
    },
    // Nobody else writes three digits in the last place of an enhanced code.
    { provider: "microsoft365", pattern: /^\d{3} [45]\.[01247]\.[1-9]\d\d / },
  ],
  hosted: true,
  rules: [
    {
      pattern: /message expired, dns query failed|5\.4\.312\b/,
      reason: "network",
      source: NDR,
      examples: ["550 5.4.312 Message expired, DNS query failed [x.prod.outlook.com]"],
    },
    {
      pattern: /5\.7\.515|required authentication level/,
      reason: "auth",
      scope: "provider",
      advice:
        'Microsoft asks large senders for SPF, DKIM and DMARC that all pass: publish _dmarc.example.com TXT "v=DMARC1; p=none", SPF at the return path\'s domain, and sign with d= of the From domain.',
      source:
        "https://techcommunity.microsoft.com/blog/microsoftdefenderforoffice365blog/strengthening-email-ecosystem-outlook%E2%80%99s-new-requirements-for-high%E2%80%90volume-senders/4399730",
      examples: [
        "550 5.7.515 Access denied, sending domain example.com does not meet the required authentication level. [outlook.com]",
      ],
    },
    {
      pattern: /must have a reverse dns|[45]\.7\.25\b.{0,60}(?:reverse|ptr)/,
      reason: "reverse-dns",
      scope: "provider",
      source: NDR,
      examples: [
        "550 5.7.25 Service unavailable, sending IPv6 address [2001:db8::1] must have a reverse DNS record.",
      ],
    },
    {
      pattern: /on our block list|\(s(?:3140|3150)\)/,
      reason: "blocked",
      advice:
        'Microsoft blocks the network of the sending address. Ask for its release at https://olcsupport.office.com (form "Sender support", with the address and this reply), and look at the address in SNDS (sendersupport.olc.protection.outlook.com/snds).',
      source: "https://sendersupport.olc.protection.outlook.com/pm/troubleshooting",
      examples: [
        "550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. Your network is on our block list (S3150). [x.prod.protection.outlook.com]",
      ],
    },
    {
      pattern: /banned send|5\.7\.(?:511|60[6-9]|6[1-4]\d)\b|sender\.office\.com|delist@/,
      reason: "blocked",
      scope: "provider",
      advice:
        "Microsoft 365 has banned the sending address. Ask for its release at https://sender.office.com (an address, a mail to confirm, up to a day).",
      source: DELIST,
      examples: [
        "550 5.7.606 Access denied, banned sending IP [192.0.2.1]. To request removal visit https://sender.office.com/",
        "550 5.7.511 Access denied, banned sender[192.0.2.1]. To request removal forward this to delist@messaging.microsoft.com.",
      ],
    },
    {
      pattern: /due to ip reputation|4\.7\.65[01]\b|\(s(?:844|843|3114)\)|\(s775\)/,
      reason: "blocked",
      scope: "provider",
      advice:
        "Outlook.com slows this address down because of its reputation. Send less for some days, look at SNDS, and ask at https://olcsupport.office.com when it stays.",
      source: "https://sendersupport.olc.protection.outlook.com/pm/troubleshooting",
      examples: [
        "451 4.7.650 The mail server [192.0.2.1] has been temporarily rate limited due to IP reputation. (S844) [x.prod.protection.outlook.com]",
      ],
    },
    {
      pattern:
        /spam abuse detected|5\.7\.50[123]\b|5\.7\.70[58]\b|traffic not accepted from this ip|block listed|listed in spamhaus/,
      reason: "blocked",
      scope: "provider",
      source: NDR,
      examples: [
        "550 5.7.501 Access denied, spam abuse detected. [outlook.com]",
        "550 5.7.708 Access denied, traffic not accepted from this IP. [x.prod.protection.outlook.com]",
      ],
    },
    {
      pattern: /4\.7\.652\b|maximum number of (?:concurrent )?connections/,
      reason: "rate-limited",
      scope: "provider",
      advice: "Too many connections to Microsoft at the same time: set fewer for this route.",
      source: "https://sendersupport.olc.protection.outlook.com/pm/troubleshooting",
      examples: [
        "451 4.7.652 The mail server [192.0.2.1] has exceeded the maximum number of connections. (S3115) [x.prod.outlook.com]",
      ],
    },
    {
      pattern:
        /[45]\.7\.(?:5|32)\b.{0,60}(?:mta-sts|certificate)|starttls-not-supported|certificate-expired|tlsa-invalid|dnssec-invalid|sts-(?:policy|webpki)/,
      reason: "tls",
      source: NDR,
      examples: ["450 4.7.321 starttls-not-supported: the destination server must support TLS"],
    },
    {
      pattern:
        /5\.2\.12[12]\b|exceeded (?:their|the) limit for (?:the )?(?:number of )?messages|recipient thread limit|per hour message receive limit/,
      reason: "rate-limited",
      scope: "recipient",
      hard: false,
      advice: "This one mailbox has reached how many messages it takes an hour. It is tried again later.",
      source: NDR,
      examples: [
        "554 5.2.122 The recipient has exceeded their limit for the number of messages they can receive per hour. [outlook.com]",
        "432 4.3.2 STOREDRV.Deliver; recipient thread limit exceeded",
      ],
    },
    {
      pattern:
        /5\.1\.90\b|5\.7\.508\b|has exceeded (?:permitted limits|threshold)|5\.7\.700\b|tenant has exceeded/,
      reason: "rate-limited",
      scope: "provider",
      source: NDR,
      examples: ["550 5.7.508 Access denied, [192.0.2.1] has exceeded permitted limits within one range."],
    },
    {
      pattern: /recip(?:ient)?notfound|5\.1\.10\b|not found by smtp address lookup/,
      reason: "user-unknown",
      source: NDR,
      examples: ["550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup"],
    },
    {
      // Directory-based edge blocking: the tenant's directory does not have the address.
      pattern: /5\.4\.1 .{0,40}recipient address rejected: access denied/,
      reason: "user-unknown",
      source:
        "https://learn.microsoft.com/exchange/mail-flow-best-practices/use-directory-based-edge-blocking",
      examples: [
        "550 5.4.1 <x@example.com>: Recipient address rejected: Access denied. AS(201806281) [x.prod.protection.outlook.com]",
      ],
    },
    {
      pattern: /mailbox unavailable/,
      reason: "user-unknown",
      replyClass: 5,
      source: "https://sendersupport.olc.protection.outlook.com/pm/troubleshooting",
      examples: [
        "550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302). [x.prod.protection.outlook.com]",
      ],
    },
    {
      pattern: /recipsizelimit|sendersizelimit|5\.3\.4\b|5\.2\.3\b/,
      reason: "too-big",
      source: NDR,
      examples: ["550 5.2.3 RESOLVER.RST.RecipSizeLimit; message too large for this recipient"],
    },
    {
      pattern: /tenantattribution|5\.7\.64\b/,
      reason: "relay-denied",
      scope: "organisation",
      advice:
        "Microsoft 365 does not know this domain as one of its own: the organisation's MX or connector is set wrongly. Tell its administrator.",
      source: NDR,
      examples: ["550 5.7.64 TenantAttribution; Relay Access Denied [x.prod.protection.outlook.com]"],
    },
    {
      pattern:
        /transport\.rules|resolver\.rst\.(?:authrequired|notauthorized|restrictedtogroup|restrictedto)|(?:not|wasn't) authenticated (?:by|for)|5\.7\.(?:12|13|124|13[3-6])\b|not in allowed-?senders|5\.7\.129\b/,
      reason: "policy",
      scope: "organisation",
      advice: TENANT_ADVICE,
      source: NDR,
      examples: [
        "550 5.7.1 TRANSPORT.RULES.RejectMessage; the message was rejected by organization policy",
        "550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; sender was not authenticated for group",
      ],
    },
    {
      pattern: /does not accept (?:e-?mail|messages) over ipv6|5\.7\.510\b/,
      reason: "blocked",
      scope: "organisation",
      advice: "This organisation takes no mail over IPv6: let mail to it leave by IPv4.",
      source: NDR,
      examples: ["550 5.7.510 Access denied, example.com does not accept email over IPv6"],
    },
    {
      pattern:
        /5\.7\.(?:3|57|512|750|900)\b|5\.1\.7 (?:invalid address|unknown sender)|5\.0\.350\b|unregistered domains|client was not authenticated|exchange server authentication/,
      reason: "policy",
      source: NDR,
      examples: [
        "550 5.7.57 Client was not authenticated to send anonymous mail during MAIL FROM [outlook.com]",
      ],
    },
    {
      pattern: /message expired/,
      reason: "expired",
      source: NDR,
      examples: ["550 5.4.300 Message expired [outlook.com]"],
    },
    {
      // RFC 3463 X.4.4: the way could not be found out, which one look-up does not prove for ever.
      pattern: /[45]\.4\.4\b|[45]\.4\.31[2-7]\b/,
      reason: "network",
      source: NDR,
      examples: ["550 5.4.4 SMTPSEND.DNS.NonExistentDomain; nonexistent domain [x.prod.outlook.com]"],
    },
    {
      pattern: /5\.4\.310\b/,
      reason: "host-unknown",
      source: NDR,
      examples: [
        "550 5.4.310 DNS domain example.com does not exist [Message=InfoDomainNonexistent] [x.prod.outlook.com]",
      ],
    },
    {
      pattern:
        /missing or bad storedriver mdb|storedrv\.deliver|organization queue quota|[45]\.4\.318\b|agent busy|failed to be replicated/,
      reason: "system",
      source: NDR,
      examples: ["450 4.7.3 Organization queue quota exceeded. [outlook.com]"],
    },
  ],
};
