// One connection as lines and messages in, replies out: buffering, pipelining, delays, cutting, the change to TLS.
// Replies to what came together leave together. What is said is decided by smtp-session.ts.
import type { Socket } from "node:net";
import { type SecureContext, TLSSocket } from "node:tls";
import type { Clock } from "../clock.ts";
import { type Keep, MessageReader } from "./message-reader.ts";

export interface WireEvents {
  line(line: string): void;
  message(message: MessageReader): void;
  /** Once, when the connection is over and all that came by it is answered. */
  gone(): void;
}

export interface WireOptions {
  socket: Socket;
  clock: Clock;
  /** Time from a command (or burst of commands) to its reply. */
  replyDelayMs: () => number;
  events: WireEvents;
}

const EMPTY = Buffer.alloc(0);
const LONGEST_LINE = 65_536;
const LONGEST_DELAY_MS = 2 ** 31 - 1;

export class Wire {
  #socket: Socket;
  #detach: () => void;
  readonly #options: WireOptions;
  readonly #gone = new AbortController();
  #input: Buffer = EMPTY;
  #output = "";
  #reader: MessageReader | null = null;
  #onFirstBytes: (() => void) | null = null;
  #waiting = false;
  /** The burst that is being answered has had its delay. */
  #delayed = false;
  #ended = false;
  /** We hung up: nothing that still comes is heard. */
  #closed = false;
  #finished = false;

  constructor(options: WireOptions) {
    this.#options = options;
    this.#socket = options.socket;
    this.#detach = this.#attach();
  }

  get secure(): boolean {
    return this.#socket instanceof TLSSocket;
  }

  /** Lines with "\n" or "\r\n" between them; sent with whatever else is said before the client must speak again. */
  say(reply: string): void {
    this.#output += reply.includes("\n") ? `${reply.replaceAll(/\r?\n/g, "\r\n")}\r\n` : `${reply}\r\n`;
  }

  /** Runs `greet` after the reply delay, as the answer to the connection itself. */
  greet(greet: () => void): void {
    this.#answer(greet);
    this.#drive();
  }

  /** Sends what was said, then goes on with `then` after `delayMs`, or at once when the client goes away. */
  pause(delayMs: number, then: () => void): void {
    this.#flush();
    this.#waiting = true;
    this.#options.clock.sleep(Math.min(delayMs, LONGEST_DELAY_MS), this.#gone.signal).then(() => {
      this.#waiting = false;
      if (!this.#closed) {
        then();
        this.#drive();
      }
      this.#finish();
    });
  }

  /** What comes next is a message, up to its final dot. */
  expectMessage(keep: Keep): void {
    this.#reader = new MessageReader(keep);
  }

  /** As soon as the first bytes of the expected message are here. */
  onFirstBytes(then: () => void): void {
    this.#onFirstBytes = then;
  }

  /** Sends what was said and hangs up. */
  end(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#socket.writable) this.#socket.end(this.#output);
    this.#output = "";
  }

  /** Cuts the connection, after the replies to what came earlier. */
  cut(): void {
    if (!this.#closed) this.#flush();
    this.#closed = true;
    this.#socket.destroy();
  }

  /** Sends what was said, then speaks TLS. Input that came before is thrown away (RFC 3207 section 4.2). */
  startTls(context: SecureContext): void {
    this.#flush();
    this.#input = EMPTY;
    const plain = this.#socket;
    this.#detach();
    this.#socket = new TLSSocket(plain, { isServer: true, secureContext: context });
    this.#detach = this.#attach();
  }

  /** Puts our ears on the socket; returns how to take them off. */
  #attach(): () => void {
    const socket = this.#socket;
    const onData = (chunk: Buffer) => {
      if (this.#closed) return;
      this.#input = this.#input.length === 0 ? chunk : Buffer.concat([this.#input, chunk]);
      if (!this.#waiting) this.#drive();
    };
    const onEnd = () => {
      this.#ended = true;
      if (!this.#waiting) this.#drive();
    };
    const onClose = () => {
      // A message whose final dot is here is judged although nobody is left to hear the reply.
      this.#gone.abort();
      if (!this.#waiting) this.#drive();
      this.#finish();
    };
    socket.on("data", onData).on("end", onEnd).on("close", onClose).on("error", ignore);
    return () => socket.off("data", onData).off("end", onEnd).off("close", onClose);
  }

  #finish(): void {
    if (!this.#gone.signal.aborted || this.#waiting || this.#finished) return;
    this.#finished = true;
    this.#closed = true;
    this.#options.events.gone();
  }

  #drive(): void {
    while (!this.#waiting && !this.#closed) {
      const unit = this.#next();
      if (unit === null) break;
      this.#answer(() => {
        if (typeof unit === "string") this.#options.events.line(unit);
        else this.#options.events.message(unit);
      });
    }
    if (this.#waiting) return;
    this.#flush();
    this.#delayed = false;
    if (this.#ended) this.end();
  }

  #answer(answer: () => void): void {
    const delayMs = this.#delayed ? 0 : this.#options.replyDelayMs();
    this.#delayed = true;
    if (delayMs > 0) this.pause(delayMs, answer);
    else answer();
  }

  /** The next whole line, or the message whose final dot has come; null when there is none yet. */
  #next(): string | MessageReader | null {
    if (this.#input.length === 0) return null;
    if (this.#reader !== null) return this.#nextMessage(this.#reader);
    const end = this.#input.indexOf(0x0a);
    if (end === -1) {
      if (this.#input.length > LONGEST_LINE) this.cut();
      return null;
    }
    const stop = end > 0 && this.#input[end - 1] === 0x0d ? end - 1 : end;
    const line = this.#input.toString("utf8", 0, stop);
    this.#input = end + 1 === this.#input.length ? EMPTY : this.#input.subarray(end + 1);
    return line;
  }

  #nextMessage(reader: MessageReader): MessageReader | null {
    if (this.#onFirstBytes !== null) {
      this.#onFirstBytes();
      this.#onFirstBytes = null;
      if (this.#closed) return null;
    }
    const rest = reader.take(this.#input);
    this.#input = rest ?? EMPTY;
    if (rest === null) return null;
    this.#reader = null;
    return reader;
  }

  #flush(): void {
    if (this.#output === "") return;
    if (this.#socket.writable) this.#socket.write(this.#output);
    this.#output = "";
  }
}

function ignore(): void {}
