// Where in a log the reading stopped, in a form that survives rotation: the file's inode, the offset, and a hash of
// its first bytes. After a pause it finds what has been written since, in the renamed, copied or compressed file and
// in those that came after it.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, open, readdir, stat } from "node:fs/promises";
import path from "node:path";
import { createGunzip } from "node:zlib";

export interface LogPlace {
  inode: string;
  offset: number;
  /** Hash of the file's first `headBytes` bytes: by it a copy is known, and a new file under an old inode. */
  head: string;
  headBytes: number;
}

/** A file, or the rest of one, that has not been read. */
export interface LogPiece {
  path: string;
  packed: boolean;
  /** Of the unpacked text. */
  offset: number;
}

export interface Unread {
  /** In the order in which they were written; the last is the log itself unless it is missing. */
  pieces: readonly LogPiece[];
  /** False: the file that was being read is not there any more, so lines may have been lost. */
  found: boolean;
}

export const HEAD_BYTES = 256;
/** A head that is shorter may be that of another file that began in the same second. */
const SURE_HEAD_BYTES = 64;
/** Rotated files that are looked at, newest first. */
const ROTATED_FILES = 64;

export function hashOf(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("base64url").slice(0, 22);
}

export function writePlace({ inode, offset, head, headBytes }: LogPlace): string {
  return JSON.stringify({ inode, offset, head, headBytes });
}

/** Null for what it did not write. */
export function readPlace(text: string | null): LogPlace | null {
  if (text === null) return null;
  let value: Partial<LogPlace> | null;
  try {
    value = JSON.parse(text) as Partial<LogPlace> | null;
  } catch {
    return null;
  }
  const { inode, offset, head, headBytes } = value ?? {};
  if (typeof inode !== "string" || typeof head !== "string") return null;
  if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(headBytes)) return null;
  return { inode, offset: offset ?? 0, head, headBytes: headBytes ?? 0 };
}

/** What of the log `file` has been written since `place`. Rejects when its folder cannot be read. */
export async function unreadSince(file: string, place: LogPlace): Promise<Unread> {
  const current = await statOf(file);
  const whole: LogPiece = { path: file, packed: false, offset: 0 };
  if (current !== null && (await isThere(whole, current, place)))
    return { pieces: [{ ...whole, offset: place.offset }], found: true };
  const rotated = await rotatedFiles(file);
  for (const [index, { piece, is }] of rotated.entries()) {
    if (!(await isThere(piece, is, place))) continue;
    const newer = rotated.slice(0, index).reverse();
    const pieces = [{ ...piece, offset: place.offset }, ...newer.map((one) => one.piece)];
    return { pieces: current === null ? pieces : [...pieces, whole], found: true };
  }
  return { pieces: current === null ? [] : [whole], found: false };
}

interface FileIs {
  inode: string;
  size: number;
  changedMs: number;
}

export function inodeOf({ dev, ino }: { dev: bigint; ino: bigint }): string {
  return `${dev}:${ino}`;
}

/** Null: there is none. Follows links. */
export async function statOf(file: string): Promise<(FileIs & { isFile: boolean }) | null> {
  try {
    const is = await stat(file, { bigint: true });
    return {
      inode: inodeOf(is),
      size: Number(is.size),
      changedMs: Number(is.mtimeMs),
      isFile: is.isFile(),
    };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

/** mail.log.1, mail.log-20261123, mail.log.2.gz, maillog.20261123-020000.gz; newest first. */
async function rotatedFiles(file: string): Promise<{ piece: LogPiece; is: FileIs }[]> {
  const folder = path.dirname(file);
  const base = path.basename(file);
  const listed = new Set(await readdir(folder));
  const names = [...listed].filter(
    (name) =>
      name.startsWith(base) &&
      /^[.-]\d[\d.-]*(?:\.gz)?$/.test(name.slice(base.length)) &&
      // Being packed at this moment: the whole one is still there.
      !(name.endsWith(".gz") && listed.has(name.slice(0, -3))),
  );
  const found = await Promise.all(
    names.map(async (name) => {
      const at = path.join(folder, name);
      const is = await statOf(at);
      if (is === null || !is.isFile) return [];
      return [{ piece: { path: at, packed: name.endsWith(".gz"), offset: 0 }, is }];
    }),
  );
  return found
    .flat()
    .sort((a, b) => b.is.changedMs - a.is.changedMs)
    .slice(0, ROTATED_FILES);
}

/** Whether this file is the one that was being read, or a copy of it. */
async function isThere(piece: LogPiece, is: FileIs, place: LogPlace): Promise<boolean> {
  if (!piece.packed && is.size < place.offset) return false;
  if (place.headBytes < SURE_HEAD_BYTES && is.inode !== place.inode) return false;
  try {
    return hashOf(await headOf(piece, place.headBytes)) === place.head;
  } catch {
    // A packed file that is still being written, or one that we may not read: not ours, as far as we can see.
    return false;
  }
}

/** How a piece begins, at most so many bytes. */
export async function headOf(piece: LogPiece, bytes: number): Promise<Buffer> {
  if (bytes === 0) return Buffer.alloc(0);
  if (!piece.packed) {
    const handle = await open(piece.path);
    try {
      return await readAt(handle, 0, bytes);
    } finally {
      await handle.close();
    }
  }
  const parts: Buffer[] = [];
  let length = 0;
  for await (const chunk of chunksOf({ ...piece, offset: 0 })) {
    parts.push(chunk);
    length += chunk.length;
    if (length >= bytes) break;
  }
  return Buffer.concat(parts).subarray(0, bytes);
}

export async function readAt(handle: FileHandle, offset: number, bytes: number): Promise<Buffer> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(bytes), 0, bytes, offset);
  return buffer.subarray(0, bytesRead);
}

/** The text of a piece from its offset on; rejects when it cannot be read. */
export async function* chunksOf(piece: LogPiece): AsyncGenerator<Buffer> {
  if (!piece.packed) {
    yield* createReadStream(piece.path, { start: piece.offset });
    return;
  }
  const source = createReadStream(piece.path);
  const unpacked = createGunzip();
  source.on("error", (error) => unpacked.destroy(error));
  source.pipe(unpacked);
  let skip = piece.offset;
  try {
    for await (const chunk of unpacked as AsyncIterable<Buffer>) {
      if (skip >= chunk.length) skip -= chunk.length;
      else {
        yield chunk.subarray(skip);
        skip = 0;
      }
    }
  } finally {
    source.destroy();
    unpacked.destroy();
  }
}
