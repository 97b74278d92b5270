// What a check before the launch can say. A blocker refuses the launch; what is only assumed never blocks.
export type Severity = "blocker" | "warning" | "info";
export type Basis = "measured" | "configured" | "assumed";

export interface Finding {
  /** Stable, lower case with hyphens; listed in docs/preflight.md. */
  code: FindingCode;
  severity: Severity;
  basis: Basis;
  message: string;
  hint: string;
  /** What it is about: a file, an address, a provider. */
  subject?: string;
  /** Providers that would refuse for it. */
  providers?: readonly string[];
}

/** Every code, with what it means in general. */
export const FINDINGS = {
  "render-failed": "The mail cannot be rendered for some clients.",
  "audience-empty": "Nobody would get this mail.",
  suppressed: "Addresses are suppressed and get no mail.",
  "domain-mistyped": "Addresses are at a domain that looks like a mistyped provider.",
  "domain-takes-no-mail": "Addresses are at a domain that does not exist or takes no mail.",
  "role-addresses": "Addresses belong to a function and not to a person.",
  "audience-shares": "Which part of the addresses is at which provider.",
  "rows-refused": "Rows of the CSV file were refused.",
  "without-address": "Clients have no address: they stay untold.",
  "tell-by-past": "It begins after everybody should have been told.",
  "deadline-too-near": "Rate and daily limit of a route do not let everybody be told in time.",
  "told-before": "The same notice went to the same audience under another name.",
  "provider-held": "A provider is held, by a person or in another campaign.",
  "provider-first-volume": "Many mails go to a provider to which nothing was sent for 30 days.",
  "window-past": "The announced window begins before the mails go out.",
  "validity-past": "The notice is no longer true.",
  "mail-large": "A mail is so large that Gmail cuts it off.",
  "mail-over-limit": "A mail is larger than its relay takes.",
  "link-relative": "A link or an image in the mails leads nowhere.",
  "link-not-https": "A link in the mails is not protected.",
  "image-without-alt": "An image in the mails has no text in its place.",
  "subject-empty": "Mails have no subject.",
  "subject-long": "A subject is so long that lists cut it off.",
  "text-missing": "The text part of mails is empty.",
  "unsubscribe-missing": "Gmail or Yahoo ask for a way to unsubscribe, and there is none.",
  "route-unreachable": "The relay cannot be reached.",
  "route-refuses": "The relay, or a provider, refuses us at the door.",
  "relay-silent": "The relay confirms nothing, so the ramp stops after its canary until a person decides.",
  "ramp-duration": "Behind the relay it takes a while until the last mail may leave.",
  "provider-refused-lately": "A provider held us up within the last week, and has taken no mail since.",
  "route-held": "The relay refused us before and is held.",
  "alert-mail-only": "Alerts go by mail alone, which may be stopped with the campaign's.",
  "alert-none": "Nobody is called when the campaign is stopped.",
  "reverse-dns-missing": "An address that mail leaves from has no reverse DNS name.",
  "reverse-dns-unconfirmed": "The name of an address that mail leaves from does not lead back to it.",
  "reverse-dns-generic": "The name of an address that mail leaves from looks like one given to any customer.",
  "sender-addresses-unknown": "It is not configured from which addresses mail leaves.",
  "sender-domain-unknown": "The domain of the sender's address takes no mail.",
  "spf-missing": "The sender's domain has no SPF record.",
  "spf-several": "The sender's domain has more than one SPF record.",
  "spf-fails": "The SPF record does not name an address that mail leaves from.",
  "spf-broken": "The SPF record cannot be evaluated to its end.",
  "spf-open": "The SPF record names no end: anybody may send, or nothing is said of others.",
  "helo-differs": "The name said in EHLO does not lead to where mail leaves from.",
  "dkim-missing": "The key for our DKIM signatures is not published.",
  "dkim-differs": "The published DKIM key is not the one that we sign with.",
  "dkim-weak": "The DKIM key is short.",
  "dmarc-missing": "The sender's domain has no DMARC record.",
  "dmarc-unaligned": "Neither SPF nor DKIM is of the domain that readers see.",
  "dmarc-rejects": "The sender's DMARC record asks receivers to refuse our mail.",
  "dns-unanswered": "DNS did not answer a question about the sender.",
} as const;
export type FindingCode = keyof typeof FINDINGS;

const ORDER: readonly Severity[] = ["blocker", "warning", "info"];
/** Findings of one code that are shown one by one. */
const ONE_BY_ONE = 20;

/** Blockers first, otherwise as they were found; of one code the first twenty, and one that counts the rest. */
export function arrange(findings: readonly Finding[]): Finding[] {
  const sorted = ORDER.flatMap((severity) => findings.filter((one) => one.severity === severity));
  const met = new Map<string, number>();
  const kept = sorted.filter(({ code, severity }) => {
    const kind = `${severity} ${code}`;
    met.set(kind, (met.get(kind) ?? 0) + 1);
    return (met.get(kind) ?? 0) <= ONE_BY_ONE;
  });
  return kept.flatMap((finding, i) => {
    const { code, severity, basis } = finding;
    const rest = (met.get(`${severity} ${code}`) ?? 0) - ONE_BY_ONE;
    const isLast = !kept.slice(i + 1).some((one) => one.code === code && one.severity === severity);
    if (rest <= 0 || !isLast) return [finding];
    const hint = "Repair those above, and look again.";
    return [
      finding,
      { code, severity, basis, message: `And ${rest} more like these: ${FINDINGS[code]}`, hint },
    ];
  });
}
