// A fresh PostgreSQL database for a test: migrated once a process, then copied by the server.
import path from "node:path";
import { Client } from "pg";
import { migratePostgresql } from "../../src/adapters/database/migrate-postgresql.ts";
import { openPostgresql } from "../../src/adapters/database/postgresql.ts";
import { createCampaignStore } from "../../src/adapters/store/campaigns.ts";
import { createLedger } from "../../src/adapters/store/ledger.ts";
import { createTestClock } from "./clock.ts";
import { BREAKER, type LedgerWorld } from "./ledger.ts";

export const POSTGRESQL_MIGRATIONS = path.resolve(import.meta.dirname, "../../prisma/postgresql/migrations");

let template: Promise<string> | null = null;
let count = 0;

function databaseAt(server: string, name: string): string {
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}

async function order(server: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: server });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

async function makeTemplate(server: string): Promise<string> {
  const name = `template_${process.pid}_${Date.now()}`;
  await order(server, `CREATE DATABASE ${name}`);
  await migratePostgresql(databaseAt(server, name), POSTGRESQL_MIGRATIONS);
  return name;
}

/** `server`: URL of a database whose user may create others. */
export async function openPostgresqlWorld(server: string): Promise<LedgerWorld & { url: string }> {
  template ??= makeTemplate(server);
  const from = await template;
  count += 1;
  const name = `world_${process.pid}_${count}`;
  await order(server, `CREATE DATABASE ${name} TEMPLATE ${from}`);
  const url = databaseAt(server, name);
  const clock = createTestClock();
  const db = await openPostgresql({ url, clock, time: "clock" });
  return {
    url,
    db,
    clock,
    ledger: createLedger(db, { breaker: BREAKER }),
    campaigns: createCampaignStore(db, { breaker: BREAKER }),
    close: async () => {
      await db.close();
      await order(server, `DROP DATABASE ${name} WITH (FORCE)`);
    },
  };
}
