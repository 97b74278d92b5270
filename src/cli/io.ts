// Where a command's words go: machine output to stdout, people's text and progress to stderr, colour only on a
// terminal. And how an error is told: what, where, what to do - never a stack trace unless asked for.
import type { Open } from "../application.ts";
import { BellwetherError, EXIT } from "../errors.ts";

export interface Io {
  /** Machine output, or the product of a command (a CSV, a log). */
  out(text: string): Promise<void>;
  /** A line for people. */
  say(text: string): void;
  readonly err: NodeJS.WriteStream;
  /** stderr is a terminal: progress may redraw, colour may be used. */
  readonly isTerminal: boolean;
  readonly colour: boolean;
  /** Asks yes or no; false when nobody can answer. */
  confirm(question: string): Promise<boolean>;
  /** Somebody sits there to answer. */
  readonly canAsk: boolean;
  /** Opens the program; loads its code only then. */
  readonly open: Open;
}

export function createIo(open: Open): Io {
  const isTerminal = process.stderr.isTTY === true;
  // The reader of a pipe may leave (`untold | head`); the write that meets it is answered by its own callback.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
  const canAsk = process.stdin.isTTY === true && isTerminal;
  return {
    open,
    out: (text) =>
      new Promise((resolve, reject) => {
        process.stdout.write(text, (error) => (error ? reject(error) : resolve()));
      }),
    say: (text) => {
      process.stderr.write(`${text}\n`);
    },
    err: process.stderr,
    isTerminal,
    colour: isTerminal && process.env.NO_COLOR === undefined && process.env.TERM !== "dumb",
    canAsk,
    confirm: async (question) => {
      if (!canAsk) return false;
      const { createInterface } = await import("node:readline/promises");
      const ask = createInterface({ input: process.stdin, output: process.stderr });
      try {
        return /^\s*y(es)?\s*$/i.test(await ask.question(`${question} [y/N] `));
      } finally {
        ask.close();
      }
    },
  };
}

/** Tells an error and returns the exit code that it means. */
export function tellError(io: Io, error: unknown, json: boolean): number {
  if (error instanceof BellwetherError) {
    const { code, message, hint } = error;
    if (json) void io.out(`${JSON.stringify({ error: { code, message, hint } })}\n`);
    io.say(`bellwether: ${message}`);
    io.say(`  ${hint}`);
    if (code === "internal") io.say(`  (${code})`);
    return error.exit;
  }
  // The reader of a pipe left (`untold | head`): that is not an error of ours.
  if ((error as NodeJS.ErrnoException | undefined)?.code === "EPIPE") return EXIT.done;
  const text = error instanceof Error ? error.message : String(error);
  if (json) void io.out(`${JSON.stringify({ error: { code: "internal", message: text } })}\n`);
  io.say(`bellwether: internal error: ${text}`);
  io.say(
    "  This is a defect of the program; nothing that was recorded is lost. BELLWETHER_LOG=debug shows where.",
  );
  if (process.env.BELLWETHER_LOG === "debug" && error instanceof Error) io.say(error.stack ?? "");
  return EXIT.internal;
}
