// Alerts as rows: raised once by their key, claimed a try at a time, answered for by people. What they are raised for is
// read in alert-causes.ts.
import {
  ALERT_MOVES,
  type Alert,
  type AlertBook,
  type AlertEntry,
  type AlertKind,
  type AlertState,
  type AlertTry,
  type TryState,
  type Urgency,
} from "../../alert/alert.ts";
import { LEASE_MS, type LiveAlert } from "../../alert/due.ts";
import type { RoadName, Target } from "../../alert/road.ts";
import type { AlertStore, ClaimedTry, NewAlert } from "../../alert/store.ts";
import {
  type Database,
  fromSqlTime,
  INTS,
  LOCK_FREE,
  sqlTime,
  TEXTS,
  type Tx,
} from "../database/database.ts";
import { countsOf, standingCauses } from "./alert-causes.ts";

export function createAlertStore(db: Database): AlertStore {
  const { read } = db;
  return {
    look: async () => {
      // In this order: what is raised after the first statement is not taken for over.
      const live = await liveAlerts(read);
      const causes = await standingCauses(db);
      const known = new Set(
        (
          await read.$queryRawUnsafe<{ key: string }[]>(
            `SELECT key FROM alert WHERE key IN ${TEXTS}`,
            JSON.stringify(causes.map((cause) => cause.key)),
          )
        ).map((row) => row.key),
      );
      const standing = causes.map((cause) => ({ ...cause, fresh: cause.fresh && !known.has(cause.key) }));
      return { nowMs: db.now(), live, standing };
    },

    counts: (campaignId) => countsOf(db, campaignId),

    raise: (alert, targets) => db.write((tx) => raise(tx, alert, targets, sqlTime(db.now()))),

    settle: (ids) =>
      db.write(async (tx) => {
        const over = await end(tx, ids, { state: "settled", at: "settled_at", nowMs: db.now() });
        await quieten(tx, over);
      }),

    escalate: (id, targets) =>
      db.write(async (tx) => {
        const now = sqlTime(db.now());
        const mine = await tx.$executeRawUnsafe(
          "UPDATE alert SET deputy_at = ? WHERE id = ? AND state = 'open' AND deputy_at IS NULL",
          now,
          id,
        );
        if (mine === 0) return false;
        await addTries(tx, id, targets, { deputy: true, now });
        return true;
      }),

    claim: (limit) => db.write((tx) => claim(tx, limit, db.now())),

    answer: ({ id, tries }, { ok, answer, againMs }) =>
      db.write(async (tx) => {
        const nowMs = db.now();
        if (ok) {
          await tx.$executeRawUnsafe(
            "UPDATE alert_try SET state = 'sent', sent_at = ?, answer = ? WHERE id = ?",
            sqlTime(nowMs),
            answer,
            id,
          );
          return;
        }
        await tx.$executeRawUnsafe(
          "UPDATE alert_try SET state = ?, due_at = ?, answer = ? WHERE id = ? AND tries = ? AND state = 'waiting'",
          againMs === null ? "failed" : "waiting",
          sqlTime(nowMs + (againMs ?? 0)),
          answer,
          id,
          tries,
        );
      }),

    forget: (beforeMs) =>
      db.write(async (tx) => {
        const old = "SELECT id FROM alert WHERE state = 'settled' AND settled_at < ? ORDER BY id LIMIT 500";
        await tx.$executeRawUnsafe(`DELETE FROM alert_try WHERE alert_id IN (${old})`, sqlTime(beforeMs));
        await tx.$executeRawUnsafe(`DELETE FROM alert WHERE id IN (${old})`, sqlTime(beforeMs));
      }),
  };
}

export function createAlertBook(db: Database): AlertBook {
  const { read } = db;
  return {
    list: async ({ live, limit }) => {
      const rows = await read.$queryRawUnsafe<AlertRow[]>(
        `SELECT * FROM alert ${live ? "WHERE state <> 'settled'" : ""} ORDER BY id DESC LIMIT ?`,
        limit,
      );
      const tries = await read.$queryRawUnsafe<TryRow[]>(
        `SELECT * FROM alert_try WHERE alert_id IN ${INTS} ORDER BY id`,
        JSON.stringify(rows.map((row) => row.id)),
      );
      return rows.map((row) => toEntry(row, tries));
    },

    acknowledge: (which, by) =>
      db.write(async (tx) => {
        const ids =
          which === "all"
            ? (
                await tx.$queryRawUnsafe<{ id: number }[]>(
                  "SELECT id FROM alert WHERE state = 'open' AND urgency = 'high' ORDER BY id",
                )
              ).map((row) => row.id)
            : [which];
        const done = await end(tx, ids, {
          state: "acknowledged",
          at: "acknowledged_at",
          nowMs: db.now(),
          by,
        });
        await quieten(tx, done);
        return done;
      }),

    find: async (id) => {
      const [row] = await read.$queryRawUnsafe<{ state: AlertState }[]>(
        "SELECT state FROM alert WHERE id = ?",
        id,
      );
      return row?.state ?? null;
    },
  };
}

/** How many wait for an answer: what /metrics shows. */
export async function countOpen({ read }: Pick<Database, "read">): Promise<number> {
  const [row] = await read.$queryRawUnsafe<{ n: number | bigint }[]>(
    "SELECT count(*) AS n FROM alert WHERE state = 'open' AND urgency = 'high'",
  );
  return Number(row?.n ?? 0);
}

interface AlertRow {
  id: number;
  key: string;
  kind: AlertKind;
  urgency: Urgency;
  at: unknown;
  card: string;
  state: AlertState;
  acknowledged_at: unknown;
  acknowledged_by: string | null;
  settled_at: unknown;
  deputy_at: unknown;
}

interface TryRow {
  id: number;
  alert_id: number;
  road: RoadName;
  target: string;
  deputy: unknown;
  state: TryState;
  tries: number;
  due_at: unknown;
  sent_at: unknown;
  answer: string | null;
}

async function liveAlerts(read: Tx): Promise<LiveAlert[]> {
  const rows = await read.$queryRawUnsafe<(AlertRow & { waiting: number | bigint })[]>(
    `SELECT id, key, urgency, state, at, deputy_at,
       (SELECT count(*) FROM alert_try t WHERE t.alert_id = alert.id AND t.state = 'waiting') AS waiting
     FROM alert WHERE state IN ('open', 'acknowledged') ORDER BY id`,
  );
  return rows.map(({ id, key, urgency, state, at, deputy_at, waiting }) => ({
    id,
    key,
    urgency,
    state: state === "open" ? "open" : "acknowledged",
    atMs: fromSqlTime(at) ?? 0,
    deputyMs: fromSqlTime(deputy_at),
    waiting: Number(waiting),
  }));
}

async function raise(
  tx: Tx,
  { key, kind, urgency, campaignId, laneId, card }: NewAlert,
  targets: readonly Target[],
  now: string,
): Promise<number | null> {
  const [row] = await tx.$queryRawUnsafe<{ id: number }[]>(
    `INSERT INTO alert (key, kind, urgency, campaign_id, lane_id, at, card, state) VALUES (?, ?, ?, ?, ?, ?, ?, 'open')
     ON CONFLICT (key) DO NOTHING RETURNING id`,
    key,
    kind,
    urgency,
    campaignId,
    laneId,
    now,
    JSON.stringify(card),
  );
  if (row === undefined) return null;
  await addTries(tx, row.id, targets, { deputy: false, now });
  return row.id;
}

async function addTries(
  tx: Tx,
  alertId: number,
  targets: readonly Target[],
  { deputy, now }: { deputy: boolean; now: string },
): Promise<void> {
  for (const { road, target } of targets) {
    await tx.$executeRawUnsafe(
      `INSERT INTO alert_try (alert_id, road, target, deputy, state, tries, due_at) VALUES (?, ?, ?, ?, 'waiting', 0, ?)
       ON CONFLICT (alert_id, road, target, deputy) DO NOTHING`,
      alertId,
      road,
      target,
      deputy,
      now,
    );
  }
}

/** Moves those that may be moved so; returns which. */
async function end(
  tx: Tx,
  ids: readonly number[],
  options: {
    state: "acknowledged" | "settled";
    at: "acknowledged_at" | "settled_at";
    nowMs: number;
    by?: string;
  },
): Promise<number[]> {
  const from = Object.entries(ALERT_MOVES).flatMap(([state, next]) =>
    next.includes(options.state) ? [state] : [],
  );
  const rows = await tx.$queryRawUnsafe<{ id: number }[]>(
    `UPDATE alert SET state = ?, ${options.at} = ?, acknowledged_by = coalesce(?, acknowledged_by)
     WHERE id IN ${INTS} AND state IN ${TEXTS} RETURNING id`,
    options.state,
    sqlTime(options.nowMs),
    options.by ?? null,
    JSON.stringify(ids),
    JSON.stringify(from),
  );
  return rows.map((row) => row.id).sort((a, b) => a - b);
}

/** What was not told yet need not be told. */
async function quieten(tx: Tx, ids: readonly number[]): Promise<void> {
  await tx.$executeRawUnsafe(
    `UPDATE alert_try SET state = 'moot' WHERE state = 'waiting' AND alert_id IN ${INTS}`,
    JSON.stringify(ids),
  );
}

async function claim(tx: Tx, limit: number, nowMs: number): Promise<ClaimedTry[]> {
  const rows = await tx.$queryRawUnsafe<TryRow[]>(
    `UPDATE alert_try SET tries = tries + 1, due_at = ? WHERE id IN
       (SELECT id FROM alert_try WHERE state = 'waiting' AND due_at <= ? ORDER BY id LIMIT ? ${LOCK_FREE})
     RETURNING id, alert_id, road, target, deputy, tries`,
    sqlTime(nowMs + LEASE_MS),
    sqlTime(nowMs),
    limit,
  );
  if (rows.length === 0) return [];
  const alerts = await tx.$queryRawUnsafe<AlertRow[]>(
    `SELECT * FROM alert WHERE id IN ${INTS}`,
    JSON.stringify(rows.map((row) => row.alert_id)),
  );
  const byId = new Map(alerts.map((row) => [row.id, toAlert(row)]));
  return rows
    .sort((a, b) => a.id - b.id)
    .flatMap(({ id, alert_id, road, target, deputy, tries }) => {
      const alert = byId.get(alert_id);
      return alert === undefined ? [] : [{ id, alert, road, target, deputy: Boolean(deputy), tries }];
    });
}

function toAlert({ id, kind, urgency, at, card }: AlertRow): Alert {
  return { id, kind, urgency, atMs: fromSqlTime(at) ?? 0, card: JSON.parse(card) };
}

function toEntry(row: AlertRow, tries: readonly TryRow[]): AlertEntry {
  return {
    ...toAlert(row),
    state: row.state,
    acknowledgedMs: fromSqlTime(row.acknowledged_at),
    acknowledgedBy: row.acknowledged_by,
    settledMs: fromSqlTime(row.settled_at),
    deputyMs: fromSqlTime(row.deputy_at),
    tries: tries.filter((one) => one.alert_id === row.id).map(toTry),
  };
}

function toTry({ road, target, deputy, state, tries, due_at, sent_at, answer }: TryRow): AlertTry {
  return {
    ...{ road, target, deputy: Boolean(deputy), state, tries, answer },
    dueMs: fromSqlTime(due_at) ?? 0,
    sentMs: fromSqlTime(sent_at),
  };
}
