// Who runs a mailbox, answered from tables alone: by mail domain, by MX host, and to which organisation a domain
// belongs. Asking DNS is lookup.ts; the tables themselves are table.ts.
import { getDomain } from "tldts";
import { OTHER } from "./provider.ts";
import { PROVIDERS } from "./table.ts";

export { PROVIDERS };

/** Every id that a lane may have. */
export const PROVIDER_IDS: readonly string[] = [...PROVIDERS.map((provider) => provider.id), OTHER];

const byId = new Map(PROVIDERS.map((provider) => [provider.id, provider]));
const byDomain = new Map(
  PROVIDERS.flatMap(({ id, domains }) => domains.map((domain) => [domain, id] as const)),
);
const bySuffix = new Map(
  PROVIDERS.flatMap(({ id, mx }) => mx.map((suffix) => [suffix.slice(1), id] as const)),
);

// Every tenant of Microsoft 365 gets TENANT.onmicrosoft.com: a public suffix in all but name.
const TENANT_PARENT = "onmicrosoft.com";

/** The provider's id by the table of mail domains; undefined: DNS must tell. Upper case and a final dot do not matter. */
export function providerOfDomain(domain: string): string | undefined {
  const name = canonical(domain);
  return byDomain.get(name) ?? (name.endsWith(`.${TENANT_PARENT}`) ? byDomain.get(TENANT_PARENT) : undefined);
}

/** The provider's id by the longest known suffix of an MX host name; upper case and a final dot do not matter. */
export function providerOfMx(host: string): string | undefined {
  let suffix = canonical(host);
  for (;;) {
    const id = bySuffix.get(suffix);
    if (id !== undefined) return id;
    const dot = suffix.indexOf(".");
    if (dot === -1) return undefined;
    suffix = suffix.slice(dot + 1);
  }
}

/** A provider's name for people; an id that is not in the table is its own name. */
export function providerTitle(id: string): string {
  return id === OTHER ? "other providers" : (byId.get(id)?.title ?? id);
}

/** True when one mailbox domain at this provider means one organisation. False for `other` and unknown ids. */
export function isHosted(id: string): boolean {
  return byId.get(id)?.hosted ?? false;
}

/** True for a domain whose mailboxes belong to unrelated persons, so that each of them is evidence of its own. */
export function isFreemail(domain: string): boolean {
  const name = canonical(domain);
  return name !== TENANT_PARENT && byDomain.has(name);
}

/**
 * The organisational domain: the public suffix and one label (publicsuffix.org, private suffixes included, because
 * their customers are strangers to each other). A name without a known organisation stands for itself.
 */
export function organisationOf(domain: string): string {
  const name = canonical(domain);
  if (name.endsWith(`.${TENANT_PARENT}`)) return name.split(".").slice(-3).join(".");
  return getDomain(name, { allowPrivateDomains: true }) ?? name;
}

/** The organisation that runs an MX host; a cloud is one site, whatever its customers' host names. */
export function siteOfMx(host: string): string {
  const name = canonical(host);
  return getDomain(name) ?? name;
}

function canonical(name: string): string {
  const lower = name.toLowerCase();
  return lower.endsWith(".") ? lower.slice(0, -1) : lower;
}
