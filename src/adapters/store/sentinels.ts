// Sentinels as rows: made before they are sent, settled by the relay's answer. What brings them back is in
// sentinel-reports.ts.
import type { SentinelRow, SentinelStore } from "../../delivery/sentinel.ts";
import { type Database, fromSqlTime, sqlTime, type Tx } from "../database/database.ts";

export function createSentinelStore(db: Database): SentinelStore {
  return {
    due: () =>
      db.read.$queryRawUnsafe<{ campaignId: number; route: string }[]>(
        `SELECT DISTINCT l.campaign_id AS "campaignId", l.route AS route
         FROM lane l JOIN campaign c ON c.id = l.campaign_id LEFT JOIN route r ON r.name = l.route
           LEFT JOIN sentinel s ON s.campaign_id = l.campaign_id AND s.route = l.route
         WHERE c.state = 'running' AND c.planned = true AND l.feedback = 'relay' AND l.state <> 'done'
           AND coalesce(r.state, 'ready') = 'ready' AND s.id IS NULL`,
      ),

    begin: (campaignId, route) =>
      db.write(async (tx) => {
        const now = sqlTime(db.now());
        const [row] = await tx.$queryRawUnsafe<{ id: number }[]>(
          `INSERT INTO sentinel (campaign_id, route, state, sent_at) VALUES (?, ?, 'sending', ?)
           ON CONFLICT (campaign_id, route) DO NOTHING RETURNING id`,
          campaignId,
          route,
          now,
        );
        // It is one of the mails that a route takes in a day.
        if (row !== undefined)
          await tx.$executeRawUnsafe(
            "UPDATE route SET today = today + 1 WHERE name = ? AND day = ?",
            route,
            now.slice(0, 10),
          );
        return row?.id ?? null;
      }),

    settle: (id, heard) =>
      db.write(async (tx) => {
        const now = sqlTime(db.now());
        // By then it may have come back already.
        const mine = "id = ? AND state = 'sending'";
        if (heard.is === "unreachable") await tx.$executeRawUnsafe(`DELETE FROM sentinel WHERE ${mine}`, id);
        else if (heard.is === "sent")
          await tx.$executeRawUnsafe(
            `UPDATE sentinel SET state = 'sent', sent_at = ? WHERE ${mine}`,
            now,
            id,
          );
        else
          await tx.$executeRawUnsafe(
            `UPDATE sentinel SET state = 'refused', sent_at = ?, reply = ? WHERE ${mine}`,
            now,
            heard.reply,
            id,
          );
      }),
  };
}

interface Row {
  id: number;
  campaign_id: number;
  route: string;
  state: SentinelRow["state"];
  sent_at: unknown;
  back_at: unknown;
  came_by: string | null;
  reply: string | null;
}

export async function readSentinels(
  read: Pick<Tx, "$queryRawUnsafe">,
  campaignId: number,
): Promise<SentinelRow[]> {
  const rows = await read.$queryRawUnsafe<Row[]>(
    "SELECT * FROM sentinel WHERE campaign_id = ? ORDER BY route",
    campaignId,
  );
  return rows.map((row) => ({
    id: row.id,
    campaignId: row.campaign_id,
    route: row.route,
    state: row.state,
    sentAtMs: fromSqlTime(row.sent_at) ?? 0,
    backAtMs: fromSqlTime(row.back_at),
    by: row.came_by,
    reply: row.reply,
  }));
}
