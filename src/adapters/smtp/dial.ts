// Opens one session at one address: connects, is greeted, says EHLO, secures it as the route asks, logs in. What
// goes wrong becomes a ConnectFailure in plain words. Which hosts and addresses to try is for the callers.
import SMTPConnection, { type SMTPConnectionOptions } from "nodemailer/lib/smtp-connection";
import type { Phase } from "../../bounce/reason.ts";
import type { TlsChoice } from "../../config/config.ts";
import type { Connected, ConnectFailure } from "../../delivery/transport.ts";
import { createMailConnection, type SessionError, type SessionTimeouts } from "./connection.ts";
import { type Offers, offersOf } from "./reply.ts";

export interface Timeouts extends SessionTimeouts {
  /** Until the connection stands; with TLS from the first byte, until it is secured. */
  connectMs: number;
  greetingMs: number;
  /** Longest wait for the addresses of a host, and for the MX of a domain. */
  dnsMs: number;
}

export const TIMEOUTS: Timeouts = {
  connectMs: 15_000,
  greetingMs: 30_000,
  dnsMs: 10_000,
  replyMs: 120_000,
  dotMs: 600_000,
  mailMs: 1_800_000,
  quitMs: 2_000,
};

export interface Peer {
  /** Name that its certificate must have, and that messages name. */
  host: string;
  /** IP address to connect to. */
  address: string;
  port: number;
}

export interface Manner {
  tls: TlsChoice;
  /** TLS from the first byte. */
  implicitTls: boolean;
  lmtp: boolean;
  login: { user: string; pass: string } | null;
  /** A session that could not be secured may begin again in plain text; only where `tls` is opportunistic. */
  plainAgain: boolean;
  sourceAddress: string | null;
  helo: string | null;
  /** PEM of authorities to trust in place of the system's. */
  ca: string | null;
  /** Asks for a report of success, of delay and of failure, where the server can (RFC 3461). */
  asksForReports: boolean;
  timeouts: Timeouts;
}

/** Never rejects. Only an opportunistic route ever goes on in plain text after TLS has failed. */
export async function dial(peer: Peer, manner: Manner): Promise<Connected> {
  const answer = await attempt(peer, manner);
  if (answer.ok || answer.failure.phase !== "tls") return answer;
  if (manner.tls !== "opportunistic" || manner.implicitTls || !manner.plainAgain) return answer;
  return attempt(peer, { ...manner, tls: "off" });
}

function attempt(peer: Peer, manner: Manner): Promise<Connected> {
  const { timeouts, login } = manner;
  const session = new SMTPConnection(optionsFor(peer, manner));
  const where = nameOf(peer);
  return new Promise((resolve) => {
    let trouble: SessionError | null = null;
    let loggingIn = false;
    let settled = false;
    const settle = (connected: Connected) => {
      if (settled) return;
      settled = true;
      clearTimeout(limit);
      resolve(connected);
    };
    const fail = (error: SessionError | null) => {
      const phase = phaseOf(error, {
        greeted: session.lastServerResponse !== false,
        upgrading: session.upgrading === true,
        loggingIn,
        implicitTls: manner.implicitTls,
      });
      session.close();
      settle({ ok: false, failure: failureOf(phase, error, peer, manner) });
    };
    const limit = setTimeout(() => {
      if (session.stage === "init") fail(Object.assign(new Error("no connection"), { code: "ETIMEDOUT" }));
    }, timeouts.connectMs);
    // Both stay for the life of the session: an error event that nobody hears ends the process.
    session.on("error", (error: SessionError) => {
      trouble ??= error;
      fail(error);
    });
    session.on("end", () => setImmediate(() => fail(trouble)));

    const take = (offers: Offers) => {
      if (settled) return;
      settle({
        ok: true,
        connection: createMailConnection({ session, offers, peer: where, ...manner }),
      });
    };
    session.connect((error) => {
      if (error) return fail(error);
      const offers = offersOf(session.lastServerResponse || "");
      if (login === null) return take(offers);
      loggingIn = true;
      if (!session.allowsAuth) return fail(new Error("it offers no AUTH, but the route has a user"));
      session.login({ user: login.user, pass: login.pass }, (loginError) =>
        loginError ? fail(loginError) : take(offers),
      );
    });
  });
}

function optionsFor(peer: Peer, manner: Manner): SMTPConnectionOptions {
  const { tls, timeouts } = manner;
  return {
    host: peer.address,
    port: peer.port,
    servername: peer.host === peer.address ? undefined : peer.host,
    secure: manner.implicitTls,
    requireTLS: !manner.implicitTls && (tls === "verify" || tls === "require"),
    ignoreTLS: tls === "off",
    lmtp: manner.lmtp,
    name: manner.helo ?? undefined,
    localAddress: manner.sourceAddress ?? undefined,
    // Over all of it; the first part has a shorter limit of its own.
    connectionTimeout: timeouts.connectMs + timeouts.greetingMs,
    greetingTimeout: timeouts.greetingMs,
    socketTimeout: timeouts.replyMs,
    socketCloseTimeout: 1_000,
    maxResponseSize: 65_536,
    logger: false,
    tls: {
      rejectUnauthorized: tls === "verify",
      ...(manner.ca === null ? {} : { ca: manner.ca }),
    },
  };
}

function phaseOf(
  error: SessionError | null,
  at: { greeted: boolean; upgrading: boolean; loggingIn: boolean; implicitTls: boolean },
): Phase {
  if (error === null) return at.greeted ? "ehlo" : "connect";
  if (at.loggingIn) return "auth";
  if (error.code === "ETLS" || at.upgrading || error.timeoutType === "UPGRADE_TIMEOUT") return "tls";
  if (error.command === "EHLO" || error.command === "HELO" || error.command === "LHLO") return "ehlo";
  if (at.greeted && !error.response) return "ehlo";
  // What the system says of a socket names its call; what TLS says of a handshake does not.
  if (at.implicitTls && error.code === "ESOCKET" && error.syscall === undefined) return "tls";
  return "connect";
}

function failureOf(
  phase: Phase,
  error: SessionError | null,
  peer: Peer,
  { tls, sourceAddress }: Manner,
): ConnectFailure {
  const reply = error?.response || null;
  const where = nameOf(peer);
  if (reply !== null) {
    const what = { connect: "its greeting", ehlo: "EHLO", tls: "STARTTLS", auth: "AUTH" };
    const place = phase === "connect" || phase === "ehlo" || phase === "tls" ? what[phase] : what.auth;
    return { phase, reply, message: `${where} refused us at ${place}: ${reply.replace(/\s*\n\s*/g, " ")}` };
  }
  return { phase, reply, message: plainWords() };

  function plainWords(): string {
    const code = error?.originalCode ?? error?.code;
    if (error === null) return `${where} hung up before the session began`;
    if (phase === "tls") {
      const wanted =
        tls === "verify" ? ' (tls is "verify": the certificate must be valid for that name)' : "";
      return `${where} could not be spoken to with TLS: ${lineOf(error)}${wanted}`;
    }
    switch (code) {
      case "ECONNREFUSED":
        return `nothing listens at ${where}`;
      case "ETIMEDOUT":
        return error.timeoutType === "GREETING_TIMEOUT"
          ? `${where} took the connection and never greeted`
          : `${where} does not answer`;
      case "EHOSTUNREACH":
      case "ENETUNREACH":
        return `there is no way to ${where} from here (${code})`;
      case "EADDRNOTAVAIL":
        return `${where} cannot be reached from ${sourceAddress ?? "here"}: this machine does not have that address`;
      case "ECONNRESET":
      case "EPIPE":
        return `${where} cut the connection`;
    }
    if (/closed unexpectedly/i.test(error.message)) return `${where} hung up before the session began`;
    return `${where}: ${lineOf(error)}`;
  }
}

function lineOf(error: Error): string {
  return error.message.replace(/\s*[\r\n]+\s*/g, " ");
}

/** "mx.example:25", with the address where that is not the name. */
function nameOf({ host, address, port }: Peer): string {
  const named = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  return host === address ? named : `${named} (${address})`;
}
