// Which delivery a report is about: by the relay's id, by our signed token, by our signed Message-ID, by the address -
// the surest mark that finds one. Reads only.
import type { ReportEntry } from "../../delivery/report-entry.ts";
import type { DeliveryRow, MatchedBy } from "../../delivery/reported.ts";
import { fromSqlTime, INTS, sqlTime, TEXTS, type Tx } from "../database/database.ts";

export interface FoundDelivery {
  id: number;
  campaignId: number;
  laneId: number;
  by: MatchedBy;
}

/** Relays use their ids again after a while (Postfix's short queue ids within a day or so). */
const RELAY_ID_MS = 10 * 24 * 60 * 60 * 1000;
/** A relay gives up after five days (RFC 5321 section 4.5.4.1): later reports need a mark of their own. */
const RECIPIENT_MS = 6 * 24 * 60 * 60 * 1000;
/** Clocks of others may be ahead of ours by so much. */
const SKEW_MS = 10 * 60 * 1000;

interface Row {
  id: number;
  campaign_id: number;
  lane_id: number;
  key: string;
  revision: number;
  relay_id: string | null;
  changed_at: Date | string | null;
}

const COLUMNS = "id, campaign_id, lane_id, key, revision, relay_id, changed_at";

/** By the key of the entry; entries that match nothing are missing. */
export async function findDeliveries(
  tx: Tx,
  entries: readonly ReportEntry[],
  nowMs: number,
): Promise<Map<string, FoundDelivery>> {
  const ask = (condition: string, values: readonly unknown[], ...more: unknown[]): Promise<Row[]> =>
    values.length === 0
      ? Promise.resolve([])
      : tx.$queryRawUnsafe<Row[]>(
          `SELECT ${COLUMNS} FROM delivery WHERE ${condition}`,
          JSON.stringify([...new Set(values)]),
          ...more,
        );
  const byRelayId = group(
    await ask(
      `relay_id IN ${TEXTS} AND changed_at > ?`,
      entries.flatMap((entry) => entry.relayIds),
      sqlTime(nowMs - RELAY_ID_MS),
    ),
    (row) => row.relay_id ?? "",
  );
  const named = entries.flatMap(({ token, message }) => [token?.delivery, message?.delivery]);
  const byId = group(
    await ask(
      `id IN ${INTS}`,
      named.filter((id) => id !== undefined),
    ),
    (row) => String(row.id),
  );
  const byKey = group(
    await ask(
      `key IN ${TEXTS} AND state NOT IN ('pending', 'claimed', 'suppressed', 'cancelled', 'expired') AND changed_at > ?`,
      entries.flatMap((entry) => (isUnnamed(entry) ? [entry.recipientKey] : [])),
      sqlTime(nowMs - RECIPIENT_MS),
    ),
    (row) => row.key,
  );

  const found = new Map<string, FoundDelivery>();
  for (const entry of entries) {
    const put = (row: Row | undefined, by: MatchedBy): boolean => {
      if (row === undefined) return false;
      found.set(entry.key, { id: row.id, campaignId: row.campaign_id, laneId: row.lane_id, by });
      return true;
    };
    // One id may stand for a mail to many where the route is a service; and ids come back for other mails.
    const sameRecipient = (row: Row) => entry.recipientKey === null || entry.recipientKey === row.key;
    const relayed = entry.relayIds.flatMap((id) => byRelayId.get(id) ?? []).filter(sameRecipient);
    if (entry.trusted && put(newest(relayed), "relay-id")) continue;
    if (entry.token !== null && put(byId.get(String(entry.token.delivery))?.[0], "token")) continue;
    const { message } = entry;
    if (message !== null && put(byId.get(String(message.delivery))?.[0], "message-id")) continue;
    if (!isUnnamed(entry) || entry.recipientKey === null) continue;
    const since = (byKey.get(entry.recipientKey) ?? []).filter((row) => timeOf(row) <= entry.atMs + SKEW_MS);
    put(newest(since), "recipient");
  }
  return found;
}

/** Only what speaks of a mail to somebody is looked for by that somebody's address alone. */
function isUnnamed(entry: ReportEntry): boolean {
  return (
    entry.recipientKey !== null &&
    entry.token === null &&
    entry.message === null &&
    entry.action !== null &&
    entry.action !== "replied" &&
    // A relay's log and a service's events name every mail, ours or not, by its id: an address alone is then not enough.
    entry.relayIds.length === 0
  );
}

function group<Row>(rows: readonly Row[], keyOf: (row: Row) => string): Map<string, Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const key = keyOf(row);
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return groups;
}

function newest(rows: readonly Row[]): Row | undefined {
  return rows.reduce<Row | undefined>(
    (best, row) => (best === undefined || timeOf(row) > timeOf(best) ? row : best),
    undefined,
  );
}

function timeOf(row: Row): number {
  return row.changed_at === null ? 0 : new Date(row.changed_at).getTime();
}

/** The deliveries as they are now, after their lanes were locked. */
export async function rowsOf(tx: Tx, ids: readonly number[]): Promise<Map<number, DeliveryRow>> {
  if (ids.length === 0) return new Map();
  const rows = await tx.$queryRawUnsafe<(Omit<DeliveryRow, "changedAtMs"> & { changed_at: unknown })[]>(
    `SELECT id, campaign_id AS "campaignId", lane_id AS "laneId", state, attempt, try, epoch, evidence, unit,
       false AS "knownGood", changed_at
     FROM delivery WHERE id IN ${INTS}`,
    JSON.stringify(ids),
  );
  return new Map(
    rows.map(({ changed_at, ...row }) => [row.id, { ...row, changedAtMs: fromSqlTime(changed_at) }]),
  );
}
