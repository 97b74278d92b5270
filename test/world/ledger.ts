// A world for tests of the ledger: a database with campaigns that are planned and running, outcomes by name, and
// a hand that settles what a worker was granted. Which database it is, the caller decides.

import type { Database } from "../../src/adapters/database/database.ts";
import { FAULT_OF, type Reason, type Scope, type Speaker } from "../../src/bounce/reason.ts";
import type { BreakerConfig } from "../../src/breaker/breaker.ts";
import type { LaneLimits } from "../../src/breaker/lane-start.ts";
import type { Start } from "../../src/campaign/start.ts";
import type { CampaignStore, PlannedDelivery } from "../../src/campaign/store.ts";
import type { ClaimedDelivery } from "../../src/delivery/delivery.ts";
import { type Outcome, outcomeOf, settlementOf } from "../../src/delivery/outcome.ts";
import type { Settle } from "../../src/delivery/settle.ts";
import type { Ledger } from "../../src/delivery/store.ts";
import type { TestClock } from "./clock.ts";

export interface LedgerWorld {
  db: Database;
  ledger: Ledger;
  campaigns: CampaignStore;
  clock: TestClock;
  close(): Promise<void>;
}

/** The shipped defaults (docs/configuration.md). */
export const BREAKER: BreakerConfig = {
  sender: { p0: 0.002, p1: 0.3, h: 15 },
  address: { p0: 0.05, p1: 0.2, h: 10 },
  content: { p0: 0.005, p1: 0.3, h: 12 },
  unknown: { p0: 0.01, p1: 0.3, h: 10 },
  "provider-incident": { p0: 0.005, p1: 0.3, h: 15 },
  complaint: { p0: 0.001, p1: 0.01, h: 12 },
  deferral: { p0: 0.3, p1: 0.95, h: 5 },
};

export interface LanePlan {
  provider: string;
  size: number;
  feedback?: "relay" | "final";
  window?: number;
  route?: string;
  limits?: LaneLimits;
  /** Who counts as one; by default nobody. */
  unitOf?: (index: number) => string | null;
}

let campaignsMade = 0;

/**
 * Creates, launches and plans a campaign; without `planned` the plan is left open, and with a `start` nothing is planned
 * yet. Returns the campaign's id.
 */
export async function runCampaign(
  { campaigns }: LedgerWorld,
  lanes: readonly LanePlan[],
  options: { validUntilMs?: number | null; planned?: boolean; start?: Start } = {},
): Promise<number> {
  campaignsMade += 1;
  const { id } = await campaigns.create({
    name: `Campaign ${campaignsMade}`,
    key: `key-${campaignsMade}`,
    file: "/nowhere/campaign.toml",
    spec: { audience: { kind: "named", name: "clients" }, filter: {}, values: {} },
    templateName: "maintenance-scheduled",
    audienceHash: "hash",
    confirmed: true,
    overrides: {},
    tellByMs: null,
    validUntilMs: options.validUntilMs ?? null,
  });
  await campaigns.launch(id, {
    source: { name: "maintenance-scheduled" } as never,
    values: {} as never,
    templateClass: "service",
    start: options.start ?? null,
  });
  if (options.start !== undefined) return id;
  await campaigns.plan(id, planChunk(lanes));
  if (options.planned !== false) await campaigns.finishPlan(id);
  return id;
}

export function planChunk(lanes: readonly LanePlan[]): Parameters<CampaignStore["plan"]>[1] {
  return {
    after: "",
    upTo: "z",
    lanes: lanes.map(({ provider, route, feedback, window, limits }) => ({
      ...(limits === undefined ? {} : { limits }),
      provider,
      route: route ?? "default",
      feedback: feedback ?? "final",
      window: window ?? 1,
    })),
    deliveries: lanes.flatMap(({ provider, size, unitOf }) =>
      Array.from(
        { length: size },
        (_, i): PlannedDelivery => ({
          address: addressOf(provider, i),
          key: addressOf(provider, i),
          domain: `${provider}.example`,
          provider,
          unit: unitOf?.(i) ?? null,
          // Neither the order of the rows nor its reverse.
          spread: (i * 7919) % 104_729,
        }),
      ),
    ),
  };
}

export function addressOf(provider: string, index: number): string {
  return `u${index}@${provider}.example`;
}

/** What a delivery heard, by name. */
export type Said =
  | "accepted"
  | "returned"
  | "lost-before-dot"
  | "lost-after-dot"
  | { reason: Reason; hard?: boolean; scope?: Scope; speaker?: Speaker; reply?: string };

export function outcomeFor(said: Said, feedback: "relay" | "final" = "final"): Outcome {
  const context = { provider: "other", feedback };
  if (said === "accepted") return outcomeOf({ kind: "accepted", reply: "250 ok", relayId: "Q1" }, context);
  if (said === "returned") return outcomeOf({ kind: "returned" }, context);
  if (typeof said === "string") {
    const handedOver = said === "lost-after-dot";
    return outcomeOf(
      { kind: "lost", phase: handedOver ? "dot" : "data", handedOver, message: "gone" },
      context,
    );
  }
  const { reason, hard = true, scope = "provider", speaker = "provider" } = said;
  const code = hard ? 550 : 451;
  return {
    event: hard ? "rejected" : "deferred",
    phase: "rcpt",
    speaker,
    reply: said.reply ?? `${code} ${reason}`,
    relayId: null,
    classification: {
      reason,
      fault: FAULT_OF[reason],
      scope,
      hard,
      provider: "other",
      code,
      enhanced: null,
      advice: `Cure ${reason}.`,
    },
  };
}

/** The settle of a granted delivery, as a sender makes it. */
export function settleOf(
  delivery: ClaimedDelivery,
  said: Said,
  { atMs, feedback = "final" }: { atMs: number; feedback?: "relay" | "final" },
): Settle {
  const outcome = outcomeFor(said, feedback);
  const tried = { ...delivery, try: delivery.try + 1 };
  return {
    delivery: tried.id,
    campaignId: tried.campaignId,
    laneId: tried.laneId,
    attempt: tried.attempt,
    try: tried.try,
    epoch: tried.epoch,
    outcome,
    next: settlementOf(outcome, tried, atMs),
    atMs,
  };
}
