// Rows as a report reads them, and what they are in its words: lanes with what stops them, clients, times.
import { readPulse } from "../../breaker/breaker.ts";
import { describeHandHold, type Hold } from "../../breaker/hold.ts";
import type { CampaignState } from "../../campaign/campaign.ts";
import type { LaneState } from "../../provider/lane.ts";
import type { RelayedLane } from "../../report/ramp.ts";
import type { LaneSnapshot, ReportClient } from "../../report/store.ts";
import { fromSqlTime } from "../database/database.ts";

export interface LaneRow {
  campaign_id: number;
  name: string;
  campaign_state: CampaignState;
  lane_id: number | null;
  provider: string;
  lane_state: LaneState;
  window_size: number;
  hold: string | null;
  route_hold: string | null;
  hand_why: string | null;
  hand_at: unknown;
}

export interface RelayColumns {
  feedback: string | null;
  unconfirmed: number | null;
  by_person: unknown;
  pulse: string | null;
}

export const LANE_COLUMNS = `c.id AS campaign_id, c.name, c.state AS campaign_state, l.id AS lane_id, l.provider,
  l.state AS lane_state, l.window_size, l.hold, r.hold AS route_hold, p.why AS hand_why, p.at AS hand_at`;
export const LANES = `campaign c LEFT JOIN lane l ON l.campaign_id = c.id
  LEFT JOIN route r ON r.name = l.route AND r.state = 'held'
  LEFT JOIN provider_hold p ON p.provider = l.provider`;

export type ClientRow = Omit<ReportClient, "importId" | "attributes"> & {
  import_id: number;
  attributes: string;
};
export const CLIENT_COLUMNS =
  "id, import_id, line, address, key, domain, name, locale, timezone, account, attributes";

export function toLane(row: LaneRow, id: number): Omit<LaneSnapshot, "counts"> {
  const { provider, hand_why: why } = row;
  return {
    ...(why === null
      ? {}
      : { handHold: describeHandHold({ provider, at: iso(row.hand_at), why, all: true }) }),
    id,
    provider: row.provider,
    state: row.lane_state,
    window: row.window_size,
    hold: row.hold === null ? null : (JSON.parse(row.hold) as Hold),
    routeHold: row.route_hold === null ? null : (JSON.parse(row.route_hold) as Hold),
  };
}

export function toRelayed(row: RelayColumns): { relay?: RelayedLane } {
  if (row.feedback !== "relay") return {};
  const { ramp } = readPulse(row.pulse ?? "{}");
  const relay = {
    unconfirmed: row.unconfirmed ?? 0,
    byPerson: Boolean(row.by_person),
    memory: ramp,
    ids: [],
  };
  return { relay };
}

export function toClient({ import_id: importId, attributes, ...row }: ClientRow): ReportClient {
  return { ...row, importId, attributes: JSON.parse(attributes) };
}

export function iso(value: unknown): string {
  return new Date(fromSqlTime(value) ?? 0).toISOString();
}

export function isoOrNull(value: unknown): string | null {
  return value === null || value === undefined ? null : iso(value);
}
