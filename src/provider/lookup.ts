// Finds the provider of each mail domain: table first, then MX with a cache, a time limit a query, bounded
// concurrency and a budget over all. DNS trouble never loses a client and never stops a plan: such a domain is
// `other`, and the counts say how many. One lookup serves one plan or import; make a new one for the next.
import type { Clock } from "../clock.ts";
import { organisationOf, providerOfDomain, providerOfMx, siteOfMx } from "./directory.ts";
import { OTHER } from "./provider.ts";

export interface MxRecord {
  /** Host name; "" or "." for the null MX of RFC 7505. */
  exchange: string;
  /** Preference: the lowest is tried first. */
  priority: number;
}

/** Asks DNS. Rejects with an Error whose `code` is "ENOTFOUND" when the domain does not exist, "ENODATA" when it has no MX. */
export interface MxResolver {
  resolveMx(domain: string, signal: AbortSignal): Promise<MxRecord[]>;
}

export interface ProviderAnswer {
  /** A provider's id, or `other`. */
  provider: string;
  /** table: by its name; mx: by DNS; none: the domain takes no mail; failed: DNS did not tell. */
  basis: "table" | "mx" | "none" | "failed";
  /** Organisational domain of the preferred MX host, where DNS was asked and answered with one. */
  site: string | null;
}

export interface LookupStats {
  /** Domains answered from the table. */
  table: number;
  /** Queries sent to DNS. */
  asked: number;
  /** Queries that ended with an answer, "no such domain" included. */
  answered: number;
  /** Of those, the domains that take no mail. */
  none: number;
  /** Queries that ended without an answer, timeouts included. */
  failed: number;
  timedOut: number;
  /** Domains answered `failed` without a query, after giving up. */
  skipped: number;
  /** Why no more queries are sent: nobody answers, or the budget is spent. */
  gaveUp: "silent" | "budget" | null;
}

export interface ProviderLookup {
  /** Never rejects. */
  providerOf(domain: string): Promise<ProviderAnswer>;
  /** One answer for each different domain, under the name that was given; never rejects. */
  providersOf(domains: Iterable<string>): Promise<Map<string, ProviderAnswer>>;
  stats(): LookupStats;
}

export interface ProviderLookupOptions {
  resolver: MxResolver;
  clock: Clock;
  /** Longest wait for one query. */
  timeoutMs?: number;
  /** Queries on the wire at the same time. */
  concurrency?: number;
  /** Longest waiting that brings no answers, over the whole life of the lookup. */
  budgetMs?: number;
  /** Answers kept in memory; the oldest go first. */
  cacheLimit?: number;
}

/** So many timeouts in a row, with no answer between, mean that nobody is there. */
const SILENT_AFTER = 20;

/**
 * Of the time that an answered query took, as much is no loss: a cold resolver needs it. Without this, 100,000 domains
 * at a healthy 80 ms (250 s with 32 at a time) would spend any sensible budget and most would end as `other`.
 */
const FAIR_ANSWER_MS = 250;

const FAILED: ProviderAnswer = { provider: OTHER, basis: "failed", site: null };
const NONE: ProviderAnswer = { provider: OTHER, basis: "none", site: null };

export function createProviderLookup(options: ProviderLookupOptions): ProviderLookup {
  const { resolver, clock } = options;
  const timeoutMs = options.timeoutMs ?? 3_000;
  const concurrency = options.concurrency ?? 32;
  const budgetMs = options.budgetMs ?? 30_000;
  const cacheLimit = options.cacheLimit ?? 100_000;

  const cache = new Map<string, Promise<ProviderAnswer>>();
  const waiting: (() => void)[] = [];
  const giveUp = new AbortController();
  const counts: LookupStats = {
    table: 0,
    asked: 0,
    answered: 0,
    none: 0,
    failed: 0,
    timedOut: 0,
    skipped: 0,
    gaveUp: null,
  };
  let outstanding = 0;
  let timeoutsInARow = 0;
  // Wall time with at least one query outstanding, less what answers have given back.
  let lostMs = 0;
  let countedUntil = 0;

  function spendTime(): void {
    const now = clock.monotonic();
    if (outstanding > 0) lostMs += now - countedUntil;
    countedUntil = now;
  }

  function stop(why: "silent" | "budget"): void {
    if (counts.gaveUp !== null) return;
    counts.gaveUp = why;
    giveUp.abort();
    for (const wake of waiting.splice(0)) wake();
  }

  async function ask(domain: string): Promise<ProviderAnswer> {
    while (outstanding >= concurrency && counts.gaveUp === null)
      await new Promise<void>((resolve) => waiting.push(resolve));
    spendTime();
    if (counts.gaveUp === null && lostMs >= budgetMs) stop("budget");
    if (counts.gaveUp !== null) {
      counts.skipped += 1;
      return FAILED;
    }
    outstanding += 1;
    counts.asked += 1;
    const startedMs = clock.monotonic();
    const result = await settle(domain, Math.min(timeoutMs, budgetMs - lostMs));
    spendTime();
    if (result.kind === "answer") {
      lostMs = Math.max(0, lostMs - Math.min(clock.monotonic() - startedMs, FAIR_ANSWER_MS) / outstanding);
      timeoutsInARow = 0;
      counts.answered += 1;
      if (result.answer.basis === "none") counts.none += 1;
    } else {
      counts.failed += 1;
      if (result.kind === "timeout") {
        counts.timedOut += 1;
        timeoutsInARow += 1;
        if (timeoutsInARow >= SILENT_AFTER) stop("silent");
        else if (lostMs >= budgetMs) stop("budget");
      }
    }
    outstanding -= 1;
    waiting.shift()?.();
    return result.kind === "answer" ? result.answer : FAILED;
  }

  type Settled = { kind: "answer"; answer: ProviderAnswer } | { kind: "timeout" } | { kind: "failure" };

  async function settle(domain: string, limitMs: number): Promise<Settled> {
    const limit = new AbortController();
    const signal = AbortSignal.any([limit.signal, giveUp.signal]);
    const query = (async (): Promise<Settled> => {
      try {
        return { kind: "answer", answer: answerOf(domain, await resolver.resolveMx(domain, signal)) };
      } catch (error) {
        const code = error instanceof Error && "code" in error ? error.code : undefined;
        if (code === "ENOTFOUND") return { kind: "answer", answer: NONE };
        // Without an MX the domain is its own mail host (RFC 5321 section 5.1).
        if (code === "ENODATA") return { kind: "answer", answer: answerOf(domain, [implicitMx(domain)]) };
        return { kind: code === "ETIMEOUT" || code === "ECONNREFUSED" ? "timeout" : "failure" };
      }
    })();
    const alarm = clock.sleep(limitMs, signal).then((): Settled => ({ kind: "timeout" }));
    const result = await Promise.race([query, alarm]);
    limit.abort();
    return result;
  }

  function remember(domain: string): Promise<ProviderAnswer> {
    const known = cache.get(domain);
    if (known !== undefined) return known;
    const answer = ask(domain);
    cache.set(domain, answer);
    if (cache.size > cacheLimit) {
      const oldest = cache.keys().next();
      if (!oldest.done) cache.delete(oldest.value);
    }
    return answer;
  }

  function providerOf(domain: string): Promise<ProviderAnswer> {
    const provider = providerOfDomain(domain);
    if (provider === undefined) return remember(domain.toLowerCase());
    counts.table += 1;
    return Promise.resolve({ provider, basis: "table", site: null });
  }

  async function providersOf(domains: Iterable<string>): Promise<Map<string, ProviderAnswer>> {
    const answers = new Map<string, ProviderAnswer>();
    const rest = new Set(domains)[Symbol.iterator]();
    // Each of these takes the next domain when its last is answered, so that 100,000 domains are not 100,000 promises.
    const takers = Array.from({ length: concurrency }, async () => {
      for (let next = rest.next(); !next.done; next = rest.next())
        answers.set(next.value, await providerOf(next.value));
    });
    await Promise.all(takers);
    return answers;
  }

  return { providerOf, providersOf, stats: () => ({ ...counts }) };
}

function implicitMx(domain: string): MxRecord {
  return { exchange: domain, priority: 0 };
}

function answerOf(domain: string, records: readonly MxRecord[]): ProviderAnswer {
  const first = Math.min(...records.map(({ priority }) => priority));
  // Backup hosts do not say who runs the mailboxes: only the preferred ones count. Sorted: DNS shuffles equal ones.
  const hosts = records
    .filter(({ priority }) => priority === first)
    .map(({ exchange }) => exchange)
    .sort();
  const known = hosts.find((host) => providerOfMx(host) !== undefined);
  const host = known ?? hosts[0];
  if (host === undefined) return answerOf(domain, [implicitMx(domain)]);
  if (host === "" || host === ".") return NONE;
  // A domain that is its own mail host is a site of its own, under private suffixes too.
  const site = host === domain ? organisationOf(host) : siteOfMx(host);
  return { provider: providerOfMx(host) ?? OTHER, basis: "mx", site };
}
