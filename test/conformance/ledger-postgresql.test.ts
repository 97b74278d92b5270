// The ledger's conformance suite on the database of the cluster mode.
import { Client } from "pg";
import { describe, expect, test } from "vitest";
import { migratePostgresql } from "../../src/adapters/database/migrate-postgresql.ts";
import { openPostgresqlWorld, POSTGRESQL_MIGRATIONS } from "../world/postgresql.ts";
import { endServerAfterAll, postgresServer, withoutPostgres } from "../world/postgresql-server.ts";
import { describeLedger } from "./ledger.ts";

describe.skipIf(withoutPostgres !== null)("on PostgreSQL", () => {
  endServerAfterAll();

  describeLedger("PostgreSQL", async () => openPostgresqlWorld((await postgresServer()).url));

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
