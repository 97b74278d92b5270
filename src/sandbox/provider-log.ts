// What a simulated provider did, as the oracle of tests: one entry per recipient whose fate was decided (or per
// refused connection), counts, and who was accepted how often. The journal puts the same on disk before the reply.
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import type { Phase } from "../bounce/reason.ts";
import { BellwetherError } from "../errors.ts";

/** `abandoned`: the client went away between RCPT and the final dot. */
export const OUTCOMES = ["accepted", "refused", "deferred", "dropped", "abandoned"] as const;
export type ProviderOutcome = (typeof OUTCOMES)[number];

export interface ProviderLogEntry {
  /** Wall time in milliseconds. */
  at: number;
  provider: string;
  connection: number;
  phase: Phase;
  recipient: string | null;
  sender: string | null;
  /** What was replied, lines with "\r\n" between; "" when the connection was cut before. */
  reply: string;
  outcome: ProviderOutcome;
  /** Which try of this recipient it was, from 1; 0 when no recipient had been named. */
  attempt: number;
  /** RFC 3461: what the client asked for. */
  envid?: string;
  notify?: string;
  messageId?: string;
  /** The mailer's own header X-Bellwether-Delivery. */
  delivery?: string;
  bytes?: number;
  raw?: Buffer;
}

export interface ProviderLogOptions {
  /** File to which each entry is appended as a JSON line (without `raw`). */
  journal?: string;
  /** False: counts and recipients alone, for a sink of millions. */
  entries: boolean;
  /** How many of the latest messages keep their bytes. */
  rawMessages: number;
}

export class ProviderLog {
  readonly entries: ProviderLogEntry[] = [];
  readonly counts: Record<ProviderOutcome, number> = {
    accepted: 0,
    refused: 0,
    deferred: 0,
    dropped: 0,
    abandoned: 0,
  };
  readonly accepted = new Map<string, number>();
  readonly #options: ProviderLogOptions;
  readonly #withRaw: ProviderLogEntry[] = [];
  readonly #listeners = new Set<(entry: ProviderLogEntry) => void>();
  #journal: number | null = null;

  constructor(options: ProviderLogOptions) {
    this.#options = options;
  }

  open(): void {
    if (this.#options.journal !== undefined) this.#journal ??= openSync(this.#options.journal, "a");
  }

  close(): void {
    if (this.#journal !== null) closeSync(this.#journal);
    this.#journal = null;
  }

  /** The entry is on its way to the disk (in the system's hands, not this process's) when this returns. */
  record(entry: ProviderLogEntry): void {
    this.counts[entry.outcome]++;
    if (entry.outcome === "accepted" && entry.recipient !== null)
      this.accepted.set(entry.recipient, (this.accepted.get(entry.recipient) ?? 0) + 1);
    if (this.#journal !== null) {
      const { raw: _, ...line } = entry;
      writeSync(this.#journal, `${JSON.stringify(line)}\n`);
    }
    if (this.#options.entries) this.#keep(entry);
    for (const listener of this.#listeners) listener(entry);
  }

  /** Calls back after each entry; the function that it returns ends that. */
  listen(listener: (entry: ProviderLogEntry) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #keep(entry: ProviderLogEntry): void {
    this.entries.push(entry);
    if (entry.raw === undefined) return;
    this.#withRaw.push(entry);
    if (this.#withRaw.length > this.#options.rawMessages) delete this.#withRaw.shift()?.raw;
  }
}

/** Reads a journal back, oldest first. A last line that was cut off by a crash is left out. */
export function readJournal(file: string): ProviderLogEntry[] {
  const lines = readFileSync(file, "utf8").split("\n");
  lines.pop();
  return lines.map((line, i) => {
    try {
      return JSON.parse(line) as ProviderLogEntry;
    } catch (cause) {
      throw new BellwetherError(
        "file-unreadable",
        `line ${i + 1} of the journal ${file} is not JSON`,
        "the journal was not written by a simulated provider; name another file",
        { cause },
      );
    }
  });
}
