// classify: what an SMTP reply means - one text, or one JSON line after another.
import { createReadStream, existsSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { classifyReply } from "../bounce/classifier.ts";
import type { Classification } from "../bounce/reason.ts";
import { BellwetherError, EXIT, type ExitCode } from "../errors.ts";
import type { Io } from "./io.ts";
import { readStdin } from "./open.ts";

export async function classify(
  io: Io,
  input: string | undefined,
  options: { jsonl?: boolean },
): Promise<ExitCode> {
  if (options.jsonl === true) return classifyLines(io, input);
  if (input === undefined) {
    throw new BellwetherError(
      "usage",
      "There is nothing to classify.",
      'Give a reply in quotes, or "-" for standard input.',
    );
  }
  const text = input === "-" ? readStdin() : existsSync(input) ? readFileSync(input, "utf8") : input;
  await io.out(`${JSON.stringify(answerOf(null, classifyReply(text)))}\n`);
  return EXIT.done;
}

async function classifyLines(io: Io, input: string | undefined): Promise<ExitCode> {
  const from = input === undefined || input === "-" ? process.stdin : createReadStream(input);
  let number = 0;
  for await (const line of createInterface({ input: from, crlfDelay: Number.POSITIVE_INFINITY })) {
    number += 1;
    if (line.trim() === "") continue;
    const { id, text, provider } = readLine(line, number);
    const context = provider === undefined ? {} : { provider };
    await io.out(`${JSON.stringify(answerOf(id, classifyReply(text, context)))}\n`);
  }
  return EXIT.done;
}

function readLine(line: string, number: number): { id: unknown; text: string; provider?: string } {
  let row: { id?: unknown; text?: unknown; file?: unknown; provider?: unknown };
  try {
    row = JSON.parse(line);
  } catch {
    throw new BellwetherError(
      "usage",
      `Line ${number} is not JSON.`,
      'Each line is {"id","text"} or {"id","file"}.',
    );
  }
  const text =
    typeof row.text === "string"
      ? row.text
      : typeof row.file === "string"
        ? readFileSync(row.file, "utf8")
        : null;
  if (text === null) {
    throw new BellwetherError(
      "usage",
      `Line ${number} has neither "text" nor "file".`,
      'Each line is {"id","text"} or {"id","file"}.',
    );
  }
  return {
    id: row.id ?? null,
    text,
    ...(typeof row.provider === "string" ? { provider: row.provider } : {}),
  };
}

function answerOf(
  id: unknown,
  { reason, fault, hard, scope, provider, code, enhanced, advice }: Classification,
) {
  return { id, kind: "bounce", reason, fault, hard, scope, provider, code, enhanced, recipients: [], advice };
}
