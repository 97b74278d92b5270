// The half of the program that prepares and sends campaigns: templates, routes, the engine, the plan. compose.ts loads
// it when a command needs it: one that only imports or looks starts without.
import path from "node:path";
import type { Database } from "./adapters/database/database.ts";
import { takeDriverLock } from "./adapters/database/driver-lock.ts";
import { createMxResolver } from "./adapters/dns.ts";
import type { ProviderSwitch } from "./adapters/queue/bull.ts";
import { createMemoryQueue } from "./adapters/queue/memory.ts";
import { askOfSender, examineSender } from "./adapters/sender-identity.ts";
import { createDkimSigner } from "./adapters/smtp/dkim.ts";
import { createSmtpTransport } from "./adapters/smtp/transport.ts";
import { remember } from "./adapters/store/lane-memory.ts";
import { createLedger, type LedgerConfig } from "./adapters/store/ledger.ts";
import { createThreadedLedger, LEDGER_THREAD, type ThreadedLedger } from "./adapters/store/ledger-thread.ts";
import { createPreflightHistory } from "./adapters/store/preflight-history.ts";
import { createSharedRoutes } from "./adapters/store/shared-routes.ts";
import { countAlive } from "./adapters/store/workers.ts";
import type { Bellwether, Driver } from "./application.ts";
import { type CampaignManager, createCampaignManager } from "./campaign/manager.ts";
import type { CampaignStore } from "./campaign/store.ts";
import type { AudienceStore } from "./client/audience-store.ts";
import { type Clock, systemClock } from "./clock.ts";
import { alertRoadsOf, composeAlerts, tellTest } from "./compose-alerts.ts";
import { hasIntake, hearingOf } from "./compose-intakes.ts";
import { planLoop, switchLoop } from "./compose-loops.ts";
import { forecastRamp, watchRelays } from "./compose-ramp.ts";
import { composeUpkeep } from "./compose-upkeep.ts";
import { loadWatch } from "./compose-watch.ts";
import type { Config, RouteConfig } from "./config/config.ts";
import { createEngine, type EngineOptions } from "./delivery/engine.ts";
import { createMailSource, type Letterhead, sizeOfMail } from "./delivery/mailer.ts";
import type { JobQueue } from "./delivery/queue.ts";
import type { RouteShares } from "./delivery/share.ts";
import type { Ledger } from "./delivery/store.ts";
import type { Transport } from "./delivery/transport.ts";
import { BellwetherError } from "./errors.ts";
import { createProviderLookup, type ProviderLookup } from "./provider/lookup.ts";
import type { Sandbox } from "./sandbox/providers.ts";

export interface Sending {
  manager: CampaignManager;
  checkSender: Bellwether["checkSender"];
  drive: Bellwether["drive"];
  join: Bellwether["join"];
  workersAlive: Bellwether["workersAlive"];
  testAlerts: Bellwether["testAlerts"];
}

export interface SendingParts {
  config: Config;
  clock: Clock;
  db: Database;
  /** The embedded database's file, beside which the driver's lock lies; null in a cluster. */
  file: string | null;
  campaigns: CampaignStore;
  audiences: AudienceStore;
  isSandbox: boolean;
  sandbox: Sandbox | null;
  secret: string;
  /** The templates that come with the program. */
  templates: string;
  letterhead: () => Letterhead;
}

export function composeSending(parts: SendingParts): Sending {
  const { config, clock, db, campaigns, audiences } = parts;
  const routes = routesOf(config, parts.sandbox);
  const routeOf = (provider: string): RouteConfig => {
    const route = routes.get(provider) ?? routes.get("default");
    if (route !== undefined && (route.target !== null || parts.isSandbox)) return route;
    throw new BellwetherError(
      "config-value",
      `There is no route for ${provider}: [smtp] url is not set, and [[routes]] has none for it.`,
      'Set [smtp] url = "smtp://host:587" for everybody else, or "direct".',
    );
  };
  const resolver = createMxResolver({ servers: [...config.dns.servers], timeoutMs: config.dns.timeoutMs });
  const transport = createSmtpTransport({
    routes,
    helo: config.sender.helo,
    mx: resolver,
    readsReports: config.bounces.imap !== null || config.bounces.smtp !== null,
  });
  const lookup = recentLookup(clock, () =>
    createProviderLookup({ resolver, clock, timeoutMs: config.dns.timeoutMs }),
  );
  const templateDirs = [path.join(config.directory, "templates"), parts.templates];
  const manager = createCampaignManager({
    campaigns,
    audiences,
    templateDirs,
    senderName: config.sender.from?.name ?? null,
    lookup,
    probe: (providers) =>
      probeRoutes({
        db,
        transport,
        providers,
        routeOf,
        isSandbox: parts.isSandbox,
        isSilent: !parts.isSandbox && !hasIntake(config),
      }),
    sender: async (lanes) => (parts.isSandbox ? [] : examineSender(config, lanes)),
    history: createPreflightHistory(db),
    unsubscribeUrl: config.sender.unsubscribeUrl,
    measure: (notice, { address, clients }) =>
      sizeOfMail({ letterhead: parts.letterhead(), clock, content: notice, address, clients }),
    ...(parts.isSandbox ? {} : { forecast: (providers) => forecastRamp({ db, config, routeOf, providers }) }),
    alerts: parts.isSandbox ? null : alertRoadsOf(config),
    clock,
  });

  async function run(options: {
    ledger: Ledger;
    queue: JobQueue & Partial<ProviderSwitch>;
    role: "sender" | "coordinator";
    exclusive: boolean;
    /** None: the routes are this process's own. */
    shares?: RouteShares;
    sign: (raw: Buffer) => Buffer;
    onNotice: EngineOptions["onNotice"];
    /** Answers what its health is, and its numbers. */
    watched: boolean;
    /** What stands behind them, closed when all is drained. */
    close: () => Promise<void>;
  }): Promise<Driver> {
    const { close, onNotice, sign, role, queue } = options;
    // Those that only send leave the reports to whoever looks after the database.
    const upkeep =
      options.exclusive || role === "coordinator"
        ? await composeUpkeep({ config, clock, db, secret: parts.secret, onNotice })
        : null;
    const isPostedTo = config.bounces.webhooks.length > 0 && upkeep !== null;
    const watch =
      options.watched || isPostedTo
        ? await loadWatch({ config, clock, db, queue, role, doors: upkeep?.doors })
        : null;
    const keeper =
      upkeep === null
        ? null
        : composeAlerts({ ...parts, sign, onNotice, onFailedTry: (road) => watch?.onFailedAlert(road) });
    const engine = createEngine({
      ...options,
      observer: watch?.observer,
      transport,
      mails: createMailSource({
        letterhead: parts.letterhead(),
        secret: parts.secret,
        clock,
        sign,
        contentOf: async (id, revision) => {
          const campaign = await campaigns.find({ id });
          if (campaign === null) throw new Error(`There is no campaign ${id}.`);
          return { campaign, content: await campaigns.content(id, revision) };
        },
      }),
      clock,
      limitsOf: (name) => routes.get(name) ?? config.smtp,
      soakMs: config.ramp.soakMs,
      hearing: hearingOf(config),
    });
    const planning = new AbortController();
    try {
      await engine.start();
    } catch (error) {
      // Open connections would keep a process alive that has nothing to do.
      await queue.stop();
      await close();
      throw error;
    }
    const switching = switchLoop({ db, clock, queue, signal: planning.signal });
    const planner = planLoop({ ...parts, lookup, routeOf, signal: planning.signal, onNotice });
    const sentinels =
      role === "sender" ? watchRelays({ ...parts, routes, transport, sign, signal: planning.signal }) : null;
    let drained: Promise<void> | null = null;
    const server = (await watch?.serve(engine, onNotice)) ?? null;
    await upkeep?.start();
    keeper?.start();
    return {
      watchedAt: server === null ? null : `http://${server.host}:${server.port}`,
      drain: () => {
        drained ??= (async () => {
          planning.abort();
          await Promise.all([planner, switching, sentinels]);
          await engine.drain();
          await keeper?.stop();
          await upkeep?.stop();
          await server?.close();
          await close();
        })();
        return drained;
      },
      abort: () => {
        planning.abort();
        keeper?.abort();
        engine.abort();
      },
    };
  }

  return {
    manager,

    checkSender: async (checks) => (parts.isSandbox ? new Map() : askOfSender(config, checks)),

    drive: async (onNotice, { watched } = { watched: false }) => {
      if (parts.file === null) return null;
      // Before the lock: a key that cannot sign must stop the launch, not the mails.
      const sign = signerOf(config, parts.letterhead());
      const lock = takeDriverLock(parts.file);
      if (lock === null) return null;
      const { ledger, close } = openLedger({ ...parts, file: parts.file }, routes);
      return run({
        ledger,
        queue: createMemoryQueue(),
        role: "sender",
        exclusive: true,
        sign,
        onNotice,
        watched,
        close: async () => {
          await close();
          lock.release();
        },
      });
    },

    join: async (role, onNotice) => {
      const sign = signerOf(config, parts.letterhead());
      const queue = await openQueue(config, onNotice);
      const ledger = createLedger(db, ledgerConfigOf(config, routes));
      return run({
        ledger,
        queue,
        role,
        exclusive: false,
        shares: createSharedRoutes(db),
        sign,
        onNotice,
        watched: true,
        close: async () => undefined,
      });
    },

    workersAlive: () => countAlive(db),

    testAlerts: async () => tellTest({ ...parts, sign: signerOf(config, parts.letterhead()) }),
  };
}

/** In a thread of its own; beside everything else where a test moves the time, or the program runs from its sources. */
function openLedger(
  { config, clock, db, file }: SendingParts & { file: string },
  routes: ReadonlyMap<string, RouteConfig>,
): ThreadedLedger {
  const ledgerConfig = ledgerConfigOf(config, routes);
  if (LEDGER_THREAD === null || clock !== systemClock)
    return { ledger: createLedger(db, ledgerConfig), close: async () => undefined };
  return createThreadedLedger({ file, config: ledgerConfig, entry: LEDGER_THREAD, clock });
}

/** Without Redis each process asks the database alone: the queue is a hint that spares them that. */
async function openQueue(
  config: Config,
  onNotice: EngineOptions["onNotice"],
): Promise<JobQueue & Partial<ProviderSwitch>> {
  if (config.redis === null) return createMemoryQueue();
  const { createBullQueue } = await import("./adapters/queue/bull.ts");
  return createBullQueue({
    url: config.redis.url,
    onTrouble: (trouble) => onNotice({ kind: "store", name: "redis", trouble }),
  });
}

function ledgerConfigOf(config: Config, routes: ReadonlyMap<string, RouteConfig>): LedgerConfig {
  const dailyLimits = new Map<string, number>();
  for (const [name, { dailyLimit }] of routes) if (dailyLimit !== null) dailyLimits.set(name, dailyLimit);
  return { breaker: config.breaker, dailyLimits };
}

/** What the preflight asked DNS a moment ago the plan need not ask again; later everything is asked anew. */
function recentLookup(clock: Clock, create: () => ProviderLookup): () => ProviderLookup {
  let recent: { lookup: ProviderLookup; atMs: number } | null = null;
  return () => {
    if (recent === null || clock.monotonic() - recent.atMs > 5 * 60_000) {
      recent = { lookup: create(), atMs: clock.monotonic() };
    }
    return recent.lookup;
  };
}

/** The configured routes by name; in the sandbox each simulated provider is one. */
function routesOf(config: Config, sandbox: Sandbox | null): ReadonlyMap<string, RouteConfig> {
  const routes = new Map<string, RouteConfig>([["default", config.smtp]]);
  for (const route of config.routes) routes.set(route.name, route);
  for (const [id, { host, port }] of sandbox?.providers ?? []) {
    const name = id === "other" ? "default" : id;
    routes.set(name, {
      ...config.smtp,
      name,
      provider: id === "other" ? null : id,
      target: { kind: "relay", host, port, implicitTls: false, user: null, pass: null, lmtp: false },
      feedback: "final",
    });
  }
  return routes;
}

async function probeRoutes(options: {
  db: Database;
  transport: Transport;
  providers: readonly string[];
  routeOf: (provider: string) => RouteConfig;
  isSandbox: boolean;
  /** Nothing is configured that would tell what becomes of what a relay took. */
  isSilent: boolean;
}): ReturnType<Parameters<typeof createCampaignManager>[0]["probe"]> {
  const used = new Map(
    options.providers.map((provider) => options.routeOf(provider)).map((route) => [route.name, route]),
  );
  return Promise.all(
    [...used.values()].map(async (route) => {
      const held = await options.db.read.route.findUnique({ where: { name: route.name } });
      const answer =
        options.isSandbox || route.target?.kind !== "relay"
          ? null
          : await options.transport.connect(route.name, "");
      if (answer?.ok) answer.connection.close();
      return {
        name: route.name,
        serves: options.providers.filter((provider) => options.routeOf(provider).name === route.name),
        rate: route.rate,
        dailyLimit: route.dailyLimit,
        today: held?.day === new Date(options.db.now()).toISOString().slice(0, 10) ? held.today : 0,
        sizeLimit: answer?.ok ? (answer.connection.sizeLimit ?? null) : null,
        failure: answer === null || answer.ok ? null : answer.failure,
        silent: route.feedback === "relay" && options.isSilent,
        refusing: await refusingOf(options, route),
        held: held?.state === "held" ? (JSON.parse(held.hold ?? "{}").message ?? "it refused us") : null,
        provider: route.provider,
      };
    }),
  );
}

/** Those of its providers that refused us lately. */
async function refusingOf(
  {
    db,
    providers,
    routeOf,
  }: { db: Database; providers: readonly string[]; routeOf: (provider: string) => RouteConfig },
  route: RouteConfig,
) {
  const mine = providers.filter((provider) => routeOf(provider).name === route.name);
  const memories = await Promise.all(
    mine.map((provider) => remember(db.read, { provider, route: route.name, nowMs: db.now() })),
  );
  return mine.flatMap((provider, i) => {
    const memory = memories[i] ?? null;
    return memory === null ? [] : [{ provider, atMs: memory.heldMs }];
  });
}

function signerOf(config: Config, letterhead: Letterhead): (raw: Buffer) => Buffer {
  const { dkim } = config.sender;
  if (dkim === null) return (raw) => raw;
  return createDkimSigner({ domain: letterhead.domain, selector: dkim.selector, keyFile: dkim.keyFile });
}
