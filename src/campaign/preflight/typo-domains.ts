// Mail domains that are one slip away from a provider's: gmial.com, hotmail.con, yaho.fr. Pure. Careful rather than
// complete: who is told that a good address is wrong stops listening.
import { PROVIDERS, providerOfDomain } from "../../provider/directory.ts";

/** Shorter names are one letter from half the world (aol, gmx, sfr, live). */
const SHORTEST = 5;

/** What fingers make of "com": ends that are none, or that hardly anybody's mailbox has. */
const NOT_COM = new Set(["cmo", "con", "ocm", "vom", "xom", "comm", "coom", "cpm", "cim", "cm", "om", "co"]);

interface Known {
  domain: string;
  name: string;
  end: string;
}

const known: readonly Known[] = PROVIDERS.flatMap(({ domains }) => domains.map(split)).filter(
  ({ name }) => name.length >= SHORTEST,
);
const ofBrand = new Set(known.map(({ domain }) => domain));

/** By the name with one letter left out, and by the whole of it: what shares an entry is at most two slips apart. */
const byShort = new Map<string, Known[]>();
for (const one of known)
  for (const short of shortened(one.name)) byShort.set(short, [...(byShort.get(short) ?? []), one]);

/** The provider's domain that was probably meant; null: nothing is near enough. In lower case. */
export function meantDomain(domain: string): string | null {
  if (providerOfDomain(domain) !== undefined) return null;
  const { name, end } = split(domain);
  if (NOT_COM.has(end) && ofBrand.has(`${name}.com`)) return `${name}.com`;
  if (name.length < SHORTEST - 1) return null;
  for (const short of shortened(name)) {
    for (const one of byShort.get(short) ?? []) {
      const isSameEnd = one.end === end || (one.end === "com" && NOT_COM.has(end));
      if (isSameEnd && isOneSlip(name, one.name)) return one.domain;
    }
  }
  return null;
}

/** The first label, and all behind it. */
function split(domain: string): Known {
  const dot = domain.indexOf(".");
  return { domain, name: domain.slice(0, dot), end: domain.slice(dot + 1) };
}

function shortened(name: string): Set<string> {
  const all = new Set([name]);
  for (let i = 0; i < name.length; i++) all.add(name.slice(0, i) + name.slice(i + 1));
  return all;
}

/**
 * One letter wrong, missing, too many, or swapped with its neighbour. The first letter is hardly ever mistyped, and names
 * that differ in it are others' (mail.com, cloud.com): only a swap may touch it.
 */
function isOneSlip(a: string, b: string): boolean {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at += 1;
  const [restA, restB] = [a.slice(at), b.slice(at)];
  if (restA.length > 1 && restA[0] === restB[1] && restA[1] === restB[0] && restA.slice(2) === restB.slice(2))
    return true;
  if (at === 0) return false;
  return (
    restA.slice(1) === restB ||
    restA === restB.slice(1) ||
    (restA !== restB && restA.slice(1) === restB.slice(1))
  );
}
