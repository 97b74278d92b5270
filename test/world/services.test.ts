// What tests rely on when they take a server away: that it is really gone, and that it comes back with what it had.
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { postgresMissing } from "./service-binaries.ts";
import { type PostgresService, postgresService } from "./services.ts";

const missing = postgresMissing();
const foreign = process.env.BELLWETHER_TEST_POSTGRES_URL !== undefined;

describe.skipIf(missing !== null || foreign)(
  `a private PostgreSQL${missing === null ? "" : ` (${missing})`}`,
  () => {
    let postgres: PostgresService;
    beforeAll(async () => {
      postgres = await postgresService();
    });
    afterAll(() => postgres?.end());

    async function ask(url: string, sql: string): Promise<unknown> {
      const client = new pg.Client({ connectionString: url });
      client.on("error", () => undefined);
      await client.connect();
      try {
        return (await client.query<Record<string, unknown>>(sql)).rows;
      } finally {
        await client.end();
      }
    }

    test("it waits for the disk, and kill -9 loses nothing that it confirmed", async () => {
      const database = await postgres.createDatabase();
      const other = await postgres.createDatabase();
      await ask(database.url, "CREATE TABLE seen AS SELECT 7 AS lane");
      expect(await ask(database.url, "SHOW fsync")).toEqual([{ fsync: "on" }]);
      await expect(ask(other.url, "SELECT lane FROM seen")).rejects.toThrow(/does not exist/);

      await postgres.kill();
      await expect(ask(database.url, "SELECT 1")).rejects.toThrow(/ECONNREFUSED/);
      await postgres.start();
      expect(await ask(database.url, "SELECT lane FROM seen")).toEqual([{ lane: 7 }]);

      await database.drop();
      await expect(ask(database.url, "SELECT 1")).rejects.toThrow(/does not exist/);
    });
  },
);
