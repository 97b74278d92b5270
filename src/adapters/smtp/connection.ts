// One SMTP or LMTP session as the delivery protocol needs it: each mail ends in exactly one Heard, and whether the
// final dot had been given to the socket is known. nodemailer's SMTPConnection keeps the dialogue; opening it is
// dial.ts, what a reply means is outcome.ts.
import type { Readable, Transform } from "node:stream";
import type SMTPConnection from "nodemailer/lib/smtp-connection";
import type { SMTPConnectionSendInfo, SMTPEnvelope } from "nodemailer/lib/smtp-connection";
import type { Phase } from "../../bounce/reason.ts";
import type { Heard } from "../../delivery/outcome.ts";
import type { Mail, MailConnection } from "../../delivery/transport.ts";
import { isRefusal, type Offers, relayIdOf } from "./reply.ts";

export interface SessionTimeouts {
  /** Longest silence of the server before the final dot. */
  replyMs: number;
  /** Longest silence after it: RFC 5321 section 4.5.3.2.6 asks for 10 minutes, as a retry then may be a duplicate. */
  dotMs: number;
  /** Longest time for one mail, however the server dribbles. */
  mailMs: number;
  /** Longest wait for the answer to QUIT. */
  quitMs: number;
}

/** The errors of nodemailer, as far as they are read here. */
export interface SessionError extends Error {
  code?: string | undefined;
  originalCode?: string | undefined;
  command?: string | undefined;
  response?: string | false | undefined;
  syscall?: string | undefined;
  timeoutType?: string | undefined;
}

/** What nodemailer keeps of a transaction on the object that it was given as envelope. */
interface Transaction extends SMTPEnvelope {
  from: string;
  to: string;
  size: number;
  accepted?: string[];
  mailError?: SessionError;
  rejectedErrors?: SessionError[];
}

/**
 * Only a success that is told lets a lane behind a relay grow. The headers alone come back (RET, RFC 3461 section 4.3),
 * and with ORCPT the address as we wrote it; an address beyond ASCII needs its own form there and goes without.
 */
function reportsOf({ to }: Mail, envid: string): NonNullable<SMTPEnvelope["dsn"]> {
  const recipient = /^[\x21-\x7e]+$/.test(to) ? { recipient: `rfc822;${to}` } : {};
  return { id: envid, return: "headers", notify: ["success", "delay", "failure"], ...recipient };
}

/** A mail under way. */
interface UnderWay {
  transaction: Transaction;
  message: Message;
  end: (heard: Heard) => void;
}

/** Takes over a session that is greeted, secured and logged in. */
export function createMailConnection(options: {
  session: SMTPConnection;
  offers: Offers;
  /** "host:port", for messages. */
  peer: string;
  lmtp: boolean;
  asksForReports?: boolean;
  timeouts: SessionTimeouts;
}): MailConnection {
  const { session, offers, peer, lmtp, timeouts, asksForReports = false } = options;
  let dead = false;
  let trouble: SessionError | null = null;
  let underWay: UnderWay | null = null;
  let resetting: { done: Promise<void>; end: () => void } | null = null;

  const setSilence = (ms: number) => {
    if (session._socket) session._socket.setTimeout(ms);
  };

  session.on("error", (error: SessionError) => {
    trouble ??= error;
    dead = true;
  });
  // The last thing that a session says, whatever ended it; the mail's own callback may come right after, or never.
  session.on("end", () => {
    dead = true;
    resetting?.end();
    const mail = underWay;
    if (mail !== null) setImmediate(() => mail.end(lost(mail, trouble)));
  });
  setSilence(timeouts.replyMs);

  // A small message and its final dot leave in one write. A big one must not wait: the pipe would stop for a socket
  // that never drains.
  let holding = false;
  const hold = (bytes: number) => {
    const socket = session._socket;
    if (!socket || bytes * 2 + 5 >= socket.writableHighWaterMark) return;
    holding = true;
    socket.cork();
  };
  const release = () => {
    holding = false;
    if (session._socket) session._socket.uncork();
  };

  const isUsable = () => {
    const socket = session._socket;
    return !dead && !session.destroyed && !!socket && !socket.destroyed && socket.writable;
  };

  async function send(mail: Mail, mayBegin: () => boolean): Promise<Heard> {
    if (resetting !== null) await resetting.done;
    if (!isUsable()) return lost(null, trouble);
    const refused = unfit(mail, offers);
    if (!mayBegin()) return { kind: "returned" };
    return refused ?? transfer(mail);
  }

  function transfer(mail: Mail): Promise<Heard> {
    return new Promise((resolve) => {
      const transaction: Transaction = {
        from: mail.from,
        to: mail.to,
        size: mail.raw.length,
        ...(asksForReports && mail.envid !== undefined ? { dsn: reportsOf(mail, mail.envid) } : {}),
      };
      const message = createMessage(mail.raw, {
        onBegun: () => hold(mail.raw.length),
        onHandedOver: () => {
          setSilence(timeouts.dotMs);
          // After the pipe has written it.
          if (holding) process.nextTick(release);
        },
      });
      const limit = setTimeout(() => {
        trouble ??= new Error(`it took longer than ${Math.round(timeouts.mailMs / 1000)} s`);
        session.close();
      }, timeouts.mailMs);
      const mine: UnderWay = {
        transaction,
        message,
        end: (heard) => {
          if (underWay !== mine) return;
          underWay = null;
          clearTimeout(limit);
          if (message.handedOver()) setSilence(timeouts.replyMs);
          resolve(heard);
        },
      };
      underWay = mine;
      // Shows afterwards whether MAIL has been answered at all.
      session.lastServerResponse = false;
      session.send(transaction, message.readable, (error, info) => mine.end(hear(mine, error, info)));
    });
  }

  function hear(mail: UnderWay, error: SessionError | null, info?: SMTPConnectionSendInfo): Heard {
    const { transaction, message } = mail;
    if (error === null && info !== undefined) {
      // LMTP answers each recipient, and nodemailer calls the message sent whatever it answers.
      const own = lmtp ? transaction.rejectedErrors?.[0] : undefined;
      if (own === undefined) {
        if (message.handedOver()) {
          const asked = offers.dsn && transaction.dsn !== undefined ? { asked: true as const } : {};
          return { kind: "accepted", reply: info.response, relayId: relayIdOf(info.response), ...asked };
        }
        return outOfStep(mail, info.response);
      }
      return answered(mail, "dot", own.response || "");
    }
    if (error === null) return lost(mail, trouble);
    if (!error.response) {
      if (error.command !== "API" || error.code !== "EENVELOPE") return lost(mail, trouble ?? error);
      return { kind: "refused", phase: "rcpt", reply: `553 5.1.3 ${oneLine(error.message)} (not sent)` };
    }
    const [phase, reply] = answerOf(mail, error, error.response);
    return answered(mail, phase, reply);
  }

  /** Which command was answered. An error of the connection with a reply is a 421, or a last line cut short. */
  function answerOf(mail: UnderWay, error: SessionError, reply: string): [Phase, string] {
    if (error.command === "MAIL FROM") return ["mail", reply];
    if (error.command === "RCPT TO") return ["rcpt", reply];
    if (error.command === "DATA") return [mail.message.handedOver() ? "dot" : "data", reply];
    return earlier(mail) ?? [waitingFor(mail), reply];
  }

  /** With pipelining a refusal is told only after the reply to DATA, which may never come. */
  function earlier({ transaction: { mailError, rejectedErrors } }: UnderWay): [Phase, string] | null {
    if (mailError?.response) return ["mail", mailError.response];
    const rejected = rejectedErrors?.[0]?.response;
    return rejected ? ["rcpt", rejected] : null;
  }

  function answered(mail: UnderWay, phase: Phase, reply: string): Heard {
    if (!isRefusal(reply)) return outOfStep(mail, reply);
    const opened = phase === "rcpt" || phase === "data";
    // An answer to a message that is still on its way: the rest of it would be read as commands.
    if (mail.message.begun() && !mail.message.handedOver()) session.close();
    else if (opened && !reply.startsWith("421")) reset();
    return { kind: "refused", phase, reply };
  }

  /** An answer that belongs to no question: from here on nobody knows what the next one would be about. */
  function outOfStep(mail: UnderWay, reply: string): Heard {
    trouble ??= new Error(`it answered out of turn: "${oneLine(reply)}"`);
    session.close();
    return lost(mail, trouble);
  }

  /** MAIL was accepted and no message followed. Not waited for here: the refusal is told at once. */
  function reset(): void {
    if (!isUsable()) return;
    let end = () => {};
    const done = new Promise<void>((resolve) => {
      end = resolve;
    });
    const mine = { done, end };
    resetting = mine;
    session.reset((error) => {
      if (error) {
        trouble ??= error;
        session.close();
      }
      if (resetting === mine) resetting = null;
      end();
    });
  }

  function lost(mail: UnderWay | null, why: SessionError | null): Heard {
    const [refusedAt, reply] = (mail !== null && earlier(mail)) || [];
    if (refusedAt !== undefined && reply !== undefined && isRefusal(reply))
      return { kind: "refused", phase: refusedAt, reply };
    const phase = mail === null ? "mail" : waitingFor(mail);
    const handedOver = mail?.message.handedOver() ?? false;
    return { kind: "lost", phase, handedOver, message: `${peer} ${PLACES[phase]}: ${plainWords(why)}` };
  }

  function waitingFor({ transaction, message }: UnderWay): Phase {
    if (message.handedOver()) return "dot";
    if (message.begun() || (transaction.accepted?.length ?? 0) > 0) return "data";
    return session.lastServerResponse === false ? "mail" : "rcpt";
  }

  return {
    send,
    sizeLimit: offers.sizeLimit,
    get usable() {
      return isUsable();
    },
    close: async () => {
      if (!isUsable() || underWay !== null) {
        session.close();
        return;
      }
      await new Promise<void>((resolve) => {
        const limit = setTimeout(() => {
          session.close();
          resolve();
        }, timeouts.quitMs);
        session.once("end", () => {
          clearTimeout(limit);
          resolve();
        });
        session.quit();
      });
    },
  };
}

const PLACES: Partial<Record<Phase, string>> = {
  mail: "ended the connection before it answered MAIL",
  rcpt: "ended the connection before it answered RCPT",
  data: "ended the connection before it had the whole message",
  dot: "ended the connection after it had the whole message, without an answer",
};

/** What the server has said it does not take is not sent; the reply is ours and says so (RFC 6531, RFC 1870). */
function unfit(mail: Mail, offers: Offers): Heard | null {
  if (mail.smtpUtf8 && !offers.smtpUtf8) {
    const reply = "550 5.6.7 The server does not take internationalised addresses (no SMTPUTF8; not sent)";
    return { kind: "refused", phase: "rcpt", reply };
  }
  if (offers.sizeLimit !== null && mail.raw.length > offers.sizeLimit) {
    const reply = `552 5.3.4 Message size ${mail.raw.length} exceeds the server's limit of ${offers.sizeLimit} bytes (not sent)`;
    return { kind: "refused", phase: "data", reply };
  }
  return null;
}

function plainWords(error: SessionError | null): string {
  if (error === null) return "it hung up";
  if (error.code === "ETIMEDOUT") return "it was silent too long";
  if (/closed unexpectedly|half-closed|already destroyed/.test(error.message)) return "it hung up";
  return oneLine(error.message);
}

function oneLine(text: string): string {
  return text.replace(/\s*[\r\n]+\s*/g, " ").slice(0, 500);
}

interface Message {
  /** What nodemailer takes for a stream. */
  readonly readable: Readable;
  /** Some of it may have been given to the socket. */
  begun(): boolean;
  /** The final dot has been given to the socket. */
  handedOver(): boolean;
}

/**
 * Stands in for a stream: nodemailer only pipes it, once, into the transform that doubles dots and ends with the
 * final one. The transform is piped to the socket; what leaves it beyond the message itself is the final dot. The
 * listener stands before the pipe's own, so that the dot counts as handed over a moment too early, never too late.
 */
function createMessage(
  raw: Buffer,
  { onBegun, onHandedOver }: { onBegun: () => void; onHandedOver: () => void },
): Message {
  let begun = false;
  let handedOver = false;
  const readable = {
    on: () => readable,
    removeListener: () => readable,
    destroy: () => readable,
    pipe: (stuffed: Transform) => {
      begun = true;
      onBegun();
      let left = 0;
      let body = Number.POSITIVE_INFINITY;
      stuffed.prependListener("data", (chunk: Buffer) => {
        left += chunk.length;
        if (handedOver || left <= body) return;
        handedOver = true;
        onHandedOver();
      });
      if (isClean(raw)) passUnchanged(stuffed, raw);
      else stuffed.write(raw);
      body = left + stuffed.readableLength;
      stuffed.end();
      return stuffed;
    },
  };
  return {
    readable: readable as unknown as Readable,
    begun: () => begun,
    handedOver: () => handedOver,
  };
}

/** No line begins with a dot: what the composer makes has CRLF line ends, and dots there only in 7bit bodies. */
function isClean(raw: Buffer): boolean {
  return !raw.includes("\n.") && !raw.includes("\r.") && raw[0] !== 0x2e;
}

/**
 * Past nodemailer's transform, which looks at every byte of a message that has nothing to double. It asks for the last
 * byte when it ends; were it not told, an empty line would stand before the dot.
 */
function passUnchanged(stuffed: Transform, raw: Buffer): void {
  const counted = stuffed as Transform & { lastByte?: number | false; outByteCount?: number };
  counted.lastByte = raw.at(-1) ?? false;
  counted.outByteCount = raw.length;
  stuffed.push(raw);
}
