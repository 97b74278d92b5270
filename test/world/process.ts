// Runs the built command line as a process of its own, so that it can be killed, stopped and woken like in life.
// Whoever starts one ends it: endMailers() when its test is over; and none outlives the process that started it.
import { type ChildProcess, spawn } from "node:child_process";
import path from "node:path";

const MAIN = path.resolve(import.meta.dirname, "../../dist/main.js");

export interface Ended {
  /** null: a signal ended it. */
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface Mailer {
  readonly pid: number;
  readonly running: boolean;
  stdout(): string;
  stderr(): string;
  /** Resolves when the process is gone and its output is read to the end. */
  readonly ended: Promise<Ended>;
  /** Does nothing once it has ended. */
  signal(signal: NodeJS.Signals): void;
  /** Kill -9, and its end. */
  kill(): Promise<Ended>;
  /** Resolves once stderr holds the text; rejects when the process ends without having said it. */
  said(text: string): Promise<void>;
}

const running = new Map<ChildProcess, string>();
process.on("exit", () => {
  for (const child of running.keys()) child.kill("SIGKILL");
});

/** Starts `bellwether ...args` in a folder; nobody sits at its terminal. */
export function startMailer(
  folder: string,
  args: readonly string[],
  /** Its own variables, beside the configuration of the folder. */
  env: Readonly<Record<string, string>> = {},
): Mailer {
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: folder,
    env: { ...withoutOurs(process.env), NO_COLOR: "1", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.set(child, folder);
  let stdout = "";
  let stderr = "";
  const listeners = new Set<() => void>();
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    for (const listener of listeners) listener();
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      running.delete(child);
      resolve({ code, signal, stdout, stderr });
    });
  });
  const isRunning = () => child.exitCode === null && child.signalCode === null;
  return {
    pid: child.pid ?? 0,
    get running() {
      return isRunning();
    },
    stdout: () => stdout,
    stderr: () => stderr,
    ended,
    signal: (signal) => {
      if (isRunning()) child.kill(signal);
    },
    kill: () => {
      if (isRunning()) child.kill("SIGKILL");
      return ended;
    },
    said: (text) =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (!stderr.includes(text)) return;
          listeners.delete(look);
          resolve();
        };
        listeners.add(look);
        look();
        ended.then(
          () => reject(new Error(`it ended without saying ${JSON.stringify(text)}:\n${stderr}`)),
          reject,
        );
      }),
  };
}

/** Runs a command to its end. */
export function runMailer(folder: string, args: readonly string[]): Promise<Ended> {
  return startMailer(folder, args).ended;
}

/** Ends, with kill -9, whatever still runs (in this folder, if one is given); a stopped process too. */
export async function endMailers(folder?: string): Promise<void> {
  const children = [...running].filter(([, where]) => folder === undefined || where === folder);
  await Promise.all(
    children.map(async ([child]) => {
      const gone = new Promise((resolve) => child.once("close", resolve));
      child.kill("SIGKILL");
      await gone;
    }),
  );
}

/** The configuration of whoever runs the tests shall not reach the program under test. */
function withoutOurs(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !/^(BELLWETHER_|NODE_OPTIONS$)/.test(name)),
  );
}
