// The port behind which alerts are kept. Whoever implements it must pass test/conformance/alerts.ts.
import type { Alert, AlertCard, AlertKind, Urgency } from "./alert.ts";
import type { Cause, Counts } from "./cause.ts";
import type { LiveAlert } from "./due.ts";
import type { RoadName, Target } from "./road.ts";

export interface NewAlert {
  key: string;
  kind: AlertKind;
  urgency: Urgency;
  campaignId: number | null;
  laneId: number | null;
  card: AlertCard;
}

/** A try that is this process's to make until the lease ends. */
export interface ClaimedTry {
  id: number;
  alert: Alert;
  road: RoadName;
  target: string;
  deputy: boolean;
  /** Which try it is, from 1. */
  tries: number;
}

export interface AlertStore {
  /** What is live, and then what stands; a cause is `fresh` only while no alert has its key. By the database's time. */
  look(): Promise<{ nowMs: number; live: LiveAlert[]; standing: Cause[] }>;
  counts(campaignId: number): Promise<Counts>;
  /** One alert with a try for each target; null when it is there already, whoever was first. */
  raise(alert: NewAlert, targets: readonly Target[]): Promise<number | null>;
  /** What nobody needs to hear any more is not told. */
  settle(ids: readonly number[]): Promise<void>;
  /** Gives an open alert's deputy their tries; false when that was done, or somebody has answered. */
  escalate(id: number, targets: readonly Target[]): Promise<boolean>;
  /** Tries that are due, each to one process until the lease ends. */
  claim(limit: number): Promise<ClaimedTry[]>;
  /** How a try went; `againMs`: when to try again, null: never. A failure that another process has overtaken says nothing. */
  answer(claimed: ClaimedTry, result: { ok: boolean; answer: string; againMs: number | null }): Promise<void>;
  /** Deletes what was settled before then. */
  forget(beforeMs: number): Promise<void>;
}
