// Asks DNS what providers ask of a sender, and hands the answers to those who judge them (sender-dns.ts). Decides which
// questions a cause needs; what follows from the findings is decided by whoever asked.
import type { Reason } from "../../bounce/reason.ts";
import { organisationOf } from "../../provider/directory.ts";
import { arpaName } from "./address-names.ts";
import type { Finding } from "./finding.ts";
import { judgeDmarc } from "./sender-dmarc.ts";
import {
  addressesUnknown,
  type DnsAnswer,
  judgeDkim,
  judgeDomain,
  judgeHelo,
  judgeReverse,
  judgeSpf,
  type ReverseAnswers,
  spfRecords,
} from "./sender-dns.ts";
import { judgeSpfVerdicts, type SpfEvaluator } from "./sender-spf.ts";

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
  /** A route is direct: what we say in EHLO is what providers hear. */
  readonly direct?: boolean;
  /** A relay may sign what we do not. */
  readonly mayBeSigned?: boolean;
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
  /** Left out: an SPF record is looked at, not evaluated. */
  spf?: SpfEvaluator;
}): Promise<Map<SenderCheck, Finding[]>> {
  const { identity, resolver, spf } = options;
  const found = await Promise.all(
    options.checks.map(async (check) => [check, await CHECKS[check](identity, resolver, spf)] as const),
  );
  return new Map(
    found.flatMap(([check, findings]) => (findings === null ? [] : [[check, findings] as const])),
  );
}

type Check = (
  identity: SenderIdentity,
  resolver: RecordResolver,
  spf: SpfEvaluator | undefined,
) => Promise<Finding[] | null>;

const CHECKS: Readonly<Record<SenderCheck, Check>> = {
  "reverse-dns": async ({ addresses, helo, fromDomain, direct }, resolver) => {
    if (addresses.length === 0) return [addressesUnknown()];
    const six = addresses.filter((one) => one.includes(":"));
    const ordered = [...six, ...addresses.filter((one) => !one.includes(":"))];
    const instead = addresses.find((one) => !one.includes(":")) ?? null;
    const host = helo ?? (fromDomain === null ? null : `mail.${fromDomain}`);
    const asked = ordered.map(async (address) =>
      judgeReverse({ ...(await reverseOf(address, resolver)), host, instead }),
    );
    const heard = direct === true && helo != null ? heloOf(helo, ordered, resolver) : [];
    return [...(await Promise.all(asked)).flat(), ...(await heard)];
  },
  domain: async ({ returnDomain, fromDomain }, resolver) => {
    const domains = [...new Set([returnDomain, fromDomain])].filter((one) => one !== null);
    if (domains.length === 0) return null;
    const judged = domains.map(async (domain) => {
      const types = ["MX", "A", "AAAA"] as const;
      return judgeDomain({
        domain,
        answers: await Promise.all(types.map((type) => resolver.ask(type, domain))),
      });
    });
    return (await Promise.all(judged)).flat();
  },
  spf: async ({ returnDomain: domain, addresses, helo }, resolver, evaluate) => {
    if (domain === null) return null;
    const answer = await resolver.ask("TXT", domain);
    const found = judgeSpf({ domain, answer });
    const [record] = spfRecords(answer);
    if (found.length > 0 || record === undefined || evaluate === undefined) return found;
    const verdicts = addresses.map(async (address) => ({
      address,
      verdict: await evaluate({ address, domain, helo: helo ?? null }),
    }));
    return judgeSpfVerdicts({ domain, record, verdicts: await Promise.all(verdicts) });
  },
  dkim: async ({ dkim }, resolver) => {
    if (dkim === null) return null;
    const name = `${dkim.selector}._domainkey.${dkim.domain}`;
    return judgeDkim({ name, key: dkim.key, answer: await resolver.ask("TXT", name) });
  },
  dmarc: async ({ fromDomain, returnDomain, dkim, mayBeSigned = true }, resolver) => {
    if (fromDomain === null) return null;
    const domains = new Set([fromDomain, organisationOf(fromDomain)]);
    const places = await Promise.all(
      [...domains].map(async (domain) => {
        const name = `_dmarc.${domain}`;
        return { name, answer: await resolver.ask("TXT", name) };
      }),
    );
    const signingDomain = dkim?.domain ?? null;
    return judgeDmarc({ fromDomain, returnDomain, signingDomain, mayBeSigned, places });
  },
};

async function heloOf(name: string, addresses: readonly string[], resolver: RecordResolver) {
  if (name.startsWith("[")) return [];
  const answers = await Promise.all((["A", "AAAA"] as const).map((type) => resolver.ask(type, name)));
  return judgeHelo({ name, addresses, answers });
}

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
