// One session with an IMAP server: opens the folder, says what nobody has looked at, reads the beginning of each mail,
// and puts away what was recorded. Nothing is ever deleted: a mail is moved or marked. When to do what is imap.ts.
import { ImapFlow } from "imapflow";
import type { Clock } from "../../clock.ts";
import { isLoopback } from "../../config/urls.ts";
import type { Bookmarks } from "../../delivery/intake.ts";
import { imapTrouble, oneLine } from "./imap-trouble.ts";
import { KEPT_BYTES } from "./message.ts";

export interface ImapMailbox {
  host: string;
  port: number;
  /** TLS from the first byte; otherwise STARTTLS, which only a server on this machine may lack. */
  implicitTls: boolean;
  user: string;
  pass: string;
  folder: string;
}

export interface ImapTimeouts {
  connectMs: number;
  greetingMs: number;
  /** Longest silence while an answer is owed. */
  silenceMs: number;
}

/** A mail as it lies there. */
export interface ImapMail {
  uid: number;
  /** Its first KEPT_BYTES. */
  raw: Buffer;
  /** When the mailbox got it; null: the server does not say. */
  receivedAtMs: number | null;
}

export interface ImapSession {
  /** UIDs that nobody has looked at, ascending. */
  unread(): Promise<number[]>;
  /** One after the other, as the server sends them: ascending. What is gone meanwhile is left out. */
  read(uids: readonly number[]): AsyncIterable<ImapMail>;
  /** Puts away what is dealt with: some are moved, the others marked where they are. Both ascending. */
  putAway(dealt: { move: readonly number[]; mark: readonly number[] }): Promise<void>;
  /** Until something new has come, or for `ms`; rejects when the connection is lost. */
  change(ms: number, signal: AbortSignal): Promise<void>;
  /** What keeps it from doing all it should, in words; null: nothing. */
  note(): string | null;
  close(): Promise<void>;
  /** At once, whatever is under way. */
  cut(): void;
}

/** On mails that were looked at and stay where they are: "UNKEYWORD" finds the others (RFC 9051 section 6.4.4). */
export const LOOKED_AT = "$BellwetherSeen";
export const PROCESSED = "Bellwether processed";

const LOGOUT_MS = 2_000;
const LINE_BYTES = 8_388_608;

/** Rejects with an Error whose message is for a person, without secrets. */
export async function openImapSession(options: {
  mailbox: ImapMailbox;
  /** Of servers that keep no keywords. */
  bookmarks: Bookmarks;
  clock: Clock;
  timeouts: ImapTimeouts;
  /** PEM of an authority to trust in place of the system's. */
  ca: string | null;
  /** Told whenever the server has answered. */
  answered: () => void;
  /** Ends the opening. */
  signal: AbortSignal;
}): Promise<ImapSession> {
  const { mailbox, bookmarks, clock, answered, signal } = options;
  const client = createClient(options);
  /** The first is the cause; the commands under way only hear that there is no connection. */
  let cause: unknown = null;
  client.on("error", (error) => {
    cause ??= error;
  });
  const gone = new Promise<void>((resolve) => client.on("close", resolve));
  const abort = () => client.close();
  signal.addEventListener("abort", abort, { once: true });

  /** What the server answers, or an error in words. */
  async function ask<T>(command: () => Promise<T>): Promise<T> {
    try {
      const answer = await command();
      // Some of imapflow's commands answer a lost connection with false.
      if (!client.usable) throw new Error("the connection is lost");
      answered();
      return answer;
    } catch (error) {
      throw imapTrouble(cause ?? error, mailbox, client.byeReason);
    }
  }

  try {
    await ask(() => client.connect());
    // A session with a lock may be silent: imapflow asks then whether the server is there, and hangs up if not.
    await openFolder(client, mailbox.folder, ask);
  } catch (error) {
    client.close();
    throw error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
  const opened = client.mailbox || { path: mailbox.folder, delimiter: "", uidValidity: 0n };
  const { path, delimiter, uidValidity } = opened;
  const readOnly = "readOnly" in opened && opened.readOnly === true;
  const flags = "permanentFlags" in opened ? opened.permanentFlags : undefined;
  const keepsKeyword = !readOnly && (flags === undefined || flags.has("\\*") || flags.has(LOOKED_AT));
  const moves = has("MOVE");
  // Without UIDPLUS an EXPUNGE would take what others have marked as deleted along.
  const canMove = !readOnly && (moves || has("UIDPLUS"));
  /** Where there is no keyword: all up to this UID are dealt with. */
  let place = keepsKeyword ? 0 : placeOf(await bookmarks.load("imap"), path, uidValidity);
  /** What the server would not mark, for as long as the session lasts. */
  const unmarked = new Set<number>();
  let target: string | null = null;
  let note: string | null = canMove
    ? null
    : "the server can move no mail: what was recorded stays and is marked";
  let news = () => {};
  let isNews = false;
  client.on("exists", () => {
    answered();
    isNews = true;
    news();
  });

  function has(capability: string): boolean {
    return client.capabilities.has(capability) || client.capabilities.has("IMAP4rev2");
  }

  async function unread(): Promise<number[]> {
    isNews = false;
    const query = keepsKeyword ? { unKeyword: LOOKED_AT } : { uid: `${place + 1}:*` };
    const found = await ask(() => client.search({ ...query, deleted: false }, { uid: true }));
    if (!Array.isArray(found)) throw new Error(`${whereOf(mailbox)} does not say what is in the folder`);
    // "n:*" names the last one too when it is below n.
    return found.filter((uid) => uid > place && !unmarked.has(uid)).sort((a, b) => a - b);
  }

  async function* read(uids: readonly number[]): AsyncIterable<ImapMail> {
    const query = { uid: true, internalDate: true, source: { start: 0, maxLength: KEPT_BYTES } };
    try {
      for await (const row of client.fetch(uids.join(","), query, { uid: true })) {
        answered();
        // A row without it is news of somebody else's flags.
        if (row.source === undefined) continue;
        const receivedAtMs = row.internalDate === undefined ? Number.NaN : Number(new Date(row.internalDate));
        yield {
          uid: row.uid,
          raw: row.source,
          receivedAtMs: Number.isFinite(receivedAtMs) ? receivedAtMs : null,
        };
      }
    } catch (error) {
      throw imapTrouble(cause ?? error, mailbox, client.byeReason);
    }
  }

  async function putAway({
    move,
    mark,
  }: {
    move: readonly number[];
    mark: readonly number[];
  }): Promise<void> {
    const moved = move.length === 0 || (await takeAway(move));
    const staying = moved ? mark : [...move, ...mark];
    if (keepsKeyword) {
      if (staying.length === 0) return;
      const set = staying.join(",");
      const kept = await ask(() => client.messageFlagsAdd(set, [LOOKED_AT], { uid: true, silent: true }));
      if (!kept) for (const uid of staying) unmarked.add(uid);
      return;
    }
    place = Math.max(place, ...move, ...mark);
    await bookmarks.save("imap", JSON.stringify([path, String(uidValidity), place]));
  }

  /** False: they stay. */
  async function takeAway(uids: readonly number[]): Promise<boolean> {
    if (!canMove) return false;
    // Somebody may have removed the folder. A COPY that was half done must not be repeated: it would be there twice.
    for (let tries = moves ? 2 : 1; tries > 0; tries--) {
      target ??= await processedFolder();
      if (target === null) return false;
      const to = target;
      if (await ask(() => client.messageMove(uids.join(","), to, { uid: true }))) {
        note = null;
        return true;
      }
      target = null;
    }
    note = `mails could not be moved to "${PROCESSED}": what was recorded stays and is marked`;
    return false;
  }

  /** Below the folder; beside INBOX, as not every server takes folders below that. */
  async function processedFolder(): Promise<string | null> {
    const prefix = client.namespace?.prefix ?? "";
    const beside = `${prefix}${PROCESSED}`;
    const below = delimiter === "" ? beside : `${path}${delimiter}${PROCESSED}`;
    const wanted = path.toUpperCase() === "INBOX" ? [beside, below] : [below, beside];
    const there = await ask(() => client.list({ listOnly: true }));
    const found = wanted.find((name) =>
      there.some((one) => one.path === name && !one.flags.has("\\Noselect")),
    );
    if (found !== undefined) return found;
    let refusal = "";
    for (const name of wanted) {
      try {
        await client.mailboxCreate(name);
        answered();
        return name;
      } catch (error) {
        if (!client.usable) throw imapTrouble(cause ?? error, mailbox, client.byeReason);
        refusal = oneLine(error);
      }
    }
    note = `the folder "${PROCESSED}" cannot be made (${refusal}): what was recorded stays and is marked`;
    return null;
  }

  async function change(ms: number, stop: AbortSignal): Promise<void> {
    if (isNews || stop.aborted) return;
    const woken = new Promise<void>((resolve) => {
      news = resolve;
    });
    const timer = new AbortController();
    const stopped = () => timer.abort();
    stop.addEventListener("abort", stopped, { once: true });
    // Ended by the next command. A server that has no IDLE is asked below.
    client.idle().catch(() => {});
    try {
      await Promise.race([woken, gone, clock.sleep(ms, timer.signal)]);
    } finally {
      timer.abort();
      stop.removeEventListener("abort", stopped);
    }
    if (!isNews && !stop.aborted) await ask(() => client.noop());
  }

  return {
    unread,
    read,
    putAway,
    change,
    note: () => note,
    close: async () => {
      const timer = new AbortController();
      const logout = client.usable ? client.logout().catch(() => {}) : null;
      await Promise.race([logout, gone, clock.sleep(LOGOUT_MS, timer.signal)]);
      timer.abort();
      client.close();
    },
    cut: () => client.close(),
  };
}

function createClient({
  mailbox,
  timeouts,
  ca,
}: {
  mailbox: ImapMailbox;
  timeouts: ImapTimeouts;
  ca: string | null;
}): ImapFlow {
  const { host, port, implicitTls, user, pass } = mailbox;
  const here = isLoopback(host);
  return new ImapFlow({
    ...{ host, port, auth: { user, pass }, secure: implicitTls },
    // On this machine STARTTLS is used where it is offered. Elsewhere a password is never sent in the clear, and only
    // to a server that has proved its name.
    ...(implicitTls || here ? {} : { doSTARTTLS: true }),
    tls: { rejectUnauthorized: !here || ca !== null, ...(ca === null ? {} : { ca }) },
    clientInfo: { name: "bellwether" },
    logger: false,
    disableAutoIdle: true,
    disableCompression: true,
    maxLockHoldTime: false,
    connectionTimeout: timeouts.connectMs,
    greetingTimeout: timeouts.greetingMs,
    socketTimeout: timeouts.silenceMs,
    // Not more than was asked for, whatever the server sends.
    maxLiteralSize: KEPT_BYTES + 65_536,
    maxLineLength: LINE_BYTES,
    maxResponseSize: KEPT_BYTES + LINE_BYTES,
  });
}

async function openFolder(
  client: ImapFlow,
  folder: string,
  ask: <T>(command: () => Promise<T>) => Promise<T>,
): Promise<void> {
  try {
    await ask(() => client.getMailboxLock(folder));
  } catch (error) {
    if (!client.usable) throw error;
    const there = (await client.list({ listOnly: true })).map(({ path }) => `"${path}"`);
    if (there.includes(`"${folder}"`)) throw error;
    const some = there.slice(0, 10).join(", ");
    const text = `the mailbox has no folder "${folder}"; it has ${some}${there.length > 10 ? ", ..." : ""}`;
    throw new Error(text, { cause: error });
  }
}

/** 0 when it is of another folder, or the server has given out its UIDs anew (RFC 9051 section 2.3.1.1). */
function placeOf(text: string | null, path: string, uidValidity: bigint): number {
  if (text === null) return 0;
  try {
    const read: unknown = JSON.parse(text);
    if (!Array.isArray(read) || read[0] !== path || read[1] !== String(uidValidity)) return 0;
    return Number.isSafeInteger(read[2]) ? Number(read[2]) : 0;
  } catch {
    return 0;
  }
}

function whereOf({ host, port }: ImapMailbox): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}
