// What DNS says of the sender, judged as mailbox providers judge it: forward-confirmed reverse DNS of every address that
// mail leaves from, SPF, DKIM, DMARC, and a domain that exists. Pure: answers come in, findings go out; asking is
// sender-check.ts. What was not answered is never a blocker.
import { createPublicKey, type KeyObject } from "node:crypto";
import { arpaName, isGenericName, sameAddress } from "./address-names.ts";
import type { Finding } from "./finding.ts";

export type DnsAnswer =
  | { readonly kind: "records"; readonly values: readonly string[] }
  /** There is no such name, or no such record at it. */
  | { readonly kind: "none" }
  /** Nobody could say: a timeout, a server that fails. `why` in a few words. */
  | { readonly kind: "failed"; readonly why: string };

/** An address's names, and for each name the addresses (A, or AAAA for IPv6) that it has. */
export interface ReverseAnswers {
  readonly address: string;
  readonly names: DnsAnswer;
  readonly forward: ReadonlyMap<string, DnsAnswer>;
  /** A host name that would suit, and an IPv4 address by which mail could leave instead; null: none is known. */
  readonly host?: string | null;
  readonly instead?: string | null;
}

/** RFC 1912 section 2.1; Gmail, Microsoft and Yahoo refuse an address without it. */
export function judgeReverse({ address, names, forward, ...known }: ReverseAnswers): Finding[] {
  if (names.kind === "failed") return [unanswered(`the reverse DNS name of ${address}`, names.why, address)];
  const record = address.includes(":") ? "AAAA" : "A";
  const host = known.host ?? "mail.example.com";
  if (names.kind === "none" || names.values.length === 0) {
    return [
      measured("blocker", "reverse-dns-missing", {
        message: `${address} has no reverse DNS name: there is no PTR record at ${arpaName(address)}.`,
        hint: `Either let whoever owns ${address} (the hosting company) publish "${arpaName(address)}. PTR ${host}.", and publish "${host}. ${record} ${address}".${byIPv4(address, known.instead)}`,
        subject: address,
      }),
    ];
  }
  const confirmed = names.values.filter((name) => {
    const answer = forward.get(name);
    return answer?.kind === "records" && answer.values.some((one) => sameAddress(one, address));
  });
  const [name] = confirmed;
  if (name !== undefined)
    return confirmed.every((one) => isGenericName(one, address)) ? [generic(address, name)] : [];
  for (const answer of forward.values()) {
    if (answer.kind === "failed") return [unanswered(`the way back to ${address}`, answer.why, address)];
  }
  const told = names.values.map((one) => {
    const answer = forward.get(one);
    const has = answer?.kind === "records" ? `has ${answer.values.join(", ")}` : `has no ${record} record`;
    return `${one} ${has}`;
  });
  return [
    measured("blocker", "reverse-dns-unconfirmed", {
      message: `The name of ${address} does not lead back to it: ${told.join("; ")}.`,
      hint: `Give ${names.values[0] ?? "that name"} an ${record} record with ${address}, or let the PTR record name a host that has one.`,
      subject: address,
    }),
  ];
}

/** What gets the mails out today, while the record is waited for. */
function byIPv4(address: string, instead: string | null | undefined): string {
  if (!address.includes(":")) return "";
  const four = instead ?? "192.0.2.1";
  return ` Or send by IPv4: source_address = "${four}" where the route is direct; at a Postfix relay inet_protocols = ipv4, and ${address} out of addresses below [sender].`;
}

function generic(address: string, name: string): Finding {
  return measured("info", "reverse-dns-generic", {
    message: `${address} is called ${name}: that looks like a name given to any customer, and some providers trust it less.`,
    hint: "Ask for a PTR record with a name of your own, such as mail.example.com.",
    subject: address,
  });
}

/** RFC 7208 section 4.5: none is no proof, and two are an error that fails every mail. */
export function judgeSpf({ domain, answer }: { domain: string; answer: DnsAnswer }): Finding[] {
  if (answer.kind === "failed") return [unanswered(`SPF of ${domain}`, answer.why, domain)];
  const records = spfRecords(answer);
  if (records.length === 1) return [];
  if (records.length === 0) {
    return [
      measured("blocker", "spf-missing", {
        message: `${domain} has no SPF record: nothing says which servers may send for it.`,
        hint: `Publish at ${domain}: TXT "v=spf1 ip4:192.0.2.1 ~all" with the real addresses.`,
        subject: domain,
      }),
    ];
  }
  return [
    measured("blocker", "spf-several", {
      message: `${domain} has ${records.length} SPF records: ${records.map((one) => `"${one}"`).join(", ")}. With more than one SPF fails for every mail.`,
      hint: "Join them into one record and remove the others.",
      subject: domain,
    }),
  ];
}

export function spfRecords(answer: DnsAnswer): readonly string[] {
  return answer.kind === "records" ? answer.values.filter((text) => /^v=spf1( |$)/i.test(text)) : [];
}

/** RFC 6376 section 3.6. `key`: the public half of ours, SPKI in DER, base64. */
export function judgeDkim(given: { name: string; key: string; answer: DnsAnswer }): Finding[] {
  const { name, key, answer } = given;
  if (answer.kind === "failed") return [unanswered(`the DKIM key at ${name}`, answer.why, name)];
  const keys = (answer.kind === "none" ? [] : answer.values).flatMap((text) => tagOf(text, "p") ?? []);
  const hint = `Publish at ${name}: TXT "v=DKIM1; k=rsa; p=${key}"`;
  if (keys.length === 0) {
    return [
      measured("blocker", "dkim-missing", {
        message: `There is no DKIM key at ${name}: our signatures cannot be checked.`,
        hint,
        subject: name,
      }),
    ];
  }
  if (keys.some((one) => isSameKey(one, key))) return judgeStrength(name, key);
  const revoked = keys.every((one) => one === "");
  return [
    measured("blocker", "dkim-differs", {
      message: revoked
        ? `The DKIM key at ${name} is revoked (its p= is empty): our signatures do not count.`
        : `The DKIM key at ${name} is not the one we sign with: our signatures fail.`,
      hint,
      subject: name,
    }),
  ];
}

/** RFC 8301 section 3.2: verifiers take 1,024 bits and more; Gmail and Yahoo recommend 2,048. */
function judgeStrength(name: string, key: string): Finding[] {
  const bits = readKey(key)?.asymmetricKeyDetails?.modulusLength ?? 0;
  if (bits === 0 || bits >= 2_048) return [];
  return [
    measured(bits < 1_024 ? "blocker" : "info", "dkim-weak", {
      message: `The DKIM key at ${name} has ${bits} bits; ${bits < 1_024 ? "receivers take no less than 1024" : "2048 are usual today"}.`,
      hint: "Make a key of 2048 bits (openssl genrsa -out dkim.pem 2048) and publish it under a new selector.",
      subject: name,
    }),
  ];
}

/** A receiver that cannot answer the sender refuses them: RFC 5321 section 5.1, an MX or an address of its own. */
export function judgeDomain({
  domain,
  answers,
}: {
  domain: string;
  answers: readonly DnsAnswer[];
}): Finding[] {
  if (answers.some((answer) => answer.kind === "records")) return [];
  for (const answer of answers) {
    if (answer.kind === "failed") return [unanswered(`the domain ${domain}`, answer.why, domain)];
  }
  return [
    measured("blocker", "sender-domain-unknown", {
      message: `The sender's domain ${domain} takes no mail: it has no MX, A or AAAA record.`,
      hint: `Publish an MX record at ${domain}, or correct return_path and from below [sender].`,
      subject: domain,
    }),
  ];
}

/** RFC 5321 section 4.1.1.1: a name that has an address, best the one that we come from. */
export function judgeHelo(given: {
  name: string;
  addresses: readonly string[];
  /** A and AAAA. */
  answers: readonly DnsAnswer[];
}): Finding[] {
  const { name, addresses, answers } = given;
  const has = answers.flatMap((answer) => (answer.kind === "records" ? answer.values : []));
  if (addresses.some((one) => has.some((other) => sameAddress(one, other)))) return [];
  const failed = answers.find((answer) => answer.kind === "failed");
  if (failed !== undefined) return [unanswered(`the name said in EHLO, ${name}`, failed.why, name)];
  const leads = has.length === 0 ? "has no address" : `leads to ${has.join(", ")}`;
  return [
    measured("warning", "helo-differs", {
      message: `The name that we say in EHLO, ${name}, ${leads}, and not to where mail leaves from (${addresses.join(", ")}).`,
      hint: "Set helo below [sender] to the name of the PTR record, or give that name these addresses.",
      subject: name,
    }),
  ];
}

/** Nothing is known of where mail leaves from: a relay may send from anywhere. */
export function addressesUnknown(): Finding {
  return {
    code: "sender-addresses-unknown",
    severity: "info",
    basis: "assumed",
    message: "From which addresses mail leaves is not configured: their reverse DNS could not be looked at.",
    hint: 'Write addresses = ["192.0.2.1", "2001:db8::1"] below [sender].',
  };
}

export function measured(
  severity: Finding["severity"],
  code: Finding["code"],
  words: { message: string; hint: string; subject: string },
): Finding {
  return { code, severity, basis: "measured", ...words };
}

export function unanswered(what: string, why: string, subject: string): Finding {
  return {
    code: "dns-unanswered",
    severity: "warning",
    basis: "assumed",
    message: `DNS did not answer for ${what}: ${why}.`,
    hint: "Check [dns] servers and the network; what was not seen is not held against anybody.",
    subject,
  };
}

/** The value of a tag of a tag=value list (RFC 6376 section 3.2), blanks removed. */
export function tagOf(text: string, tag: string): string | null {
  for (const part of text.split(";")) {
    const equals = part.indexOf("=");
    if (equals > 0 && part.slice(0, equals).trim() === tag) return part.slice(equals + 1).replace(/\s+/g, "");
  }
  return null;
}

/** Records hold a key as SPKI or, rarely, as bare PKCS #1: the same numbers are the same key. */
function isSameKey(published: string, own: string): boolean {
  if (published === own) return true;
  const mine = readKey(own)?.export({ format: "jwk" });
  const theirs = readKey(published)?.export({ format: "jwk" });
  return mine !== undefined && theirs !== undefined && mine.n === theirs.n && mine.e === theirs.e;
}

function readKey(base64: string): KeyObject | null {
  const key = Buffer.from(base64, "base64");
  for (const type of ["spki", "pkcs1"] as const) {
    try {
      return createPublicKey({ key, format: "der", type });
    } catch {
      // The other form, or none.
    }
  }
  return null;
}
