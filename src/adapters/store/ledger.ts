// The ledger on SQLite: claims, commits and the reaper as single transactions of raw SQL. What an outcome means
// is decided in delivery/settle.ts; here rows are locked, matched and moved.
import type { BreakerConfig } from "../../breaker/breaker.ts";
import { roomOf } from "../../breaker/lane-record.ts";
import { placesNow, takePlaces } from "../../breaker/throttle.ts";
import { matchesFilter } from "../../client/audience.ts";
import type { ClaimedClient, ClaimedDelivery } from "../../delivery/delivery.ts";
import { RETRY_DEADLINE_SECONDS } from "../../delivery/retry.ts";
import type { CommitGroup, Committed, Ledger } from "../../delivery/store.ts";
import {
  type Database,
  fromSqlTime,
  INTS,
  LOCK_FREE,
  type ManyStatement,
  sqlTime,
  TEXTS,
  type Tx,
} from "../database/database.ts";
import { recordset } from "../database/many.ts";
import { addEvents, mayRun, nextDue, readLanes, recount, toView, writeLanes } from "./lane-rows.ts";
import { readSettling, settleGroup } from "./ledger-settle.ts";
import { tick } from "./ledger-tick.ts";

export interface LedgerConfig {
  breaker: BreakerConfig;
  /** Mails that a route takes in a day (UTC), by its name; without an entry: no limit. */
  dailyLimits?: ReadonlyMap<string, number>;
}

export function createLedger(db: Database, config: LedgerConfig): Ledger {
  return {
    register: (worker) =>
      db.write(async (tx) => {
        const at = sqlTime(db.now());
        // Whoever else was here cannot be alive: the reaper shall not wait for their lease to end.
        if (worker.exclusive)
          await tx.$executeRawUnsafe("UPDATE worker SET seen_at = ? WHERE dead = false", sqlTime(0));
        const { id, host, pid } = worker;
        await tx.$executeRawUnsafe(
          "INSERT INTO worker (id, host, pid, started_at, seen_at) VALUES (?, ?, ?, ?, ?)",
          id,
          host,
          pid,
          at,
          at,
        );
      }),

    heartbeat: (worker) =>
      db.write(async (tx) => {
        const seen = tx.$executeRawUnsafe(
          "UPDATE worker SET seen_at = ? WHERE id = ? AND dead = false",
          sqlTime(db.now()),
          worker,
        );
        tx.end();
        return (await seen) === 1;
      }),

    lanes: async () => {
      const nowMs = db.now();
      return (await readLanes(db.read, { campaignState: ["running"] })).map((one) => toView(one, nowMs));
    },

    claim: (request) => db.write((tx) => claim(tx, request, config, db.now())),
    commit: (group) => db.write((tx) => commit(tx, group, config.breaker, db.now())),
    release: (request) => db.write((tx) => release(tx, request)),
    reap: (options) => db.write((tx) => reap(tx, options, db.now())),
    tick: (options) => tick(db, options),
  };
}

interface ClaimRow {
  id: number;
  attempt: number;
  try: number;
  losses: number;
  waited: number;
  revision: number;
  address: string;
  domain: string;
  key: string;
  due_at: Date | string;
  spread: number;
}

interface Audience {
  import_id: number;
  spec: string;
  revision: number;
}

async function claim(
  tx: Tx,
  { worker, laneId, limit }: { worker: string; laneId: number; limit: number },
  config: LedgerConfig,
  nowMs: number,
): Promise<Awaited<ReturnType<Ledger["claim"]>>> {
  // What is asked together is one round trip: the lane is locked for as few of them as can be.
  const [[context], [alive], [campaign]] = await Promise.all([
    readLanes(tx, { ids: [laneId] }),
    // The reaper passes a dead worker once: what it claimed after that would never come back.
    tx.$queryRawUnsafe<unknown[]>("SELECT id FROM worker WHERE id = ? AND dead = false", worker),
    tx.$queryRawUnsafe<Audience[]>(
      "SELECT import_id, spec, revision FROM campaign WHERE id = (SELECT campaign_id FROM lane WHERE id = ?)",
      laneId,
    ),
  ]);
  if (context === undefined || campaign === undefined) throw new Error(`There is no lane ${laneId}.`);
  const { lane } = context;
  if (alive === undefined || roomOf(lane) <= 0 || !mayRun(context, nowMs)) {
    return { deliveries: [], lane: toView(context, nowMs) };
  }
  const now = sqlTime(nowMs);
  const dailyLimit = config.dailyLimits?.get(lane.route) ?? null;
  const left = dailyLimit === null ? limit : await leftToday(tx, lane.route, dailyLimit, now);
  if (left <= 0) {
    // Used up: the lane is due again when the day is over.
    lane.nextDueMs = Math.floor(nowMs / DAY_MS + 1) * DAY_MS;
    await writeLanes(tx, [lane]);
    return { deliveries: [], lane: toView(context, nowMs) };
  }
  const places = placesNow(lane.pulse.throttle, nowMs);
  if (places.count === 0) {
    // Slowed down: due again when the rate has its next place.
    lane.nextDueMs = Math.ceil(places.nextMs);
    await writeLanes(tx, [lane]);
    return { deliveries: [], lane: toView(context, nowMs) };
  }
  const wanted = Math.min(limit, roomOf(lane), left, places.count);

  const claiming = tx.$queryRawUnsafe<ClaimRow[]>(
    `UPDATE delivery SET state = 'claimed', worker_id = ?, epoch = ?, revision = ?
     WHERE id IN (
       SELECT id FROM (SELECT id FROM delivery WHERE lane_id = ? AND state = 'deferred' AND due_at <= ?
                       AND waited < ${RETRY_DEADLINE_SECONDS} ORDER BY due_at LIMIT ? ${LOCK_FREE}) AS again
       UNION ALL
       SELECT id FROM (SELECT id FROM delivery WHERE lane_id = ? AND state = 'pending' AND due_at <= ?
                       ORDER BY due_at, spread LIMIT ? ${LOCK_FREE}) AS fresh
       LIMIT ?)
     RETURNING id, attempt, try, losses, waited, revision, address, domain, key, due_at, spread`,
    worker,
    lane.epoch,
    // Whatever waited for it: who is told now is told the text that is right now.
    campaign.revision,
    lane.id,
    now,
    wanted,
    lane.id,
    now,
    wanted,
    wanted,
  );
  const [rows, due] = await Promise.all([claiming, nextDue(tx, lane.id)]);
  // The rows come in the order of the table, which is the order of the file.
  rows.sort((a, b) => (fromSqlTime(a.due_at) ?? 0) - (fromSqlTime(b.due_at) ?? 0) || a.spread - b.spread);
  lane.outstanding += rows.length;
  if (dailyLimit !== null) {
    await tx.$executeRawUnsafe("UPDATE route SET today = today + ? WHERE name = ?", rows.length, lane.route);
  }
  lane.nextDueMs = due;
  lane.pulse.throttle = takePlaces(lane.pulse.throttle, nowMs, rows.length);
  if (due !== null && lane.pulse.throttle.rate !== null)
    lane.nextDueMs = Math.max(due, Math.ceil(placesNow(lane.pulse.throttle, nowMs).nextMs));
  await writeLanes(tx, [lane]);
  const finding = rows.length === 0 ? null : clientsOf(tx, campaign, rows);
  tx.end();
  const clients = (await finding) ?? new Map<string, ClaimedClient[]>();
  const deliveries: ClaimedDelivery[] = rows.map(({ key, due_at: _due, spread: _spread, ...row }) => ({
    ...row,
    campaignId: lane.campaignId,
    laneId: lane.id,
    epoch: lane.epoch,
    worker,
    clients: clients.get(key) ?? [],
  }));
  return { deliveries, lane: toView(context, nowMs) };
}

const DAY_MS = 24 * 60 * 60 * 1000;

/** What a route may still take today; what was claimed counts, sent or not: a limit is never passed. */
async function leftToday(tx: Tx, route: string, limit: number, now: string): Promise<number> {
  const day = now.slice(0, 10);
  await tx.$executeRawUnsafe(
    "UPDATE route SET day = ?, today = 0 WHERE name = ? AND day <> ?",
    day,
    route,
    day,
  );
  const [row] = await tx.$queryRawUnsafe<{ today: number }[]>(
    "SELECT today FROM route WHERE name = ?",
    route,
  );
  return Math.max(0, limit - (row?.today ?? 0));
}

/** The audience's rows behind each claimed address, filtered as the campaign asked. */
async function clientsOf(
  tx: Tx,
  campaign: Audience,
  rows: readonly ClaimRow[],
): Promise<Map<string, ClaimedClient[]>> {
  const { filter } = JSON.parse(campaign.spec);
  const found = await tx.$queryRawUnsafe<
    (ClaimedClient & { key: string; domain: string; attributes: string })[]
  >(
    `SELECT key, domain, name, locale, timezone, account, attributes FROM client
     WHERE import_id = ? AND key IN ${TEXTS} ORDER BY line`,
    campaign.import_id,
    JSON.stringify(rows.map((row) => row.key)),
  );
  const byKey = new Map<string, ClaimedClient[]>();
  for (const row of found) {
    const client = { ...row, attributes: JSON.parse(row.attributes) as Record<string, string> };
    if (!matchesFilter(client, filter)) continue;
    const list = byKey.get(row.key);
    if (list === undefined) byKey.set(row.key, [client]);
    else list.push(client);
  }
  return byKey;
}

// The second branch answers a repeated commit whose answer was lost: these intents are ours already, even if the lane
// was held since. Denied now, they would stay `sending` under a worker that forgot them.
const INTEND: ManyStatement = {
  sqlite: `UPDATE delivery SET state = 'sending', try = :number
    WHERE id = :id AND worker_id = :worker AND epoch = :epoch
      AND ((state = 'claimed' AND try = :number - 1 AND :fresh) OR (state = 'sending' AND try = :number))
    RETURNING id`,
  postgresql: `UPDATE delivery d SET state = 'sending', try = s.number
    FROM ${recordset([
      ["id", "int"],
      ["worker", "text"],
      ["epoch", "int"],
      ["number", "int"],
      ["fresh", "bool"],
    ])}
    WHERE d.id = s.id AND d.worker_id = s.worker AND d.epoch = s.epoch
      AND ((d.state = 'claimed' AND d.try = s.number - 1 AND s.fresh) OR (d.state = 'sending' AND d.try = s.number))
    RETURNING d.id`,
};

async function commit(tx: Tx, group: CommitGroup, breaker: BreakerConfig, nowMs: number): Promise<Committed> {
  const ids = new Set<number>();
  for (const { laneId } of [...group.settles, ...group.intents, ...group.doors]) ids.add(laneId);
  const [read, settling] = await Promise.all([
    readLanes(tx, { ids: [...ids] }),
    readSettling(tx, group.settles),
  ]);
  const contexts = new Map(read.map((one) => [one.lane.id, one]));

  const routeHeld = await settleGroup(tx, { ...group, settling, contexts, breaker, nowMs });
  // A refusal by our own relay stops every lane on that route, those in this group too.
  const lanes = routeHeld
    ? new Map((await readLanes(tx, { ids: [...ids] })).map((one) => [one.lane.id, one]))
    : contexts;

  const rows = group.intents
    .filter((intent) => intent.worker === group.worker)
    .map(({ delivery, laneId, epoch, worker, try: number }) => {
      const context = lanes.get(laneId);
      const fresh = context !== undefined && context.lane.epoch === epoch && mayRun(context, nowMs);
      return { id: delivery, worker, epoch, number, fresh };
    });
  const granting = tx.many<{ id: number }>(INTEND, rows);
  tx.end();
  const intended = new Set((await granting).map((row) => row.id));
  return { intended, lanes: [...lanes.values()].map((one) => toView(one, nowMs)) };
}

/** Rows of lanes that have something out: found by the lane's index, whatever the table's size. */
const OUT = "lane_id IN (SELECT id FROM lane WHERE outstanding > 0)";

/** Before rows of any lane change: what is counted after it, nobody changes meanwhile. */
async function lockOut(tx: Tx): Promise<void> {
  await tx.lock("SELECT id FROM lane WHERE outstanding > 0 ORDER BY id");
}

async function release(tx: Tx, { worker, kept }: { worker: string; kept: readonly number[] }): Promise<void> {
  await lockOut(tx);
  const rows = await tx.$queryRawUnsafe<{ lane_id: number }[]>(
    `UPDATE delivery SET state = 'pending', worker_id = NULL
     WHERE ${OUT} AND state = 'claimed' AND worker_id = ? AND id NOT IN ${INTS}
     RETURNING lane_id`,
    worker,
    JSON.stringify(kept),
  );
  await recount(tx, new Set(rows.map((row) => row.lane_id)));
}

async function reap(
  tx: Tx,
  { leaseMs, self }: { leaseMs: number; self: string },
  nowMs: number,
): Promise<{ workers: number; uncertain: number }> {
  const dead = await tx.$queryRawUnsafe<{ id: string }[]>(
    "UPDATE worker SET dead = true WHERE dead = false AND seen_at < ? AND id <> ? RETURNING id",
    sqlTime(nowMs - leaseMs),
    self,
  );
  if (dead.length === 0) return { workers: 0, uncertain: 0 };
  const workers = JSON.stringify(dead.map((row) => row.id));
  await tx.$executeRawUnsafe(`DELETE FROM share WHERE worker_id IN ${TEXTS}`, workers);
  await lockOut(tx);
  const mine = `${OUT} AND worker_id IN ${TEXTS}`;
  const released = await tx.$queryRawUnsafe<{ lane_id: number }[]>(
    `UPDATE delivery SET state = 'pending', worker_id = NULL WHERE ${mine} AND state = 'claimed' RETURNING lane_id`,
    workers,
  );
  const lost = await tx.$queryRawUnsafe<
    { id: number; lane_id: number; campaign_id: number; attempt: number; try: number; epoch: number }[]
  >(
    `UPDATE delivery SET state = 'uncertain', worker_id = NULL, changed_at = ? WHERE ${mine} AND state = 'sending'
     RETURNING id, lane_id, campaign_id, attempt, try, epoch`,
    sqlTime(nowMs),
    workers,
  );
  const byCampaign = new Map<number, number>();
  for (const row of lost) {
    byCampaign.set(row.campaign_id, (byCampaign.get(row.campaign_id) ?? 0) + 1);
    await tx.outcome.create({
      data: {
        campaignId: row.campaign_id,
        laneId: row.lane_id,
        deliveryId: row.id,
        attempt: row.attempt,
        try: row.try,
        epoch: row.epoch,
        at: new Date(nowMs),
        event: "uncertain",
        reply: "The sending process died while this mail was on its way.",
      },
    });
  }
  for (const [campaignId, count] of byCampaign) {
    const text = `A sending process died with ${count} ${count === 1 ? "mail" : "mails"} on the way: uncertain, listed by \`uncertain\`.`;
    await addEvents(tx, [{ campaignId, laneId: null, atMs: nowMs, event: "uncertain", text }]);
  }
  await recount(tx, new Set([...released, ...lost].map((row) => row.lane_id)));
  return { workers: dead.length, uncertain: lost.length };
}
