// The conformance suite of suppressions and erasure on the embedded database.
import { createPersonalData } from "../../src/adapters/store/personal-data.ts";
import { createSuppressionStore } from "../../src/adapters/store/suppressions.ts";
import { openSqliteWorld } from "../world/sqlite.ts";
import { describePeople } from "./people.ts";

describePeople("SQLite", openSqliteWorld, ({ db }) => ({
  suppressions: createSuppressionStore(db),
  people: createPersonalData(db),
}));
