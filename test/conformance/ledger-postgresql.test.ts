// The ledger's conformance suite on the database of the cluster mode.
import { Client } from "pg";
import { describe, expect, test } from "vitest";
import { migratePostgresql } from "../../src/adapters/database/migrate-postgresql.ts";
import { openPostgresql } from "../../src/adapters/database/postgresql.ts";
import { systemClock } from "../../src/clock.ts";
import { startLink } from "../world/link.ts";
import { openPostgresqlWorld, POSTGRESQL_MIGRATIONS } from "../world/postgresql.ts";
import { endServerAfterAll, postgresServer, withoutPostgres } from "../world/postgresql-server.ts";
import { describeLedger } from "./ledger.ts";

describe.skipIf(withoutPostgres !== null)("on PostgreSQL", () => {
  endServerAfterAll();

  describeLedger("PostgreSQL", async () => openPostgresqlWorld((await postgresServer()).url));

  test("connections that the network has forgotten are given up, and new ones do the work", async () => {
    const server = new URL((await postgresServer()).url);
    const link = await startLink({ host: server.hostname, port: Number(server.port) });
    const db = await openPostgresql({ url: link.urlOf(server.href), clock: systemClock, silentMs: 400 });
    const six = () =>
      Promise.allSettled(Array.from({ length: 6 }, () => db.read.$executeRawUnsafe("SELECT 1")));
    try {
      await six();
      link.strand();
      expect((await six()).map((one) => one.status)).toContain("rejected");
      expect((await six()).map((one) => one.status)).not.toContain("rejected");
    } finally {
      await db.close();
      await link.close();
    }
  });

  test("a full disk under the server has its own code", async () => {
    const { db, close } = await openPostgresqlWorld((await postgresServer()).url);
    // In the words of PostgreSQL 15, without filling a disk; bench/faults fills one.
    const full = `DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '53100',
      MESSAGE = 'could not extend file "base/5/16390": No space left on device'; END $$`;
    try {
      const failed = db.write((tx) => tx.$executeRawUnsafe(full));
      await expect(failed).rejects.toMatchObject({ code: "database-full" });
    } finally {
      await close();
    }
  });

  test("two programs that start at once migrate once", async () => {
    const { url, drop } = await (await postgresServer()).createDatabase();
    try {
      const done = await Promise.all([1, 2, 3].map(() => migratePostgresql(url, POSTGRESQL_MIGRATIONS)));
      expect(done.filter((names) => names.length > 0)).toHaveLength(1);
    } finally {
      await drop();
    }
  });

  test("a program refuses a database that a newer one has migrated", async () => {
    const { url, drop } = await (await postgresServer()).createDatabase();
    const client = new Client({ connectionString: url });
    try {
      await migratePostgresql(url, POSTGRESQL_MIGRATIONS);
      await client.connect();
      await client.query(
        "INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at) VALUES ('1', '', '29990101_newer', now())",
      );
      await expect(migratePostgresql(url, POSTGRESQL_MIGRATIONS)).rejects.toMatchObject({
        code: "database-migration",
        message: expect.stringContaining("newer program"),
      });
    } finally {
      await client.end();
      await drop();
    }
  });

  test("a server that may forget what it has committed is refused", async () => {
    const { url, drop } = await (await postgresServer()).createDatabase();
    try {
      const forgetful = new URL(url);
      forgetful.searchParams.set("options", "-c synchronous_commit=off");
      await expect(migratePostgresql(forgetful.href, POSTGRESQL_MIGRATIONS)).rejects.toMatchObject({
        code: "database-unusable",
        message: expect.stringContaining("synchronous_commit"),
      });
    } finally {
      await drop();
    }
  });
});
