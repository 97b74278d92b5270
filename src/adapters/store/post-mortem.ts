// What a post-mortem asks of the tables: counts by statements over the whole campaign, clients in pages. Reads only.
import type { Fault, Reason, Scope } from "../../bounce/reason.ts";
import type { Hold } from "../../breaker/hold.ts";
import { ERASED } from "../../campaign/personal-data.ts";
import type {
  Affected,
  AffectedClients,
  HoldCard,
  PostMortemFacts,
  PostMortemStore,
} from "../../report/post-mortem-store.ts";
import type { ReportClient } from "../../report/store.ts";
import { TOLD } from "../../report/totals.ts";
import { type Database, fromSqlTime, sqlTime, TEXTS } from "../database/database.ts";
import { HOLD_CARD, type KeptCard } from "./hold-cards.ts";
import { CLIENT_COLUMNS, type ClientRow, toClient } from "./reported-rows.ts";

/** Rows of a page. */
const PAGE = 500;
/** Replies shown of a hold. */
const REPLIES = 3;
/** Later than anything. */
const NEVER = sqlTime(Date.UTC(9999, 0));

const REFUSALS = "event IN ('rejected', 'deferred', 'bounced')";
const NOT_THEIRS = "fault IN ('sender', 'content', 'unknown')";
/** Refused, at any try, by no fault of the address. */
const REFUSED = `EXISTS (SELECT 1 FROM outcome o WHERE o.delivery_id = d.id AND o.${REFUSALS} AND o.${NOT_THEIRS}
  AND coalesce(o.reason, '') <> 'rate-limited')`;
/**
 * Sent after its lane had been stopped (each hold and each resume is another epoch), or, by its argument, for the first
 * time after its campaign went on.
 */
const LATE = `(d.epoch > 1 OR NOT EXISTS (SELECT 1 FROM outcome o WHERE o.delivery_id = d.id
  AND o.event IN ('accepted', 'handed-over') AND o.at < ?))`;
const IS_TOLD = `d.state IN (${[...TOLD].map((state) => `'${state}'`).join(", ")})`;
/**
 * Not told for reasons of their own: no such mailbox (but for a provider that says so of everybody), or on the list of
 * those who are not written to.
 */
const THEIR_OWN = `(d.state = 'bounced' AND coalesce(d.fault, '') = 'address' AND NOT EXISTS (SELECT 1 FROM lane h
    WHERE h.id = d.lane_id AND h.state = 'held' AND h.hold LIKE '%"detector":"provider-incident"%'))
  OR (d.state = 'suppressed' AND coalesce(d.fault, '') <> 'sender')`;
/** Null: not affected. */
const AFFECTED = `CASE WHEN ${THEIR_OWN} THEN NULL WHEN ${REFUSED} THEN 'refused'
  WHEN NOT (${IS_TOLD}) THEN 'untold' WHEN ${LATE} THEN 'late' END`;

interface CampaignRow {
  launched_at: unknown;
  ended_at: unknown;
  start_zone: string | null;
  spec: string;
  template_name: string;
  import_id: number | null;
  forgotten: number;
  columns: string;
}
type EventRow = {
  id: number;
  at: unknown;
  event: string;
  text: string;
  lane_id: number | null;
  provider: string | null;
};

export function createPostMortemStore(db: Database): PostMortemStore {
  const ask = <Row>(sql: string, ...values: unknown[]) => db.read.$queryRawUnsafe<Row[]>(sql, ...values);

  const eventsOf = (campaignId: number) =>
    ask<EventRow>(
      `SELECT e.id, e.at, e.event, e.text, e.lane_id, l.provider FROM event e LEFT JOIN lane l ON l.id = e.lane_id
       WHERE e.campaign_id = ? ORDER BY e.id`,
      campaignId,
    );

  async function repliesOf(campaignId: number, lane: number, hold: Hold): Promise<HoldCard["replies"]> {
    const rows = await ask<{ text: string; recipient: string }>(
      `SELECT o.reply AS text, d.address AS recipient FROM outcome o JOIN delivery d ON d.id = o.delivery_id
       WHERE o.campaign_id = ? AND o.lane_id = ? AND o.fault = ? AND o.reply IS NOT NULL AND o.at <= ?
       ORDER BY o.id DESC LIMIT ${REPLIES}`,
      campaignId,
      lane,
      hold.fault,
      sqlTime(Date.parse(hold.at)),
    );
    return rows.reverse();
  }

  async function facts(campaignId: number): Promise<PostMortemFacts | null> {
    const [campaign] = await ask<CampaignRow>(
      `SELECT c.launched_at, c.ended_at, c.start_zone, c.spec, c.template_name, c.import_id, c.forgotten,
         coalesce(i.columns, '[]') AS columns
       FROM campaign c LEFT JOIN import i ON i.id = c.import_id WHERE c.id = ?`,
      campaignId,
    );
    if (campaign === undefined) return null;
    const { import_id: importId } = campaign;
    const rows = await eventsOf(campaignId);
    const ended: HoldCard[] = [];
    for (const row of rows) {
      if (row.event !== HOLD_CARD) continue;
      const { hold, by, returned } = JSON.parse(row.text) as KeptCard;
      const replies = row.lane_id === null ? [] : await repliesOf(campaignId, row.lane_id, hold);
      ended.push({ provider: row.provider, hold, endedAt: iso(row.at), by, returned, replies });
    }
    const standing: Record<string, PostMortemFacts["standing"][string]> = {};
    for (const lane of await ask<{ id: number; provider: string; hold: string }>(
      "SELECT id, provider, hold FROM lane WHERE campaign_id = ? AND state = 'held' AND hold IS NOT NULL",
      campaignId,
    )) {
      const hold = JSON.parse(lane.hold) as Hold;
      const replies = await repliesOf(campaignId, lane.id, hold);
      standing[lane.provider] = { detector: hold.detector, replies };
    }

    const refusals = await ask<{
      provider: string;
      fault: Fault;
      pace: unknown;
      mails: number | bigint;
      addresses: number | bigint;
      first_at: unknown;
      last_at: unknown;
    }>(
      `SELECT l.provider, o.fault, coalesce(o.reason, '') = 'rate-limited' AS pace, count(*) AS mails,
         count(DISTINCT o.delivery_id) AS addresses, min(o.at) AS first_at, max(o.at) AS last_at
       FROM outcome o JOIN lane l ON l.id = o.lane_id
       WHERE o.campaign_id = ? AND o.${REFUSALS} AND o.fault IS NOT NULL
       GROUP BY l.provider, o.fault, coalesce(o.reason, '') = 'rate-limited' ORDER BY 1, 2, 3`,
      campaignId,
    );
    const affected = await ask<{
      provider: string;
      affected: Affected;
      told: unknown;
      addresses: number | bigint;
    }>(
      `SELECT provider, affected, told, count(*) AS addresses FROM (
         SELECT l.provider, ${AFFECTED} AS affected, (${IS_TOLD}) AS told
         FROM delivery d JOIN lane l ON l.id = d.lane_id WHERE d.campaign_id = ?) AS a
       WHERE affected IS NOT NULL GROUP BY provider, affected, told ORDER BY 1, 2, 3`,
      wentOnAt(rows),
      campaignId,
    );
    const aside = await ask<{
      provider: string;
      unit: string;
      reason: Reason | null;
      scope: Scope | null;
      addresses: number | bigint;
    }>(
      `SELECT l.provider, d.unit, d.reason, d.scope, count(*) AS addresses
       FROM delivery d JOIN lane l ON l.id = d.lane_id
       WHERE d.campaign_id = ? AND d.state = 'suppressed' AND d.fault = 'sender' AND d.unit IS NOT NULL
       GROUP BY l.provider, d.unit, d.reason, d.scope ORDER BY 5 DESC, 1, 2`,
      campaignId,
    );
    const locales =
      importId === null
        ? []
        : await ask<{ locale: string | null }>(
            "SELECT DISTINCT locale FROM client WHERE import_id = ?",
            importId,
          );
    return {
      launchedAt: isoOrNull(campaign.launched_at),
      endedAt: isoOrNull(campaign.ended_at),
      zone: campaign.start_zone,
      spec: JSON.parse(campaign.spec),
      template: campaign.template_name,
      importId,
      forgotten: Number(campaign.forgotten),
      locales: locales.flatMap(({ locale }) => locale ?? []),
      columns: JSON.parse(campaign.columns),
      events: rows
        .filter((row) => row.event !== HOLD_CARD)
        .map(({ at, event, text, provider }) => ({ at: iso(at), event, text, provider })),
      ended,
      standing,
      refusals: refusals.map((row) => ({
        provider: row.provider,
        fault: row.fault,
        isPace: Boolean(row.pace),
        mails: Number(row.mails),
        addresses: Number(row.addresses),
        firstAt: iso(row.first_at),
        lastAt: iso(row.last_at),
      })),
      affected: affected.map((row) => ({
        ...row,
        told: Boolean(row.told),
        addresses: Number(row.addresses),
      })),
      aside: aside.map((row) => ({ ...row, addresses: Number(row.addresses) })),
    };
  }

  async function clientsOf(
    importId: number | null,
    keys: readonly string[],
  ): Promise<Map<string, ReportClient[]>> {
    const found = new Map<string, ReportClient[]>();
    if (importId === null || keys.length === 0) return found;
    const rows = await ask<ClientRow>(
      `SELECT ${CLIENT_COLUMNS} FROM client WHERE import_id = ? AND key IN ${TEXTS} ORDER BY key, line`,
      importId,
      JSON.stringify(keys),
    );
    for (const row of rows) found.set(row.key ?? "", [...(found.get(row.key ?? "") ?? []), toClient(row)]);
    return found;
  }

  return {
    facts,

    affected: async (campaignId, afterKey) => {
      const [bound] = await ask<{ key: string | null }>(
        "SELECT max(key) AS key FROM (SELECT key FROM delivery WHERE campaign_id = ? AND key > ? ORDER BY key LIMIT ?) AS page",
        campaignId,
        afterKey,
        PAGE,
      );
      const upTo = bound?.key ?? null;
      if (upTo === null) return { rows: [], upTo };
      const [campaign] = await ask<{ import_id: number | null }>(
        "SELECT import_id FROM campaign WHERE id = ?",
        campaignId,
      );
      const rows = await ask<{ key: string; affected: Affected }>(
        `SELECT key, affected FROM (
           SELECT d.key, ${AFFECTED} AS affected FROM delivery d
           WHERE d.campaign_id = ? AND d.key > ? AND d.key <= ? AND d.address <> '${ERASED}') AS a
         WHERE affected IS NOT NULL ORDER BY key`,
        wentOnAt(await eventsOf(campaignId)),
        campaignId,
        afterKey,
        upTo,
      );
      const clients = await clientsOf(
        campaign?.import_id ?? null,
        rows.map((row) => row.key),
      );
      return {
        rows: rows.map(
          ({ key, affected }): AffectedClients => ({ affected, clients: clients.get(key) ?? [] }),
        ),
        upTo,
      };
    },

    clients: async (importId, afterId) => {
      const rows = await ask<ClientRow>(
        `SELECT ${CLIENT_COLUMNS} FROM client WHERE import_id = ? AND id > ? ORDER BY id LIMIT ?`,
        importId,
        afterId,
        PAGE,
      );
      return rows.map(toClient);
    },
  };
}

/** When the whole campaign first went on after a pause, as rows have it: whoever is told from then on is told late. */
function wentOnAt(events: readonly EventRow[]): string {
  const begun = events.findIndex(({ event }) => event === "planned" || event === "launched");
  const paused = events.findIndex(
    ({ event, lane_id }, at) => at > begun && event === "paused" && lane_id === null,
  );
  if (begun === -1 || paused === -1) return NEVER;
  const went = events.find(
    ({ event, lane_id }, at) => at > paused && event === "resumed" && lane_id === null,
  );
  return went === undefined ? NEVER : sqlTime(fromSqlTime(went.at) ?? 0);
}

function iso(value: unknown): string {
  return new Date(fromSqlTime(value) ?? 0).toISOString();
}

function isoOrNull(value: unknown): string | null {
  return value === null || value === undefined ? null : iso(value);
}
