// The transport port: a connection over which one message after another goes. What is heard is passed on as it
// was said; what it means is decided in outcome.ts.
import type { Phase } from "../bounce/reason.ts";
import type { Heard } from "./outcome.ts";

/** A composed message with its envelope. */
export interface Mail {
  from: string;
  to: string;
  /** CRLF line ends, not dot-stuffed. */
  raw: Buffer;
  smtpUtf8: boolean;
  /** Comes back in every report that it is asked for: names delivery and attempt (RFC 3461 section 4.4). */
  envid?: string;
}

/** A connection could not be made. With a `reply` the other side refused us at the door; without, it is not there. */
export interface ConnectFailure {
  phase: Phase;
  reply: string | null;
  message: string;
}

export type Connected = { ok: true; connection: MailConnection } | { ok: false; failure: ConnectFailure };

export interface MailConnection {
  /** Sends one message; never rejects. `mayBegin` is looked at right before MAIL FROM. */
  send(mail: Mail, mayBegin: () => boolean): Promise<Heard>;
  /** False once it cannot carry another message. */
  readonly usable: boolean;
  /** Largest message that the other side takes, bytes (SIZE, RFC 1870); null or left out: it did not say. */
  readonly sizeLimit?: number | null;
  /** QUIT; resolves when the connection is gone, soon in any case; never rejects. */
  close(): Promise<void>;
}

export interface Transport {
  /** Where a domain's mail goes on a route: mails with the same destination may share a connection. */
  destination(route: string, domain: string): string;
  connect(route: string, destination: string): Promise<Connected>;
}
