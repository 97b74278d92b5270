// Reports on SQLite: what happened, read on the snapshot connection. One statement is one moment; lists come in pages
// that an index finds, so that no page waits for the size of the campaign.
import type { Reason } from "../../bounce/reason.ts";
import { DEAF, type Hearing } from "../../breaker/silence.ts";
import { ERASED } from "../../campaign/personal-data.ts";
import type { DeliveryState } from "../../delivery/delivery.ts";
import { IDS_SHOWN } from "../../report/at-relay.ts";
import type { RefusingOrganisation } from "../../report/organisations.ts";
import type {
  FoundDelivery,
  LaneSnapshot,
  LoggedOutcome,
  Outline,
  ReportClient,
  ReportStore,
  Snapshot,
  UntoldDelivery,
} from "../../report/store.ts";
import { TOLD } from "../../report/totals.ts";
import { type Database, fromSqlTime, INTS, TEXTS } from "../database/database.ts";
import { HOLD_CARD } from "./hold-cards.ts";
import { refusingOrganisations } from "./organisation-resume.ts";
import { readRefused } from "./refused-rows.ts";
import {
  CLIENT_COLUMNS,
  type ClientRow,
  iso,
  isoOrNull,
  LANE_COLUMNS,
  LANES,
  type LaneRow,
  type RelayColumns,
  toClient,
  toLane,
  toRelayed,
} from "./reported-rows.ts";
import { readSentinels } from "./sentinels.ts";

/** Rows of a page: reading one blocks the process for some 10 ms, and nothing is sent meanwhile. */
const PAGE = 500;

interface StartColumns {
  start_at: unknown;
  start_zone: string | null;
  launched_at: unknown;
}

interface DeliveryRow extends Omit<UntoldDelivery, "laneId" | "clients"> {
  lane_id: number;
}
const DELIVERY_COLUMNS = `d.lane_id, l.provider, d.address, d.key, d.unit, d.state, d.reason, d.fault, d.scope`;

type OutcomeRow = Omit<LoggedOutcome, "at"> & { at: unknown };
const OUTCOME_COLUMNS =
  "o.id, o.delivery_id AS delivery, o.attempt, o.try, o.at, o.event, o.reply, o.reason, o.fault, o.scope";

/** `soakMs` and `hearing`: of the configuration; what is estimated depends on them, what is counted does not. */
export function createReportStore(
  db: Database,
  { soakMs, hearing }: { soakMs: number; hearing: Hearing } = { soakMs: 60_000, hearing: DEAF },
): ReportStore {
  const ask = <Row>(sql: string, ...values: unknown[]) => db.read.$queryRawUnsafe<Row[]>(sql, ...values);

  async function outline(campaignId: number): Promise<Outline | null> {
    const rows = await ask<
      LaneRow & {
        import_id: number | null;
        spec: string;
        planned: unknown;
        plan_cursor: string;
        columns: string;
      }
    >(
      `SELECT ${LANE_COLUMNS}, c.import_id, c.spec, c.planned, c.plan_cursor, coalesce(i.columns, '[]') AS columns
       FROM ${LANES} LEFT JOIN import i ON i.id = c.import_id WHERE c.id = ? ORDER BY l.id`,
      campaignId,
    );
    const [first] = rows;
    if (first === undefined) return null;
    return {
      campaign: { id: first.campaign_id, name: first.name, state: first.campaign_state },
      importId: first.import_id,
      columns: JSON.parse(first.columns),
      filter: JSON.parse(first.spec).filter ?? {},
      planned: Boolean(first.planned),
      planCursor: first.plan_cursor,
      lanes: rows.flatMap((row) => (row.lane_id === null ? [] : [toLane(row, row.lane_id)])),
    };
  }

  async function clientsOf(importId: number | null, keys: readonly string[]): Promise<ReportClient[]> {
    if (importId === null || keys.length === 0) return [];
    const rows = await ask<ClientRow>(
      `SELECT ${CLIENT_COLUMNS} FROM client
       WHERE import_id = ? AND key IN ${TEXTS} ORDER BY key, line`,
      importId,
      JSON.stringify(keys),
    );
    return rows.map(toClient);
  }

  async function organisationsOf(
    campaignId: number,
    lanes: readonly LaneSnapshot[],
  ): Promise<RefusingOrganisation[]> {
    if (!lanes.some(({ counts }) => (counts.bounced ?? 0) + (counts.suppressed ?? 0) > 0)) return [];
    return refusingOrganisations(db.read, campaignId);
  }

  return {
    outline,

    snapshot: async (campaignId) => {
      const rows = await ask<
        LaneRow &
          StartColumns &
          RelayColumns & { last_event: number | null; state: DeliveryState | null; count: bigint }
      >(
        `SELECT ${LANE_COLUMNS}, c.start_at, c.start_zone, c.launched_at, l.feedback, l.unconfirmed, l.by_person, l.pulse,
           (SELECT max(id) FROM event WHERE campaign_id = c.id) AS last_event, n.state, n.count
         FROM ${LANES} LEFT JOIN (
           SELECT lane_id, state, count(*) AS count FROM delivery
           WHERE lane_id IN (SELECT id FROM lane WHERE campaign_id = ?) GROUP BY lane_id, state
         ) n ON n.lane_id = l.id
         WHERE c.id = ? ORDER BY l.id`,
        campaignId,
        campaignId,
      );
      const [first] = rows;
      if (first === undefined) return null;
      const lanes = new Map<number, LaneSnapshot>();
      for (const row of rows) {
        if (row.lane_id === null) continue;
        const lane = lanes.get(row.lane_id) ?? { ...toLane(row, row.lane_id), ...toRelayed(row), counts: {} };
        if (row.state !== null) lane.counts[row.state] = Number(row.count);
        lanes.set(row.lane_id, lane);
      }
      for (const lane of lanes.values()) {
        const stands = lane.state === "held" || lane.state === "blind" || lane.routeHold !== null;
        if (lane.relay !== undefined && stands)
          lane.relay = { ...lane.relay, ids: await relayIdsOf(lane.id) };
      }
      const { campaign_id: id, name, campaign_state: state } = first;
      const atMs = first.launched_at === null ? fromSqlTime(first.start_at) : null;
      const start = atMs === null ? null : { atMs, zone: first.start_zone ?? "UTC" };
      const snapshot: Snapshot = {
        campaign: { id, name, state, start },
        lanes: [...lanes.values()],
        sentinels: await readSentinels(db.read, campaignId),
        nowMs: db.now(),
        soakMs,
        hearing,
        lastEvent: Number(first.last_event ?? 0),
        organisations: await organisationsOf(campaignId, [...lanes.values()]),
      };
      return snapshot;
    },

    timeline: async (campaignId, upTo) => {
      const rows = await ask<{ at: unknown; event: string; text: string }>(
        `SELECT at, event, text FROM event WHERE campaign_id = ? AND id <= ? AND event <> '${HOLD_CARD}' ORDER BY id`,
        campaignId,
        upTo,
      );
      return rows.map((row) => ({ ...row, at: iso(row.at) }));
    },

    outcomes: async (campaignId, afterId) => {
      const rows = await ask<OutcomeRow & { recipient: string; provider: string }>(
        `SELECT ${OUTCOME_COLUMNS}, d.address AS recipient, l.provider
         FROM outcome o JOIN delivery d ON d.id = o.delivery_id JOIN lane l ON l.id = o.lane_id
         WHERE o.campaign_id = ? AND o.id > ? ORDER BY o.id LIMIT ?`,
        campaignId,
        afterId,
        PAGE,
      );
      return rows.map((row) => ({ ...row, at: iso(row.at) }));
    },

    untold: async ({ campaign, importId }, afterKey) => {
      // The bound comes from the index alone; of rows that were told, which are most, nothing else is read.
      const [bound] = await ask<{ key: string | null }>(
        "SELECT max(key) AS key FROM (SELECT key FROM delivery WHERE campaign_id = ? AND key > ? ORDER BY key LIMIT ?) AS page",
        campaign.id,
        afterKey,
        PAGE,
      );
      const upTo = bound?.key ?? null;
      if (upTo === null) return { rows: [], upTo };
      const found = await ask<DeliveryRow>(
        `SELECT ${DELIVERY_COLUMNS} FROM delivery d JOIN lane l ON l.id = d.lane_id
         WHERE d.campaign_id = ? AND d.key > ? AND d.key <= ?
           AND d.state NOT IN ${TEXTS} AND d.address <> '${ERASED}' ORDER BY d.key`,
        campaign.id,
        afterKey,
        upTo,
        JSON.stringify([...TOLD]),
      );
      const clients = new Map<string, ReportClient[]>();
      const keys = found.map((row) => row.key);
      for (const client of await clientsOf(importId, keys)) {
        const list = clients.get(client.key ?? "");
        if (list === undefined) clients.set(client.key ?? "", [client]);
        else list.push(client);
      }
      const rows = found.map(({ lane_id: laneId, ...row }) => ({
        ...row,
        laneId,
        clients: clients.get(row.key) ?? [],
      }));
      return { rows, upTo };
    },

    unplanned: async (importId, [one, other]) => {
      const after = one > other ? one : other;
      // Whole addresses only: the page ends with the last line of its last key.
      const rows = await ask<ClientRow>(
        `SELECT ${CLIENT_COLUMNS} FROM client WHERE import_id = ? AND key > ? AND key <= (
           SELECT max(key) FROM (SELECT DISTINCT key FROM client WHERE import_id = ? AND key > ?
                                 ORDER BY key LIMIT ?) AS page) ORDER BY key, line`,
        importId,
        after,
        importId,
        after,
        PAGE,
      );
      return rows.map(toClient);
    },

    unreachable: async (importId, afterId) => {
      const rows = await ask<ClientRow>(
        `SELECT ${CLIENT_COLUMNS} FROM client WHERE import_id = ? AND key IS NULL AND id > ? ORDER BY id LIMIT ?`,
        importId,
        afterId,
        PAGE,
      );
      return rows.map(toClient);
    },

    refused: (importId, afterLine) => readRefused(db.read, { importId, afterLine, limit: PAGE }),

    uncertain: async (campaignId) => {
      const rows = await ask<{
        delivery: number;
        address: string;
        provider: string;
        attempt: number;
        try: number;
        changed_at: unknown;
        reply: string | null;
      }>(
        `SELECT d.id AS delivery, d.address, l.provider, d.attempt, d.try, d.changed_at,
           (SELECT o.reply FROM outcome o WHERE o.delivery_id = d.id ORDER BY o.id DESC LIMIT 1) AS reply
         FROM delivery d JOIN lane l ON l.id = d.lane_id
         WHERE d.lane_id IN (SELECT id FROM lane WHERE campaign_id = ?) AND d.state = 'uncertain' ORDER BY d.id`,
        campaignId,
      );
      return rows.map(({ changed_at, ...row }) => ({ ...row, at: isoOrNull(changed_at) }));
    },

    find: async ({ key, accounts }) => {
      // No index begins with the key, but there are few imports: each is asked by its own. An account has an index,
      // and the "+" keeps SQLite from reading whole imports instead.
      const rows = await ask<ClientRow>(
        `SELECT ${CLIENT_COLUMNS} FROM client WHERE import_id IN (SELECT id FROM import WHERE state = 'ready') AND key = ?
         UNION
         SELECT ${CLIENT_COLUMNS} FROM client WHERE account IN ${TEXTS}
           AND +import_id IN (SELECT id FROM import WHERE state = 'ready')
         ORDER BY import_id, line`,
        key ?? "",
        JSON.stringify(accounts),
      );
      const clients = rows.map(toClient);
      const keys = new Set(clients.flatMap((client) => client.key ?? []));
      if (key !== null) keys.add(key);
      const wanted = JSON.stringify([...keys]);
      const deliveries = await foundDeliveries(wanted);
      const campaignIds = await ask<{ id: number }>(
        `SELECT id FROM campaign WHERE import_id IN ${INTS}
           OR id IN ${INTS} ORDER BY id`,
        JSON.stringify([...new Set(clients.map((client) => client.importId))]),
        JSON.stringify([...new Set(deliveries.map((delivery) => delivery.campaignId))]),
      );
      const campaigns: Outline[] = [];
      for (const { id } of campaignIds) {
        const found = await outline(id);
        if (found !== null) campaigns.push(found);
      }
      const suppressed = await ask<{
        address: string;
        reason: Reason;
        provisional: unknown;
        since: unknown;
        reply: string | null;
      }>(
        `SELECT address, reason, provisional, since, reply FROM suppression
         WHERE key IN ${TEXTS} ORDER BY id`,
        wanted,
      );
      const suppressions = suppressed.map((row) => ({
        ...row,
        provisional: Boolean(row.provisional),
        since: iso(row.since),
      }));
      return { clients, campaigns, deliveries, suppressions };
    },
  };

  /** What the relay is known to try again comes first. */
  async function relayIdsOf(laneId: number): Promise<string[]> {
    const rows = await ask<{ relay_id: string }>(
      `SELECT relay_id FROM delivery WHERE lane_id = ? AND state IN ('handed-over', 'deferred-at-relay')
         AND relay_id IS NOT NULL ORDER BY state, id LIMIT ?`,
      laneId,
      IDS_SHOWN,
    );
    return rows.map((row) => row.relay_id);
  }

  async function foundDeliveries(keys: string): Promise<FoundDelivery[]> {
    const rows = await ask<DeliveryRow & { id: number; campaign_id: number; changed_at: unknown }>(
      `SELECT d.id, d.campaign_id, d.changed_at, ${DELIVERY_COLUMNS} FROM delivery d JOIN lane l ON l.id = d.lane_id
       WHERE d.key IN ${TEXTS} ORDER BY d.id`,
      keys,
    );
    const logged = await ask<OutcomeRow>(
      `SELECT ${OUTCOME_COLUMNS} FROM outcome o
       WHERE o.delivery_id IN ${INTS} ORDER BY o.id`,
      JSON.stringify(rows.map((row) => row.id)),
    );
    return rows.map(({ lane_id: laneId, campaign_id: campaignId, changed_at, ...row }) => ({
      ...row,
      laneId,
      campaignId,
      changedAt: isoOrNull(changed_at),
      outcomes: logged.filter((one) => one.delivery === row.id).map((one) => ({ ...one, at: iso(one.at) })),
    }));
  }
}
