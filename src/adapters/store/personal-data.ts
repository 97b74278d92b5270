// Forgets people in the tables: one address on demand, and all of them when their time is over. Rows stay where reports
// count them; names, addresses and verbatim words go.
import { ERASED, type Erased, type PersonalData, type Retention } from "../../campaign/personal-data.ts";
import { BellwetherError } from "../../errors.ts";
import { type Database, INTS, sqlTime, type Tx } from "../database/database.ts";
import { recount } from "./lane-rows.ts";

/** Rows changed in one transaction. */
const CHUNK = 2_000;

export function createPersonalData(db: Database): PersonalData {
  return {
    erase: (key) => db.write((tx) => erase(tx, key, db.now())),
    retain: async (retention) => {
      const nowMs = db.now();
      const steps = [forgetReports, forgetReplies, forgetRecipients, forgetImports];
      for (const step of steps) if ((await db.write((tx) => step(tx, retention, nowMs))) > 0) return true;
      return false;
    },
  };
}

interface DeliveryRow {
  id: number;
  lane_id: number;
  state: string;
}

async function erase(tx: Tx, key: string, nowMs: number): Promise<Erased> {
  const seen = await tx.$queryRawUnsafe<DeliveryRow[]>("SELECT id, lane_id FROM delivery WHERE key = ?", key);
  const laneIds = [...new Set(seen.map((row) => row.lane_id))].sort((a, b) => a - b);
  if (laneIds.length > 0)
    await tx.lock(`SELECT id FROM lane WHERE id IN ${INTS} ORDER BY id`, JSON.stringify(laneIds));
  const rows = await tx.$queryRawUnsafe<DeliveryRow[]>(
    "SELECT id, lane_id, state FROM delivery WHERE key = ?",
    key,
  );
  if (rows.some(({ state }) => state === "claimed" || state === "sending")) {
    throw new BellwetherError(
      "on-the-wire",
      "A mail to this address is being sent at this moment.",
      "Type the command again in a minute, or pause the campaign first.",
    );
  }
  const ids = JSON.stringify(rows.map((row) => row.id));
  const now = sqlTime(nowMs);
  const cancelled = await tx.$executeRawUnsafe(
    `UPDATE delivery SET state = 'cancelled', changed_at = ? WHERE id IN ${INTS} AND state IN ('pending', 'deferred')`,
    now,
    ids,
  );
  const reports = await tx.$executeRawUnsafe(
    `UPDATE report SET recipient = NULL, reply = NULL, excerpt = NULL, marks = NULL
     WHERE delivery_id IN ${INTS} OR lower(recipient) = ?`,
    ids,
    key.toLowerCase(),
  );
  await tx.$executeRawUnsafe(`UPDATE outcome SET reply = NULL WHERE delivery_id IN ${INTS}`, ids);
  const deliveries = await forgetDeliveries(tx, `id IN ${INTS}`, ids);
  const clients = await tx.$executeRawUnsafe("DELETE FROM client WHERE key = ?", key);
  const refused = await tx.$executeRawUnsafe(
    `UPDATE refused_row SET value = '${ERASED}' WHERE lower(value) = ?`,
    key.toLowerCase(),
  );
  const kept = await tx.$executeRawUnsafe(
    `UPDATE suppression SET reply = NULL, note = NULL, campaign_id = NULL, delivery_id = NULL, lane_id = NULL,
       provisional = false WHERE key = ?`,
    key,
  );
  await recount(tx, new Set(laneIds));
  return { clients, deliveries, reports, refused, cancelled, suppressed: kept > 0 };
}

function forgetDeliveries(tx: Tx, where: string, ...values: unknown[]): Promise<number> {
  return tx.$executeRawUnsafe(
    `UPDATE delivery SET address = '${ERASED}', key = '${ERASED} ' || id, domain = '', unit = NULL, reply = NULL,
       relay_id = NULL WHERE ${where}`,
    ...values,
  );
}

async function forgetReports(tx: Tx, { reportsMs }: Retention, nowMs: number): Promise<number> {
  return tx.$executeRawUnsafe(
    `UPDATE report SET recipient = NULL, reply = NULL, excerpt = NULL, marks = NULL WHERE id IN
       (SELECT id FROM report WHERE received_at < ?
          AND (recipient IS NOT NULL OR reply IS NOT NULL OR excerpt IS NOT NULL OR marks IS NOT NULL) LIMIT ?)`,
    sqlTime(nowMs - reportsMs),
    CHUNK,
  );
}

/** The next campaign that ended before then and has more to forget. */
async function ended(tx: Tx, beforeMs: number, forgotten: number): Promise<number | null> {
  const [row] = await tx.$queryRawUnsafe<{ id: number }[]>(
    "SELECT id FROM campaign WHERE ended_at < ? AND forgotten < ? ORDER BY id LIMIT 1",
    sqlTime(beforeMs),
    forgotten,
  );
  return row?.id ?? null;
}

async function forgetReplies(tx: Tx, { repliesMs }: Retention, nowMs: number): Promise<number> {
  const id = await ended(tx, nowMs - repliesMs, 1);
  if (id === null) return 0;
  const said = await tx.$executeRawUnsafe(
    "UPDATE outcome SET reply = NULL WHERE id IN (SELECT id FROM outcome WHERE campaign_id = ? AND reply IS NOT NULL LIMIT ?)",
    id,
    CHUNK,
  );
  if (said > 0) return said;
  const kept = await tx.$executeRawUnsafe(
    "UPDATE delivery SET reply = NULL WHERE id IN (SELECT id FROM delivery WHERE campaign_id = ? AND reply IS NOT NULL LIMIT ?)",
    id,
    CHUNK,
  );
  if (kept > 0) return kept;
  return tx.$executeRawUnsafe("UPDATE campaign SET forgotten = 1 WHERE id = ?", id);
}

async function forgetRecipients(tx: Tx, { recipientsMs }: Retention, nowMs: number): Promise<number> {
  const id = await ended(tx, nowMs - recipientsMs, 2);
  if (id === null) return 0;
  const count = await forgetDeliveries(
    tx,
    `id IN (SELECT id FROM delivery WHERE campaign_id = ? AND address <> '${ERASED}' LIMIT ?)`,
    id,
    CHUNK,
  );
  if (count > 0) return count;
  return tx.$executeRawUnsafe("UPDATE campaign SET forgotten = 2, import_id = NULL WHERE id = ?", id);
}

/** Clients of imports that no audience and no campaign uses any more. */
async function forgetImports(tx: Tx, { recipientsMs }: Retention, nowMs: number): Promise<number> {
  const [row] = await tx.$queryRawUnsafe<{ id: number }[]>(
    `SELECT id FROM import WHERE state = 'ready' AND created_at < ?
       AND id NOT IN (SELECT import_id FROM audience WHERE import_id IS NOT NULL)
       AND id NOT IN (SELECT import_id FROM campaign WHERE import_id IS NOT NULL) ORDER BY id LIMIT 1`,
    sqlTime(nowMs - recipientsMs),
  );
  if (row === undefined) return 0;
  for (const table of ["client", "refused_row"]) {
    const count = await tx.$executeRawUnsafe(
      `DELETE FROM ${table} WHERE id IN (SELECT id FROM ${table} WHERE import_id = ? LIMIT ?)`,
      row.id,
      CHUNK,
    );
    if (count > 0) return count;
  }
  return tx.$executeRawUnsafe("DELETE FROM import WHERE id = ?", row.id);
}
