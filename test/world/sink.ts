// A simulated provider in a process of its own, so that neither the death of the mailer nor a busy test touches it.
// For crash tests (its journal and its memory both outlive a kill -9 of the mailer) and for benchmarks.
import { type ChildProcess, fork } from "node:child_process";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";
import type { ProviderFeatures } from "../../src/sandbox/desk.ts";
import type { ProviderLogEntry, ProviderOutcome } from "../../src/sandbox/provider-log.ts";
import type { SinkRule } from "./sink-rules.ts";

export { readJournal } from "../../src/sandbox/provider-log.ts";
export type { SinkRule } from "./sink-rules.ts";

export interface SinkOptions {
  /** Provider id of recipients whose domain is not in `route`; "other" by default. */
  id?: string;
  port?: number;
  replyDelayMs?: number;
  maxConnections?: number;
  features?: ProviderFeatures;
  rules?: readonly SinkRule[];
  /** Recipient domain -> provider id, when the sink stands for a relay. */
  route?: Readonly<Record<string, string>>;
  keepMessages?: boolean | number;
  /** False: counts and accepted() alone. */
  keepLog?: boolean;
  journal?: string;
}

export interface SinkCounts extends Readonly<Record<ProviderOutcome, number>> {
  connections: { now: number; peak: number; total: number };
  /** CPU time that the sink's process has used since it was ready. */
  cpuMs: number;
}

/** What the parent may ask; each question is answered with the same number. */
export type SinkQuestion =
  | { ask: "counts" | "accepted" | "log" }
  | { ask: "rules"; rules: readonly SinkRule[]; diesOfDrop?: boolean };

export interface SinkProcess {
  host: string;
  port: number;
  pid: number;
  counts(): Promise<SinkCounts>;
  /** Address as the client wrote it -> how many mails were taken for it. */
  accepted(): Promise<Map<string, number>>;
  /** Without `raw`. */
  log(): Promise<ProviderLogEntry[]>;
  /** Replaces all rules; resolves when they hold. `diesOfDrop`: when one first cuts a connection without a reply, the process dies of it. */
  setRules(rules: readonly SinkRule[], options?: { diesOfDrop?: boolean }): Promise<void>;
  /** Ends the process; a second call is fine. */
  stop(): Promise<void>;
  /** Kill -9. */
  kill(): Promise<void>;
  /** Resolves when the process is gone, however it went. */
  readonly ended: Promise<void>;
}

export async function startSinkProcess(options: SinkOptions = {}): Promise<SinkProcess> {
  // Its own flags, not the ones of the test runner; found from here, whatever the working directory is.
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
  const child = fork(path.join(import.meta.dirname, "sink-process.ts"), [JSON.stringify(options)], {
    execArgv: ["--import", tsx],
    serialization: "advanced",
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const answers = new Map<number, (value: unknown) => void>();
  const failures = new Set<(error: Error) => void>();
  const exited = new Promise<void>((resolve) => {
    child.once("exit", (code, signal) => {
      for (const fail of failures) fail(new Error(`the sink process ended (${signal ?? code})`));
      resolve();
    });
  });
  child.on("message", (message: { number: number; value: unknown }) => {
    answers.get(message.number)?.(message.value);
    answers.delete(message.number);
  });
  let number = 0;
  const wait = <T>(question: SinkQuestion | null): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      if (child.exitCode !== null || child.signalCode !== null) {
        reject(new Error("the sink process has ended"));
        return;
      }
      const mine = number++;
      failures.add(reject);
      answers.set(mine, (value) => {
        failures.delete(reject);
        resolve(value as T);
      });
      if (question !== null) child.send({ number: mine, ...question });
    });

  // Number 0 is the child's own first word.
  const { port } = await wait<{ port: number }>(null);
  return {
    host: "127.0.0.1",
    port,
    pid: child.pid ?? 0,
    counts: () => wait<SinkCounts>({ ask: "counts" }),
    accepted: () => wait<Map<string, number>>({ ask: "accepted" }),
    log: () => wait<ProviderLogEntry[]>({ ask: "log" }),
    setRules: (rules, options = {}) => wait<void>({ ask: "rules", rules, ...options }),
    async stop() {
      end(child);
      await exited;
    },
    async kill() {
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
      await exited;
    },
    ended: exited,
  };
}

function end(child: ChildProcess): void {
  if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM");
}
