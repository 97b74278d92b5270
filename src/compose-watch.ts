// What a process answers to those who watch it, and where services post to it: metrics, health, webhooks. Loaded only by
// a process that is watched.

import type { Database } from "./adapters/database/database.ts";
import type { RoadName } from "./alert/road.ts";
import type { Clock } from "./clock.ts";
import type { WebhookDoors } from "./compose-intakes.ts";
import type { Config } from "./config/config.ts";
import type { Engine, EngineOptions } from "./delivery/engine.ts";
import type { Observer } from "./delivery/observer.ts";
import type { JobQueue } from "./delivery/queue.ts";
import { BellwetherError } from "./errors.ts";

export interface Watch {
  observer: Observer;
  onFailedAlert(road: RoadName): void;
  /** null when the place is taken: a worker works without being watched, and says so. */
  serve(
    engine: Engine,
    onNotice: EngineOptions["onNotice"],
  ): Promise<{ host: string; port: number; close(): Promise<void> } | null>;
}

export async function loadWatch(parts: {
  config: Config;
  clock: Clock;
  db: Database;
  queue: JobQueue;
  role: "sender" | "coordinator";
  /** What is posted to us. */
  doors: WebhookDoors | undefined;
}): Promise<Watch> {
  const { config, clock, db, queue, role, doors } = parts;
  const { createGaugeSource, readyCheck } = await import("./adapters/observe/gauges.ts");
  const { createMetrics } = await import("./adapters/observe/metrics.ts");
  const { startWatchServer } = await import("./adapters/observe/http.ts");
  const metrics = createMetrics({ source: createGaugeSource({ db, queue }), clock, processMetrics: true });
  return {
    observer: metrics.observer,
    onFailedAlert: metrics.onFailedAlert,
    serve: async (engine, onNotice) => {
      const ready = readyCheck({
        db,
        engine: () => (role === "coordinator" ? { registered: true } : engine),
      });
      try {
        return await startWatchServer({
          listen: config.server.listen,
          metrics,
          ready,
          clock,
          handlers: doors,
        });
      } catch (error) {
        const trouble = error instanceof BellwetherError ? `${error.message} ${error.hint}` : String(error);
        onNotice({ kind: "route", name: "health and metrics", trouble });
        return null;
      }
    },
  };
}
