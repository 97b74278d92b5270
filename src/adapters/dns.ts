// Asks DNS through the resolver of Node (c-ares), for the provider lookup. Decides nothing: what an answer means, how
// long to wait over all and when to give up is lookup.ts.
import { Resolver } from "node:dns/promises";
import type { MxResolver } from "../provider/lookup.ts";

export interface MxResolverOptions {
  /** "192.0.2.53", "127.0.0.1:5300", "[2001:db8::53]:53"; left out: the servers of the system. */
  servers?: readonly string[] | undefined;
  /** Longest wait for one query. */
  timeoutMs?: number | undefined;
}

/** Rejects as Node does, with `code` ENOTFOUND, ENODATA, ETIMEOUT, ...; with ECANCELLED as soon as the signal aborts. */
export function createMxResolver({ servers, timeoutMs = 3_000 }: MxResolverOptions = {}): MxResolver {
  // Two tries, since UDP loses packets; c-ares doubles the wait at the second, so that a third and two thirds make one.
  const resolver = new Resolver({ timeout: Math.max(1, Math.floor(timeoutMs / 3)), tries: 2 });
  if (servers !== undefined && servers.length > 0) resolver.setServers(servers);
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
