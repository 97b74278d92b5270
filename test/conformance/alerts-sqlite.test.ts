// The conformance suite of alerts on the embedded database.
import { createAlertBook, createAlertStore } from "../../src/adapters/store/alerts.ts";
import { createIntakeStore } from "../../src/adapters/store/intakes.ts";
import { createProviderHolds } from "../../src/adapters/store/provider-holds.ts";
import { openSqliteWorld } from "../world/sqlite.ts";
import { describeAlerts } from "./alerts.ts";

describeAlerts("SQLite", openSqliteWorld, ({ db }) => ({
  store: createAlertStore(db),
  book: createAlertBook(db),
  holds: createProviderHolds(db),
  intakes: createIntakeStore(db),
}));
