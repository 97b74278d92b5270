// Asks DNS what providers ask of a sender, and hands the answers to those who judge them (sender-dns.ts). Decides which
// questions a cause needs; what follows from the findings is decided by whoever asked.
import type { Reason } from "../../bounce/reason.ts";
import { organisationOf } from "../../provider/directory.ts";
import { arpaName } from "./address-names.ts";
import type { Finding } from "./finding.ts";
import {
  addressesUnknown,
  type DnsAnswer,
  judgeDkim,
  judgeDmarc,
  judgeDomain,
  judgeReverse,
  judgeSpf,
  type ReverseAnswers,
} from "./sender-dns.ts";

export type RecordType = "A" | "AAAA" | "MX" | "PTR" | "TXT";

/** The port to DNS. Never rejects for what a server says or does not say. */
export interface RecordResolver {
  /** TXT records as one text each, MX as host names. */
  ask(type: RecordType, name: string): Promise<DnsAnswer>;
}

/** Who sends, as far as it is configured. */
export interface SenderIdentity {
  /** Addresses that mail can leave from, as receivers see them; empty: not known. */
  readonly addresses: readonly string[];
  /** The host's full name, as EHLO says it; null: not configured. */
  readonly helo?: string | null;
  /** The domain that readers see. */
  readonly fromDomain: string | null;
  /** The domain of the envelope sender, for which SPF speaks. */
  readonly returnDomain: string | null;
  /** `key`: the public half, SPKI in DER, base64; null: the relay signs, or nobody. */
  readonly dkim: { readonly selector: string; readonly domain: string; readonly key: string } | null;
}

export const SENDER_CHECKS = ["reverse-dns", "domain", "spf", "dkim", "dmarc"] as const;
export type SenderCheck = (typeof SENDER_CHECKS)[number];

/** What DNS can say of a cause; empty: nothing. */
export function checksOf(reason: Reason): readonly SenderCheck[] {
  if (reason === "reverse-dns") return ["reverse-dns"];
  if (reason === "auth") return ["spf", "dkim", "dmarc"];
  // Refusals like "domain of sender address not found" are of this kind.
  return reason === "policy" ? ["domain"] : [];
}

/**
 * What each check found, IPv6 first; an empty list where all is well. A check for which nothing is configured (we do not
 * sign, there is no return path) is left out.
 */
export async function checkSender(options: {
  identity: SenderIdentity;
  resolver: RecordResolver;
  checks: readonly SenderCheck[];
}): Promise<Map<SenderCheck, Finding[]>> {
  const { identity, resolver } = options;
  const found = await Promise.all(
    options.checks.map(async (check) => [check, await CHECKS[check](identity, resolver)] as const),
  );
  return new Map(
    found.flatMap(([check, findings]) => (findings === null ? [] : [[check, findings] as const])),
  );
}

type Check = (identity: SenderIdentity, resolver: RecordResolver) => Promise<Finding[] | null>;

const CHECKS: Readonly<Record<SenderCheck, Check>> = {
  "reverse-dns": async ({ addresses, helo, fromDomain }, resolver) => {
    if (addresses.length === 0) return [addressesUnknown()];
    const six = addresses.filter((one) => one.includes(":"));
    const ordered = [...six, ...addresses.filter((one) => !one.includes(":"))];
    const instead = addresses.find((one) => !one.includes(":")) ?? null;
    const host = helo ?? (fromDomain === null ? null : `mail.${fromDomain}`);
    const asked = ordered.map(async (address) =>
      judgeReverse({ ...(await reverseOf(address, resolver)), host, instead }),
    );
    return (await Promise.all(asked)).flat();
  },
  domain: async ({ returnDomain: domain }, resolver) => {
    if (domain === null) return null;
    const answers = await Promise.all(
      (["MX", "A", "AAAA"] as const).map((type) => resolver.ask(type, domain)),
    );
    return judgeDomain({ domain, answers });
  },
  spf: async ({ returnDomain: domain }, resolver) =>
    domain === null ? null : judgeSpf({ domain, answer: await resolver.ask("TXT", domain) }),
  dkim: async ({ dkim }, resolver) => {
    if (dkim === null) return null;
    const name = `${dkim.selector}._domainkey.${dkim.domain}`;
    return judgeDkim({ name, key: dkim.key, answer: await resolver.ask("TXT", name) });
  },
  dmarc: async ({ fromDomain }, resolver) => {
    if (fromDomain === null) return null;
    const domains = new Set([fromDomain, organisationOf(fromDomain)]);
    const places = await Promise.all(
      [...domains].map(async (domain) => {
        const name = `_dmarc.${domain}`;
        return { name, answer: await resolver.ask("TXT", name) };
      }),
    );
    return judgeDmarc(places);
  },
};

/** RFC 1912 has one name for an address; of a crowd of them the first few decide. */
const NAMES_ASKED = 5;

async function reverseOf(address: string, resolver: RecordResolver): Promise<ReverseAnswers> {
  const names = await resolver.ask("PTR", arpaName(address));
  const type = address.includes(":") ? "AAAA" : "A";
  const some = names.kind === "records" ? names.values.slice(0, NAMES_ASKED) : [];
  const forward = await Promise.all(
    some.map(async (name) => [name, await resolver.ask(type, name)] as const),
  );
  return { address, names, forward: new Map(forward) };
}
