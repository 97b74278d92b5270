// The conformance suite of a route's shares on the embedded database.
import { openSqlite } from "../../src/adapters/database/sqlite.ts";
import { systemClock } from "../../src/clock.ts";
import { openSqliteWorld } from "../world/sqlite.ts";
import { describeShares } from "./shares.ts";

describeShares("SQLite", async () => {
  const world = await openSqliteWorld();
  // Two that wait for one another's lock in one thread wait for ever: one drives an embedded database anyway.
  return {
    ...world,
    reopen: async (count) => Array(count).fill(await openSqlite({ file: world.file, clock: systemClock })),
  };
});
