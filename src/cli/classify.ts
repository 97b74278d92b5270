// classify: what an SMTP reply or a mail that came back means - one, or one JSON line after another. A stream does not
// die of one bad line: it is answered with its error, the others go on, and the exit code tells at the end.
import { closeSync, existsSync, openSync, readSync } from "node:fs";
import { classifyReply } from "../bounce/classifier.ts";
import { LOOKED_AT, looksLikeMail } from "../bounce/mime.ts";
import { readReport } from "../bounce/read-report.ts";
import { type Summary, summarise } from "../bounce/summary.ts";
import { BellwetherError, EXIT, type ExitCode } from "../errors.ts";
import type { Io } from "./io.ts";
import { LINE_LIMIT, lineGroups, unreadable } from "./lines.ts";

/** Bad lines that are named on stderr; all are counted. */
const NAMED = 5;
const HINT = 'Each line is {"id","text"} or {"id","file"}, and "provider" when it is known.';

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
      'Give a reply in quotes, a mail\'s file, or "-" for standard input.',
    );
  }
  await io.out(`${JSON.stringify({ id: null, ...answerTo(input) })}\n`);
  return EXIT.done;
}

function answerTo(input: string) {
  if (input === "-") return answerOf(headOf(0, "standard input"), undefined, false);
  const isNamedMail = input.toLowerCase().endsWith(".eml");
  if (isNamedMail || (input.length < 4_096 && existsSync(input))) {
    return answerOf(headOfFile(input), undefined, isNamedMail);
  }
  return answerText(input, undefined);
}

async function classifyLines(io: Io, input: string | undefined): Promise<ExitCode> {
  const bad: number[] = [];
  let count = 0;
  let number = 0;
  const answers: string[] = [];
  const answer = (line: string) => {
    number += 1;
    if (line.trim() === "") return;
    const { text, isBad } = answerLine(line, number);
    answers.push(text);
    if (!isBad) return;
    count += 1;
    if (bad.length < NAMED) bad.push(number);
  };
  // What came in together is answered together, and before more is read: whoever waits for an answer gets it.
  for await (const lines of lineGroups(input)) {
    for (const line of lines) {
      answer(line);
      if (answers.length >= 500) await io.out(`${answers.splice(0).join("\n")}\n`);
    }
    if (answers.length > 0) await io.out(`${answers.splice(0).join("\n")}\n`);
  }
  if (count === 0) return EXIT.done;
  const which = `${bad.join(", ")}${count > bad.length ? ", ..." : ""}`;
  io.say(
    `bellwether: ${count} of ${number} lines could not be answered (line ${which}); each has its error in its place.`,
  );
  return EXIT.usage;
}

function answerLine(line: string, number: number): { text: string; isBad: boolean } {
  let id: unknown = null;
  try {
    const row = rowOf(line, number);
    id = row.id ?? null;
    const provider = typeof row.provider === "string" ? row.provider : undefined;
    return { text: JSON.stringify({ id, ...answerRow(row, provider, number) }), isBad: false };
  } catch (error) {
    if (!(error instanceof BellwetherError)) throw error;
    const { code, message, hint } = error;
    return { text: JSON.stringify({ id, error: { code, message, hint } }), isBad: true };
  }
}

interface Row {
  id?: unknown;
  text?: unknown;
  file?: unknown;
  provider?: unknown;
}

function rowOf(line: string, number: number): Row {
  if (line.length > LINE_LIMIT) {
    throw new BellwetherError("usage", `Line ${number} is longer than ${LINE_LIMIT} characters.`, HINT);
  }
  let row: unknown;
  try {
    row = JSON.parse(number === 1 && line.startsWith("\ufeff") ? line.slice(1) : line);
  } catch {
    throw new BellwetherError("usage", `Line ${number} is not JSON.`, HINT);
  }
  if (typeof row !== "object" || row === null || Array.isArray(row)) {
    throw new BellwetherError("usage", `Line ${number} is not an object.`, HINT);
  }
  return row;
}

function answerRow({ text, file }: Row, provider: string | undefined, number: number) {
  if (typeof text === "string") return answerText(text, provider);
  if (typeof file === "string") {
    return answerOf(headOfFile(file), provider, file.toLowerCase().endsWith(".eml"));
  }
  throw new BellwetherError("usage", `Line ${number} has neither "text" nor "file".`, HINT);
}

/** A mail, or the text of a reply, by what it looks like. */
function answerOf(bytes: Buffer, provider: string | undefined, isMail: boolean): Summary {
  if (!isMail && !looksLikeMail(bytes)) return answerText(bytes.toString("utf8"), provider);
  return summarise(readReport(bytes, provider === undefined ? {} : { provider }));
}

function answerText(text: string, given: string | undefined): Summary {
  const said = classifyReply(text, given === undefined ? {} : { provider: given });
  const { reason, fault, hard, scope, provider, code, enhanced, advice } = said;
  return { kind: "bounce", reason, fault, hard, scope, provider, code, enhanced, recipients: [], advice };
}

/** As much of the file as a report can need, so that a mail of any size costs the same. */
function headOfFile(file: string): Buffer {
  let descriptor: number;
  try {
    descriptor = openSync(file, "r");
  } catch (error) {
    throw unreadable(file, error);
  }
  try {
    return headOf(descriptor, file);
  } finally {
    closeSync(descriptor);
  }
}

/** One for all: each mail is answered before the next is read. */
const page = Buffer.allocUnsafe(LOOKED_AT);

function headOf(descriptor: number, name: string): Buffer {
  let length = 0;
  try {
    while (length < LOOKED_AT) {
      const got = readSync(descriptor, page, length, LOOKED_AT - length, null);
      if (got === 0) break;
      length += got;
    }
  } catch (error) {
    throw unreadable(name, error);
  }
  return page.subarray(0, length);
}
