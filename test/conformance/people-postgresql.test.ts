// The conformance suite of suppressions and erasure on the database of the cluster mode.
import { describe } from "vitest";
import { createPersonalData } from "../../src/adapters/store/personal-data.ts";
import { createSuppressionStore } from "../../src/adapters/store/suppressions.ts";
import { openPostgresqlWorld } from "../world/postgresql.ts";
import { endServerAfterAll, postgresServer, withoutPostgres } from "../world/postgresql-server.ts";
import { describePeople } from "./people.ts";

describe.skipIf(withoutPostgres !== null)("on PostgreSQL", () => {
  endServerAfterAll();
  describePeople(
    "PostgreSQL",
    async () => openPostgresqlWorld((await postgresServer()).url),
    ({ db }) => ({ suppressions: createSuppressionStore(db), people: createPersonalData(db) }),
  );
});
