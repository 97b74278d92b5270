// The ledger in a thread of its own. A durable commit waits some milliseconds for the disk, and better-sqlite3 waits
// with its whole thread: there it keeps nobody from rendering and sending, and what ends meanwhile makes the next
// group larger. The same ledger runs behind it; errors come back as what they were.
import { Worker } from "node:worker_threads";
import type { Clock } from "../../clock.ts";
import type { Ledger } from "../../delivery/store.ts";
import { BellwetherError } from "../../errors.ts";
import type { LedgerConfig } from "./ledger.ts";

/** What the thread is started with. */
export interface ThreadSetup {
  file: string;
  config: LedgerConfig;
}

export interface Request {
  id: number;
  /** The caller's clock: the thread has none of its own. */
  nowMs: number;
  method: keyof Ledger | "close";
  argument: unknown;
}

export type Answer =
  | { id: number; result: unknown }
  | { id: number; error: { message: string; code?: string; hint?: string } };

interface Pending {
  resolve: (result: never) => void;
  reject: (error: unknown) => void;
}

export interface ThreadedLedger {
  ledger: Ledger;
  close(): Promise<void>;
}

/** The compiled thread; null when this program runs from its sources, where no thread can load them. */
export const LEDGER_THREAD = import.meta.url.endsWith(".js")
  ? new URL("./ledger-worker.js", import.meta.url)
  : null;

/** Starts the thread at the first request, and again after it died; what it was asked then fails, and is asked anew. */
export function createThreadedLedger(options: ThreadSetup & { entry: URL; clock: Clock }): ThreadedLedger {
  const { file, config, entry, clock } = options;
  const pending = new Map<number, Pending>();
  let worker: Worker | null = null;
  let lastId = 0;

  function start(): Worker {
    const started = new Worker(entry, { workerData: { file, config } satisfies ThreadSetup });
    started.on("message", (answer: Answer) => {
      const asked = pending.get(answer.id);
      pending.delete(answer.id);
      if (pending.size === 0) started.unref();
      if (asked === undefined) return;
      if ("error" in answer) asked.reject(errorOf(answer.error));
      else asked.resolve(answer.result as never);
    });
    const died = (error: unknown) => {
      if (worker !== started) return;
      worker = null;
      for (const { reject } of pending.values()) reject(error);
      pending.clear();
    };
    started.on("error", died);
    started.on("exit", () => died(new Error("The thread that writes the database has ended.")));
    return started;
  }

  function ask<T>(method: Request["method"], argument?: unknown): Promise<T> {
    worker ??= start();
    const on = worker;
    return new Promise<T>((resolve, reject) => {
      lastId += 1;
      pending.set(lastId, { resolve, reject });
      // It holds the process only while something is asked of it.
      on.ref();
      on.postMessage({ id: lastId, nowMs: clock.now(), method, argument } satisfies Request);
    });
  }

  return {
    ledger: {
      register: (given) => ask("register", given),
      heartbeat: (given) => ask("heartbeat", given),
      lanes: () => ask("lanes"),
      claim: (given) => ask("claim", given),
      commit: (given) => ask("commit", given),
      release: (given) => ask("release", given),
      reap: (given) => ask("reap", given),
      tick: (given) => ask("tick", given),
    },
    close: async () => {
      const open = worker;
      if (open === null) return;
      await ask("close").catch(() => undefined);
      worker = null;
      await open.terminate();
    },
  };
}

function errorOf({ message, code, hint }: { message: string; code?: string; hint?: string }): Error {
  if (code === undefined || hint === undefined) return new Error(message);
  return new BellwetherError(code as BellwetherError["code"], message, hint);
}
