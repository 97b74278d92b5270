// Where reports come from, as rows: how each source is, for other processes to see, and how far it has been read.
import type { IntakeStore } from "../../delivery/collector.ts";
import type { Bookmarks } from "../../delivery/intake.ts";
import type { IntakeSeen, IntakeSource } from "../../report/intakes.ts";
import { type Database, fromSqlTime, sqlTime, type Tx } from "../database/database.ts";

export function createIntakeStore(
  db: Pick<Database, "read" | "write" | "now">,
): IntakeStore & Bookmarks & IntakeSource {
  const timeOf = (ms: number | null) => (ms === null ? null : sqlTime(ms));
  return {
    saveHealth: (health) =>
      db.write(async (tx) => {
        for (const { name, state, seenAtMs, broughtAtMs, lagMs, trouble } of health) {
          await tx.$executeRawUnsafe(
            `INSERT INTO intake (name, state, seen_at, brought_at, lag_ms, trouble, told_at, failing_since)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (name) DO UPDATE SET state = excluded.state, seen_at = excluded.seen_at,
               brought_at = coalesce(excluded.brought_at, intake.brought_at), lag_ms = excluded.lag_ms,
               trouble = excluded.trouble, told_at = excluded.told_at,
               failing_since = CASE WHEN excluded.state = 'alive' THEN NULL
                 ELSE coalesce(intake.failing_since, excluded.failing_since) END`,
            name,
            state,
            timeOf(seenAtMs),
            timeOf(broughtAtMs),
            lagMs === null ? null : Math.min(Math.round(lagMs), 2 ** 31 - 1),
            trouble,
            sqlTime(db.now()),
            state === "failing" ? sqlTime(db.now()) : null,
          );
        }
      }),

    load: async (intake) => {
      const [row] = await db.read.$queryRawUnsafe<{ place: string | null }[]>(
        "SELECT place FROM intake WHERE name = ?",
        intake,
      );
      return row?.place ?? null;
    },

    save: (intake, place) =>
      db.write(async (tx) => {
        await tx.$executeRawUnsafe(
          "INSERT INTO intake (name, place) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET place = excluded.place",
          intake,
          place,
        );
      }),

    intakes: () => readIntakes(db.read, db.now()),
  };
}

/** How each source is, as its process last told. */
export async function readIntakes(read: Pick<Tx, "$queryRawUnsafe">, nowMs: number): Promise<IntakeSeen[]> {
  const rows = await read.$queryRawUnsafe<
    {
      name: string;
      state: IntakeSeen["state"];
      seen_at: unknown;
      brought_at: unknown;
      lag_ms: number | null;
      trouble: string | null;
      told_at: unknown;
    }[]
  >("SELECT name, state, seen_at, brought_at, lag_ms, trouble, told_at FROM intake ORDER BY name");
  return rows.map((row) => ({
    name: row.name,
    state: row.state,
    seenAtMs: fromSqlTime(row.seen_at),
    broughtAtMs: fromSqlTime(row.brought_at),
    lagMs: row.lag_ms,
    trouble: row.trouble,
    silentMs: nowMs - (fromSqlTime(row.told_at) ?? 0),
  }));
}
