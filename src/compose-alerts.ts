// Which roads for alerts the configuration asks for, and who keeps the alerts of a database. In the sandbox there are no
// roads: nothing leaves the machine, and what would be told is only said.

import { createCommandRoad } from "./adapters/alert/command.ts";
import { createMailRoad } from "./adapters/alert/mail.ts";
import { createWebhookRoad } from "./adapters/alert/webhook.ts";
import type { Database } from "./adapters/database/database.ts";
import { createMxResolver } from "./adapters/dns.ts";
import { createSmtpTransport } from "./adapters/smtp/transport.ts";
import { stoppedNow } from "./adapters/store/alert-causes.ts";
import { createAlertStore } from "./adapters/store/alerts.ts";
import { testCard } from "./alert/card.ts";
import { type AlertKeeper, createAlertKeeper } from "./alert/keeper.ts";
import { ROADS, type Road, type RoadName } from "./alert/road.ts";
import type { Bellwether } from "./application.ts";
import type { AlertRoads } from "./campaign/preflight/alerts.ts";
import type { Clock } from "./clock.ts";
import type { Config } from "./config/config.ts";
import type { EngineOptions } from "./delivery/engine.ts";
import type { Letterhead, Signer } from "./delivery/mailer.ts";
import { providerTitle } from "./provider/directory.ts";
import { createProviderLookup } from "./provider/lookup.ts";
import { OTHER } from "./provider/provider.ts";

interface AlertParts {
  config: Config;
  clock: Clock;
  db: Database;
  secret: string;
  isSandbox: boolean;
  letterhead: () => Letterhead;
  sign: Signer;
}

/** A road must have answered before its lease ends: together less than half a minute. */
const TIMEOUTS = {
  connectMs: 5_000,
  greetingMs: 8_000,
  dnsMs: 5_000,
  replyMs: 8_000,
  dotMs: 15_000,
  mailMs: 25_000,
  quitMs: 1_000,
};

export function composeAlerts(
  parts: AlertParts & { onNotice: EngineOptions["onNotice"]; onFailedTry: (road: RoadName) => void },
): AlertKeeper {
  const { config, clock, db, secret, isSandbox, onNotice, onFailedTry } = parts;
  const { deputyAfterMs } = config.alert;
  return createAlertKeeper({
    store: createAlertStore(db),
    roads: isSandbox ? [] : roadsOf(parts),
    deputyAfterMs,
    keptMs: config.retention.repliesMs,
    publicUrl: config.server.publicUrl,
    clock,
    secret,
    onRaised: (subject) => {
      const nobody = isSandbox ? ` (sandbox: ${wouldTell(config)})` : "";
      onNotice({ kind: "alert", name: "alert", trouble: `${subject}${nobody}` });
    },
    onTrouble: (road, trouble) => onNotice({ kind: "alert-road", name: `alerts by ${road}`, trouble }),
    onFailedTry,
  });
}

/** Tells every road a test, each target by itself, and hears what each answers. */
export async function tellTest(parts: AlertParts): ReturnType<Bellwether["testAlerts"]> {
  const { config, clock } = parts;
  const alert = {
    id: 0,
    kind: "test" as const,
    urgency: "low" as const,
    atMs: clock.now(),
    card: testCard(config.server.publicUrl),
  };
  const messages = roadsOf(parts).flatMap((road) => [
    ...road.targets.first.map((target) => ({ road, target, deputy: false })),
    ...road.targets.deputy.map((target) => ({ road, target, deputy: true })),
  ]);
  return Promise.all(
    messages.map(async ({ road, target, deputy }, index) => {
      const about = { road: road.name, target, deputy };
      if (parts.isSandbox) return { ...about, ok: true, answer: "not sent: this is the sandbox" };
      const id = `alert_test_${alert.atMs}_${index}`;
      const { ok, answer } = await road.tell({ alert, target, deputy, id }, new AbortController().signal);
      return { ...about, ok, answer };
    }),
  );
}

/** What the checks before a launch look at. */
export function alertRoadsOf({ alert: { mail, webhook, command } }: Config): AlertRoads {
  return { mail, webhook: webhook !== null, command: command !== null };
}

function wouldTell({ alert }: Config): string {
  const roads = ROADS.filter((road) => (road === "mail" ? alert.mail.length > 0 : alert[road] !== null));
  return roads.length === 0 ? "nobody is told" : `not told by ${roads.join(", ")}`;
}

function roadsOf(parts: AlertParts): Road[] {
  const { config, clock } = parts;
  const { mail, webhook, webhookSecret, command, deputy } = config.alert;
  const roads: Road[] = [];
  if (mail.length > 0 || deputy.length > 0) roads.push(mailRoad(parts, mail, deputy));
  if (webhook !== null) roads.push(createWebhookRoad({ url: webhook, secret: webhookSecret, clock }));
  if (command !== null) roads.push(createCommandRoad({ command, directory: config.directory }));
  return roads;
}

function mailRoad(parts: AlertParts, first: readonly string[], deputy: readonly string[]): Road {
  const { config, clock, db, letterhead, sign } = parts;
  const resolver = createMxResolver({ servers: [...config.dns.servers], timeoutMs: config.dns.timeoutMs });
  const routes = new Map([config.smtp, ...config.routes].map((route) => [route.name, route]));
  const transport = createSmtpTransport({
    routes,
    helo: config.sender.helo,
    mx: resolver,
    clock,
    timeouts: TIMEOUTS,
  });
  return createMailRoad({
    first,
    deputy,
    transport,
    letterhead,
    sign,
    clock,
    wayOf: async (address) => {
      const domain = address.slice(address.lastIndexOf("@") + 1);
      const timeoutMs = Math.min(config.dns.timeoutMs, TIMEOUTS.dnsMs);
      const answers = await createProviderLookup({ resolver, clock, timeoutMs }).providersOf([domain]);
      const provider = answers.get(domain)?.provider ?? OTHER;
      const route = routes.has(provider) ? provider : config.smtp.name;
      return { route, doubt: await doubtOf(db, provider, route) };
    },
  });
}

async function doubtOf(db: Database, provider: string, route: string): Promise<string | null> {
  const stopped = await stoppedNow(db);
  if (stopped.routes.has(route)) return `the route ${route} is held`;
  // Of the long tail one lane says nothing about the next domain.
  if (provider !== OTHER && stopped.providers.has(provider))
    return `mail to ${providerTitle(provider)} is stopped`;
  return null;
}
