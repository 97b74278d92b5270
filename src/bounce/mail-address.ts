// Finds mail addresses in headers, fields and prose, in linear time. What an address is there for - who was written
// to, who wrote - is decided by who asks.

export interface Found {
  address: string;
  /** Where it begins and ends in the text, its quotes and brackets not included. */
  from: number;
  to: number;
}

/** RFC 5321 section 4.5.3.1.1 allows 64; rewritten return paths are longer. */
const LOCAL_LENGTH = 200;
const DOMAIN_LENGTH = 255;
const LOCAL = /[a-z0-9!#$%&'*+\-/=?^_`{|}~.\u0080-\uffff]/i;
const DOMAIN = /[a-z0-9.\-_\u0080-\uffff]/i;

/** All addresses of a text in their order, at most `limit`. */
export function addressesIn(text: string, limit = 1_000): Found[] {
  const all: Found[] = [];
  let floor = 0;
  for (let at = text.indexOf("@"); at >= 0 && all.length < limit; at = text.indexOf("@", at + 1)) {
    const found = addressAt(text, at, floor);
    if (found === null) continue;
    all.push(found);
    floor = found.to;
  }
  return all;
}

/** The first address of a text, or null. */
export function addressIn(text: string): string | null {
  return addressesIn(text, 1)[0]?.address ?? null;
}

function addressAt(text: string, at: number, floor: number): Found | null {
  let from = at;
  const lowest = Math.max(floor, at - LOCAL_LENGTH);
  if (text[at - 1] === '"') {
    const open = text.lastIndexOf('"', at - 2);
    if (open < lowest) return null;
    from = open;
  } else {
    while (from > lowest && LOCAL.test(text[from - 1] ?? "")) from--;
    // Quotes around an address, an option's sign before it, the punctuation of Japanese and Russian prose.
    while (
      from < at &&
      /['`=|/?&*\u2018-\u201f\u3000-\u303f\uff00-\uff0f\uff1a-\uff20]/.test(text[from] ?? "")
    )
      from++;
  }
  let to = at + 1;
  if (text[to] === "[") {
    const close = text.indexOf("]", to);
    if (close < 0 || close - to > 60) return null;
    to = close + 1;
  } else {
    const highest = Math.min(text.length, at + 1 + DOMAIN_LENGTH);
    while (
      to < highest &&
      DOMAIN.test(text[to] ?? "") &&
      !/[\u2018-\u201f\u3000-\u30ff]/.test(text[to] ?? "")
    )
      to++;
    while (to > at + 1 && /[.\-_]/.test(text[to - 1] ?? "")) to--;
  }
  if (from === at || to === at + 1) return null;
  return { address: text.slice(from, to), from, to };
}

/** The same mailbox, as far as strangers can tell. */
export function sameAddress(a: string, b: string): boolean {
  return a.length === b.length && a.toLowerCase() === b.toLowerCase();
}
