// The conformance suite of the ramp behind a relay, on the database of the cluster mode.
import { describe } from "vitest";
import { createReportLedger } from "../../src/adapters/store/report-ledger.ts";
import { BREAKER } from "../world/ledger.ts";
import { openPostgresqlWorld } from "../world/postgresql.ts";
import { endServerAfterAll, postgresServer, withoutPostgres } from "../world/postgresql-server.ts";
import { describeRelayRamp } from "./relay-ramp.ts";

describe.skipIf(withoutPostgres !== null)("on PostgreSQL", () => {
  endServerAfterAll();
  describeRelayRamp(
    "PostgreSQL",
    async () => openPostgresqlWorld((await postgresServer()).url),
    ({ db }) => createReportLedger(db, { breaker: BREAKER }),
  );
});
