// Direct to MX (RFC 5321 section 5.1): which hosts take a domain's mail, in which order, and what to say for a domain
// that takes none. Answers are kept for a few minutes, trouble is not.
import { isIP } from "node:net";
import { domainToASCII } from "node:url";
import type { Clock } from "../../clock.ts";
import type { ConnectFailure, MailConnection } from "../../delivery/transport.ts";
import { courtesyOf } from "../../provider/courtesy.ts";
import { providerOfMx } from "../../provider/directory.ts";
import type { MxRecord, MxResolver } from "../../provider/lookup.ts";
import { OTHER } from "../../provider/provider.ts";
import { type AddressesOf, nowhere, shuffled, within } from "./hosts.ts";

export type MailHosts =
  | { kind: "hosts"; hosts: readonly string[] }
  /** The domain takes no mail: told as a refusal of each recipient, in our own words. */
  | { kind: "none"; reply: string }
  | { kind: "failed"; failure: ConnectFailure };

const KEEP_MS = 300_000;
const KEEP_DOMAINS = 10_000;
const MOST_HOSTS = 4;

/** Hosts of a domain, the ones to try first first; those of one preference in a new order each time. */
export function createMailHosts(options: {
  mx: MxResolver;
  addressesOf: AddressesOf;
  clock: Clock;
  timeoutMs: number;
}): (domain: string) => Promise<MailHosts> {
  const { mx, addressesOf, clock, timeoutMs } = options;
  const kept = new Map<string, { untilMs: number; records: readonly MxRecord[] | null }>();

  /** Empty: no MX; null: no such domain. */
  async function ask(domain: string): Promise<readonly MxRecord[] | null> {
    const known = kept.get(domain);
    if (known !== undefined && known.untilMs > clock.monotonic()) return known.records;
    const records = await resolve(domain);
    kept.delete(domain);
    kept.set(domain, { untilMs: clock.monotonic() + KEEP_MS, records });
    if (kept.size > KEEP_DOMAINS) {
      const oldest = kept.keys().next();
      if (!oldest.done) kept.delete(oldest.value);
    }
    return records;
  }

  async function resolve(domain: string): Promise<readonly MxRecord[] | null> {
    const giveUp = new AbortController();
    try {
      return await within(timeoutMs, mx.resolveMx(domain, giveUp.signal));
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      if (code === "ENODATA") return [];
      if (code === "ENOTFOUND") return null;
      throw error;
    } finally {
      giveUp.abort();
    }
  }

  async function ownHost(domain: string): Promise<MailHosts> {
    try {
      await within(timeoutMs, addressesOf(domain));
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOTFOUND")
        return { kind: "none", reply: `550 5.1.2 The domain ${domain} has no mail host (not sent)` };
      throw error;
    }
    return { kind: "hosts", hosts: [domain] };
  }

  return async (given) => {
    const literal = /^\[(?:IPv6:)?([^\]]+)\]$/i.exec(given)?.[1];
    if (literal !== undefined && isIP(literal) !== 0) return { kind: "hosts", hosts: [literal] };
    const domain = domainToASCII(given);
    if (domain === "") return { kind: "none", reply: `550 5.1.2 ${given} is not a domain name (not sent)` };
    try {
      const records = await ask(domain);
      // Without an MX the domain is its own mail host.
      return records?.length === 0 ? await ownHost(domain) : hostsOf(domain, records);
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : error;
      return {
        kind: "failed",
        failure: nowhere(`DNS does not tell the mail hosts of ${domain} (${String(code)})`),
      };
    }
  };
}

function hostsOf(domain: string, records: readonly MxRecord[] | null): MailHosts {
  if (records === null)
    return { kind: "none", reply: `550 5.1.2 The domain ${domain} does not exist (DNS: NXDOMAIN; not sent)` };
  const named = records
    .map((record) => ({ ...record, exchange: record.exchange.replace(/\.$/, "") }))
    .filter(({ exchange }) => exchange !== "");
  if (named.length === 0)
    return {
      kind: "none",
      reply: `556 5.1.10 The domain ${domain} takes no mail (null MX, RFC 7505; not sent)`,
    };
  const ordered = shuffled(named).sort((a, b) => a.priority - b.priority);
  return { kind: "hosts", hosts: [...new Set(ordered.map(({ exchange }) => exchange))].slice(0, MOST_HOSTS) };
}

/** Not used for more mails than the provider wants over one connection, then closed; by the MX host's name. */
export function courteous(connection: MailConnection, hosts: readonly string[]): MailConnection {
  let left = courtesyOf(providerOfMx(hosts[0] ?? "") ?? OTHER).mails;
  let closing: Promise<void> | null = null;
  return {
    send: async (mail, mayBegin) => {
      const heard = await connection.send(mail, mayBegin);
      if (heard.kind !== "returned") left -= 1;
      return heard;
    },
    get usable() {
      return left > 0 && connection.usable;
    },
    close: () => {
      closing ??= connection.close();
      return closing;
    },
  };
}

/** Stands for a domain that takes no mail: each recipient is refused, by the way that all refusals go. */
export function refusingConnection(reply: string): MailConnection {
  let open = true;
  return {
    send: async (_mail, mayBegin) =>
      mayBegin() ? { kind: "refused", phase: "rcpt", reply } : { kind: "returned" },
    get usable() {
      return open;
    },
    close: async () => {
      open = false;
    },
  };
}
