// Mails out of files, folders and pipes, one at a time in bounded memory: a single mail, an mbox (RFC 4155 and its
// older kin), a Maildir. What a mail says is the parser's affair.
import { createReadStream } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import { BellwetherError } from "../../errors.ts";
import { KEPT_BYTES } from "./message.ts";

export interface FiledMail {
  /** Where it was found: file, and number of the mail in an mbox from 1. */
  place: string;
  /** At most KEPT_BYTES. */
  raw: Buffer;
}

/** In the order of the names and of the file. "-" is standard input. @throws BellwetherError("file-unreadable") */
export async function* readMails(names: readonly string[]): AsyncGenerator<FiledMail> {
  for (const name of names) {
    if (name === "-") yield* readOne("-", process.stdin);
    else
      for (const file of await filesOf(name)) {
        try {
          yield* readOne(file, createReadStream(file));
        } catch (error) {
          throw unreadable(file, error);
        }
      }
  }
}

/** A file is itself; a folder is the files in it, or those of a Maildir's new and cur. */
async function filesOf(name: string): Promise<string[]> {
  try {
    if (!(await stat(name)).isDirectory()) return [name];
    const entries = await readdir(name, { withFileTypes: true });
    const isMaildir = ["new", "cur"].every((sub) =>
      entries.some((one) => one.isDirectory() && one.name === sub),
    );
    if (isMaildir)
      return [...(await filesOf(path.join(name, "new"))), ...(await filesOf(path.join(name, "cur")))];
    return entries
      .filter((one) => one.isFile() && !one.name.startsWith("."))
      .map((one) => path.join(name, one.name))
      .sort();
  } catch (error) {
    throw unreadable(name, error);
  }
}

function unreadable(file: string, error: unknown): BellwetherError {
  if (error instanceof BellwetherError) return error;
  const why = (error as NodeJS.ErrnoException).code === "ENOENT" ? "it is not there" : String(error);
  return new BellwetherError(
    "file-unreadable",
    `${file} cannot be read: ${why}.`,
    "Give a mail, an mbox, a folder of mails, or - for standard input.",
    { cause: error },
  );
}

const NEW_LINE = 10;
const FROM = Buffer.from("From ");

/** An mbox begins with "From "; anything else is one mail. */
async function* readOne(place: string, stream: AsyncIterable<Buffer | string>): AsyncGenerator<FiledMail> {
  let mail = new Kept();
  let isMbox: boolean | null = null;
  let number = 0;
  let blank = true;
  for await (const line of lines(stream)) {
    if (isMbox === null) {
      isMbox = startsWith(line, FROM);
      if (isMbox) {
        number = 1;
        continue;
      }
    }
    if (isMbox && blank && startsWith(line, FROM)) {
      yield { place: `${place}, mail ${number}`, raw: mail.take() };
      number += 1;
      mail = new Kept();
      blank = false;
      continue;
    }
    blank = line.length === 1 || (line.length === 2 && line[0] === 13);
    mail.add(isMbox ? unquoted(line) : line);
  }
  if (isMbox !== null) yield { place: isMbox ? `${place}, mail ${number}` : place, raw: mail.take() };
}

/** ">From " stood for "From " at the beginning of a line, and ">>From " for ">From " (mboxrd). */
function unquoted(line: Buffer): Buffer {
  let marks = 0;
  while (line[marks] === 62) marks += 1;
  return marks > 0 && startsWith(line.subarray(marks), FROM) ? line.subarray(1) : line;
}

function startsWith(line: Buffer, start: Buffer): boolean {
  return line.subarray(0, start.length).equals(start);
}

/** The beginning of a mail; what is too much is read and forgotten. */
class Kept {
  #parts: Buffer[] = [];
  #length = 0;

  add(line: Buffer): void {
    const room = KEPT_BYTES - this.#length;
    if (room <= 0) return;
    const part = line.subarray(0, room);
    this.#parts.push(part);
    this.#length += part.length;
  }

  take(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

/** Lines with their ends, none longer than a block and what was left of the one before. */
async function* lines(stream: AsyncIterable<Buffer | string>): AsyncGenerator<Buffer> {
  let rest = Buffer.alloc(0);
  for await (const block of stream) {
    const data = Buffer.concat([rest, Buffer.from(block)]);
    let from = 0;
    for (;;) {
      const end = data.indexOf(NEW_LINE, from);
      if (end < 0) break;
      yield data.subarray(from, end + 1);
      from = end + 1;
    }
    rest = data.subarray(from);
    // A line without an end is passed on in pieces: nobody needs it whole.
    if (rest.length > KEPT_BYTES) {
      yield rest;
      rest = Buffer.alloc(0);
    }
  }
  if (rest.length > 0) yield rest;
}
