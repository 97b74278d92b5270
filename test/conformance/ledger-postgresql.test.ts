// The ledger's conformance suite on the database of the cluster mode.
import { openPostgresqlWorld } from "../world/postgresql.ts";
import { describeLedger } from "./ledger.ts";

const server = process.env.BELLWETHER_TEST_POSTGRES_URL ?? "";

describeLedger("PostgreSQL", () => openPostgresqlWorld(server));
