// A world of rows: campaigns with lanes and deliveries in given states, written by raw SQL into a real temporary
// database, for whatever only reads them.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type Database, sqlTime } from "../../src/adapters/database/database.ts";
import { migrateSqlite } from "../../src/adapters/database/migrate.ts";
import { openSqlite } from "../../src/adapters/database/sqlite.ts";
import { FRESH_PULSE } from "../../src/breaker/breaker.ts";
import type { Hold } from "../../src/breaker/hold.ts";
import type { CampaignState } from "../../src/campaign/campaign.ts";
import type { Filter } from "../../src/client/audience.ts";
import { systemClock } from "../../src/clock.ts";
import type { DeliveryState } from "../../src/delivery/delivery.ts";
import type { LaneState } from "../../src/provider/lane.ts";

export interface ClientGiven {
  address?: string | null;
  name?: string;
  account?: string;
  locale?: string;
  timezone?: string;
  attributes?: Record<string, string>;
}

export interface DeliveryGiven {
  address: string;
  provider?: string;
  state?: DeliveryState;
  attempt?: number;
  unit?: string;
  reason?: string;
  fault?: string;
  scope?: string;
  changedAt?: string;
}

export interface OutcomeGiven {
  at: string;
  event: string;
  attempt?: number;
  try?: number;
  reply?: string;
  reason?: string;
  fault?: string;
  scope?: string;
}

export interface CampaignGiven {
  name?: string;
  state?: CampaignState;
  importId?: number;
  filter?: Filter;
  planned?: boolean;
  planCursor?: string;
  /** By provider: how many made-up deliveries in which state. */
  lanes?: Record<string, Partial<Record<DeliveryState, number>>>;
  /** By provider. */
  holds?: Record<string, Hold>;
  laneStates?: Record<string, LaneState>;
}

/** The moment at which everything in the world happened: 28 April 2017, 07:40 UTC. */
export const MOMENT = Date.UTC(2017, 3, 28, 7, 40);

export const NO_REVERSE_DNS: Hold = {
  reason: "reverse-dns",
  fault: "sender",
  scope: "provider",
  detector: "sender",
  at: "2017-04-28T07:40:03.000Z",
  message: "Gmail refuses our mail, and the cause lies with us.",
  advice: "Ask the hosting company for a PTR record.",
  tell: "Nothing is wrong with your mailbox.",
  evidence: ["550-5.7.25 [2001:db8::1] The IP address has no PTR\r\n550 5.7.25 record."],
  leaked: 2,
};

export async function openRows() {
  const folder = mkdtempSync(path.join(tmpdir(), "bellwether-rows-"));
  const file = path.join(folder, "rows.db");
  migrateSqlite(file, path.resolve(import.meta.dirname, "../../prisma/sqlite/migrations"));
  const db: Database = await openSqlite({ file, clock: { ...systemClock, now: () => MOMENT } });
  let made = 0;

  const insert = (sql: string, ...values: unknown[]) =>
    db.write(async (tx) => {
      const [row] = await tx.$queryRawUnsafe<{ id: number }[]>(`INSERT INTO ${sql} RETURNING id`, ...values);
      return row?.id ?? 0;
    });
  const run = (sql: string, ...values: unknown[]) => db.write((tx) => tx.$executeRawUnsafe(sql, ...values));

  async function lane(campaignId: number, provider: string, given: CampaignGiven = {}): Promise<number> {
    const hold = given.holds?.[provider];
    const state = given.laneStates?.[provider] ?? (hold === undefined ? "ramping" : "held");
    await run("INSERT INTO route (name) VALUES ('smtp') ON CONFLICT (name) DO NOTHING");
    return insert(
      "lane (campaign_id, provider, route, feedback, state, pulse, hold) VALUES (?, ?, 'smtp', 'final', ?, ?, ?)",
      campaignId,
      provider,
      state,
      JSON.stringify(FRESH_PULSE),
      hold === undefined ? null : JSON.stringify(hold),
    );
  }

  return {
    db,
    run,
    insert,

    /** An import with its rows; returns its id. */
    audience: async (columns: readonly string[], clients: readonly ClientGiven[]): Promise<number> => {
      const importId = await insert(
        "import (sha256, file, state, columns) VALUES (?, 'clients.csv', 'ready', ?)",
        String(++made),
        JSON.stringify(columns),
      );
      await run(
        `INSERT INTO client (import_id, line, hash, address, key, domain, name, locale, timezone, account, attributes)
         SELECT ?, key + 2, key, value->>'address', lower(value->>'address'),
           lower(substr(value->>'address', instr(value->>'address', '@') + 1)), value->>'name', value->>'locale',
           value->>'timezone', value->>'account', coalesce(value->'attributes', '{}') FROM json_each(?)`,
        importId,
        JSON.stringify(clients),
      );
      return importId;
    },

    campaign: async (given: CampaignGiven): Promise<number> => {
      const id = await insert(
        `campaign (name, key, state, file, spec, template_name, audience_hash, import_id, planned, plan_cursor)
         VALUES (?, ?, ?, 'campaign.toml', ?, 'maintenance-scheduled', '', ?, ?, ?)`,
        given.name ?? "Server s12 is replaced",
        String(++made),
        given.state ?? "running",
        JSON.stringify({ filter: given.filter ?? {}, values: {} }),
        given.importId ?? null,
        (given.planned ?? true) ? 1 : 0,
        given.planCursor ?? "",
      );
      for (const [provider, counts] of Object.entries(given.lanes ?? {})) {
        const laneId = await lane(id, provider, given);
        for (const [state, count] of Object.entries(counts)) {
          await run(
            `INSERT INTO delivery (campaign_id, lane_id, address, key, domain, state, due_at, spread)
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
             SELECT ?, ?, 'c' || i || '@' || ?, 'c' || i || '@' || ?, ?, ?, ?, i FROM n WHERE ? > 0`,
            count,
            id,
            laneId,
            `${state}.${provider}.test`,
            `${state}.${provider}.test`,
            `${state}.${provider}.test`,
            state,
            sqlTime(MOMENT),
            count,
          );
        }
      }
      return id;
    },

    /** One delivery, in its provider's lane (made when it is not there), with its outcomes. */
    delivery: async (campaignId: number, given: DeliveryGiven, outcomes: readonly OutcomeGiven[] = []) => {
      const provider = given.provider ?? "google";
      const [known] = await db.read.$queryRawUnsafe<{ id: number }[]>(
        "SELECT id FROM lane WHERE campaign_id = ? AND provider = ?",
        campaignId,
        provider,
      );
      const laneId = known?.id ?? (await lane(campaignId, provider));
      const id = await insert(
        `delivery (campaign_id, lane_id, address, key, domain, unit, state, due_at, spread, attempt, reason, fault,
           scope, changed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?)`,
        campaignId,
        laneId,
        given.address,
        given.address.toLowerCase(),
        given.address.split("@")[1] ?? "",
        given.unit ?? null,
        given.state ?? "pending",
        sqlTime(MOMENT),
        given.attempt ?? 1,
        given.reason ?? null,
        given.fault ?? null,
        given.scope ?? null,
        given.changedAt === undefined ? null : sqlTime(Date.parse(given.changedAt)),
      );
      for (const one of outcomes) {
        await insert(
          `outcome (campaign_id, lane_id, delivery_id, attempt, try, epoch, at, event, reply, reason, fault, scope)
           VALUES (?, ?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?)`,
          campaignId,
          laneId,
          id,
          one.attempt ?? 1,
          one.try ?? 1,
          sqlTime(Date.parse(one.at)),
          one.event,
          one.reply ?? null,
          one.reason ?? null,
          one.fault ?? null,
          one.scope ?? null,
        );
      }
      return id;
    },

    event: (campaignId: number, event: string, text: string) =>
      insert(
        "event (campaign_id, at, event, text) VALUES (?, ?, ?, ?)",
        campaignId,
        sqlTime(MOMENT),
        event,
        text,
      ),

    close: async () => {
      await db.close();
      rmSync(folder, { recursive: true });
    },
  };
}

export type Rows = Awaited<ReturnType<typeof openRows>>;
