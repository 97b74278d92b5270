// A fresh embedded database for a test: migrated once a process, then copied, since migrating costs more than
// most tests.
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { migrateSqlite } from "../../src/adapters/database/migrate.ts";
import { openSqlite } from "../../src/adapters/database/sqlite.ts";
import { createCampaignStore } from "../../src/adapters/store/campaigns.ts";
import { createLedger } from "../../src/adapters/store/ledger.ts";
import { createTestClock } from "./clock.ts";
import { BREAKER, type LedgerWorld } from "./ledger.ts";

const MIGRATIONS = path.resolve(import.meta.dirname, "../../prisma/sqlite/migrations");

let template: { folder: string; file: string } | null = null;

function templateFile(): string {
  if (template === null) {
    const folder = mkdtempSync(path.join(tmpdir(), "bellwether-template-"));
    template = { folder, file: path.join(folder, "empty.db") };
    migrateSqlite(template.file, MIGRATIONS);
    process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  }
  return template.file;
}

export interface SqliteWorld extends LedgerWorld {
  readonly file: string;
}

export async function openSqliteWorld(): Promise<SqliteWorld> {
  const folder = mkdtempSync(path.join(tmpdir(), "bellwether-ledger-"));
  const file = path.join(folder, "bellwether.db");
  copyFileSync(templateFile(), file);
  const clock = createTestClock();
  const db = await openSqlite({ file, clock });
  return {
    file,
    db,
    clock,
    ledger: createLedger(db, { breaker: BREAKER }),
    campaigns: createCampaignStore(db),
    close: async () => {
      await db.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
