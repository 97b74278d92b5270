// The queue of the embedded mode: lists in the process's memory. It forgets everything when the process ends,
// which is allowed: the dispatcher offers again what the database says is due.
import type { JobQueue, LaneJob } from "../../delivery/queue.ts";

/** Jobs kept waiting for one provider; more would only say the same again. */
const FEW = 16;

interface Line {
  jobs: LaneJob[];
  running: Promise<void> | null;
}

export function createMemoryQueue(): JobQueue {
  const lines = new Map<string, Line>();
  let handler: ((job: LaneJob, provider: string) => Promise<void>) | null = null;

  function lineOf(provider: string): Line {
    let line = lines.get(provider);
    if (line === undefined) {
      line = { jobs: [], running: null };
      lines.set(provider, line);
    }
    return line;
  }

  function run(provider: string, line: Line): void {
    const handle = handler;
    const job = line.jobs[0];
    if (handle === null || job === undefined || line.running !== null) return;
    line.jobs.shift();
    line.running = handle(job, provider)
      .catch(() => undefined)
      .then(() => {
        line.running = null;
        run(provider, line);
      });
  }

  return {
    offer: async (provider, job) => {
      const line = lineOf(provider);
      const known = line.jobs.some((other) => other.lane === job.lane && other.epoch === job.epoch);
      if (known || line.jobs.length >= FEW) return;
      line.jobs.push(job);
      run(provider, line);
    },
    start: async (start) => {
      handler = start;
      for (const [provider, line] of lines) run(provider, line);
    },
    depth: async (provider) => {
      const line = lines.get(provider);
      return line === undefined ? 0 : line.jobs.length + (line.running === null ? 0 : 1);
    },
    stop: async () => {
      handler = null;
      for (const line of lines.values()) line.jobs = [];
      await Promise.all([...lines.values()].map((line) => line.running));
    },
  };
}
