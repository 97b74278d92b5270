// The ledger's conformance suite on the embedded database, written by a thread of its own; and what only a thread can do.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { migrateSqlite } from "../../src/adapters/database/migrate.ts";
import { createThreadedLedger } from "../../src/adapters/store/ledger-thread.ts";
import { systemClock } from "../../src/clock.ts";
import { BREAKER, runCampaign } from "../world/ledger.ts";
import { BUILT_THREAD, MIGRATIONS, openSqliteWorld } from "../world/sqlite.ts";
import { describeLedger } from "./ledger.ts";

describeLedger("SQLite in a thread", () => openSqliteWorld({ inThread: true }));

test("a thread that could not do its work is asked again, and has lost nothing", async () => {
  const world = await openSqliteWorld({ inThread: true });
  try {
    await runCampaign(world, [{ provider: "google", size: 3, window: 10 }]);
    await world.ledger.register({ id: "w1", host: "here", pid: 1, exclusive: false });
    const [lane] = await world.ledger.lanes();
    const request = { worker: "w1", laneId: lane?.id ?? 0, limit: 10 };
    await expect(world.ledger.claim({ ...request, laneId: 999 })).rejects.toThrow("There is no lane 999.");
    expect((await world.ledger.claim(request)).deliveries).toHaveLength(3);
  } finally {
    await world.close();
  }
});

test("a thread that dies fails what it was asked, and the next request starts another", async () => {
  const folder = mkdtempSync(path.join(tmpdir(), "bellwether-thread-"));
  const file = path.join(folder, "data/bellwether.db");
  const { ledger, close } = createThreadedLedger({
    file,
    config: { breaker: BREAKER },
    entry: BUILT_THREAD,
    clock: systemClock,
  });
  try {
    await expect(Promise.all([ledger.lanes(), ledger.heartbeat("w1")])).rejects.toThrow("cannot be opened");
    mkdirSync(path.dirname(file));
    migrateSqlite(file, MIGRATIONS);
    expect(await ledger.lanes()).toEqual([]);
  } finally {
    await close();
    rmSync(folder, { recursive: true, force: true });
  }
});
