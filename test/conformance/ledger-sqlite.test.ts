// The ledger's conformance suite on the embedded database.
import { openSqliteWorld } from "../world/sqlite.ts";
import { describeLedger } from "./ledger.ts";

describeLedger("SQLite", openSqliteWorld);
