// Does the largest mail fit through the door? A relay says in its answer to EHLO how large a message may be (RFC 1870),
// so what would come back as 552 is known before the first mail.
import { providerTitle } from "../../provider/directory.ts";
import type { Finding } from "./finding.ts";
import type { LargeMail } from "./rendering.ts";
import type { ProbedRoute } from "./routes.ts";

/** Composes the mail and gives its size on the wire in bytes; null: nobody can. */
export type Measure = (mail: LargeMail) => Promise<number | null>;

export async function checkMailSize(options: {
  routes: readonly ProbedRoute[];
  /** The largest mail of each domain that has a large one. */
  large: ReadonlyMap<string, LargeMail>;
  providerOf: (domain: string) => string;
  measure: Measure;
}): Promise<Finding[]> {
  const { routes, large, providerOf, measure } = options;
  const findings: Finding[] = [];
  for (const { name, provider, serves, sizeLimit } of routes) {
    if (sizeLimit === null) continue;
    let largest: LargeMail | null = null;
    for (const [domain, mail] of large)
      if (serves.includes(providerOf(domain)) && mail.characters > (largest?.characters ?? 0)) largest = mail;
    const bytes = largest === null ? null : await measure(largest);
    if (largest === null || bytes === null || bytes <= sizeLimit) continue;
    const what = provider === null ? "The relay" : `The route to ${providerTitle(provider)}`;
    findings.push({
      code: "mail-over-limit",
      severity: "blocker",
      basis: "measured",
      message: `${what} takes mails up to ${kiloBytes(sizeLimit)}, and the largest has ${kiloBytes(bytes)}.`,
      hint: `Shorten the text or the list of accounts, or raise the relay's limit. It is the mail to ${largest.address}.`,
      subject: provider ?? name,
    });
  }
  return findings;
}

function kiloBytes(bytes: number): string {
  return `${(bytes / 1024).toFixed(1)} kB`;
}
