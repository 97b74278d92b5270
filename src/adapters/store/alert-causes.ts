// What stands and waits for somebody, read from the states that settles, ticks and intakes have committed: no sending
// transaction knows of alerts. Some small statements; what is counted over deliveries is counted only for a new alert.
import { type Cause, type Counts, INTAKE_DEAD_MS, NEWS_MS } from "../../alert/cause.ts";
import type { Hold } from "../../breaker/hold.ts";
import type { DeliveryState } from "../../delivery/delivery.ts";
import { TOLD_WITHIN_MS } from "../../report/intakes.ts";
import { addCounts, noTotals, untoldOf } from "../../report/totals.ts";
import { type Database, fromSqlTime, sqlTime } from "../database/database.ts";
import { NO_LANE } from "./provider-holds.ts";
import { AFTER_END } from "./report-rows.ts";

type Reading = Pick<Database, "read" | "now">;

/** Everything that stands now; `fresh` says whether it is news enough to be raised. */
export async function standingCauses(db: Reading): Promise<Cause[]> {
  // Before the lanes: a lane is held before its campaign stands because of it.
  const paused = await pausedCampaigns(db);
  const lanes = await stoppedLanes(db);
  return [
    ...lanes.flatMap(laneCause),
    ...routeCauses(lanes),
    ...pauseCauses(paused, lanes),
    ...(await endedCampaigns(db)),
    ...(await uncertainMails(db)),
    ...(await deadIntakes(db)),
  ];
}

interface LaneRow {
  id: number;
  campaign_id: number;
  name: string;
  launched_at: unknown;
  provider: string;
  state: string;
  hold: string | null;
  until: unknown;
  route: string;
  route_hold: string | null;
  blind_id: number | null;
  blind_text: string | null;
}

/** Lanes of unfinished campaigns that are held or blind, or whose route is held. */
async function stoppedLanes({ read }: Reading): Promise<LaneRow[]> {
  return read.$queryRawUnsafe<LaneRow[]>(
    `SELECT l.id, l.campaign_id, c.name, c.launched_at, l.provider, l.state, l.hold, l.until, l.route,
       r.hold AS route_hold, e.id AS blind_id, e.text AS blind_text
     FROM campaign c JOIN lane l ON l.campaign_id = c.id
     LEFT JOIN route r ON r.name = l.route AND r.state = 'held'
     LEFT JOIN event e ON l.state = 'blind' AND e.id =
       (SELECT max(b.id) FROM event b WHERE b.campaign_id = c.id AND b.lane_id = l.id AND b.event = 'blind')
     WHERE c.state IN ('running', 'paused') AND l.state <> 'done'
       AND (l.state IN ('held', 'blind') OR r.name IS NOT NULL) ORDER BY l.id`,
  );
}

function holdOf(text: string | null): Hold | null {
  return text === null ? null : (JSON.parse(text) as Hold);
}

function campaignOf(row: LaneRow): { id: number; name: string } {
  return { id: row.campaign_id, name: row.name };
}

function laneCause(row: LaneRow): Cause[] {
  const { id: laneId, provider } = row;
  const about = { campaign: campaignOf(row), laneId, provider, fresh: true };
  if (row.state === "blind") {
    const text = row.blind_text ?? "The relay tells nothing of what it took.";
    return [{ ...about, kind: "lane-blind", key: `blind ${laneId} ${row.blind_id ?? 0}`, text }];
  }
  const hold = holdOf(row.hold);
  // Who holds a lane by hand knows it.
  if (row.state !== "held" || hold === null || hold.detector === "person") return [];
  return [
    { ...about, kind: "lane-held", key: `held ${laneId} ${hold.at}`, hold, untilMs: fromSqlTime(row.until) },
  ];
}

/** One for each route that holds somebody back, named by the newest of the campaigns that wait for it. */
function routeCauses(lanes: readonly LaneRow[]): Cause[] {
  const byRoute = new Map<string, Cause>();
  for (const row of lanes) {
    const hold = holdOf(row.route_hold);
    if (hold === null) continue;
    const { route } = row;
    const key = `route ${route} ${hold.at}`;
    byRoute.set(route, {
      kind: "route-held",
      key,
      fresh: true,
      campaign: campaignOf(row),
      route,
      hold: { ...hold, scope: "route" },
    });
  }
  return [...byRoute.values()];
}

interface PausedRow {
  id: number;
  name: string;
  paused_by: "breaker" | "schedule";
  why: string | null;
  event: number | null;
}

/** By the breaker or by the schedule. */
async function pausedCampaigns({ read }: Reading): Promise<PausedRow[]> {
  return read.$queryRawUnsafe<PausedRow[]>(
    `SELECT c.id, c.name, c.paused_by, c.why,
       (SELECT max(e.id) FROM event e WHERE e.campaign_id = c.id AND e.event = 'paused') AS event
     FROM campaign c WHERE c.state = 'paused' AND c.paused_by IN ('breaker', 'schedule') ORDER BY c.id`,
  );
}

/** Where a campaign stands because of its lanes, and each of those is an alert of its own, one matter is one alert. */
function pauseCauses(paused: readonly PausedRow[], lanes: readonly LaneRow[]): Cause[] {
  return paused.flatMap(({ id, name, paused_by: by, why, event }): Cause[] => {
    const byLanes = why?.startsWith(NO_LANE) === true || why?.startsWith(AFTER_END) === true;
    if (byLanes && lanes.some((lane) => lane.campaign_id === id && tells(lane))) return [];
    const key = `paused ${id} ${event ?? 0}`;
    return [{ kind: "campaign-paused", key, fresh: true, campaign: { id, name }, by, why: why ?? "" }];
  });
}

/** What stops this lane is an alert of its own. A route that was held before the launch was another campaign's. */
function tells(lane: LaneRow): boolean {
  if (laneCause(lane).length > 0) return true;
  const hold = holdOf(lane.route_hold);
  return hold !== null && Date.parse(hold.at) >= (fromSqlTime(lane.launched_at) ?? 0);
}

async function endedCampaigns({ read, now }: Reading): Promise<Cause[]> {
  const rows = await read.$queryRawUnsafe<{ id: number; name: string; event: number | null }[]>(
    `SELECT c.id, c.name,
       (SELECT max(e.id) FROM event e WHERE e.campaign_id = c.id AND e.event = 'completed-with-failures') AS event
     FROM campaign c WHERE c.state = 'completed-with-failures' AND c.ended_at > ? ORDER BY c.id`,
    sqlTime(now() - NEWS_MS),
  );
  return rows.map(({ id, name, event }): Cause => {
    const key = `failures ${id} ${event ?? 0}`;
    return { kind: "campaign-failures", key, fresh: true, campaign: { id, name } };
  });
}

/** As long as any of the campaign's mails is uncertain. */
async function uncertainMails({ read, now }: Reading): Promise<Cause[]> {
  const rows = await read.$queryRawUnsafe<
    { id: number; campaign_id: number; name: string; text: string; at: unknown }[]
  >(
    `SELECT e.id, e.campaign_id, c.name, e.text, e.at FROM event e JOIN campaign c ON c.id = e.campaign_id
     WHERE e.event = 'uncertain' AND (e.at > ? OR EXISTS (SELECT 1 FROM alert a WHERE a.state <> 'settled'
       AND a.kind = 'uncertain' AND a.campaign_id = c.id)) AND c.state <> 'cancelled'
       AND EXISTS (SELECT 1 FROM delivery d WHERE d.state = 'uncertain'
         AND d.lane_id IN (SELECT id FROM lane WHERE campaign_id = c.id)) ORDER BY e.id`,
    sqlTime(now() - NEWS_MS),
  );
  return rows.map(({ id, campaign_id, name, text, at }): Cause => {
    const fresh = (fromSqlTime(at) ?? 0) > now() - NEWS_MS;
    const campaign = { id: campaign_id, name };
    return { kind: "uncertain", key: `uncertain ${id}`, fresh, campaign, text };
  });
}

/** Raised for those that somebody reads now: a source that was taken out of the configuration keeps its last state. */
async function deadIntakes({ read, now }: Reading): Promise<Cause[]> {
  const rows = await read.$queryRawUnsafe<
    { name: string; trouble: string | null; failing_since: unknown; told_at: unknown }[]
  >("SELECT name, trouble, failing_since, told_at FROM intake WHERE failing_since IS NOT NULL ORDER BY name");
  return rows.map((row): Cause => {
    const sinceMs = fromSqlTime(row.failing_since) ?? 0;
    const isRead = now() - (fromSqlTime(row.told_at) ?? 0) <= TOLD_WITHIN_MS;
    return {
      kind: "intake-dead",
      key: `intake ${row.name} ${sinceMs}`,
      fresh: isRead && sinceMs <= now() - INTAKE_DEAD_MS,
      intake: row.name,
      trouble: row.trouble ?? "it does not answer",
      sinceMs,
    };
  });
}

export async function countsOf({ read }: Pick<Database, "read">, campaignId: number): Promise<Counts> {
  const rows = await read.$queryRawUnsafe<{ state: DeliveryState; n: number | bigint }[]>(
    `SELECT state, count(*) AS n FROM delivery
     WHERE lane_id IN (SELECT id FROM lane WHERE campaign_id = ?) GROUP BY state`,
    campaignId,
  );
  const totals = noTotals();
  addCounts(totals, Object.fromEntries(rows.map(({ state, n }) => [state, Number(n)])));
  const { recipients, uncertain, pending, deferred } = totals;
  const untold = untoldOf(totals);
  return {
    recipients,
    told: recipients - untold,
    uncertain,
    failed: untold - uncertain - pending - deferred,
  };
}

/** Where no mail can be relied on now: routes that are held, providers with a lane that is held or blind, by whomever. */
export async function stoppedNow({ read }: Pick<Database, "read">): Promise<{
  routes: ReadonlySet<string>;
  providers: ReadonlySet<string>;
}> {
  const [routes, providers] = await Promise.all([
    read.$queryRawUnsafe<{ name: string }[]>("SELECT name FROM route WHERE state = 'held'"),
    read.$queryRawUnsafe<{ provider: string }[]>(
      `SELECT l.provider FROM lane l JOIN campaign c ON c.id = l.campaign_id
       WHERE l.state IN ('held', 'blind') AND c.state IN ('running', 'paused')
       UNION SELECT provider FROM provider_hold`,
    ),
  ]);
  return {
    routes: new Set(routes.map((row) => row.name)),
    providers: new Set(providers.map((row) => row.provider)),
  };
}
