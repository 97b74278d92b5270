// Every key of bellwether.toml: its place, its kind, its default, whether it is a secret. Nothing else knows the
// list; the reader, the names of the environment variables and the reference in the docs all follow it.
import { commandLine, webhookSecret } from "./command-line.ts";
import {
  address,
  anyText,
  between,
  dnsServer,
  domainName,
  duration,
  filePath,
  heloName,
  integer,
  ipAddress,
  type Kind,
  list,
  listen,
  mailbox,
  oneOf,
  providerId,
  rate,
  returnPath,
  selector,
} from "./kinds.ts";
import { databaseTarget, imapServer, redisUrl, routeTarget, webUrl } from "./server-kinds.ts";

/** A key. Without a default its value is null when nobody sets it. */
export interface Key<T, HasDefault extends boolean = boolean> {
  readonly is: "key";
  readonly kind: Kind<T>;
  readonly hasDefault: HasDefault;
  /** As one would write it in the file. */
  readonly fallback: unknown;
  /** Never repeated in a message, and taken from a file too when the variable ends in _FILE. */
  readonly secret: boolean;
}

/** An array of tables, such as [[routes]]; the key `provider` is in each entry and tells them apart. */
export interface Tables<Entry extends Section, Provider extends string = string> {
  readonly is: "tables";
  readonly provider: Kind<Provider>;
  readonly entry: Entry;
}

export interface Section {
  readonly [name: string]: SchemaNode;
}
export type SchemaNode = Key<unknown> | Tables<Section> | Section;

/** What reading a section gives. */
export type Values<S> =
  S extends Key<infer T, infer HasDefault>
    ? HasDefault extends true
      ? T
      : T | null
    : S extends Tables<infer Entry, infer Provider>
      ? readonly (Values<Entry> & { readonly provider: Provider })[]
      : { readonly [K in keyof S]: Values<S[K]> };

function key<T>(kind: Kind<T>): Key<T, false> {
  return { is: "key", kind, hasDefault: false, fallback: null, secret: false };
}

function defaulted<T>(kind: Kind<T>, fallback: string | number | readonly string[]): Key<T, true> {
  return { is: "key", kind, hasDefault: true, fallback, secret: false };
}

function secret<T, D extends boolean>(plain: Key<T, D>): Key<T, D> {
  return { ...plain, secret: true };
}

/** What the program on the other side is: whose texts, logs and identifiers it uses. */
export const RELAY_KINDS = ["generic", "postfix", "ses", "sendgrid", "mailgun", "postmark"] as const;
export const FEEDBACKS = ["relay", "final"] as const;
/** TLS asked for and the certificate checked; asked for; used if offered; never. */
export const TLS_CHOICES = ["verify", "require", "opportunistic", "off"] as const;
/** By SMTP as an MX; by LMTP from an MTA that hands over. */
export const BOUNCE_PROTOCOLS = ["smtp", "lmtp"] as const;
export const WEBHOOK_SENDERS = ["ses", "sendgrid", "mailgun", "postmark", "brevo", "sparkpost"] as const;

const route = {
  url: secret(key(routeTarget)),
  kind: defaulted(oneOf(RELAY_KINDS), "generic"),
  feedback: key(oneOf(FEEDBACKS)),
  connections: defaulted(integer({ min: 1, max: 1_000 }), 20),
  rate: key(rate),
  daily_limit: key(integer({ min: 1, max: 1_000_000_000 })),
  port: key(integer({ min: 1, max: 65_535 })),
  source_address: key(ipAddress),
  tls: key(oneOf(TLS_CHOICES)),
};

function detector(p0: number, p1: number, h: number) {
  return {
    p0: defaulted(between(0, 1), p0),
    p1: defaulted(between(0, 1), p1),
    h: defaulted(between(0, 1_000), h),
  };
}

const keep = (fallback: string) => defaulted(duration("1d", "3650d"), fallback);

export const SCHEMA = {
  sender: {
    from: key(mailbox),
    reply_to: key(address),
    domain: key(domainName),
    helo: key(heloName),
    return_path: key(returnPath),
    addresses: defaulted(list(ipAddress, "a list of IPv4 and IPv6 addresses"), []),
    unsubscribe_url: key(webUrl(["https"])),
    dkim: { selector: key(selector), key_file: key(filePath) },
  },
  smtp: route,
  routes: { is: "tables", provider: providerId, entry: route },
  dns: {
    servers: defaulted(list(dnsServer, "a list of IP addresses, each with :port or without"), []),
    timeout: defaulted(duration("100ms", "60s"), "5s"),
  },
  ramp: {
    canary: defaulted(integer({ min: 1, max: 1_000 }), 5),
    soak: defaulted(duration("10ms", "24h"), "60s"),
  },
  breaker: {
    // Three in a row from rest trip the first, the third and the fourth; docs/configuration.md has the arithmetic.
    sender: detector(0.002, 0.3, 15),
    address: detector(0.05, 0.2, 10),
    content: detector(0.005, 0.3, 12),
    unknown: detector(0.01, 0.3, 10),
    complaint: detector(0.001, 0.01, 12),
    // Mail put off by the provider for all; only once it has lasted for half an hour.
    deferral: detector(0.3, 0.95, 5),
    // Of addresses that took our mail before: so few vanish within weeks that four in a row are the provider's trouble.
    provider_incident: detector(0.005, 0.3, 15),
  },
  bounces: {
    imap: { url: secret(key(imapServer)), folder: defaulted(anyText, "INBOX") },
    smtp: {
      listen: key(listen),
      protocol: defaulted(oneOf(BOUNCE_PROTOCOLS), "smtp"),
      cert_file: key(filePath),
      key_file: key(filePath),
    },
    log: { file: key(filePath) },
    webhook: { is: "tables", provider: oneOf(WEBHOOK_SENDERS), entry: { secret: secret(key(anyText)) } },
  },
  alert: {
    mail: defaulted(list(address, "an email address, or a list of them"), []),
    webhook: secret(key(webUrl(["https", "http"]))),
    webhook_secret: secret(key(webhookSecret)),
    command: key(commandLine),
    deputy: defaulted(list(address, "an email address, or a list of them"), []),
    deputy_after: defaulted(duration("1s", "24h"), "10m"),
  },
  retention: { replies: keep("90d"), recipients: keep("400d"), reports: keep("30d") },
  database: { url: secret(defaulted(databaseTarget, "file:data/bellwether.db")) },
  redis: { url: secret(key(redisUrl)) },
  server: { listen: defaulted(listen, "127.0.0.1:3000"), public_url: key(webUrl(["https", "http"])) },
} as const satisfies Section;
