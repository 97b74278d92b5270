// Puts the program together: which database opens, which queue runs, which transport sends, and whether all of it
// is the sandbox. The one place that knows adapters and stages at the same time.
import os from "node:os";
import path from "node:path";
import type { Database } from "./adapters/database/database.ts";
import { migrateSqlite } from "./adapters/database/migrate.ts";
import { openSqlite } from "./adapters/database/sqlite.ts";
import { createAlertBook } from "./adapters/store/alerts.ts";
import { createAudienceStore } from "./adapters/store/audiences.ts";
import { createCampaignStore } from "./adapters/store/campaigns.ts";
import { createIntakeStore } from "./adapters/store/intakes.ts";
import { createPersonalData } from "./adapters/store/personal-data.ts";
import { createPostMortemStore } from "./adapters/store/post-mortem.ts";
import { createProviderHolds } from "./adapters/store/provider-holds.ts";
import { createReportLedger } from "./adapters/store/report-ledger.ts";
import { createReportStore } from "./adapters/store/reports.ts";
import { createReturnedSource } from "./adapters/store/returned.ts";
import { signingSecret } from "./adapters/store/settings.ts";
import { createSuppressionStore } from "./adapters/store/suppressions.ts";
import type { Bellwether, OpenOptions } from "./application.ts";
import { type Clock, systemClock } from "./clock.ts";
import { hearingOf } from "./compose-intakes.ts";
import type { Sending } from "./compose-sending.ts";
import type { Config } from "./config/config.ts";
import { createRecorder } from "./delivery/collector.ts";
import type { Letterhead } from "./delivery/mailer.ts";
import { BellwetherError } from "./errors.ts";
import { PROVIDER_IDS } from "./provider/directory.ts";
import type { Sandbox } from "./sandbox/providers.ts";

const PACKAGE = path.resolve(import.meta.dirname, "..");

export async function openBellwether(options: OpenOptions): Promise<Bellwether> {
  const { config } = options;
  const clock = options.clock ?? systemClock;
  checkProviders(config);
  const isSandbox = config.smtp.target === null && config.routes.length === 0;
  if (isSandbox && config.database.kind === "postgresql" && options.sends === true) {
    throw new BellwetherError(
      "config-value",
      "[smtp] url is not set: simulated providers live in one process, and a cluster has many.",
      'Set [smtp] url = "smtp://host:587", or "direct".',
    );
  }
  const db =
    config.database.kind === "sqlite"
      ? await openEmbedded(config.database.file, clock)
      : await openCluster(config.database.url, clock);
  const file = config.database.kind === "sqlite" ? config.database.file : null;
  let sandbox: Sandbox | null = null;
  try {
    if (isSandbox && options.sends === true) {
      const { startSandbox } = await import("./sandbox/providers.ts");
      sandbox = await startSandbox({ clock });
    }
    const secret = await signingSecret(db);
    return compose({ config, clock, db, file, isSandbox, sandbox, secret });
  } catch (error) {
    await sandbox?.close();
    await db.close();
    throw error;
  }
}

async function openEmbedded(file: string, clock: Clock): Promise<Database> {
  const { existsSync, mkdirSync } = await import("node:fs");
  if (!existsSync(path.dirname(file))) {
    try {
      mkdirSync(path.dirname(file), { recursive: true });
    } catch (error) {
      throw new BellwetherError(
        "database-unusable",
        `The folder ${path.dirname(file)} cannot be made: ${error instanceof Error ? error.message : String(error)}`,
        "Check the path in [database] url.",
        { cause: error },
      );
    }
  }
  migrateSqlite(file, path.join(PACKAGE, "prisma/sqlite/migrations"));
  return openSqlite({ file, clock });
}

async function openCluster(url: string, clock: Clock): Promise<Database> {
  const { migratePostgresql } = await import("./adapters/database/migrate-postgresql.ts");
  const { openPostgresql } = await import("./adapters/database/postgresql.ts");
  await migratePostgresql(url, path.join(PACKAGE, "prisma/postgresql/migrations"));
  return openPostgresql({ url, clock });
}

function compose(parts: {
  config: Config;
  clock: Clock;
  db: Database;
  file: string | null;
  isSandbox: boolean;
  sandbox: Sandbox | null;
  secret: string;
}): Bellwether {
  const { config, clock, db, isSandbox, secret } = parts;
  const letterhead = () => letterheadOf(config, isSandbox);
  const campaigns = createCampaignStore(db, { breaker: config.breaker });
  const audiences = createAudienceStore(db);
  let loaded: Promise<Sending> | null = null;
  const sending = () => {
    loaded ??= import("./compose-sending.ts").then(({ composeSending }) =>
      composeSending({
        ...parts,
        campaigns,
        audiences,
        letterhead,
        templates: path.join(PACKAGE, "templates"),
      }),
    );
    return loaded;
  };
  return {
    config,
    isSandbox,
    clock,
    campaigns,
    audiences,
    providerHolds: createProviderHolds(db),
    reports: createReportStore(db, { soakMs: config.ramp.soakMs, hearing: hearingOf(config) }),
    postMortems: createPostMortemStore(db),
    suppressions: createSuppressionStore(db),
    people: createPersonalData(db),
    returned: createReturnedSource(db),
    intakes: createIntakeStore(db),
    alerts: createAlertBook(db),
    testAlerts: async () => (await sending()).testAlerts(),
    record: createRecorder({ ledger: createReportLedger(db, { breaker: config.breaker }), secret }),
    letterhead,
    secret,
    manager: async () => (await sending()).manager,
    checkSender: async (checks) => (await sending()).checkSender(checks),
    isCluster: parts.file === null,
    drive: async (onNotice, options) => (await sending()).drive(onNotice, options),
    join: async (role, onNotice) => (await sending()).join(role, onNotice),
    workersAlive: async () => (await sending()).workersAlive(),
    close: async () => {
      await parts.sandbox?.close();
      await db.close();
    },
  };
}

function letterheadOf(config: Config, isSandbox: boolean): Letterhead {
  const { sender } = config;
  const from = sender.from ?? (isSandbox ? { name: "Sandbox", address: "support@sandbox.example" } : null);
  if (from === null) {
    throw new BellwetherError(
      "config-value",
      "[sender] from is not set: mail needs a sender.",
      'Write from = "Your support <support@example.com>" below [sender] in bellwether.toml.',
    );
  }
  return {
    from,
    replyTo: sender.replyTo,
    domain: sender.domain ?? from.address.split("@").at(-1) ?? os.hostname(),
    returnPath: sender.returnPath,
    unsubscribeUrl: sender.unsubscribeUrl,
  };
}

function checkProviders(config: Config): void {
  for (const { provider } of config.routes) {
    if (provider === null || PROVIDER_IDS.includes(provider)) continue;
    throw new BellwetherError(
      "provider-unknown",
      `[[routes]] names the provider "${provider}", which is not known.`,
      `Known are: ${PROVIDER_IDS.join(", ")}.`,
    );
  }
}
