// Suppressions as rows: what an address fault leaves behind, and what takes it back.
import type { Settled } from "../../delivery/settle.ts";
import type { PrismaClient } from "../database/generated/sqlite/client.ts";
import { sqlTime } from "../database/sqlite.ts";

/** A second address fault so much later, in another campaign, makes a provisional suppression lasting. */
export const CONFIRM_AFTER_MS = 72 * 60 * 60 * 1000;

/** Each hard address fault suppresses provisionally; a provider may be wrong for a day, as Gmail was in 2020. */
export async function noteAddressFaults(
  tx: PrismaClient,
  settled: readonly Settled[],
  nowMs: number,
): Promise<void> {
  const faults = settled.filter(
    (one) => one.next.state === "bounced" && one.outcome.classification?.fault === "address",
  );
  if (faults.length === 0) return;
  const rows = faults.map((one) => ({
    delivery: one.delivery,
    reason: one.outcome.classification?.reason,
    reply: one.outcome.reply,
  }));
  const now = sqlTime(nowMs);
  await tx.$executeRawUnsafe(
    `INSERT INTO suppression (key, address, reason, provisional, campaign_id, delivery_id, lane_id, reply, since)
     SELECT d.key, d.address, s.value->>'reason', true, d.campaign_id, d.id, d.lane_id, s.value->>'reply', ?
     FROM json_each(?) AS s JOIN delivery d ON d.id = s.value->>'delivery'
     WHERE true
     ON CONFLICT (key) DO UPDATE SET
       confirmed_at = iif(suppression.since <= ? AND suppression.campaign_id <> excluded.campaign_id, ?, confirmed_at),
       provisional = iif(suppression.since <= ? AND suppression.campaign_id <> excluded.campaign_id, false, provisional)`,
    now,
    JSON.stringify(rows),
    sqlTime(nowMs - CONFIRM_AFTER_MS),
    now,
    sqlTime(nowMs - CONFIRM_AFTER_MS),
  );
}

/** A lane that is held because too many addresses "do not exist" proves nothing about any of them. */
export async function rollBackSuppressions(tx: PrismaClient, laneId: number): Promise<void> {
  await tx.$executeRawUnsafe("DELETE FROM suppression WHERE lane_id = ? AND provisional = true", laneId);
}
