// The life of a sending process: it registers, beats, polls, dispatches, sends, reaps the dead, and drains. Which
// database, queue and transport stand behind it is decided where it is composed.
import { randomUUID } from "node:crypto";
import os from "node:os";
import type { Hearing } from "../breaker/silence.ts";
import type { Clock } from "../clock.ts";
import { createDispatcher } from "./dispatcher.ts";
import { createLaneViews } from "./lane-views.ts";
import type { Observer } from "./observer.ts";
import type { JobQueue } from "./queue.ts";
import { createSender, type MailSource, type RouteLimits } from "./sender.ts";
import { createOwnRoutes, type RouteShares } from "./share.ts";
import { LEASE_MS, type Ledger } from "./store.ts";
import type { Transport } from "./transport.ts";
import { createWriter } from "./writer.ts";

/** alert: what people are called for; alert-road: a way to call them that fails. */
export type NoticeKind = "route" | "store" | "intake" | "alert" | "alert-road";

export interface EngineOptions {
  ledger: Ledger;
  queue: JobQueue;
  transport: Transport;
  mails: MailSource;
  clock: Clock;
  limitsOf: (route: string) => RouteLimits;
  /** How routes are shared with other processes; by default there are none. */
  shares?: RouteShares;
  soakMs: number;
  /** What can be heard of mails that a relay took. */
  hearing?: Hearing;
  /** A coordinator offers work and ends what time ends; it sends nothing itself. Default: it sends too. */
  role?: "sender" | "coordinator";
  /** No other process can be alive on this database. */
  exclusive: boolean;
  /** Told of what a person should see: a route that cannot be reached, a database that does not answer. */
  onNotice: (notice: { kind: NoticeKind; name: string; trouble: string | null }) => void;
  /** Told what is counted; nobody by default. */
  observer?: Observer | undefined;
  /** A worker silent for so long, by the database's time, is dead. */
  leaseMs?: number;
}

export interface Engine {
  start(): Promise<void>;
  /** The database took this process's sign of life within the lease, and it is not ending: it may send. */
  readonly registered: boolean;
  /** Ends what is on the wire, gives back the rest, stops every loop. Twice is once. */
  drain(): Promise<void>;
  /** Stops at once: what is on the wire will be uncertain. */
  abort(): void;
}

const POLL_MS = 100;
const BEAT_MS = 2_000;
const TICK_MS = 250;
const REAP_MS = 5_000;

export function createEngine(options: EngineOptions): Engine {
  const { ledger, queue, clock } = options;
  const leaseMs = options.leaseMs ?? LEASE_MS;
  const sends = options.role !== "coordinator";
  const stopping = new AbortController();
  const views = createLaneViews();
  const loops: Promise<void>[] = [];
  let worker = newWorkerId();
  let beatAtMs = Number.NEGATIVE_INFINITY;
  let drained: Promise<void> | null = null;
  let aborted = false;
  let storeTrouble: string | null = null;

  const onTrouble = (error: unknown) => notice(error instanceof Error ? error.message : String(error));
  const notice = (trouble: string | null) => {
    if (trouble === storeTrouble) return;
    storeTrouble = trouble;
    options.onNotice({ kind: "store", name: "database", trouble });
  };

  const writer = createWriter({
    ledger,
    worker: () => worker,
    clock,
    onLanes: (lanes) => {
      notice(null);
      views.learn(lanes);
    },
    onTrouble,
    observer: options.observer,
  });
  const sender = createSender({
    ledger,
    writer,
    views,
    transport: options.transport,
    mails: options.mails,
    clock,
    worker: () => worker,
    // Half a lease before others may call us dead: a process that was stopped must not send what it had prepared.
    leaseHolds: () => clock.monotonic() - beatAtMs < leaseMs / 2,
    limitsOf: options.limitsOf,
    shares: options.shares ?? createOwnRoutes(clock),
    onReach: (name, trouble) => options.onNotice({ kind: "route", name, trouble }),
    observer: options.observer,
  });
  const dispatcher = createDispatcher({ ledger, queue, views, clock });

  async function register(exclusive: boolean): Promise<void> {
    worker = newWorkerId();
    const atMs = clock.monotonic();
    await ledger.register({ id: worker, host: os.hostname(), pid: process.pid, exclusive });
    beatAtMs = atMs;
  }

  async function beat(): Promise<void> {
    const atMs = clock.monotonic();
    if (await ledger.heartbeat(worker)) {
      beatAtMs = atMs;
      await sender.giveBack();
    } else {
      // Somebody took us for dead while we slept: what we had claimed is no longer ours.
      await register(false);
    }
  }

  async function repeat(everyMs: number, work: () => Promise<unknown>): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await work();
      } catch (error) {
        onTrouble(error);
      }
      await clock.sleep(everyMs, stopping.signal);
    }
  }

  return {
    get registered() {
      return drained === null && !aborted && clock.monotonic() - beatAtMs < leaseMs;
    },
    start: async () => {
      if (sends) {
        await register(options.exclusive);
        await ledger.reap({ leaseMs, self: worker });
        // A claim that fails is offered again by the next poll; a person must hear of it all the same.
        await queue.start((job) => sender.handle(job).catch(onTrouble));
        loops.push(repeat(BEAT_MS, beat));
      }
      loops.push(
        repeat(POLL_MS, () => dispatcher.poll()),
        repeat(TICK_MS, () => ledger.tick({ soakMs: options.soakMs, hearing: options.hearing })),
        repeat(REAP_MS, () => ledger.reap({ leaseMs, self: worker })),
      );
    },
    drain: () => {
      drained ??= (async () => {
        dispatcher.stop();
        if (sends) await sender.drain();
        stopping.abort();
        await queue.stop();
        await Promise.all(loops);
      })();
      return drained;
    },
    abort: () => {
      aborted = true;
      stopping.abort();
      writer.abort();
    },
  };
}

function newWorkerId(): string {
  return randomUUID();
}
