// What Gmail and Yahoo ask of whoever writes to many of their mailboxes: that one may unsubscribe by one click.
// https://support.google.com/a/answer/81126 ("5,000 or more messages per day to Gmail accounts"; one-click unsubscribe for
// what is not transactional), https://senders.yahooinc.com/best-practices/
import { providerOfDomain, providerTitle } from "../../provider/directory.ts";
import type { TemplateClass } from "../../template/manifest.ts";
import type { Finding } from "./finding.ts";

/** Gmail's own number; Yahoo names none, and is read as if it meant the same. */
const MANY = 5_000;
const ASKING = ["google", "yahoo"];

export function checkBulkRules(options: {
  templateClass: TemplateClass;
  unsubscribeUrl: string | null;
  /** Recipients by domain: a company's own domain at Google is no Gmail account. */
  domains: ReadonlyMap<string, number>;
}): Finding[] {
  const { templateClass, unsubscribeUrl, domains } = options;
  if (templateClass === "required") return [];
  const sums = new Map<string, number>();
  for (const [domain, number] of domains) {
    const provider = providerOfDomain(domain);
    if (provider !== undefined && ASKING.includes(provider))
      sums.set(provider, (sums.get(provider) ?? 0) + number);
  }
  const many = [...sums].filter(([, number]) => number >= MANY);
  if (many.length === 0) return [];
  const isOneClick =
    unsubscribeUrl !== null && /^https:/i.test(unsubscribeUrl) && unsubscribeUrl.includes("{token}");
  if (isOneClick) return [];
  const who = many.map(([provider, number]) => `${number} mailboxes of ${providerTitle(provider)}`);
  return [
    {
      code: "unsubscribe-missing",
      // Both ask it of marketing; what a client's own contract brings along is a matter of opinion.
      severity: templateClass === "optional" ? "warning" : "info",
      basis: "configured",
      message: `This goes to ${who.join(" and ")}, and nobody can unsubscribe by one click${unsubscribeUrl === null ? "" : ": the address for it is not https or has no {token}"}.`,
      hint: 'Set unsubscribe_url = "https://.../{token}" below [sender]; List-Unsubscribe and List-Unsubscribe-Post (RFC 8058) come with it.',
    },
  ];
}
