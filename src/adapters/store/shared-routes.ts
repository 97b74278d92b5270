// The shares of a route in the database, for any number of sending processes: a row a worker, counted under the lock of
// the route's row. Rows of dead workers go with them, in the reaper's transaction.
import { intervalMs, placesBefore } from "../../delivery/pace.ts";
import { nextShare, type RouteShares, type Share, type ShareRequest } from "../../delivery/share.ts";
import type { Database, Tx } from "../database/database.ts";

/**
 * Places ahead of now that workers may have reserved together, each a tenth of a second's worth or one. A state later
 * than that comes from a database whose clock was put back.
 */
const WORKERS_AHEAD = 1_000;

export function createSharedRoutes(db: Database): RouteShares {
  return {
    share: (request) => db.write((tx) => share(tx, request)),
    reserve: async ({ route, rate, count }) => {
      const nowMs = db.now();
      const takenMs = count * intervalMs(rate);
      const farMs = nowMs + WORKERS_AHEAD * Math.max(intervalMs(rate), 100);
      const [row] = await db.write((tx) => {
        const reserving = tx.$queryRawUnsafe<{ tat: number }[]>(
          `INSERT INTO route (name, tat) VALUES (?, CAST(? AS double precision))
           ON CONFLICT (name) DO UPDATE SET tat = CAST(? AS double precision)
             + CASE WHEN route.tat > CAST(? AS double precision) AND route.tat < CAST(? AS double precision)
               THEN route.tat ELSE CAST(? AS double precision) END
           RETURNING tat`,
          route,
          nowMs + takenMs,
          takenMs,
          nowMs,
          farMs,
          nowMs,
        );
        tx.end();
        return reserving;
      });
      if (row === undefined) throw new Error(`The route ${route} has no row.`);
      // The statement may have waited for others.
      const thenMs = db.now();
      return placesBefore(row.tat, rate, count).map((atMs) => atMs - thenMs);
    },
  };
}

interface Row {
  worker_id: string;
  owned: number;
  wanted: number;
}

async function share(tx: Tx, request: ShareRequest): Promise<Share> {
  const { worker, route, limit } = request;
  // What is asked together is one round trip, and comes in this order.
  const [, , [alive], , rows] = await Promise.all([
    tx.$executeRawUnsafe("INSERT INTO route (name) VALUES (?) ON CONFLICT (name) DO NOTHING", route),
    // The reaper passes a dead worker once: a row made after that would never go.
    tx.lock("SELECT id FROM worker WHERE id = ? AND dead = false", worker),
    tx.$queryRawUnsafe<unknown[]>("SELECT id FROM worker WHERE id = ? AND dead = false", worker),
    tx.lock("SELECT name FROM route WHERE name = ?", route),
    tx.$queryRawUnsafe<Row[]>("SELECT worker_id, owned, wanted FROM share WHERE route = ?", route),
  ]);
  if (alive === undefined) return { owned: 0, target: 0 };
  rows.sort((a, b) => (a.worker_id < b.worker_id ? -1 : 1));
  const before = rows.find((row) => row.worker_id === worker);
  const others = rows.filter((row) => row !== before);
  const place = others.filter((row) => row.worker_id < worker).length;
  const wanted = Math.min(limit, request.wanted);
  const kept = Math.min(request.keep, before?.owned ?? 0);
  const next = nextShare({ limit, mine: { owned: kept, wanted, place }, others });
  const changed = before?.owned !== next.owned || before.wanted !== wanted;
  const writing =
    next.owned === 0 && wanted === 0
      ? tx.$executeRawUnsafe("DELETE FROM share WHERE route = ? AND worker_id = ?", route, worker)
      : changed
        ? tx.$executeRawUnsafe(
            `INSERT INTO share (route, worker_id, owned, wanted) VALUES (?, ?, ?, ?)
             ON CONFLICT (route, worker_id) DO UPDATE SET owned = excluded.owned, wanted = excluded.wanted`,
            route,
            worker,
            next.owned,
            wanted,
          )
        : null;
  tx.end();
  await writing;
  return next;
}
