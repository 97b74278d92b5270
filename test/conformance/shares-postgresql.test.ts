// The conformance suite of a route's shares on the database of the cluster mode.
import { openPostgresql } from "../../src/adapters/database/postgresql.ts";
import { systemClock } from "../../src/clock.ts";
import { openPostgresqlWorld } from "../world/postgresql.ts";
import { describeShares } from "./shares.ts";

const server = process.env.BELLWETHER_TEST_POSTGRES_URL ?? "";

describeShares("PostgreSQL", async () => {
  const world = await openPostgresqlWorld(server);
  const open = () => openPostgresql({ url: world.url, clock: systemClock });
  return { ...world, reopen: (count) => Promise.all(Array.from({ length: count }, open)) };
});
