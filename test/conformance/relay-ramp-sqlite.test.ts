// The conformance suite of the ramp behind a relay, on the embedded database.
import { createReportLedger } from "../../src/adapters/store/report-ledger.ts";
import { BREAKER } from "../world/ledger.ts";
import { openSqliteWorld } from "../world/sqlite.ts";
import { describeRelayRamp } from "./relay-ramp.ts";

describeRelayRamp("SQLite", openSqliteWorld, ({ db }) => createReportLedger(db, { breaker: BREAKER }));
