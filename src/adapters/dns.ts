// Asks DNS through the resolver of Node (c-ares), for the provider lookup and for the checks of the sender. Decides
// nothing: what an answer means, how long to wait over all and when to give up is lookup.ts and sender-dns.ts.
import { Resolver } from "node:dns/promises";
import type { RecordResolver, RecordType } from "../campaign/preflight/sender-check.ts";
import type { DnsAnswer } from "../campaign/preflight/sender-dns.ts";
import type { MxResolver } from "../provider/lookup.ts";

export interface MxResolverOptions {
  /** "192.0.2.53", "127.0.0.1:5300", "[2001:db8::53]:53"; left out: the servers of the system. */
  servers?: readonly string[] | undefined;
  /** Longest wait for one query. */
  timeoutMs?: number | undefined;
}

/** Rejects as Node does, with `code` ENOTFOUND, ENODATA, ETIMEOUT, ...; with ECANCELLED as soon as the signal aborts. */
export function createMxResolver({ servers, timeoutMs = 3_000 }: MxResolverOptions = {}): MxResolver {
  const resolver = open(servers, timeoutMs);
  return {
    async resolveMx(domain, signal) {
      signal.throwIfAborted();
      // c-ares cancels all queries or none: an aborted one is left to run out, unheard.
      let abort = () => {};
      const aborted = new Promise<never>((_, reject) => {
        abort = () => reject(Object.assign(new Error("the query was cancelled"), { code: "ECANCELLED" }));
        signal.addEventListener("abort", abort, { once: true });
      });
      try {
        return await Promise.race([resolver.resolveMx(domain), aborted]);
      } finally {
        signal.removeEventListener("abort", abort);
      }
    },
  };
}

function open(servers: readonly string[] | undefined, timeoutMs: number): Resolver {
  // Two tries, since UDP loses packets; c-ares doubles the wait at the second, so that a third and two thirds make one.
  const resolver = new Resolver({ timeout: Math.max(1, Math.floor(timeoutMs / 3)), tries: 2 });
  if (servers !== undefined && servers.length > 0) resolver.setServers(servers);
  return resolver;
}

/**
 * Any record, for the checks of the sender: what is not there is an answer, what was not told is one too. A question is
 * asked once; `limitMs` is for all of them together: after it what is open or new was not told.
 */
export function createRecordResolver({
  servers,
  timeoutMs = 3_000,
  limitMs,
}: MxResolverOptions & { limitMs?: number } = {}): RecordResolver {
  const resolver = open(servers, timeoutMs);
  const known = new Map<string, Promise<DnsAnswer>>();
  let isOver = false;
  if (limitMs !== undefined) {
    const timer = setTimeout(() => {
      isOver = true;
      resolver.cancel();
    }, limitMs);
    timer.unref();
  }
  const ask = async (type: RecordType, name: string): Promise<string[]> => {
    switch (type) {
      case "A":
        return resolver.resolve4(name);
      case "AAAA":
        return resolver.resolve6(name);
      case "PTR":
        return resolver.resolvePtr(name);
      case "MX":
        return (await resolver.resolveMx(name)).map(({ exchange }) => exchange).filter((host) => host !== "");
      case "TXT":
        // A long record comes in pieces (RFC 7208 section 3.3).
        return (await resolver.resolveTxt(name)).map((pieces) => pieces.join(""));
    }
  };
  const answer = async (type: RecordType, name: string): Promise<DnsAnswer> => {
    if (isOver) return { kind: "failed", why: NOT_IN_TIME };
    try {
      const values = await ask(type, name);
      return values.length === 0 ? { kind: "none" } : { kind: "records", values };
    } catch (error) {
      const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
      if (code === "ENOTFOUND" || code === "ENODATA") return { kind: "none" };
      return { kind: "failed", why: FAILURES[code] ?? code };
    }
  };
  return {
    ask: (type, name) => {
      const key = `${type} ${name.toLowerCase()}`;
      const told = known.get(key) ?? answer(type, name);
      known.set(key, told);
      return told;
    },
  };
}

const NOT_IN_TIME = "no answer in time";

const FAILURES: Readonly<Record<string, string>> = {
  ETIMEOUT: NOT_IN_TIME,
  ECANCELLED: NOT_IN_TIME,
  ECONNREFUSED: "no server there",
  ESERVFAIL: "the server failed (SERVFAIL)",
  EREFUSED: "the server refused to answer",
  EBADRESP: "the answer was no DNS",
};
