// Addresses as DNS writes them: where the name of an address is asked for, whether two spellings are one address, and
// whether a name looks like one that was given to any customer. Pure; IPv4 and IPv6.
import { isIPv6 } from "node:net";

/** 192.0.2.1 -> 1.2.0.192.in-addr.arpa; IPv6 by its 32 nibbles below ip6.arpa (RFC 3596 section 2.5). */
export function arpaName(address: string): string {
  if (!isIPv6(address)) return `${address.split(".").reverse().join(".")}.in-addr.arpa`;
  return `${[...nibblesOf(address)].reverse().join(".")}.ip6.arpa`;
}

export function sameAddress(a: string, b: string): boolean {
  if (isIPv6(a) !== isIPv6(b)) return false;
  return isIPv6(a) ? nibblesOf(a) === nibblesOf(b) : a === b;
}

/** 32 lower-case hex digits. */
function nibblesOf(address: string): string {
  // A zone names an interface of this machine, and an IPv4 address may stand at the end (RFC 4291 section 2.2).
  const plain = address
    .replace(/%.*$/, "")
    .replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, a: string, b: string, c: string, d: string) => {
      const pair = (high: string, low: string) => (Number(high) * 256 + Number(low)).toString(16);
      return `${pair(a, b)}:${pair(c, d)}`;
    });
  const [head = "", tail] = plain.split("::");
  const groups = (text: string) => (text === "" ? [] : text.split(":"));
  const [before, after] = [groups(head), groups(tail ?? "")];
  const zeros = Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => "0");
  const all = tail === undefined ? before : [...before, ...zeros, ...after];
  return all
    .map((group) => group.padStart(4, "0"))
    .join("")
    .toLowerCase();
}

const GIVEN_TO_ANYBODY =
  /(?:^|[.-])(?:dyn(?:amic)?|dhcp|pool|ppp|pppoe|a?dsl|cable|dialup|unassigned|unknown|reverse)(?:[.-]|\d|$)/i;

/** A name made of its address, or with a word that providers of access use. */
export function isGenericName(name: string, address: string): boolean {
  if (GIVEN_TO_ANYBODY.test(name)) return true;
  const plain = name.toLowerCase();
  if (isIPv6(address)) {
    const tail = nibblesOf(address).slice(-16);
    return plain.replace(/[.:-]/g, "").includes(tail.replace(/^0+/, "").padStart(8, "0"));
  }
  const octets = address.split(".");
  const spelled = (list: readonly string[]) =>
    new RegExp(`(?:^|\\D)0*${list.join("[.-]0*")}(?:\\D|$)`).test(plain);
  return spelled(octets) || spelled([...octets].reverse());
}
