// The conformance suite of alerts on the database of the cluster mode.
import { describe } from "vitest";
import { createAlertBook, createAlertStore } from "../../src/adapters/store/alerts.ts";
import { createIntakeStore } from "../../src/adapters/store/intakes.ts";
import { createProviderHolds } from "../../src/adapters/store/provider-holds.ts";
import { openPostgresqlWorld } from "../world/postgresql.ts";
import { endServerAfterAll, postgresServer, withoutPostgres } from "../world/postgresql-server.ts";
import { describeAlerts } from "./alerts.ts";

describe.skipIf(withoutPostgres !== null)("on PostgreSQL", () => {
  endServerAfterAll();
  describeAlerts(
    "PostgreSQL",
    async () => openPostgresqlWorld((await postgresServer()).url),
    ({ db }) => ({
      store: createAlertStore(db),
      book: createAlertBook(db),
      holds: createProviderHolds(db),
      intakes: createIntakeStore(db),
    }),
  );
});
