// The conformance suite of reports on the embedded database.
import { createReportLedger } from "../../src/adapters/store/report-ledger.ts";
import { BREAKER } from "../world/ledger.ts";
import { openSqliteWorld } from "../world/sqlite.ts";
import { describeReportLedger } from "./report-ledger.ts";

describeReportLedger("SQLite", openSqliteWorld, ({ db }) => createReportLedger(db, { breaker: BREAKER }));
