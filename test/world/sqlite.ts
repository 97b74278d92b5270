// A fresh embedded database for a test: migrated once a process, then copied, since migrating costs more than
// most tests.
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { migrateSqlite } from "../../src/adapters/database/migrate.ts";
import { openSqlite } from "../../src/adapters/database/sqlite.ts";
import { createCampaignStore } from "../../src/adapters/store/campaigns.ts";
import { createLedger } from "../../src/adapters/store/ledger.ts";
import { createThreadedLedger } from "../../src/adapters/store/ledger-thread.ts";
import { createTestClock } from "./clock.ts";
import { BREAKER, type LedgerWorld } from "./ledger.ts";

export const MIGRATIONS = path.resolve(import.meta.dirname, "../../prisma/sqlite/migrations");

/** A thread cannot load sources; what the tests build first is there. */
export const BUILT_THREAD = new URL("../../dist/adapters/store/ledger-worker.js", import.meta.url);

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

/** `inThread`: the ledger as the built program has it. */
export async function openSqliteWorld({ inThread = false } = {}): Promise<SqliteWorld> {
  const folder = mkdtempSync(path.join(tmpdir(), "bellwether-ledger-"));
  const file = path.join(folder, "bellwether.db");
  copyFileSync(templateFile(), file);
  const clock = createTestClock();
  const db = await openSqlite({ file, clock });
  const thread = inThread
    ? createThreadedLedger({ file, config: { breaker: BREAKER }, entry: BUILT_THREAD, clock })
    : null;
  return {
    file,
    db,
    clock,
    ledger: thread?.ledger ?? createLedger(db, { breaker: BREAKER }),
    campaigns: createCampaignStore(db, { breaker: BREAKER }),
    close: async () => {
      await thread?.close();
      await db.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
