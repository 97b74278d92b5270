// The intake that follows a relay's log, as `tail -F` does. It looks at the file four times a second rather than
// waiting to be told, since that works for every rotation and every file system. It reads on from where it stopped,
// through whatever rotation happened meanwhile; what a line means is in postfix-line.ts and postfix-report.ts.
//
// It begins: without a bookmark at the end of the file, or at the start of one that appears later.
// It leaves a file: when another stands under its name and nothing came for `graceMs`, or when it was cut short.
// It forgets nothing: the bookmark moves when what stands before it is recorded.
import { type FileHandle, open } from "node:fs/promises";
import type { Clock } from "../../clock.ts";
import type { Bookmarks, Deliver, Incoming, Intake, IntakeHealth } from "../../delivery/intake.ts";
import { EXCERPT_LENGTH } from "../../delivery/intake.ts";
import { BellwetherError } from "../../errors.ts";
import { createLineCutter, type Line, type LineCutter } from "./lines.ts";
import {
  chunksOf,
  HEAD_BYTES,
  hashOf,
  headOf,
  inodeOf,
  type LogPiece,
  type LogPlace,
  readAt,
  readPlace,
  statOf,
  unreadSince,
  writePlace,
} from "./log-place.ts";
import { readPostfixLine } from "./postfix-line.ts";
import { reportOf } from "./postfix-report.ts";
import { createQueueIds } from "./queue-ids.ts";

const NAME = "log";
const CHUNK_BYTES = 65_536;
/** Recorded together. */
const BATCH_LINES = 300;
/** Read again before the place where it starts, for the Message-IDs of what lies in the queue. */
const WARM_BYTES = 1_048_576;
/** The bookmark is saved so often while lines come that bring nothing. */
const QUIET_SAVE_MS = 10_000;
/** A log that is gone for so long is missing, and not being rotated. */
const MISSING_MS = 60_000;
const FAILED_MS = 1_000;
const RETRY_MS = [250, 1_000, 5_000, 15_000];

export interface LogIntakeOptions {
  file: string;
  bookmarks: Bookmarks;
  clock: Clock;
  /** 250 ms. */
  pollMs?: number;
  /** How long the old file is read on after a rotation: 2 s, for writers that keep it open that long. */
  graceMs?: number;
}

export function createLogIntake(options: LogIntakeOptions): Intake {
  const { file, bookmarks, clock, pollMs = 250, graceMs = 2_000 } = options;
  const ids = createQueueIds();
  const stopping = new AbortController();
  const { signal } = stopping;
  let running: Promise<void> | null = null;
  let deliver: Deliver = async () => undefined;
  /** Null: nothing was read yet; the log is begun at its start. */
  let place: LogPlace | null = null;
  let savedAtMs = 0;
  let batch: Incoming[] = [];
  const health: Omit<IntakeHealth, "name" | "lagMs"> = {
    state: "starting",
    seenAtMs: null,
    broughtAtMs: null,
    trouble: null,
  };
  /** What was lost, for as long as the process lives. */
  let note: string | null = null;
  /** The file that was left had been read to its end. */
  let wasDrained = false;
  /** True: all that was there has been read and recorded. */
  let isCaughtUp = false;
  let caughtUpAtMs: number | null = null;

  function fail(trouble: string): void {
    health.state = "failing";
    health.trouble = trouble;
  }

  function seen(): void {
    health.state = "alive";
    health.trouble = note;
    health.seenAtMs = clock.now();
  }

  /** Until it succeeds, or until stop, but once in any case; true when it did. */
  async function insist(what: () => Promise<void>): Promise<boolean> {
    for (let tries = 0; tries === 0 || !signal.aborted; tries++) {
      try {
        await what();
        return true;
      } catch {
        // What the error says may name a host or a user; it is the database's, which tells its own troubles.
        fail("What the log says cannot be recorded at present; it is tried again.");
        await clock.sleep(RETRY_MS[Math.min(tries, RETRY_MS.length - 1)] ?? pollMs, signal);
      }
    }
    return false;
  }

  async function save(next: LogPlace): Promise<void> {
    if (!(await insist(() => bookmarks.save(NAME, writePlace(next))))) return;
    savedAtMs = clock.monotonic();
    place = next;
  }

  /** Records what was gathered and moves the bookmark behind it. */
  async function flush(next: LogPlace): Promise<void> {
    const bringing = batch;
    if (bringing.length > 0) {
      if (!(await insist(() => deliver(bringing)))) return;
      batch = [];
      health.broughtAtMs = clock.now();
      await save(next);
    } else if (clock.monotonic() - savedAtMs >= QUIET_SAVE_MS) await save(next);
    else place = next;
  }

  /** Takes lines in; `placeAt` tells the bookmark behind one of them. */
  async function take(lines: readonly Line[], placeAt: (end: number) => LogPlace): Promise<void> {
    for (const { text, end } of lines) {
      const nowMs = clock.now();
      const line = readPostfixLine(text, nowMs);
      if (line === null) continue;
      const report = reportOf(line, ids);
      ids.learn(line);
      if (report === null) continue;
      const key = hashOf(Buffer.from(text));
      batch.push({ key, intake: NAME, receivedAtMs: nowMs, report, excerpt: text.slice(0, EXCERPT_LENGTH) });
      if (batch.length >= BATCH_LINES) await flush(placeAt(end));
      if (signal.aborted) return;
    }
  }

  /** A rotated file, to its end; `isWritten`: it may still grow, so an unfinished line is left. */
  async function readOut(piece: LogPiece, isWritten: boolean): Promise<void> {
    const is = await statOf(piece.path);
    if (is === null) throw Object.assign(new Error("it is gone"), { code: "ENOENT" });
    const head = await headOf(piece, HEAD_BYTES);
    const cutter = createLineCutter(piece.offset);
    const placeAt = (end: number) => placeIn(is.inode, head, end);
    try {
      for await (const chunk of chunksOf(piece)) {
        await take(cutter.push(chunk), placeAt);
        if (signal.aborted) return;
      }
    } catch (error) {
      // What could be read is recorded.
      await flush(placeAt(cutter.done));
      throw error;
    }
    const rest = isWritten ? null : cutter.rest();
    if (rest !== null) await take([rest], placeAt);
    if (!signal.aborted) await flush(placeAt(isWritten ? cutter.done : cutter.read));
  }

  /** The log itself, from `offset` on, until it is another file or a shorter one, or until stop. */
  async function follow(offset: number): Promise<void> {
    const handle = await open(file);
    try {
      const inode = inodeOf(await handle.stat({ bigint: true }));
      const cutter = createLineCutter(offset);
      let head = await readAt(handle, 0, HEAD_BYTES);
      const placeAt = (end: number) => placeIn(inode, head, end);
      await warm(handle, offset);
      place ??= placeAt(offset);
      let leftAtMs: number | null = null;
      let missingSinceMs: number | null = null;
      while (!signal.aborted) {
        const { size } = await handle.stat();
        const grew = size > cutter.read;
        if (size < cutter.read || (grew && !(await hasHead(handle, head)))) return;
        if (grew && head.length < HEAD_BYTES) head = await readAt(handle, 0, HEAD_BYTES);
        if (grew) {
          isCaughtUp = false;
          await readOn(handle, cutter, size, placeAt);
          if (signal.aborted) return;
        }
        const current = await statOf(file);
        seen();
        if (!grew) {
          isCaughtUp = true;
          caughtUpAtMs = clock.now();
        }
        const nowMs = clock.monotonic();
        missingSinceMs = current === null ? (missingSinceMs ?? nowMs) : null;
        if (missingSinceMs !== null && nowMs - missingSinceMs >= MISSING_MS)
          fail(`${file} was moved away and no new one has appeared.`);
        if (current === null || current.inode === inode || grew) leftAtMs = null;
        else leftAtMs ??= nowMs;
        if (leftAtMs !== null && nowMs - leftAtMs >= graceMs) {
          const rest = cutter.rest();
          if (rest !== null) await take([rest], placeAt);
          await flush(placeAt(cutter.read));
          wasDrained = true;
          return;
        }
        if (!grew) await clock.sleep(pollMs, signal);
      }
    } finally {
      await handle.close();
    }
  }

  async function readOn(
    handle: FileHandle,
    cutter: LineCutter,
    size: number,
    placeAt: (end: number) => LogPlace,
  ): Promise<void> {
    while (cutter.read < size && !signal.aborted) {
      const chunk = await readAt(handle, cutter.read, Math.min(CHUNK_BYTES, size - cutter.read));
      if (chunk.length === 0) return;
      await take(cutter.push(chunk), placeAt);
      if (signal.aborted) return;
      await flush(placeAt(cutter.done));
    }
  }

  /** Learns the ids of what was queued before, without bringing it again. */
  async function warm(handle: FileHandle, offset: number): Promise<void> {
    const cutter = createLineCutter(Math.max(0, offset - WARM_BYTES));
    while (cutter.read < offset) {
      const chunk = await readAt(handle, cutter.read, Math.min(CHUNK_BYTES, offset - cutter.read));
      if (chunk.length === 0) return;
      for (const { text } of cutter.push(chunk)) {
        const line = readPostfixLine(text, clock.now());
        if (line !== null) ids.learn(line);
      }
    }
  }

  async function readEverything(): Promise<void> {
    const from = place;
    const { pieces, found } =
      from === null
        ? {
            pieces: (await statOf(file)) === null ? [] : [{ path: file, packed: false, offset: 0 }],
            found: true,
          }
        : await unreadSince(file, from);
    const rotated = pieces.filter((piece) => piece.path !== file);
    isCaughtUp = false;
    for (const piece of rotated) {
      try {
        await readOut(piece, piece === pieces.at(-1));
      } catch (error) {
        // Packed or renamed between two looks: the next one finds it again.
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
        // A packed file that is broken must not keep us from the log of today.
        note = `${piece.path} cannot be read: what it says of mails is not known here.`;
      }
      if (signal.aborted) return;
    }
    const last = pieces.at(-1);
    if (last === undefined || last.path !== file) {
      fail(`${file} does not exist.`);
      // With rotated files beside it, each look opens all of them.
      await clock.sleep(rotated.length > 0 ? Math.max(pollMs, FAILED_MS) : pollMs, signal);
      return;
    }
    if (!found) {
      // The new one is read whole: what was recorded before is known by its key.
      place = null;
      if (!wasDrained) note = `The file that was being read is gone; lines of ${file} may be missing.`;
    }
    wasDrained = false;
    await follow(last.offset);
  }

  async function run(): Promise<void> {
    while (!signal.aborted) {
      try {
        await readEverything();
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        fail(`${file} cannot be read${code === undefined ? "" : ` (${code})`}.`);
        batch = [];
        await clock.sleep(Math.max(pollMs, FAILED_MS), signal);
      }
    }
    if (place !== null) await bookmarks.save(NAME, writePlace(place)).catch(() => undefined);
  }

  return {
    name: NAME,
    async start(to) {
      if (running !== null || signal.aborted) return;
      deliver = to;
      const end = await placeAtEnd(file);
      running = (async () => {
        let marked: string | null = null;
        const loaded = await insist(async () => {
          marked = await bookmarks.load(NAME);
        });
        if (!loaded) return;
        place = readPlace(marked);
        if (place === null && end !== null) await save(end);
        await run();
      })();
    },
    health() {
      const behindMs = caughtUpAtMs === null ? null : clock.now() - caughtUpAtMs;
      const waiting = batch[0]?.report.atMs;
      const lagMs = isCaughtUp ? 0 : waiting == null ? behindMs : Math.max(0, clock.now() - waiting);
      return { name: NAME, ...health, lagMs };
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

/** Where the log ends now; null: there is none. Throws `file-unreadable` for what is no file. */
async function placeAtEnd(file: string): Promise<LogPlace | null> {
  const is = await statOf(file).catch(() => null);
  if (is === null) return null;
  if (!is.isFile) {
    throw new BellwetherError(
      "file-unreadable",
      `${file} is not a file that could be followed.`,
      "Name the relay's log file in [bounces.log] file.",
    );
  }
  const head = await headOf({ path: file, packed: false, offset: 0 }, HEAD_BYTES).catch(() => null);
  return head && placeIn(is.inode, head, is.size);
}

function placeIn(inode: string, head: Buffer, offset: number): LogPlace {
  // Only bytes before the offset are sure to stay what they are.
  const known = head.subarray(0, Math.min(head.length, offset));
  return { inode, offset, head: hashOf(known), headBytes: known.length };
}

async function hasHead(handle: FileHandle, head: Buffer): Promise<boolean> {
  return head.equals(await readAt(handle, 0, head.length));
}
