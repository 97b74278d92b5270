// Suppressions as rows: what an address fault leaves behind, and what takes it back.
import type { Outcome } from "../../delivery/outcome.ts";
import type { Reported } from "../../delivery/reported.ts";
import type { TemplateClass } from "../../template/manifest.ts";
import { type ManyStatement, sqlTime, type Tx } from "../database/database.ts";
import { recordset } from "../database/many.ts";

/** A second address fault so much later, in another campaign, makes a provisional suppression lasting. */
export const CONFIRM_AFTER_MS = 72 * 60 * 60 * 1000;

/**
 * Each hard address fault of what bounced suppresses provisionally; a provider may be wrong for a day, as Gmail was in
 * 2020.
 */
export async function noteAddressFaults(
  tx: Tx,
  bounced: readonly { delivery: number; outcome: Outcome }[],
  nowMs: number,
): Promise<void> {
  const rows = bounced
    .filter(({ outcome }) => outcome.classification?.fault === "address")
    .map(({ delivery, outcome }) => ({
      delivery,
      reason: outcome.classification?.reason ?? null,
      reply: outcome.reply,
      now: sqlTime(nowMs),
      proven: sqlTime(nowMs - CONFIRM_AFTER_MS),
    }));
  if (rows.length > 0) await tx.many(NOTE, rows);
}

const INSERT =
  "INSERT INTO suppression (key, address, reason, provisional, campaign_id, delivery_id, lane_id, reply, since)";

/** The second fault, in another campaign and late enough after the first, proves it; what is added is of now. */
function onSecond(lateEnough: string): string {
  const second = `suppression.since <= ${lateEnough} AND suppression.campaign_id <> excluded.campaign_id`;
  return `ON CONFLICT (key, template_class) DO UPDATE SET
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

/**
 * Whoever complains about a mail gets no more of its class, nor of the ones below it. A required notice goes on reaching
 * everybody: there the complaint is a task for support.
 */
export async function noteComplaints(tx: Tx, reported: readonly Reported[], nowMs: number): Promise<void> {
  for (const { row, next, outcome } of reported) {
    if (next !== "complained") continue;
    const [campaign] = await tx.$queryRawUnsafe<{ template_class: TemplateClass }[]>(
      "SELECT template_class FROM campaign WHERE id = ?",
      row.campaignId,
    );
    for (const templateClass of campaign === undefined ? [] : STOPPED[campaign.template_class]) {
      await tx.$executeRawUnsafe(
        `INSERT INTO suppression (key, address, template_class, reason, provisional, campaign_id, delivery_id, lane_id,
           reply, since)
         SELECT d.key, d.address, ?, 'complaint', false, d.campaign_id, d.id, d.lane_id, ?, ?
         FROM delivery d WHERE d.id = ?
         ON CONFLICT (key, template_class) DO NOTHING`,
        templateClass,
        outcome.reply,
        sqlTime(nowMs),
        row.id,
      );
    }
  }
}

const STOPPED: Readonly<Record<TemplateClass, readonly TemplateClass[]>> = {
  required: ["service", "optional"],
  service: ["service", "optional"],
  optional: ["optional"],
};

/**
 * Joins as `x` the suppression that keeps mail of a class from an address, at most one. `key`, `templateClass` and
 * `proven` (since when a provisional one counts) are SQL.
 */
export function joinSuppression(sql: { key: string; templateClass: string; proven: string }): string {
  return `LEFT JOIN suppression x ON x.id = (SELECT y.id FROM suppression y WHERE y.key = ${sql.key}
    AND y.template_class IN ('', ${sql.templateClass}) AND (y.provisional = false OR y.since > ${sql.proven})
    ORDER BY y.template_class LIMIT 1)`;
}

/** A lane that is held because too many addresses "do not exist" proves nothing about any of them. */
export async function rollBackSuppressions(tx: Tx, laneId: number): Promise<void> {
  await tx.$executeRawUnsafe("DELETE FROM suppression WHERE lane_id = ? AND provisional = true", laneId);
}
