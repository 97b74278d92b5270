// The road by command: a program of the operator's own, run without a shell in the folder of the configuration. It gets
// the alert as JSON on stdin and in variables, and has to end with 0 in time; else it is ended, with all that it started.
import { type ChildProcess, spawn } from "node:child_process";
import { payloadOf, variablesOf } from "../../alert/message.ts";
import type { Road, RoadAnswer } from "../../alert/road.ts";

const LIMIT_MS = 20_000;
/** Between the request to end and the order. */
const GRACE_MS = 2_000;
const SAID_BYTES = 2_000;

export function createCommandRoad(options: {
  /** The program first. */
  command: readonly string[];
  directory: string;
  limitMs?: number;
}): Road {
  const { command, directory, limitMs = LIMIT_MS } = options;
  return {
    name: "command",
    targets: { first: [""], deputy: [""] },
    tell: ({ alert, deputy }, signal) =>
      run({
        command,
        directory,
        limitMs,
        signal,
        env: { ...environment(), ...variablesOf(alert, deputy) },
        input: `${JSON.stringify(payloadOf(alert, deputy))}\n`,
      }),
  };
}

/** What this process has, without what is Bellwether's own: passwords are no business of a pager. */
function environment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("BELLWETHER_")));
}

function run(order: {
  command: readonly string[];
  directory: string;
  limitMs: number;
  signal: AbortSignal;
  env: NodeJS.ProcessEnv;
  input: string;
}): Promise<RoadAnswer> {
  const { command, directory, limitMs, signal, env, input } = order;
  const [program = "", ...args] = command;
  return new Promise((resolve) => {
    if (signal.aborted) return resolve({ ok: false, answer: "this process ends" });
    let child: ChildProcess;
    try {
      // In a group of its own, so that what it has started can be ended with it.
      child = spawn(program, args, {
        cwd: directory,
        env,
        detached: true,
        stdio: ["pipe", "ignore", "pipe"],
      });
    } catch (error) {
      return resolve({ ok: false, answer: whyNot(error) });
    }
    let said = "";
    let ended: string | null = null;
    const end = (why: string) => {
      ended ??= why;
      kill(child, "SIGTERM");
      grace ??= setTimeout(() => kill(child, "SIGKILL"), GRACE_MS);
    };
    let grace: NodeJS.Timeout | null = null;
    const limit = setTimeout(() => end(`it did not end within ${Math.round(limitMs / 1000)} s`), limitMs);
    const onAbort = () => end("this process ends");
    signal.addEventListener("abort", onAbort, { once: true });
    const settle = (answer: RoadAnswer) => {
      clearTimeout(limit);
      signal.removeEventListener("abort", onAbort);
      // Who was asked to end and has left others behind: those are ended too.
      if (grace !== null) {
        clearTimeout(grace);
        kill(child, "SIGKILL");
      }
      child.stderr?.destroy();
      resolve(answer);
    };
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      said = `${said}${text}`.slice(0, SAID_BYTES);
    });
    // It need not read what it is given.
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(input);
    child.once("error", (error) => settle({ ok: false, answer: whyNot(error) }));
    child.once("exit", (code, by) => {
      // What it said last may still be in the pipe.
      setImmediate(() => settle(answerOf({ code, by, ended, said })));
    });
  });
}

function kill(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // Nobody of the group is left.
  }
}

function answerOf(end: {
  code: number | null;
  by: NodeJS.Signals | null;
  ended: string | null;
  said: string;
}): RoadAnswer {
  if (end.code === 0 && end.ended === null) return { ok: true, answer: "it ended with 0" };
  const how = end.ended ?? (end.code === null ? `${end.by} ended it` : `it ended with ${end.code}`);
  const last = end.said.trim().split("\n").at(-1) ?? "";
  return { ok: false, answer: last === "" ? how : `${how}: ${last}` };
}

function whyNot(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
  if (code === "ENOENT") return "there is no such program, or no folder to run it in (ENOENT)";
  if (code === "EACCES") return "it may not be run (EACCES)";
  return `it cannot be run (${code})`;
}
