// The conformance suite of a route's shares on the database of the cluster mode.

import { describe } from "vitest";
import { openPostgresql } from "../../src/adapters/database/postgresql.ts";
import { systemClock } from "../../src/clock.ts";
import { openPostgresqlWorld } from "../world/postgresql.ts";
import { endServerAfterAll, postgresServer, withoutPostgres } from "../world/postgresql-server.ts";
import { describeShares } from "./shares.ts";

describe.skipIf(withoutPostgres !== null)("on PostgreSQL", () => {
  endServerAfterAll();
  describeShares("PostgreSQL", async () => {
    const world = await openPostgresqlWorld((await postgresServer()).url);
    const open = () => openPostgresql({ url: world.url, clock: systemClock });
    return { ...world, reopen: (count) => Promise.all(Array.from({ length: count }, open)) };
  });
});
