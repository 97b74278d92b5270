// What mailbox providers say they demand of a sender, by name, date and page: data that decides for whom a finding is a
// blocker. A rule stands here only when its provider has published it; what others do by habit is a warning.
import type { FindingCode } from "./finding.ts";

export interface ProviderRule {
  provider: string;
  /** What it refuses for. */
  codes: readonly FindingCode[];
  /** Only mail that comes by IPv6. */
  ipv6Only?: true;
  /** It takes SPF or DKIM: refused is mail that has neither. */
  either?: true;
  /** From so many mails a day on; 0: any mail. */
  fromMails: number;
  name: string;
  /** Enforced since, ISO date; null: the page names none. */
  since: string | null;
  source: string;
}

const REVERSE = ["reverse-dns-missing", "reverse-dns-unconfirmed"] as const;
export const SPF_FAULTS = [
  "spf-missing",
  "spf-several",
  "spf-fails",
  "spf-broken",
] as const satisfies FindingCode[];
export const DKIM_FAULTS = ["dkim-missing", "dkim-differs", "dkim-weak"] as const satisfies FindingCode[];
const DMARC = ["dmarc-missing", "dmarc-unaligned"] as const satisfies FindingCode[];
const PROOF = [...SPF_FAULTS, ...DKIM_FAULTS];

/** Counted by each of them over all mail of a domain in a day. */
const BULK_MAILS = 5_000;

const GMAIL = {
  provider: "google",
  name: "Gmail's email sender guidelines",
  since: "2024-02-01",
  source: "https://support.google.com/a/answer/81126",
} as const;
const YAHOO = {
  provider: "yahoo",
  name: "Yahoo's sender requirements",
  since: "2024-02-01",
  source: "https://senders.yahooinc.com/best-practices/",
} as const;
const OUTLOOK = {
  provider: "outlook",
  name: "Outlook.com's requirements for high-volume senders (550 5.7.515)",
  since: "2025-05-05",
  source:
    "https://techcommunity.microsoft.com/blog/microsoftdefenderforoffice365blog/strengthening-email-ecosystem-outlook%E2%80%99s-new-requirements-for-high%E2%80%90volume-senders/4399730",
} as const;
const MICROSOFT365 = {
  provider: "microsoft365",
  name: "Microsoft 365's rules for mail by IPv6 (450 4.7.25)",
  since: null,
  source:
    "https://learn.microsoft.com/en-us/microsoft-365/security/office-365-security/mail-flow-inbound-ipv6-support-about",
} as const;

export const PROVIDER_RULES: readonly ProviderRule[] = [
  { ...GMAIL, codes: REVERSE, fromMails: 0 },
  { ...GMAIL, codes: PROOF, either: true, fromMails: 0 },
  { ...GMAIL, codes: [...PROOF, ...DMARC], fromMails: BULK_MAILS },
  { ...YAHOO, codes: REVERSE, fromMails: 0 },
  { ...YAHOO, codes: PROOF, either: true, fromMails: 0 },
  { ...YAHOO, codes: [...PROOF, ...DMARC], fromMails: BULK_MAILS },
  { ...OUTLOOK, codes: [...PROOF, ...DMARC], fromMails: BULK_MAILS },
  { ...MICROSOFT365, codes: REVERSE, ipv6Only: true, fromMails: 0 },
];

/**
 * No provider's own rule: a sender whose domain takes no mail cannot be answered (RFC 5321 section 3.6.2), and a DMARC
 * record that asks for our mail to be refused is heeded (RFC 7489 section 6.3).
 */
export const REFUSED_BY_ALL: readonly FindingCode[] = ["sender-domain-unknown", "dmarc-rejects"];
