// Sentinels that come back, among all reports: noted, told in the timeline, and kept away from deliveries and lanes.
import type { ReportEntry } from "../../delivery/report-entry.ts";
import { sentinelOf } from "../../delivery/sentinel.ts";
import { fromSqlTime, sqlTime, type Tx } from "../database/database.ts";
import { addEvents } from "./lane-rows.ts";
import { wakeSeeing } from "./lane-silence.ts";

/**
 * Takes those entries out that tell of sentinels, notes which of them came back, and returns their keys: they are
 * nobody's delivery.
 */
export async function noteSentinels(
  tx: Tx,
  entries: readonly ReportEntry[],
  nowMs: number,
): Promise<Set<string>> {
  const taken = new Set<string>();
  for (const entry of entries) {
    const id = sentinelOf(entry);
    if (id === null) continue;
    taken.add(entry.key);
    await tx.$executeRawUnsafe(
      "UPDATE report SET effect = 'sentinel', matched_by = 'token', marks = NULL WHERE key = ?",
      entry.key,
    );
    if (entry.action !== "failed") continue;
    const [row] = await tx.$queryRawUnsafe<{ campaign_id: number; route: string; sent_at: unknown }[]>(
      `UPDATE sentinel SET state = 'back', back_at = ?, came_by = ? WHERE id = ? AND state <> 'back'
       RETURNING campaign_id, route, sent_at`,
      sqlTime(nowMs),
      entry.intake,
      id,
    );
    if (row === undefined) continue;
    const seconds = Math.round((nowMs - (fromSqlTime(row.sent_at) ?? nowMs)) / 1000);
    const text = `The sentinel came back after ${seconds} s (${entry.intake}): mails that come back are seen.`;
    await addEvents(tx, [
      { campaignId: row.campaign_id, laneId: null, atMs: nowMs, event: "sentinel", text },
    ]);
    await wakeSeeing(tx, { campaignId: row.campaign_id, route: row.route, nowMs });
  }
  return taken;
}
