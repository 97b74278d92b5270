// Reads the bytes of a client list as strict UTF-8 text with plain "\n" line ends, a block at a time. Decides what is
// not text that we take (UTF-16, Latin-1, a workbook) and says where; rows and quotes are csv.ts.
import { isUtf8 } from "node:buffer";
import { createReadStream } from "node:fs";
import path from "node:path";
import { BellwetherError } from "../errors.ts";

const BLOCK_BYTES = 64 * 1024;
const REMEDY = 'Save the list again as UTF-8; in Excel: "Save As", file type "CSV UTF-8".';

/** The bytes of a file. @throws BellwetherError("file-unreadable"), or the signal's reason. */
export async function* readBytes(file: string, signal?: AbortSignal): AsyncGenerator<Buffer> {
  const stream = createReadStream(file, { highWaterMark: BLOCK_BYTES });
  try {
    for await (const block of stream) {
      signal?.throwIfAborted();
      yield block;
    }
  } catch (error) {
    if (error instanceof Error && "syscall" in error)
      throw new BellwetherError(
        "file-unreadable",
        `${file} cannot be read: ${why(error)}.`,
        "Check the path and the rights on the file.",
        { cause: error },
      );
    throw error;
  } finally {
    stream.destroy();
  }
}

/** Blocks of text without byte order mark. @throws BellwetherError("csv-encoding" | "file-unreadable") */
export async function* readText(file: string, signal?: AbortSignal): AsyncGenerator<string> {
  let carried: Buffer = Buffer.alloc(0);
  let heldReturn = "";
  let offset = 0;
  let line = 1;
  let first = true;

  const decode = (bytes: Buffer): string => {
    if (!isUtf8(bytes)) throw notUtf8(file, bytes, offset, line);
    let text = bytes.toString("utf8");
    if (offset === 0 && text.startsWith("\ufeff")) text = text.slice(1);
    offset += bytes.length;
    return text;
  };

  for await (const block of readBytes(file, signal)) {
    if (first) refuseKnownBinaries(file, block);
    first = false;
    const bytes = carried.length === 0 ? block : Buffer.concat([carried, block]);
    const end = bytes.length - unfinishedTail(bytes);
    carried = bytes.subarray(end);
    let text = heldReturn + decode(bytes.subarray(0, end));
    // A return at the end may be half of a "\r\n".
    heldReturn = text.endsWith("\r") ? "\r" : "";
    if (heldReturn !== "") text = text.slice(0, -1);
    text = plainLineEnds(text);
    line += countLineEnds(text);
    if (text !== "") yield text;
  }
  const rest = plainLineEnds(heldReturn + decode(carried));
  if (rest !== "") yield rest;
}

/** How often "\n" occurs in text[0, end). */
export function countLineEnds(text: string, end = text.length): number {
  let count = 0;
  for (let at = text.indexOf("\n"); at !== -1 && at < end; at = text.indexOf("\n", at + 1)) count += 1;
  return count;
}

function plainLineEnds(text: string): string {
  return text.includes("\r") ? text.replace(/\r\n?/g, "\n") : text;
}

/** Octets at the end that begin a character whose rest is yet to come (RFC 3629 section 3): 0 to 3. */
function unfinishedTail(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? back : 0;
  }
  return 0;
}

function refuseKnownBinaries(file: string, bytes: Buffer): void {
  const [a, b, c, d] = bytes;
  let kind: string | undefined;
  if ((a === 0xff && b === 0xfe) || (a === 0xfe && b === 0xff)) kind = "UTF-16 text";
  else if ((a === 0 && b !== 0) || (a !== 0 && b === 0)) kind = "UTF-16 text";
  else if (a === 0x50 && b === 0x4b && c === 3 && d === 4) kind = "a workbook or another zip archive";
  if (kind !== undefined)
    throw new BellwetherError("csv-encoding", `${file}, line 1, byte 1: this is ${kind}, not UTF-8.`, REMEDY);
}

function notUtf8(file: string, bytes: Buffer, offset: number, lineAtStart: number): BellwetherError {
  // Decoding leniently puts U+FFFD where the trouble is; what stands before it has its true length in octets.
  const text = bytes.toString("utf8");
  let at = 0;
  let byte = 0;
  for (let mark = text.indexOf("\ufffd"); mark !== -1; mark = text.indexOf("\ufffd", mark + 1)) {
    byte += Buffer.byteLength(text.slice(at, mark));
    at = mark;
    if (!bytes.subarray(byte, byte + 3).equals(Buffer.from("\ufffd"))) break;
  }
  const line = lineAtStart + countLineEnds(plainLineEnds(text.slice(0, at)));
  const value = (bytes[byte] ?? 0).toString(16).toUpperCase().padStart(2, "0");
  return new BellwetherError(
    "csv-encoding",
    `${file}, line ${line}, byte ${offset + byte + 1} of the file: 0x${value} is not UTF-8 here (Latin-1 or Windows-1252?).`,
    REMEDY,
  );
}

function why(error: Error): string {
  const code = "code" in error ? error.code : undefined;
  if (code === "ENOENT") return "there is no such file";
  if (code === "EISDIR")
    return `${path.basename("path" in error ? String(error.path) : "") || "it"} is a folder`;
  if (code === "EACCES" || code === "EPERM") return "this user may not read it";
  return error.message;
}
