// What the ramp behind a relay needs of the world: before a launch, what is known of how long it takes; while mails go
// out, the sentinels that prove that bounces are seen.
import type { Database } from "./adapters/database/database.ts";
import { lastMemory } from "./adapters/store/route-memory.ts";
import { createSentinelStore } from "./adapters/store/sentinels.ts";
import type { LaneAhead } from "./breaker/ramp-duration.ts";
import type { RampForecast } from "./campaign/preflight/ramp.ts";
import type { Clock } from "./clock.ts";
import { hearingOf, takesSentinels } from "./compose-intakes.ts";
import type { Config, RouteConfig } from "./config/config.ts";
import type { Letterhead } from "./delivery/mailer.ts";
import { sendSentinels } from "./delivery/sentinel-sender.ts";
import type { Transport } from "./delivery/transport.ts";

/** `providers`: with the number of their recipients, largest first. */
export async function forecastRamp(parts: {
  db: Database;
  config: Config;
  routeOf: (provider: string) => RouteConfig;
  providers: readonly (readonly [string, number])[];
}): Promise<RampForecast> {
  const { db, config, routeOf, providers } = parts;
  const { canary, soakMs } = config.ramp;
  const hearing = hearingOf(config);
  const lanes: LaneAhead[] = [];
  const led = new Set<string>();
  let isMeasured = false;
  for (const [provider, size] of providers) {
    const { name, feedback } = routeOf(provider);
    if (feedback !== "relay") continue;
    const memory = await lastMemory(db, name);
    const confirmMs = memory?.tookMs ?? soakMs;
    isMeasured ||= memory !== null && memory.tookMs !== null;
    const arrivals = hearing.arrivals || memory === null || memory.asked || memory.signs > 0;
    lanes.push({
      size,
      canary,
      confirmMs: hearing.any ? confirmMs : null,
      bySoak: !arrivals,
      // The largest lane of each relay goes first.
      startsMs: led.has(name) ? Math.min(confirmMs, soakMs) : 0,
    });
    led.add(name);
  }
  return { lanes, hears: hearing.any, isMeasured };
}

/** Sends a sentinel by each relay that a campaign uses, until the signal. */
export async function watchRelays(parts: {
  config: Config;
  clock: Clock;
  db: Database;
  secret: string;
  letterhead: () => Letterhead;
  routes: ReadonlyMap<string, RouteConfig>;
  transport: Transport;
  sign: (raw: Buffer) => Buffer;
  signal: AbortSignal;
}): Promise<void> {
  const { config, clock, db, secret, routes, transport, sign, signal } = parts;
  const relays = [...routes.values()].some(
    (route) => route.feedback === "relay" && route.target?.kind === "relay",
  );
  if (!relays || !takesSentinels(config)) return;
  const { from, returnPath, domain } = parts.letterhead();
  await sendSentinels({
    store: createSentinelStore(db),
    transport,
    clock,
    secret,
    from: from.address,
    returnPath,
    domain,
    sign,
    isWatched: (name) => routes.get(name)?.target?.kind === "relay",
    signal,
  });
}
