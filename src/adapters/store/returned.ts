// Recorded reports for those who look at them.
import type { ReturnedReport, ReturnedSource } from "../../report/returned.ts";
import { type Database, fromSqlTime, sqlTime } from "../database/database.ts";

type Row = Omit<ReturnedReport, "at" | "receivedAt"> & { at: unknown; received_at: unknown };

/** What a person should look at. Lines of a relay's log that name no mail of ours are other people's. */
const STRAY = "effect = 'unmatched' AND intake <> 'log'";

export function createReturnedSource(db: Pick<Database, "read">): ReturnedSource {
  return {
    returned: async ({ beforeId, limit, unmatched }) => {
      const rows = await db.read.$queryRawUnsafe<Row[]>(
        `SELECT id, intake, at, received_at, kind, action, recipient, reporter, reply, reason, fault, effect,
           matched_by AS "matchedBy", campaign_id AS "campaignId", delivery_id AS delivery, attempt, excerpt
         FROM report WHERE id < ? ${unmatched ? `AND ${STRAY}` : `AND (effect <> 'unmatched' OR ${STRAY})`} ORDER BY id DESC LIMIT ?`,
        beforeId ?? 2 ** 31 - 1,
        limit,
      );
      return rows.map(({ received_at, ...row }) => ({
        ...row,
        at: iso(row.at),
        receivedAt: iso(received_at),
      }));
    },
    unmatchedSince: async (sinceMs) => {
      const [row] = await db.read.$queryRawUnsafe<{ n: number | bigint }[]>(
        `SELECT count(*) AS n FROM report WHERE received_at >= ? AND ${STRAY}`,
        sqlTime(sinceMs),
      );
      return Number(row?.n ?? 0);
    },
  };
}

function iso(time: unknown): string {
  return new Date(fromSqlTime(time) ?? 0).toISOString();
}
