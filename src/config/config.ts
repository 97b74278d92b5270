// The configuration as the rest of the program sees it: parsed, whole, frozen, with numbers in their units. It
// decides what follows when a key is not set and which values do not go together; reading is in load.ts.
import path from "node:path";
import type { Collected, Place } from "./collect.ts";
import type { Listen, Mailbox } from "./kinds.ts";
import type { Problem } from "./problems.ts";
import type {
  BOUNCE_PROTOCOLS,
  FEEDBACKS,
  RELAY_KINDS,
  SCHEMA,
  TLS_CHOICES,
  Values,
  WEBHOOK_SENDERS,
} from "./schema.ts";
import type { DatabaseTarget, ImapServer, RouteTarget } from "./server-kinds.ts";
import type { Rate } from "./units.ts";
import { isLoopback } from "./urls.ts";

export type RelayKind = (typeof RELAY_KINDS)[number];
export type Feedback = (typeof FEEDBACKS)[number];
export type TlsChoice = (typeof TLS_CHOICES)[number];
export type BounceProtocol = (typeof BOUNCE_PROTOCOLS)[number];
export type WebhookSender = (typeof WEBHOOK_SENDERS)[number];
type DetectorKey = keyof (typeof SCHEMA)["breaker"];
export type DetectorName = Exclude<DetectorKey, "provider_incident"> | "provider-incident";

export interface Config {
  /** The file that was read, absolute; null when there was none. */
  readonly file: string | null;
  /** Where relative paths began: the folder of the file, else the working directory. */
  readonly directory: string;
  readonly sender: SenderConfig;
  /** The route of every provider that has none of its own; named "default". */
  readonly smtp: RouteConfig;
  /** One a provider, named by its id. */
  readonly routes: readonly RouteConfig[];
  readonly dns: {
    /** As `dns.setServers` takes them; empty: the system's. */
    readonly servers: readonly string[];
    readonly timeoutMs: number;
  };
  readonly ramp: { readonly canary: number; readonly soakMs: number };
  readonly breaker: Readonly<Record<DetectorName, DetectorConfig>>;
  readonly bounces: {
    readonly imap: (ImapServer & { readonly folder: string }) | null;
    readonly smtp: {
      readonly listen: Listen;
      readonly protocol: BounceProtocol;
      /** Files of PEM; null: STARTTLS is not offered. */
      readonly tls: { readonly certFile: string; readonly keyFile: string } | null;
    } | null;
    readonly log: { readonly file: string } | null;
    readonly webhooks: readonly { readonly provider: WebhookSender; readonly secret: string }[];
  };
  readonly alert: {
    readonly mail: readonly string[];
    readonly webhook: string | null;
    /** What signs its posts, as it was written; null: they are not signed. */
    readonly webhookSecret: string | null;
    /** The program first. */
    readonly command: readonly string[] | null;
    /** Who is told by mail when nobody has answered. */
    readonly deputy: readonly string[];
    readonly deputyAfterMs: number;
  };
  readonly retention: {
    readonly repliesMs: number;
    readonly recipientsMs: number;
    readonly reportsMs: number;
  };
  readonly database: DatabaseTarget;
  /** A url means cluster mode. */
  readonly redis: { readonly url: string } | null;
  readonly server: { readonly listen: Listen; readonly publicUrl: string | null };
}

export interface SenderConfig {
  readonly from: Mailbox | null;
  readonly replyTo: string | null;
  /** Domain that signs and that Message-IDs end in; the one of `from` unless set. */
  readonly domain: string | null;
  /** null: the host's own name. */
  readonly helo: string | null;
  /** With {token} in it once, before the "@". */
  readonly returnPath: string | null;
  /** Addresses that mail can leave from, as the receivers see them. */
  readonly addresses: readonly string[];
  readonly unsubscribeUrl: string | null;
  readonly dkim: { readonly selector: string; readonly keyFile: string } | null;
}

export interface RouteConfig {
  /** "default", or the provider's id. */
  readonly name: string;
  readonly provider: string | null;
  /** null: not configured; without any route the program is a sandbox. */
  readonly target: RouteTarget | null;
  readonly kind: RelayKind;
  readonly feedback: Feedback;
  readonly connections: number;
  readonly rate: Rate | null;
  readonly dailyLimit: number | null;
  readonly sourceAddress: string | null;
  readonly tls: TlsChoice;
}

/** 0 < p0 < p1 < 1: share of bad outcomes that is normal, and that is not; h: how sure before it trips. */
export interface DetectorConfig {
  readonly p0: number;
  readonly p1: number;
  readonly h: number;
}

type Read = Collected<typeof SCHEMA>;
type RouteValues = Values<(typeof SCHEMA)["smtp"]>;
type Report = (path: string, text: string, hint: string) => void;

/** Makes the configuration of what was read; what does not go together is added to the problems. */
export function assemble(
  read: Read,
  at: { file: string | null; name: string; directory: string },
): {
  config: Config;
  problems: Problem[];
} {
  const { values, places, refused } = read;
  const problems = [...read.problems];
  const nowhere: Place = { source: at.name, line: null };
  const report: Report = (where, text, hint) =>
    problems.push({ code: "config-value", ...(places.get(where) ?? nowhere), text, hint });

  for (const [name, { p0, p1 }] of Object.entries(values.breaker)) {
    if (p0 < p1 || refused.has(`breaker.${name}.p0`) || refused.has(`breaker.${name}.p1`)) continue;
    const where = places.has(`breaker.${name}.p1`) ? "p1" : "p0";
    report(
      `breaker.${name}.${where}`,
      `breaker.${name} has p0 = ${p0} and p1 = ${p1}`,
      "p0 must be below p1.",
    );
  }
  if (values.redis.url !== null && values.database.url.kind === "sqlite" && !refused.has("database.url")) {
    report(
      "redis.url",
      "redis.url asks for a cluster, but the database is a file of this machine",
      "Set database.url to a postgresql:// address, or leave redis.url out.",
    );
  }
  const config: Config = {
    file: at.file,
    directory: path.resolve(at.directory),
    sender: sender(values.sender, report, places),
    smtp: route(values.smtp, { provider: null, where: "smtp" }, report, places),
    routes: values.routes.map(({ provider, ...rest }) =>
      route(rest, { provider, where: `routes[${provider}]` }, report, places),
    ),
    dns: { servers: values.dns.servers, timeoutMs: values.dns.timeout },
    ramp: { canary: values.ramp.canary, soakMs: values.ramp.soak },
    breaker: breaker(values.breaker),
    bounces: bounces(values.bounces, report, places),
    alert: alert(values.alert, report, places),
    retention: {
      repliesMs: values.retention.replies,
      recipientsMs: values.retention.recipients,
      reportsMs: values.retention.reports,
    },
    database: values.database.url,
    redis: values.redis.url === null ? null : { url: values.redis.url },
    server: { listen: values.server.listen, publicUrl: values.server.public_url },
  };
  return { config: deepFreeze(config), problems };
}

function breaker({ provider_incident: incident, ...rest }: Read["values"]["breaker"]): Config["breaker"] {
  return { ...rest, "provider-incident": incident };
}

function sender(values: Read["values"]["sender"], report: Report, places: Read["places"]): SenderConfig {
  const { selector, key_file: keyFile } = values.dkim;
  for (const [own, other] of [
    ["selector", "key_file"],
    ["key_file", "selector"],
  ] as const) {
    if (places.has(`sender.dkim.${own}`) && !places.has(`sender.dkim.${other}`)) {
      report(
        `sender.dkim.${own}`,
        `sender.dkim.${own} is set without sender.dkim.${other}`,
        "Set both; or neither, when the relay signs.",
      );
    }
  }
  return {
    from: values.from,
    replyTo: values.reply_to,
    domain: values.domain ?? values.from?.address.replace(/^.*@/, "") ?? null,
    helo: values.helo,
    returnPath: values.return_path,
    addresses: values.addresses,
    unsubscribeUrl: values.unsubscribe_url,
    dkim: selector === null || keyFile === null ? null : { selector, keyFile },
  };
}

function route(
  values: RouteValues,
  { provider, where }: { provider: string | null; where: string },
  report: Report,
  places: Read["places"],
): RouteConfig {
  const { url, port } = values;
  if (provider !== null && !places.has(`${where}.url`)) {
    report(
      where,
      `the route of ${provider} has no url`,
      "Give it one: a route takes nothing over from [smtp].",
    );
  }
  if (url?.kind === "relay" && port !== null) {
    report(
      `${where}.port`,
      `${where}.port is set, but ${where}.url names a relay`,
      "Put the port into the url: host:port.",
    );
  }
  if (url?.kind === "relay" && url.implicitTls && (values.tls === "off" || values.tls === "opportunistic")) {
    report(
      `${where}.tls`,
      `${where}.tls is "${values.tls}", but smtps:// is TLS from the first byte`,
      'Set it to "verify" or "require", or write smtp:// in the url.',
    );
  }
  return {
    name: provider ?? "default",
    provider,
    target: url?.kind === "direct" ? { kind: "direct", port: port ?? url.port } : url,
    kind: values.kind,
    feedback:
      values.feedback ?? (url?.kind === "direct" || (url?.kind === "relay" && url.lmtp) ? "final" : "relay"),
    connections: values.connections,
    rate: values.rate,
    dailyLimit: values.daily_limit,
    sourceAddress: values.source_address,
    tls: values.tls ?? usualTls(url),
  };
}

/**
 * Mail is encrypted where the other side offers it; MX hosts rarely have certificates that can be checked (RFC 7435).
 * A password goes only to a server that has proved its name, unless it stays on this machine.
 */
function usualTls(target: RouteTarget | null): TlsChoice {
  if (target?.kind !== "relay") return "opportunistic";
  if (isLoopback(target.host)) return target.implicitTls ? "require" : "opportunistic";
  return target.implicitTls || target.pass !== null ? "verify" : "opportunistic";
}

function bounces(
  values: Read["values"]["bounces"],
  report: Report,
  places: Read["places"],
): Config["bounces"] {
  if (places.has("bounces.imap.folder") && !places.has("bounces.imap.url")) {
    report("bounces.imap.folder", "bounces.imap.folder is set without bounces.imap.url", "Set the url too.");
  }
  const webhooks = values.webhook.flatMap(({ provider, secret }) => {
    if (secret !== null) return [{ provider, secret }];
    if (!places.has(`bounces.webhook[${provider}].secret`)) {
      report(
        `bounces.webhook[${provider}]`,
        `the webhook of ${provider} has no secret`,
        "Give it one: without it anybody could report bounces.",
      );
    }
    return [];
  });
  return {
    imap: values.imap.url === null ? null : { ...values.imap.url, folder: values.imap.folder },
    smtp: bounceListener(values.smtp, report, places),
    log: values.log.file === null ? null : { file: values.log.file },
    webhooks,
  };
}

function alert(
  { webhook_secret: webhookSecret, deputy_after: deputyAfterMs, ...values }: Read["values"]["alert"],
  report: Report,
  places: Read["places"],
): Config["alert"] {
  if (places.has("alert.webhook_secret") && !places.has("alert.webhook")) {
    report(
      "alert.webhook_secret",
      "alert.webhook_secret is set without alert.webhook",
      "Set the webhook too.",
    );
  }
  return { ...values, webhookSecret, deputyAfterMs };
}

function bounceListener(
  values: Read["values"]["bounces"]["smtp"],
  report: Report,
  places: Read["places"],
): Config["bounces"]["smtp"] {
  const where = (name: string) => `bounces.smtp.${name}`;
  for (const name of ["protocol", "cert_file", "key_file"]) {
    if (!places.has(where(name)) || places.has(where("listen"))) continue;
    report(where(name), `${where(name)} is set without ${where("listen")}`, "Set listen too.");
  }
  const { listen, protocol, cert_file: certFile, key_file: keyFile } = values;
  for (const [own, other] of [
    ["cert_file", "key_file"],
    ["key_file", "cert_file"],
  ] as const) {
    if (places.has(where(own)) && !places.has(where(other))) {
      report(where(own), `${where(own)} is set without ${where(other)}`, "Set both, or neither.");
    }
  }
  if (listen === null) return null;
  const tls = certFile === null || keyFile === null ? null : { certFile, keyFile };
  return { listen, protocol, tls };
}

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) deepFreeze(part);
  }
  return value;
}
