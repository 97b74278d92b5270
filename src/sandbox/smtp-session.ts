// The SMTP (RFC 5321) or LMTP (RFC 2033) dialogue of one connection, from the provider's side: order of commands,
// extensions, and at each phase the script's answer carried out. Counting and recording belong to the provider.
import type { Socket } from "node:net";
import type { Phase } from "../bounce/reason.ts";
import type { Addressee, Desk, Transaction } from "./desk.ts";
import type { MessageReader } from "./message-reader.ts";
import type { Answer } from "./moment.ts";
import type { ProviderOutcome } from "./provider-log.ts";
import { authenticate } from "./smtp-auth.ts";
import { Wire } from "./wire.ts";

export interface SessionOptions {
  socket: Socket;
  connection: number;
  desk: Desk;
  /** A refusal of the connection as such (too many of them), in place of the banner. */
  refusal: string | null;
  onEnd: () => void;
}

const PATH = /^(?:MAIL FROM|RCPT TO):[ ]*<((?:"(?:[^"\\]|\\.)*")?[^<>]*)>(?:[ ]+(.*))?$/i;
const TOO_BIG = "552 5.3.4 Message size exceeds fixed limit";

export function startSession({ socket, connection, desk, refusal, onEnd }: SessionOptions): {
  /** Cuts the connection without a word. */
  cut: () => void;
} {
  const { features } = desk;
  let greeted = false;
  let authenticated = features.auth === undefined;
  let transaction: Transaction | null = null;
  let expected: ((line: string) => void) | null = null;

  const wire = new Wire({
    socket,
    clock: desk.clock,
    replyDelayMs: () => desk.replyDelayMs(),
    events: {
      line(line) {
        const take = expected;
        expected = null;
        if (take !== null) take(line);
        else {
          const reply = command(line);
          if (reply !== null) wire.say(reply);
        }
      },
      message: judge,
      gone() {
        if (transaction !== null && transaction.addressees.length > 0)
          record("abandoned", "data", transaction.addressees, "", null);
        onEnd();
      },
    },
  });
  wire.greet(() => {
    answer("connect", [], refusal ?? `220 ${desk.name} ${features.lmtp ? "LMTP" : "ESMTP"}`, () => {});
  });
  return { cut };

  /** Lets the script have its say, carries it out, and tells `then` whether the reply was a positive one. */
  function answer(
    phase: Phase,
    about: readonly Addressee[],
    normal: string,
    then: (positive: boolean, reply: string) => void,
    message: MessageReader | null = null,
  ): null {
    const scripted = desk.script(phase, connection, transaction?.sender ?? null, about[0] ?? null);
    if (scripted?.delayMs === undefined || scripted.delayMs <= 0) carryOut();
    else wire.pause(scripted.delayMs, carryOut);
    return null;

    function carryOut(): void {
      if (scripted !== undefined && "drop" in scripted) {
        drop(scripted);
        return;
      }
      const own = scripted !== undefined && "reply" in scripted ? scripted : undefined;
      const reply = own?.reply ?? normal;
      const positive = isPositive(reply);
      if (!positive) record(reply.startsWith("4") ? "deferred" : "refused", phase, about, reply, message);
      wire.say(reply);
      then(positive, reply);
      if (own?.close ?? (reply.startsWith("421") || (phase === "connect" && !positive))) hangUp();
    }

    function drop({ drop, taken }: Extract<Answer, { drop: string }>): void {
      if (drop === "after-reply") {
        wire.say(normal);
        if (phase === "dot") then(isPositive(normal), normal);
        else record("dropped", phase, about, normal, message);
        hangUp();
      } else if (drop === "mid-data" && phase === "data" && isPositive(normal)) {
        wire.say(normal);
        then(true, normal);
        wire.onFirstBytes(() => {
          record("dropped", "data", about, "", null);
          cut();
        });
      } else {
        record(taken === true && phase === "dot" ? "accepted" : "dropped", phase, about, "", message);
        cut();
      }
    }
  }

  function record(
    outcome: ProviderOutcome,
    phase: Phase,
    about: readonly Addressee[],
    reply: string,
    message: MessageReader | null,
  ): void {
    for (const to of about.length === 0 ? [null] : about)
      desk.record({ outcome, phase, connection, transaction, to, reply, message });
  }

  function hangUp(): void {
    transaction = null;
    wire.end();
  }

  function cut(): void {
    transaction = null;
    wire.cut();
  }

  /** The reply; null when answer() sees to it. */
  function command(line: string): string | null {
    switch (line.slice(0, 4).toUpperCase()) {
      case "EHLO":
      case "LHLO":
        return hello(line.slice(0, 4).toUpperCase() === "LHLO");
      case "HELO":
        return welcome(`250 ${desk.name}`);
      case "STAR":
        return startTls();
      case "AUTH":
        return auth(line);
      case "MAIL":
        return mail(line);
      case "RCPT":
        return rcpt(line);
      case "DATA":
        return data();
      case "RSET":
        transaction = null;
        return "250 2.0.0 Ok";
      case "NOOP":
        return "250 2.0.0 Ok";
      case "VRFY":
        return "252 2.0.0 Send some mail, and see";
      case "QUIT":
        wire.say("221 2.0.0 Bye");
        hangUp();
        return null;
      default:
        return "500 5.5.2 Command unrecognized";
    }
  }

  function hello(lmtp: boolean): string | null {
    if (lmtp !== (features.lmtp === true)) return "500 5.5.1 Wrong protocol";
    const lines = [desk.name, "8BITMIME", "ENHANCEDSTATUSCODES"];
    if (features.pipelining !== false) lines.push("PIPELINING");
    if (features.size !== undefined) lines.push(`SIZE ${features.size}`);
    if (features.dsn === true) lines.push("DSN");
    if (features.smtpUtf8 !== false) lines.push("SMTPUTF8");
    if (desk.secureContext !== null && !wire.secure) lines.push("STARTTLS");
    if (features.auth !== undefined) lines.push("AUTH PLAIN LOGIN");
    return welcome(lines.map((text, i) => `250${i < lines.length - 1 ? "-" : " "}${text}`).join("\n"));
  }

  function welcome(reply: string): string | null {
    return answer("ehlo", [], reply, (positive) => {
      if (positive) greeted = true;
      transaction = null;
    });
  }

  function startTls(): string | null {
    const context = desk.secureContext;
    if (context === null || wire.secure) return "502 5.5.1 STARTTLS is not available";
    return answer("tls", [], "220 2.0.0 Ready to start TLS", (positive) => {
      if (!positive) return;
      greeted = false;
      transaction = null;
      wire.startTls(context);
    });
  }

  function auth(line: string): string | null {
    const wanted = features.auth;
    if (wanted === undefined) return "502 5.5.1 AUTH is not available";
    authenticate({
      line,
      say: (reply) => wire.say(reply),
      expect(then) {
        expected = then;
      },
      check(user, pass) {
        const right = user === wanted.user && pass === wanted.pass;
        const normal = right ? "235 2.7.0 Accepted" : "535 5.7.8 Authentication credentials invalid";
        answer("auth", [], normal, (positive) => {
          authenticated = positive;
        });
      },
    });
    return null;
  }

  function mail(line: string): string | null {
    const path = PATH.exec(line);
    if (!greeted) return "503 5.5.1 Say hello first";
    if (transaction !== null) return "503 5.5.1 Nested MAIL command";
    if (path === null) return "501 5.1.7 Bad sender address syntax";
    const envid = parameter(path[2], "ENVID");
    transaction = { sender: path[1] ?? "", addressees: [], ...(envid === undefined ? {} : { envid }) };
    const tooBig = features.size !== undefined && Number(parameter(path[2], "SIZE") ?? 0) > features.size;
    const normal = authenticated ? (tooBig ? TOO_BIG : "250 2.1.0 Ok") : "530 5.7.0 Authentication required";
    return answer("mail", [], normal, (positive) => {
      if (!positive) transaction = null;
    });
  }

  function rcpt(line: string): string | null {
    const open = transaction;
    const path = PATH.exec(line);
    if (open === null) return "503 5.5.1 Need MAIL command";
    if (path?.[1] === undefined || path[1] === "") return "501 5.1.3 Bad recipient address syntax";
    const to = desk.addressee(path[1]);
    const notify = parameter(path[2], "NOTIFY");
    if (notify !== undefined) to.notify = notify;
    return answer("rcpt", [to], "250 2.1.5 Ok", (positive) => {
      if (positive) open.addressees.push(to);
    });
  }

  function data(): string | null {
    const to = transaction?.addressees ?? [];
    if (to.length === 0) return "503 5.5.1 Need RCPT command";
    return answer("data", to, "354 End data with <CR><LF>.<CR><LF>", (positive) => {
      if (positive) wire.expectMessage(desk.keep);
      else transaction = null;
    });
  }

  /** The message is here: one reply for all (SMTP), or one for each recipient in turn (LMTP). */
  function judge(message: MessageReader): void {
    const all = transaction?.addressees ?? [];
    const groups = features.lmtp ? all.map((to) => [to]) : [all];
    const tooBig = features.size !== undefined && message.bytes > features.size;
    const next = (index: number): void => {
      const about = groups[index];
      if (about === undefined) {
        transaction = null;
        return;
      }
      const normal = tooBig ? TOO_BIG : `250 2.0.0 Ok: queued as ${desk.nextId()}`;
      const then = (positive: boolean, reply: string) => {
        if (positive) record("accepted", "dot", about, reply, message);
        next(index + 1);
      };
      answer("dot", about, normal, then, message);
    };
    next(0);
  }
}

function isPositive(reply: string): boolean {
  return reply.startsWith("2") || reply.startsWith("3");
}

function parameter(parameters: string | undefined, name: string): string | undefined {
  if (parameters === undefined) return undefined;
  return new RegExp(`(?:^| )${name}=([^ ]+)`, "i").exec(parameters)?.[1];
}
