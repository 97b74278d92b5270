// The kinds of value that a key can take: how each is read from TOML or from the text of an environment variable,
// and the words that say what it takes. Only the shape is judged here; which key has which kind is in the schema.
import { isIP } from "node:net";
import path from "node:path";
import { domainToASCII } from "node:url";
import { shown } from "./problems.ts";
import { parseDuration, parseRate, type Rate } from "./units.ts";
import { isHost } from "./urls.ts";

/** `refused` is why, beyond "it is not what the key takes"; it may be empty and never repeats a secret. */
export type Read<T> = { readonly value: T } | { readonly refused: string };

export interface Kind<T> {
  /** Completes "it takes ...". */
  readonly expects: string;
  /** The text of an environment variable as TOML would have given it: a number, a list, or the text itself. */
  readonly fromText: (text: string) => unknown;
  /** `directory` is where relative paths begin. */
  readonly read: (value: unknown, directory: string) => Read<T>;
}

export interface Listen {
  readonly host: string;
  readonly port: number;
}

/** A mailbox as it stands in a header. */
export interface Mailbox {
  readonly name: string | null;
  readonly address: string;
}

/** Reads texts; `parse` answers null for what is simply not of the shape. */
export function text<T>(
  expects: string,
  parse: (text: string, directory: string) => Read<T> | null,
): Kind<T> {
  return {
    expects,
    fromText: (given) => given.trim(),
    read: (value, directory) => {
      if (typeof value !== "string") return { refused: `it is not a text in "quotes"` };
      return parse(value.trim(), directory) ?? { refused: "" };
    },
  };
}

function accept<T>(value: T | null): Read<T> | null {
  return value === null ? null : { value };
}

export function oneOf<const T extends string>(words: readonly T[]): Kind<T> {
  const quoted = words.map((word) => `"${word}"`);
  const expects = `${quoted.slice(0, -1).join(", ")} or ${quoted.at(-1)}`;
  return text(expects, (given) => accept(words.find((word) => word === given) ?? null));
}

export function integer(range: { min: number; max: number }): Kind<number> {
  return number(`a whole number from ${range.min} to ${range.max}`, (value) => {
    return Number.isInteger(value) && value >= range.min && value <= range.max;
  });
}

/** A number strictly between the two. */
export function between(low: number, high: number): Kind<number> {
  return number(`a number above ${low} and below ${high}`, (value) => value > low && value < high);
}

function number(expects: string, fits: (value: number) => boolean): Kind<number> {
  return {
    expects,
    fromText: (given) => (/^\s*-?\d+(\.\d+)?\s*$/.test(given) ? Number(given) : given),
    read: (value) => {
      if (typeof value === "string") return { refused: "it is a text, not a number" };
      if (typeof value !== "number") return { refused: "it is not a number" };
      return fits(value) ? { value } : { refused: "" };
    },
  };
}

/** Milliseconds. The bounds are written as durations too. */
export function duration(min: string, max: string): Kind<number> {
  const minMs = parseDuration(min) ?? 0;
  const maxMs = parseDuration(max) ?? 0;
  return text(`a duration from ${min} to ${max}, in ms, s, m, h or d`, (given) => {
    const ms = parseDuration(given);
    return ms !== null && ms >= minMs && ms <= maxMs ? { value: ms } : null;
  });
}

export const rate: Kind<Rate> = text(
  'a count in a time, such as "10/s", "100/min", "5/hr" or "1000/day"',
  (given) => accept(parseRate(given)),
);

/** A list, or one text that stands for a list of one; a variable separates by commas. */
export function list<T>(kind: Kind<T>, expects: string): Kind<readonly T[]> {
  return {
    expects,
    fromText: (given) =>
      given
        .split(",")
        .map((part) => part.trim())
        .filter((part) => part !== "")
        .map(kind.fromText),
    read: (value, directory) => {
      const values: T[] = [];
      for (const element of Array.isArray(value) ? value : [value]) {
        const read = kind.read(element, directory);
        if ("refused" in read) {
          return {
            refused: `${shown(element)} ${read.refused === "" ? "is not one" : `is not one, ${read.refused}`}`,
          };
        }
        values.push(read.value);
      }
      return { value: values };
    },
  };
}

export const anyText: Kind<string> = text("a text that is not empty", (given) =>
  given === "" ? null : { value: given },
);

/** An absolute path; what stands there is looked at by whoever opens it. */
export const filePath: Kind<string> = text(
  "a path; a relative one begins at the folder of the configuration file",
  (given, directory) => {
    return given === "" || given.includes("\0") ? null : { value: path.resolve(directory, given) };
  },
);

export const ipAddress: Kind<string> = text("an IPv4 or IPv6 address", (given) =>
  accept(isIP(given) ? given : null),
);

/** A domain name with a dot in it, in ASCII and lower case. */
export const domainName: Kind<string> = text("a domain name, such as example.com", (given) =>
  accept(asDomain(given)),
);

/** What stands before ._domainkey (RFC 6376 section 3.1); it may have dots. */
export const selector: Kind<string> = text("a DKIM selector, such as s1", (given) =>
  accept(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/i.test(given) ? given : null),
);

/** The shape of a mailbox provider's id; whether there is such a provider is for the directory to say. */
export const providerId: Kind<string> = text(
  "the id of a mailbox provider, such as google, or other",
  (given) => accept(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(given) && given !== "default" ? given : null),
);

/** RFC 5321 section 4.1.1.1: a full host name, or an address literal. */
export const heloName: Kind<string> = text(
  "a full host name, or an address literal such as [192.0.2.1]",
  (given) => {
    const literal = /^\[(?:IPv6:)?(.+)\]$/i.exec(given)?.[1];
    return accept(literal !== undefined && isIP(literal) ? given : asDomain(given));
  },
);

export const address: Kind<string> = text("an email address", (given) => accept(asAddress(given)));

export const mailbox: Kind<Mailbox> = text('an email address, or "Name <address>"', (given) => {
  const match = /^(.*?)\s*<([^<>]*)>$/.exec(given);
  const plain = asAddress(match?.[2] ?? given);
  if (plain === null) return null;
  const name = (match?.[1] ?? "").replace(/^"(.*)"$/, "$1");
  if (/[\p{Cc}<>"]/u.test(name))
    return { refused: "the name has a control character, a quote or a bracket in it" };
  return { value: { name: name === "" ? null : name, address: plain } };
});

/** A listening place; port 0 lets the system choose. */
export const listen: Kind<Listen> = text('"host:port", such as 127.0.0.1:3000 or [::1]:3000', (given) => {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(given);
  const host = match?.[1] ?? match?.[2] ?? "";
  const port = Number(match?.[3] ?? Number.NaN);
  if (!(port <= 65_535)) return null;
  return (match?.[1] === undefined ? isHost(host) : isIP(host) === 6) ? { value: { host, port } } : null;
});

/** As `dns.setServers` takes it: an address, with a port or without. */
export const dnsServer: Kind<string> = text("an IP address, with :port or without", (given) => {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(given);
  const port = Number(match?.[3] ?? 53);
  const host = match?.[1] ?? match?.[2] ?? given;
  return isIP(host) !== 0 && port > 0 && port <= 65_535 ? { value: given } : null;
});

function asDomain(given: string): string | null {
  const ascii = domainToASCII(given).toLowerCase();
  return ascii.includes(".") && isIP(ascii) === 0 && isHost(ascii) && !ascii.endsWith(".") ? ascii : null;
}

/** A plain ASCII address (dot-atom, RFC 5322 section 3.4.1); an international domain becomes its ASCII form. */
function asAddress(given: string): string | null {
  const match = /^([a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*)@([^@\s]+)$/i.exec(given);
  const local = match?.[1];
  const domain = asDomain(match?.[2] ?? "");
  return local === undefined || local.length > 64 || domain === null ? null : `${local}@${domain}`;
}

/** Longest token that may stand for {token}; RFC 5321 section 4.5.3.1.1 allows 64 octets before the "@". */
const TOKEN_LENGTH = 30;

/** Envelope sender of each mail: {token} becomes what tells the report's delivery and attempt. */
export const returnPath: Kind<string> = text(
  'an address with {token} in it once, before the "@"',
  (given) => {
    const [before, after, ...more] = given.split("{token}");
    if (before === undefined || after === undefined) return { refused: "{token} is missing" };
    if (more.length > 0) return { refused: "{token} stands in it more than once" };
    if (!after.includes("@")) return { refused: '{token} stands behind the "@"' };
    const local = `${before}${"t".repeat(TOKEN_LENGTH)}${after.slice(0, after.indexOf("@"))}`;
    if (local.length > 64) {
      return {
        refused: `with a token of ${TOKEN_LENGTH} its local part has ${local.length} characters, 64 are allowed`,
      };
    }
    const whole = asAddress(`${before}${"t".repeat(TOKEN_LENGTH)}${after}`);
    return whole === null
      ? null
      : { value: `${before}{token}${after.slice(0, after.indexOf("@"))}${whole.slice(whole.indexOf("@"))}` };
  },
);
