// Suppressions as rows: what an address fault leaves behind, and what takes it back.
import type { Settled } from "../../delivery/settle.ts";
import { type ManyStatement, sqlTime, type Tx } from "../database/database.ts";
import { recordset } from "../database/many.ts";

/** A second address fault so much later, in another campaign, makes a provisional suppression lasting. */
export const CONFIRM_AFTER_MS = 72 * 60 * 60 * 1000;

/** Each hard address fault suppresses provisionally; a provider may be wrong for a day, as Gmail was in 2020. */
export async function noteAddressFaults(tx: Tx, settled: readonly Settled[], nowMs: number): Promise<void> {
  const faults = settled.filter(
    (one) => one.next.state === "bounced" && one.outcome.classification?.fault === "address",
  );
  if (faults.length === 0) return;
  const rows = faults.map((one) => ({
    delivery: one.delivery,
    reason: one.outcome.classification?.reason ?? null,
    reply: one.outcome.reply,
    now: sqlTime(nowMs),
    proven: sqlTime(nowMs - CONFIRM_AFTER_MS),
  }));
  await tx.many(NOTE, rows);
}

const INSERT =
  "INSERT INTO suppression (key, address, reason, provisional, campaign_id, delivery_id, lane_id, reply, since)";

/** The second fault, in another campaign and late enough after the first, proves it; what is added is of now. */
function onSecond(lateEnough: string): string {
  const second = `suppression.since <= ${lateEnough} AND suppression.campaign_id <> excluded.campaign_id`;
  return `ON CONFLICT (key) DO UPDATE SET
    confirmed_at = CASE WHEN ${second} THEN excluded.since ELSE suppression.confirmed_at END,
    provisional = CASE WHEN ${second} THEN false ELSE suppression.provisional END`;
}

const NOTE: ManyStatement = {
  sqlite: `${INSERT}
    SELECT d.key, d.address, :reason, true, d.campaign_id, d.id, d.lane_id, :reply, :now
    FROM delivery d WHERE d.id = :delivery
    ${onSecond(":proven")}`,
  // There a conflict does not see the rows given, but it can count back from what is added.
  postgresql: `${INSERT}
    SELECT DISTINCT ON (d.key) d.key, d.address, s.reason, true, d.campaign_id, d.id, d.lane_id, s.reply, s.now
    FROM ${recordset([
      ["delivery", "int"],
      ["reason", "text"],
      ["reply", "text"],
      ["now", "timestamp"],
    ])} JOIN delivery d ON d.id = s.delivery ORDER BY d.key
    ${onSecond(`excluded.since - interval '${CONFIRM_AFTER_MS / 1000} seconds'`)}`,
};

/** A lane that is held because too many addresses "do not exist" proves nothing about any of them. */
export async function rollBackSuppressions(tx: Tx, laneId: number): Promise<void> {
  await tx.$executeRawUnsafe("DELETE FROM suppression WHERE lane_id = ? AND provisional = true", laneId);
}
