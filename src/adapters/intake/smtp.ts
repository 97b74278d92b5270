// The listener: what the return path's domain points to, by SMTP as its MX or by LMTP behind an MTA. It takes mail for
// addresses that a token of ours stands in and for nothing else, says so at RCPT, and answers 250 only when what
// came in is recorded. What a mail says and which delivery is meant is decided elsewhere.
import type { AddressInfo } from "node:net";
import { domainToASCII } from "node:url";
import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from "smtp-server";
import type { Report } from "../../bounce/report.ts";
import type { Clock } from "../../clock.ts";
import type { Deliver, Intake, IntakeHealth } from "../../delivery/intake.ts";
import { readToken } from "../../delivery/token.ts";
import { BellwetherError } from "../../errors.ts";
import { excerptOf, KEPT_BYTES, messageKey, type ReadMail, recordingTrouble, UNREADABLE } from "./message.ts";

export interface SmtpIntakeOptions {
  listen: { host: string; port: number };
  /** LMTP (RFC 2033) answers for each recipient, and is for an MTA on the same machine or network. */
  protocol: "smtp" | "lmtp";
  /** With {token} in it once, before the "@". */
  returnPath: string;
  /** What tokens are signed with. */
  secret: string;
  read: ReadMail;
  clock: Clock;
  /** How it names itself; null: the host's own name. */
  name?: string | null;
  /** PEM; null: STARTTLS is not offered. */
  tls?: { key: string; cert: string } | null;
  limits?: Partial<SmtpLimits>;
  /** Told of each mail that `read` failed on; it is handed over as "not-a-bounce" all the same. */
  unreadable?: (error: unknown) => void;
}

export interface SmtpLimits {
  /** Octets of a message, as EHLO offers it (RFC 1870). */
  messageBytes: number;
  /** Open at once, and of one address; more are told 421. Postfix opens up to 20 to one destination. */
  connections: number;
  connectionsPerAddress: number;
  /** Of one message; RFC 5321 section 4.5.3.1.8 asks for 100. */
  recipients: number;
  /** A client may be silent so long (RFC 5321 section 4.5.3.2.7). */
  silenceMs: number;
  /** Longest session, however it dribbles; a message that is being recorded is waited for. */
  sessionMs: number;
  /** Upon stop, a message that is on its way gets so long to come in. */
  drainMs: number;
}

export const SMTP_LIMITS: SmtpLimits = {
  messageBytes: 26_214_400,
  connections: 100,
  connectionsPerAddress: 25,
  recipients: 100,
  silenceMs: 300_000,
  sessionMs: 900_000,
  drainMs: 5_000,
};

export interface SmtpIntakeCounts {
  /** Messages that were recorded. */
  recorded: number;
  /** Recipients that are none of ours. */
  refusedRecipients: number;
  /** Connections that were one too many. */
  refusedConnections: number;
}

export interface SmtpIntake extends Intake {
  /** The real one, when 0 was asked for; 0 before it listens. */
  port(): number;
  counts(): SmtpIntakeCounts;
}

/** What smtp-server keeps of a session. */
interface Connection {
  readonly id: string;
  /** Sends a reply; 421 closes the connection too. */
  send(code: number, text: string): void;
}

/** What is known of a session beyond smtp-server's own. */
interface Guest {
  address: string;
  timer: NodeJS.Timeout;
  /** A message is on its way in, or being recorded. */
  busy: "no" | "receiving" | "recording";
}

/** `start` rejects with listen-failed. */
export function createSmtpIntake(options: SmtpIntakeOptions): SmtpIntake {
  const { listen, protocol, clock, secret } = options;
  const limits = { ...SMTP_LIMITS, ...options.limits };
  const tokenOf = tokenReader(options.returnPath, secret);
  const counts = { recorded: 0, refusedRecipients: 0, refusedConnections: 0 };
  const guests = new Map<string, Guest>();
  const recording = new Set<Promise<void>>();
  let server: SMTPServer | null = null;
  let state: IntakeHealth["state"] = "starting";
  let seenAtMs: number | null = null;
  let broughtAtMs: number | null = null;
  let trouble: string | null = null;
  let port = 0;
  let stopping: Promise<void> | null = null;

  function welcome(session: SMTPServerSession): Error | null {
    const address = session.remoteAddress;
    const ofAddress = [...guests.values()].filter((guest) => guest.address === address).length;
    if (guests.size >= limits.connections || ofAddress >= limits.connectionsPerAddress) {
      counts.refusedConnections++;
      return reply(421, "too many connections, try again later");
    }
    const guest: Guest = { address, busy: "no", timer: setTimeout(() => expire(), limits.sessionMs) };
    guest.timer.unref();
    guests.set(session.id, guest);
    return null;

    function expire(): void {
      // Whoever waits for its answer gets it; the next look is soon.
      if (guest.busy === "recording") guest.timer = setTimeout(() => expire(), 1_000).unref();
      else dismiss((connection) => connection.id === session.id, "the session takes too long");
    }
  }

  function dismiss(which: (connection: Connection) => boolean, why: string): void {
    for (const connection of [...(server?.connections ?? [])]) {
      if (which(connection)) connection.send(421, why);
    }
  }

  async function take(stream: SMTPServerDataStream, session: SMTPServerSession, deliver: Deliver) {
    const guest = guests.get(session.id);
    const be = (busy: Guest["busy"]) => {
      if (guest !== undefined) guest.busy = busy;
    };
    be("receiving");
    try {
      const raw = await firstOf(stream);
      // smtp-server answers 552.
      if (stream.sizeExceeded) return;
      be("recording");
      await record(raw, session, deliver);
    } finally {
      be("no");
    }
  }

  async function record(raw: Buffer, session: SMTPServerSession, deliver: Deliver): Promise<void> {
    const tokens = [...new Set(session.envelope.rcptTo.flatMap(({ address }) => tokenOf(address) ?? []))];
    const receivedAtMs = clock.now();
    const report = withTokens(await readOrNot(raw), tokens);
    const key = messageKey(raw, tokens.toSorted());
    const under = deliver([{ key, intake: "smtp", receivedAtMs, report, excerpt: excerptOf(raw) }]);
    const settled = under.then(
      () => {},
      () => {},
    );
    recording.add(settled);
    try {
      await under;
      counts.recorded++;
      broughtAtMs = clock.now();
      if (server !== null) state = "alive";
      trouble = null;
    } catch (error) {
      trouble = recordingTrouble(error);
      state = "failing";
      throw reply(451, "it could not be recorded, try again later");
    } finally {
      recording.delete(settled);
    }
  }

  async function readOrNot(raw: Buffer): Promise<Report> {
    try {
      return await options.read(raw);
    } catch (error) {
      options.unreadable?.(error);
      return UNREADABLE;
    }
  }

  function serve(deliver: Deliver): SMTPServer {
    const made = new SMTPServer({
      lmtp: protocol === "lmtp",
      ...(options.name ? { name: options.name } : {}),
      banner: "Bellwether takes reports",
      size: limits.messageBytes,
      rejectOversized: true,
      maxRecipients: limits.recipients,
      socketTimeout: limits.silenceMs,
      // We end them ourselves: this one would cut what is being recorded.
      closeTimeout: 2_147_483_647,
      disableReverseLookup: true,
      hideENHANCEDSTATUSCODES: false,
      logger: false,
      disabledCommands: ["AUTH", "WIZ", "SHELL", "KILL", ...(options.tls ? [] : ["STARTTLS"])],
      authOptional: true,
      ...(options.tls ?? {}),
      onConnect: (session, callback) => callback(welcome(session)),
      onClose: (session) => {
        clearTimeout(guests.get(session.id)?.timer);
        guests.delete(session.id);
      },
      onRcptTo: ({ address }, _session, callback) => {
        if (tokenOf(address) !== null) return callback();
        counts.refusedRecipients++;
        callback(reply(550, "no such address here"));
      },
      onData: (stream, session, callback) => {
        take(stream, session, deliver).then(
          () => callback(null, "recorded"),
          (error: unknown) => callback(isReply(error) ? error : reply(451, "it could not be taken")),
        );
      },
    });
    // Above what is told 421 there is no answer at all.
    made.server.maxConnections = limits.connections * 2;
    made.server.on("drop", () => counts.refusedConnections++);
    // What a client does to its connection. An error that nobody hears ends the process.
    made.on("error", () => {});
    return made;
  }

  async function start(deliver: Deliver): Promise<void> {
    if (stopping !== null || server !== null) return;
    const made = serve(deliver);
    await new Promise<void>((resolve, reject) => {
      const refuse = (error: NodeJS.ErrnoException) => reject(listenFailed(listen, error));
      made.server.once("error", refuse);
      made.listen(listen.port, listen.host, () => {
        made.server.off("error", refuse);
        resolve();
      });
    });
    port = (made.server.address() as AddressInfo).port;
    server = made;
    state = "alive";
    seenAtMs = clock.now();
    made.server.once("close", () => {
      if (stopping !== null) return;
      state = "failing";
      trouble = "it does not listen any more";
    });
  }

  async function end(): Promise<void> {
    const ending = server;
    if (ending === null) return;
    const gone = new Promise<void>((resolve) => ending.close(resolve));
    const why = "the server shuts down";
    const busyOf = (connection: Connection) => guests.get(connection.id)?.busy ?? "no";
    dismiss((connection) => busyOf(connection) === "no", why);
    const begun = clock.monotonic();
    while ([...guests.values()].some((guest) => guest.busy !== "no")) {
      const late = clock.monotonic() - begun >= limits.drainMs;
      if (late) dismiss((connection) => busyOf(connection) === "receiving", why);
      dismiss((connection) => busyOf(connection) === "no", why);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await Promise.all(recording);
    dismiss(() => true, why);
    await gone;
    server = null;
  }

  return {
    name: "smtp",
    start,
    port: () => port,
    counts: () => ({ ...counts }),
    health: () => ({
      name: "smtp",
      state,
      // It is its own source.
      seenAtMs: server?.server.listening ? clock.now() : seenAtMs,
      broughtAtMs,
      // What waits, waits in the queues of others.
      lagMs: null,
      trouble,
    }),
    stop: () => {
      stopping ??= end();
      return stopping;
    },
  };
}

type Reply = Error & { responseCode: number };

/** smtp-server puts the enhanced code before the text: 5.1.1 for 550, 4.3.0 for 451. */
function reply(responseCode: number, text: string): Reply {
  return Object.assign(new Error(text), { responseCode });
}

function isReply(error: unknown): error is Reply {
  return error instanceof Error && "responseCode" in error;
}

/**
 * Null for an address that was not made from the return path with a token that we signed. Case may have been folded;
 * what others wrap around an address (BATV's prvs=, SRS0=) is no address of ours.
 */
function tokenReader(returnPath: string, secret: string): (address: string) => string | null {
  const [before = "", behind = ""] = returnPath.toLowerCase().split("{token}");
  const after = behind.slice(0, behind.indexOf("@"));
  const domain = behind.slice(behind.indexOf("@") + 1);
  return (address) => {
    const at = address.lastIndexOf("@");
    const local = address.slice(0, at).toLowerCase();
    // smtp-server shows international domains as Unicode.
    if (domainToASCII(address.slice(at + 1)).toLowerCase() !== domain) return null;
    if (local.length <= before.length + after.length) return null;
    if (!local.startsWith(before) || !local.endsWith(after)) return null;
    const token = local.slice(before.length, local.length - after.length);
    return readToken(token, secret) === null ? null : token;
  };
}

/** The address that it came to is the best mark there is. */
function withTokens(report: Report, tokens: readonly string[]): Report {
  const others = report.marks.tokens.filter((token) => !tokens.includes(token.toLowerCase()));
  return { ...report, marks: { ...report.marks, tokens: [...tokens, ...others] } };
}

/** Its first KEPT_BYTES; the rest is read and let go. Rejects when the client goes away before the end. */
async function firstOf(stream: SMTPServerDataStream): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let room = KEPT_BYTES;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    if (room > 0) chunks.push(chunk.subarray(0, room));
    room -= chunk.length;
  }
  return Buffer.concat(chunks);
}

function listenFailed({ host, port }: { host: string; port: number }, error: NodeJS.ErrnoException): Error {
  const place = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  const why: Record<string, readonly [string, string]> = {
    EADDRINUSE: ["another process listens there", "Stop it, or give [bounces.smtp] listen another port."],
    EACCES: [
      "this user may not listen there",
      "Ports below 1024 need CAP_NET_BIND_SERVICE; or let an MTA on port 25 hand over to a port above.",
    ],
    EADDRNOTAVAIL: ["this machine does not have that address", "Give [bounces.smtp] listen one that it has."],
  };
  const [text, hint] = why[error.code ?? ""] ?? [error.message, "Look at [bounces.smtp] listen."];
  return new BellwetherError("listen-failed", `${place} cannot be listened on: ${text}`, hint, {
    cause: error,
  });
}
