// Suppressions for those who look at them and decide: list, add, remove, undo. Statements that both databases run.
import { BY_HAND, type Suppression, type SuppressionStore } from "../../campaign/suppression.ts";
import { type Database, fromSqlTime, INTS, sqlTime, TEXTS, type Tx } from "../database/database.ts";
import { recount } from "./lane-rows.ts";
import { CONFIRM_AFTER_MS } from "./suppression-rows.ts";

const ACCOUNTS_SHOWN = 20;

type Row = Omit<Suppression, "provisional" | "active" | "since" | "confirmedAt" | "accounts"> & {
  key: string;
  provisional: unknown;
  since: unknown;
  confirmed_at: unknown;
};

export function createSuppressionStore(db: Database): SuppressionStore {
  return {
    list: async ({ afterId, limit, key }) => {
      const only = key === undefined ? "" : "AND s.key = ?";
      const rows = await db.read.$queryRawUnsafe<Row[]>(
        `SELECT s.id, s.key, s.address, s.template_class AS "templateClass", s.reason, s.provisional, s.since,
           s.confirmed_at, s.campaign_id AS "campaignId", c.name AS campaign, l.provider, s.reply, s.note
         FROM suppression s LEFT JOIN campaign c ON c.id = s.campaign_id LEFT JOIN lane l ON l.id = s.lane_id
         WHERE s.id > ? ${only} ORDER BY s.id LIMIT ?`,
        ...[afterId, ...(key === undefined ? [] : [key]), limit],
      );
      const accounts = await accountsOf(
        db.read,
        rows.map((row) => row.key),
      );
      return rows.map(({ key: rowKey, confirmed_at, ...row }) => {
        const provisional = Boolean(row.provisional);
        const sinceMs = fromSqlTime(row.since) ?? 0;
        return {
          ...row,
          provisional,
          active: !provisional || sinceMs > db.now() - CONFIRM_AFTER_MS,
          since: iso(row.since) ?? "",
          confirmedAt: iso(confirmed_at),
          accounts: accounts.get(rowKey) ?? [],
        };
      });
    },

    add: ({ address, key, templateClass, note }) =>
      db.write(async (tx) => {
        const now = sqlTime(db.now());
        const added = await tx.$executeRawUnsafe(
          `INSERT INTO suppression (key, address, template_class, reason, provisional, note, since, confirmed_at)
           VALUES (?, ?, ?, '${BY_HAND}', false, ?, ?, ?)
           ON CONFLICT (key, template_class) DO UPDATE SET provisional = false, note = excluded.note,
             confirmed_at = excluded.confirmed_at WHERE suppression.provisional = true`,
          key,
          address,
          templateClass,
          note,
          now,
          now,
        );
        return added === 0 ? null : takeOut(tx, { key, templateClass, now });
      }),

    remove: (key) => db.write((tx) => tx.$executeRawUnsafe("DELETE FROM suppression WHERE key = ?", key)),

    undo: (campaignId, provider) =>
      db.write((tx) =>
        provider === null
          ? tx.$executeRawUnsafe("DELETE FROM suppression WHERE campaign_id = ?", campaignId)
          : tx.$executeRawUnsafe(
              `DELETE FROM suppression WHERE lane_id IN
                 (SELECT id FROM lane WHERE campaign_id = ? AND provider = ?)`,
              campaignId,
              provider,
            ),
      ),
  };
}

/** Deliveries to an address that wait in campaigns of that class are listed as untold instead. */
async function takeOut(
  tx: Tx,
  { key, templateClass, now }: { key: string; templateClass: string; now: string },
): Promise<number> {
  const waiting = `d.key = ? AND d.state IN ('pending', 'deferred')
    AND c.state NOT IN ('cancelled', 'completed', 'completed-with-failures') AND (? = '' OR c.template_class = ?)`;
  const from = "delivery d JOIN campaign c ON c.id = d.campaign_id";
  const values = [key, templateClass, templateClass];
  const lanes = await tx.$queryRawUnsafe<{ lane_id: number }[]>(
    `SELECT DISTINCT d.lane_id FROM ${from} WHERE ${waiting} ORDER BY d.lane_id`,
    ...values,
  );
  const laneIds = JSON.stringify(lanes.map((row) => row.lane_id));
  if (lanes.length > 0) await tx.lock(`SELECT id FROM lane WHERE id IN ${INTS} ORDER BY id`, laneIds);
  const count = await tx.$executeRawUnsafe(
    `UPDATE delivery SET state = 'suppressed', reason = NULL, fault = NULL, scope = NULL, changed_at = ?
     WHERE id IN (SELECT d.id FROM ${from} WHERE ${waiting})`,
    now,
    ...values,
  );
  await recount(tx, new Set(lanes.map((row) => row.lane_id)));
  return count;
}

/** By the key of the address: its accounts in the audiences that have a name now, or in no audience's but a campaign's. */
async function accountsOf(read: Tx, keys: readonly string[]): Promise<Map<string, string[]>> {
  if (keys.length === 0) return new Map();
  const rows = await read.$queryRawUnsafe<{ key: string; account: string }[]>(
    `SELECT DISTINCT key, account FROM client
     WHERE account IS NOT NULL AND key IN ${TEXTS}
       AND import_id IN (SELECT import_id FROM audience UNION SELECT import_id FROM campaign)
     ORDER BY key, account`,
    JSON.stringify(keys),
  );
  const accounts = new Map<string, string[]>();
  for (const { key, account } of rows) {
    const list = accounts.get(key) ?? [];
    if (list.length < ACCOUNTS_SHOWN) accounts.set(key, [...list, account]);
  }
  return accounts;
}

function iso(time: unknown): string | null {
  const ms = fromSqlTime(time);
  return ms === null ? null : new Date(ms).toISOString();
}
