// What a replay keeps between two lines: campaigns, their lanes, what became of each mail, and which addresses took mail
// before. Numbers only, so that memory grows by some ten bytes a mail. What an event does is decided in replay.ts.
import { type BreakerConfig, FRESH_PULSE } from "../breaker/breaker.ts";
import type { LaneRecord } from "../breaker/lane-record.ts";
import { type EarlierLane, remembered, startFrom } from "../breaker/memory.ts";
import { firstWindow } from "../breaker/ramp.ts";
import type { DeliveryState } from "../delivery/delivery.ts";
import type { Id } from "./event.ts";
import { hash52, KeyTable, keyOf } from "./key-table.ts";

/** Why a lane, a campaign or a route stands, and what the log has all the same after that. */
export interface Halt {
  /** Mails that were begun after it. */
  mails: number;
  /** What came of them in the end, as far as it is known. */
  refused: number;
  accepted: number;
}

export interface Lane {
  record: LaneRecord;
  campaign: Campaign;
  route: Route;
  /** Mails of it so far, each attempt once. */
  mails: number;
  /** Confirmed since it was last stepped, and when the last of them was. */
  good: number;
  goodAtMs: number;
  halt: Halt | null;
}

export interface Campaign {
  id: Id;
  /** Its place among the campaigns of the log. */
  index: number;
  lanes: Map<string, Lane>;
  rows: KeyTable;
  /** Its own address detector. */
  address: number;
  /** The last refusals for their address, of any lane. */
  replies: string[];
  /** When a person let the whole of it go on, ms since the epoch; 0: never. */
  resumedMs: number;
  halt: Halt | null;
}

export interface Route {
  name: string;
  halt: Halt | null;
  /** Campaigns that had begun when it was held. */
  before: number;
}

/** The states in which a log can leave a mail; their places are what a row keeps. */
export const ROW_STATES = [
  "pending",
  "accepted",
  "deferred",
  "bounced",
  "complained",
  "uncertain",
] as const satisfies readonly DeliveryState[];
export type RowState = (typeof ROW_STATES)[number];

/** What is known of one mail; filled by `readRow`, kept by `writeRow`. */
export interface Row {
  state: RowState;
  /** 0: it was not heard of before. */
  attempt: number;
  /** The lane's epoch in which it was begun; 0: while its lane stood. */
  epoch: number;
  /** The last epoch in which it was evidence. */
  evidence: number;
}

const EPOCHS = 2 ** 15;

export function readRow(rows: KeyTable, at: number, into: Row): void {
  const first = rows.first(at);
  const second = rows.second(at);
  into.state = ROW_STATES[first & 7] ?? "pending";
  into.attempt = first >>> 3;
  into.epoch = second >>> 16;
  into.evidence = second & 0xffff;
}

export function writeRow(rows: KeyTable, at: number, row: Row): void {
  const epoch = Math.min(row.epoch, EPOCHS - 1);
  const evidence = Math.min(row.evidence, EPOCHS - 1);
  rows.set(at, (row.attempt << 3) | ROW_STATES.indexOf(row.state), (epoch << 16) | evidence);
}

export interface Book {
  campaign(id: Id): Campaign;
  /** Made when it is new: then `atMs` says how fresh the memory of earlier lanes is. */
  lane(campaign: Campaign, provider: string, atMs: number): Lane;
  /** The place of a mail among its campaign's rows. */
  place(campaign: Campaign, delivery: Id): number;
  /** This address took a mail. */
  noteAccepted(recipient: string, campaign: Campaign, atMs: number): void;
  /** It took another campaign's mail in the last 90 days, or one of this log more than a day before. */
  wasAccepted(recipient: string, campaign: Campaign, atMs: number): boolean;
  readonly campaigns: ReadonlyMap<Id, Campaign>;
}

/** So many of the newest lanes are asked what they remember of a provider. */
const LANES_LOOKED_AT = 20;
const DAY_S = 24 * 60 * 60;
/** A mail that was accepted longer ago proves nothing any more. */
const GOOD_FOR_S = 90 * DAY_S;

/** `routeOf`: the route of a provider by the configuration, and what it confirms. */
export function createBook({
  breaker,
  canary,
  routeOf,
}: {
  breaker: BreakerConfig;
  canary: number;
  routeOf: (provider: string) => { name: string; feedback: "relay" | "final" };
}): Book {
  const campaigns = new Map<Id, Campaign>();
  const routes = new Map<string, Route>();
  const addresses = new KeyTable();
  let lastLane = 0;

  const route = (name: string): Route => {
    const known = routes.get(name);
    if (known !== undefined) return known;
    const made: Route = { name, halt: null, before: 0 };
    routes.set(name, made);
    return made;
  };

  /** What the newest lanes to a provider by a route remember now. */
  const newest = new Map<string, Lane[]>();
  const lanesTo = (provider: string, name: string): Lane[] => {
    const key = `${name}\n${provider}`;
    const known = newest.get(key) ?? [];
    newest.set(key, known);
    return known;
  };

  return {
    campaigns,
    campaign(id) {
      const known = campaigns.get(id);
      if (known !== undefined) return known;
      const index = campaigns.size + 1;
      const made: Campaign = {
        id,
        index,
        lanes: new Map(),
        rows: new KeyTable(),
        address: 0,
        replies: [],
        resumedMs: 0,
        halt: null,
      };
      campaigns.set(id, made);
      return made;
    },
    lane(campaign, provider, atMs) {
      const known = campaign.lanes.get(provider);
      if (known !== undefined) return known;
      const { name, feedback } = routeOf(provider);
      const pulse = { ...FRESH_PULSE };
      const earlier = lanesTo(provider, name);
      const memory = earlier.length === 0 ? null : remembered(earlier.map(memoryOf), atMs);
      if (memory !== null) pulse.sender = startFrom(memory, breaker);
      lastLane += 1;
      const record: LaneRecord = {
        id: lastLane,
        campaignId: campaign.index,
        provider,
        route: name,
        feedback,
        state: "ramping",
        epoch: 1,
        size: 0,
        window: memory === null ? firstWindow(feedback, canary) : 1,
        outstanding: 0,
        unconfirmed: 0,
        sent: 0,
        pulse,
        hold: null,
        untilMs: null,
        nextDueMs: null,
        lastHandoverMs: null,
        byPerson: false,
      };
      const made: Lane = { record, campaign, route: route(name), mails: 0, good: 0, goodAtMs: 0, halt: null };
      campaign.lanes.set(provider, made);
      earlier.push(made);
      if (earlier.length > LANES_LOOKED_AT) earlier.shift();
      return made;
    },
    place: (campaign, delivery) => campaign.rows.place(keyOf(delivery)),
    noteAccepted(recipient, campaign, atMs) {
      const at = addresses.place(hash52(recipient.toLowerCase()));
      const atS = Math.floor(atMs / 1000) | 0;
      // The first one tells most; one that begins to be old is replaced while the next may still be asked about.
      if (addresses.first(at) === 0 || atS - addresses.second(at) > GOOD_FOR_S / 2)
        addresses.set(at, campaign.index, atS);
    },
    wasAccepted(recipient, campaign, atMs) {
      const at = addresses.find(hash52(recipient.toLowerCase()));
      if (at < 0) return false;
      const ageS = Math.floor(atMs / 1000) - addresses.second(at);
      const other = addresses.first(at) !== campaign.index;
      return ageS <= GOOD_FOR_S && ageS > (other ? 0 : DAY_S);
    },
  };
}

/** What is confirmed and not stepped yet counts. */
function memoryOf({ record, goodAtMs }: Lane): EarlierLane {
  const { heldMs, confirmedMs } = record.pulse;
  return { heldMs, confirmedMs: Math.max(confirmedMs, goodAtMs) };
}
