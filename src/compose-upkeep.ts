// What runs beside the sending in the one process that looks after a database: the intakes through which reports come
// back, and the forgetting of what is kept long enough. compose-sending.ts starts and ends it with its engine.

import type { Database } from "./adapters/database/database.ts";
import { createIntakeStore } from "./adapters/store/intakes.ts";
import { createPersonalData } from "./adapters/store/personal-data.ts";
import { createReportLedger } from "./adapters/store/report-ledger.ts";
import type { Retention } from "./campaign/personal-data.ts";
import type { Clock } from "./clock.ts";
import { createIntakes, type WebhookDoors } from "./compose-intakes.ts";
import type { Config } from "./config/config.ts";
import { createCollector } from "./delivery/collector.ts";
import type { EngineOptions } from "./delivery/engine.ts";

export interface Upkeep {
  /** Where services may post their events; to be answered by whatever listens. */
  readonly doors: WebhookDoors;
  start(): Promise<void>;
  /** Twice is once. */
  stop(): Promise<void>;
}

const RETENTION_MS = 60 * 60_000;
/** Between two steps of it: sending has the database to itself meanwhile. */
const STEP_MS = 50;

export async function composeUpkeep(parts: {
  config: Config;
  clock: Clock;
  db: Database;
  secret: string;
  onNotice: EngineOptions["onNotice"];
}): Promise<Upkeep> {
  const { config, clock, db, secret, onNotice } = parts;
  const store = createIntakeStore(db);
  const { intakes, doors } = await createIntakes({ config, clock, secret, bookmarks: store });
  const collector = createCollector({
    intakes,
    ledger: createReportLedger(db, { breaker: config.breaker }),
    store,
    secret,
    clock,
    onTrouble: (name, trouble) => onNotice({ kind: "intake", name: `intake ${name}`, trouble }),
  });
  const ending = new AbortController();
  let keeping: Promise<void> | null = null;
  return {
    doors,
    start: async () => {
      keeping = forget(db, clock, config.retention, ending.signal);
      await collector.start();
    },
    stop: async () => {
      ending.abort();
      await collector.stop();
      await keeping;
    },
  };
}

async function forget(db: Database, clock: Clock, retention: Retention, signal: AbortSignal): Promise<void> {
  const people = createPersonalData(db);
  while (!signal.aborted) {
    try {
      while (!signal.aborted && (await people.retain(retention))) await clock.sleep(STEP_MS, signal);
    } catch {
      // The database is away; an hour later is early enough.
    }
    await clock.sleep(RETENTION_MS, signal);
  }
}
