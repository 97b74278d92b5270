// A simulated mailbox provider: a real SMTP or LMTP server on loopback that answers as its script says, and whose log
// is the oracle: who was accepted, how often, what was replied. It can be stopped and started again on its port.
import { createServer, type Server, type Socket } from "node:net";
import { createSecureContext, type SecureContext } from "node:tls";
import type { Phase } from "../bounce/reason.ts";
import { type Clock, systemClock } from "../clock.ts";
import { BellwetherError } from "../errors.ts";
import type { Addressee, Desk, ProviderFeatures, Verdict } from "./desk.ts";
import type { Keep } from "./message-reader.ts";
import type { Answer, Script } from "./moment.ts";
import { ProviderLog, type ProviderLogEntry, type ProviderOutcome } from "./provider-log.ts";
import { domainOf } from "./scripts.ts";
import { startSession } from "./smtp-session.ts";

export interface SimulatedProviderOptions {
  /** Provider id, as in the directory ("google"). */
  id: string;
  /** Name in banner and EHLO; mx.<id>.example by default. */
  name?: string;
  /** 0 (default) takes a free one. */
  port?: number;
  host?: string;
  script?: Script;
  /** Time from a command, or from a burst of pipelined ones, to the reply. */
  replyDelayMs?: number;
  /** One more is told 421 in place of a banner. */
  maxConnections?: number;
  features?: ProviderFeatures;
  /** Whose mailbox a recipient's domain (lower case) is, when one server plays several providers. */
  route?: (domain: string) => string;
  /** True, or how many of the latest messages keep their bytes in the log; none by default. */
  keepMessages?: boolean | number;
  /** False: no entries, only counts and accepted(), for a sink that takes millions. */
  keepLog?: boolean;
  /** File to which each entry is appended before its reply leaves; read back by readJournal(). */
  journal?: string;
  clock?: Clock;
}

interface Tally {
  seen: number;
  accepted: number;
}

export class SimulatedProvider {
  readonly id: string;
  readonly host: string;
  /** Number of open connections, the most at one time, all ever. */
  readonly connections = { now: 0, peak: 0, total: 0 };
  replyDelayMs: number;
  #port: number;
  #script: Script | null;
  readonly #options: SimulatedProviderOptions;
  readonly #clock: Clock;
  readonly #log: ProviderLog;
  readonly #desk: Desk;
  readonly #tallies = new Map<string, Tally>();
  readonly #attempts = new Map<string, number>();
  /** By connection. */
  readonly #peers = new Map<number, string>();
  readonly #sessions = new Set<{ cut: () => void }>();
  readonly #watchers = new Set<() => void>();
  #server: Server | null = null;
  #queued = 0;

  constructor(options: SimulatedProviderOptions) {
    this.id = options.id;
    this.host = options.host ?? "127.0.0.1";
    this.#port = options.port ?? 0;
    this.replyDelayMs = options.replyDelayMs ?? 0;
    this.#script = options.script ?? null;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    const { keepMessages = false, keepLog = true, journal, features = {} } = options;
    const rawMessages = keepMessages === true ? Number.POSITIVE_INFINITY : Number(keepMessages);
    this.#log = new ProviderLog({
      entries: keepLog,
      rawMessages,
      ...(journal === undefined ? {} : { journal }),
    });
    const keep = rawMessages > 0 ? "all" : keepLog || journal !== undefined ? "head" : "nothing";
    this.#desk = this.#makeDesk(options.name ?? `mx.${options.id}.example`, features, keep);
  }

  /** 0 until started, unless one was asked for. */
  get port(): number {
    return this.#port;
  }

  get log(): readonly ProviderLogEntry[] {
    return this.#log.entries;
  }

  /** Number of entries by outcome. */
  get counts(): Readonly<Record<ProviderOutcome, number>> {
    return this.#log.counts;
  }

  /** Address as written by the client -> how many mails were taken for it. */
  accepted(): ReadonlyMap<string, number> {
    return this.#log.accepted;
  }

  setScript(script: Script): void {
    this.#script = script;
  }

  /** Listens; after close() again on the same port. Throws `listen-failed`. */
  async start(): Promise<this> {
    if (this.#server !== null) return this;
    this.#log.open();
    const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => this.#connect(socket));
    this.#server = server;
    try {
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen(this.#port, this.host, 511, resolve);
      });
    } catch (cause) {
      this.#server = null;
      this.#log.close();
      throw new BellwetherError(
        "listen-failed",
        `the simulated provider ${this.id} cannot listen on ${this.host} port ${this.#port}: ${String(cause)}`,
        "choose another port, or 0 for a free one",
        { cause },
      );
    }
    const address = server.address();
    if (address !== null && typeof address === "object") this.#port = address.port;
    return this;
  }

  /** Cuts all connections and stops listening; the log stays. */
  async close(): Promise<void> {
    const server = this.#server;
    if (server === null) return;
    this.#server = null;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const session of this.#sessions) session.cut();
    await closed;
    this.#log.close();
  }

  /** Calls back after each entry of the log; the function that it returns ends that. */
  onEntry(listener: (entry: ProviderLogEntry) => void): () => void {
    return this.#log.listen(listener);
  }

  /** Resolves as soon as `condition` holds; looked at now, after each entry and each change of connections. */
  when(condition: (provider: this) => boolean): Promise<void> {
    if (condition(this)) return Promise.resolve();
    return new Promise((resolve) => {
      const look = () => {
        if (!condition(this)) return;
        this.#watchers.delete(look);
        resolve();
      };
      this.#watchers.add(look);
    });
  }

  #connect(socket: Socket): void {
    const { connections } = this;
    const connection = ++connections.total;
    this.#peers.set(connection, socket.remoteAddress ?? "");
    const full = connections.now >= (this.#options.maxConnections ?? Number.POSITIVE_INFINITY);
    connections.now++;
    connections.peak = Math.max(connections.peak, connections.now);
    const session = startSession({
      socket,
      connection,
      desk: this.#desk,
      refusal: full ? "421 4.7.0 Too many concurrent connections" : null,
      onEnd: () => {
        this.#sessions.delete(session);
        this.#peers.delete(connection);
        connections.now--;
        this.#changed();
      },
    });
    this.#sessions.add(session);
    this.#changed();
  }

  #makeDesk(name: string, features: ProviderFeatures, keep: Keep): Desk {
    const secureContext: SecureContext | null =
      features.starttls === undefined ? null : createSecureContext(features.starttls);
    return {
      name,
      features,
      clock: this.#clock,
      keep,
      secureContext,
      replyDelayMs: () => this.replyDelayMs,
      script: (phase, connection, sender, to) => this.#ask(phase, connection, sender, to),
      addressee: (address) => this.#address(address),
      nextId: () => (++this.#queued).toString(16).toUpperCase().padStart(10, "4F"),
      record: (verdict) => this.#record(verdict),
    };
  }

  #ask(phase: Phase, connection: number, sender: string | null, to: Addressee | null): Answer | undefined {
    if (this.#script === null) return undefined;
    const provider = to?.provider ?? this.id;
    const tally = this.#tally(provider);
    return this.#script({
      provider,
      phase,
      recipient: to?.address ?? null,
      sender,
      attempt: to?.attempt ?? 0,
      seen: to?.seen ?? tally.seen,
      acceptedSoFar: tally.accepted,
      connection,
      peer: this.#peers.get(connection) ?? "",
      nowMs: this.#clock.now(),
    });
  }

  #address(address: string): Addressee {
    const provider = this.#options.route?.(domainOf(address)) ?? this.id;
    const attempt = (this.#attempts.get(address) ?? 0) + 1;
    this.#attempts.set(address, attempt);
    return { address, provider, attempt, seen: ++this.#tally(provider).seen };
  }

  #tally(provider: string): Tally {
    let tally = this.#tallies.get(provider);
    if (tally === undefined) {
      tally = { seen: 0, accepted: 0 };
      this.#tallies.set(provider, tally);
    }
    return tally;
  }

  #record({ outcome, phase, connection, transaction, to, reply, message }: Verdict): void {
    const provider = to?.provider ?? this.id;
    if (outcome === "accepted") this.#tally(provider).accepted++;
    const entry: ProviderLogEntry = {
      at: this.#clock.now(),
      provider,
      connection,
      phase,
      recipient: to?.address ?? null,
      sender: transaction?.sender ?? null,
      reply: reply.replaceAll(/\r?\n/g, "\r\n"),
      outcome,
      attempt: to?.attempt ?? 0,
    };
    if (transaction?.envid !== undefined) entry.envid = transaction.envid;
    if (to?.notify !== undefined) entry.notify = to.notify;
    if (message !== null) {
      entry.bytes = message.bytes;
      const messageId = message.header("Message-ID");
      const delivery = message.header("X-Bellwether-Delivery");
      const raw = message.raw();
      if (messageId !== undefined) entry.messageId = messageId;
      if (delivery !== undefined) entry.delivery = delivery;
      if (raw !== undefined) entry.raw = raw;
    }
    this.#log.record(entry);
    this.#changed();
  }

  #changed(): void {
    for (const look of this.#watchers) look();
  }
}

/** A provider that is already listening. */
export function startProvider(options: SimulatedProviderOptions): Promise<SimulatedProvider> {
  return new SimulatedProvider(options).start();
}
