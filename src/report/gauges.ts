// The port through which the state of sending is measured while it runs. Only reading, and only numbers and ids from
// closed sets: no address, no domain and no name of a campaign can pass it.
import type { Reason } from "../bounce/reason.ts";
import type { LaneState } from "../provider/lane.ts";

/** A lane of an unfinished campaign as its row says it. */
export interface LaneGauge {
  id: number;
  campaignId: number;
  provider: string;
  state: LaneState;
  /** Deliveries planned in it. */
  size: number;
  window: number;
  /** claimed + sending. */
  outstanding: number;
  /** Handed over to a relay and not confirmed yet. */
  unconfirmed: number;
  /** What the detectors have added up; at their `h` the lane is held. */
  breaker: { sender: number; address: number };
  hold: { reason: Reason; atMs: number } | null;
}

/** All of one moment. */
export interface Gauges {
  lanes: readonly LaneGauge[];
  /** Sending processes that are not dead by the database's word. */
  workers: number;
  /** Routes that are held with every lane on them. */
  routesHeld: number;
  /** Providers that a person holds for every campaign. */
  providersHeld: readonly string[];
  /** Jobs waiting or in a handler, by provider. */
  depth: ReadonlyMap<string, number>;
  /** Where reports come from, by the intake's name. */
  intakes: readonly { name: string; alive: boolean; lagMs: number | null }[];
  /** Reports of the last day that matched no delivery. */
  unmatched: number;
  /** Alerts for which nobody has answered. */
  alerts: number;
}

export interface GaugeSource {
  /** Rejects when the database or the queue does not answer. */
  read(): Promise<Gauges>;
}
