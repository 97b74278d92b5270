// The ledger: the port through which sending reads and writes the truth. Every method is one transaction.
// Whoever implements it must pass test/conformance/ledger.ts. Time inside it is the store's own.
import type { Hearing } from "../breaker/silence.ts";
import type { LaneState } from "../provider/lane.ts";
import type { ClaimedDelivery } from "./delivery.ts";
import type { DoorRefusal, Settle } from "./settle.ts";

/** What a sending process keeps of a lane in memory: enough to look at right before MAIL FROM. */
export interface LaneView {
  id: number;
  campaignId: number;
  provider: string;
  route: string;
  feedback: "relay" | "final";
  state: LaneState;
  epoch: number;
  size: number;
  /** Its campaign runs, its route is ready, and its own state lets it send. */
  runnable: boolean;
  /** How many more may be claimed now. */
  room: number;
  /** When the next delivery is due; null: none waits. */
  nextDueMs: number | null;
  /** So many connections at once may serve it; left out: as many as the route has. */
  atOnce?: number;
}

export interface Intent {
  delivery: number;
  laneId: number;
  epoch: number;
  /** Who claimed it, as the claim said: a claim from before this process took a new name is void. */
  worker: string;
  /** The number this try will have: one more than at the claim. */
  try: number;
}

/** One group commit: what ended, what is to begin, and who was turned away at the door. */
export interface CommitGroup {
  worker: string;
  settles: readonly Settle[];
  intents: readonly Intent[];
  doors: readonly DoorRefusal[];
}

export interface Committed {
  /** Only these may be sent. */
  intended: ReadonlySet<number>;
  /** The lanes that the group touched, as they are now. */
  lanes: LaneView[];
}

/** A worker silent for so long, by the database's time, is dead; ms. */
export const LEASE_MS = 15_000;

export interface Ledger {
  /** Registers a sending process; `exclusive`: no other can be alive, so all others are dead. */
  register(worker: { id: string; host: string; pid: number; exclusive: boolean }): Promise<void>;
  /** Says "alive"; false when somebody declared this worker dead: it must stop and take a new name. */
  heartbeat(worker: string): Promise<boolean>;
  /** Lanes of running campaigns. */
  lanes(): Promise<LaneView[]>;
  /** Takes up to `limit` due deliveries of a lane for this worker; empty when the epoch has passed. */
  claim(request: { worker: string; laneId: number; limit: number }): Promise<{
    deliveries: ClaimedDelivery[];
    lane: LaneView;
  }>;
  /** Settles, then writes intents; may be repeated with the same group after an error. */
  commit(group: CommitGroup): Promise<Committed>;
  /** Gives back what was claimed and will not be sent. `kept`: claims still in use; all others of this worker return. */
  release(request: { worker: string; kept: readonly number[] }): Promise<void>;
  /** Dead workers: claimed returns, sending becomes uncertain, lanes are recounted. Returns how many were uncertain. */
  reap(options: { leaseMs: number; self: string }): Promise<{ workers: number; uncertain: number }>;
  /**
   * What time alone changes: rests end, validity ends, lanes go blind, lanes and campaigns end. True when something moved.
   * `hearing`: what can be heard of mails that a relay took; nothing unless given.
   */
  tick(options: { soakMs: number; hearing?: Hearing | undefined }): Promise<boolean>;
}
