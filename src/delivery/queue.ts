// The queue port. A job says only "this lane has work": it holds no address and no body, so a queue may lose,
// repeat or reorder jobs and nothing is lost, doubled or leaked by it.

export interface LaneJob {
  lane: number;
  epoch: number;
}

export interface JobQueue {
  /** Offers a job to the provider's queue; dropped silently when that queue holds `few` or more. */
  offer(provider: string, job: LaneJob): Promise<void>;
  /** Begins to hand jobs to `handler`, one at a time for each provider. A handler that throws loses its job. */
  start(handler: (job: LaneJob, provider: string) => Promise<void>): Promise<void>;
  /** Jobs waiting or in a handler. */
  depth(provider: string): Promise<number>;
  /** Stops handing out; resolves when no handler runs. Twice is once. */
  stop(): Promise<void>;
}
