// Two clients for the tests of simulated providers: nodemailer's own connection, and a raw one that sends what it is
// told, cut as it is told.
import { connect, type Socket } from "node:net";
import SMTPConnection, { type SMTPConnectionOptions } from "nodemailer/lib/smtp-connection";

export interface Mail {
  from?: string;
  to: string | string[];
  text?: string;
}

/** What a client saw: the code and text of the reply, or null when the connection went without one. */
export interface Seen {
  code: number | null;
  text: string;
  command: string;
}

/** Connects, says hello (STARTTLS and AUTH where asked), sends one mail, and tells how that went. */
export async function sendMail(
  port: number,
  mail: Mail,
  options: SMTPConnectionOptions & { auth?: { user: string; pass: string; method?: string } } = {},
): Promise<Seen> {
  const { auth, ...rest } = options;
  const connection = new SMTPConnection({ host: "127.0.0.1", port, name: "client.example", ...rest });
  try {
    return await new Promise<Seen>((resolve) => {
      const failed = (error: Error) => resolve(seenOf(error));
      connection.on("error", failed);
      connection.connect((error) => {
        if (error) return failed(error);
        if (auth === undefined) return send();
        connection.login(auth, (loginError) => (loginError ? failed(loginError) : send()));
      });
      const send = () => {
        const envelope = { from: mail.from ?? "a@sender.example", to: mail.to };
        connection.send(envelope, mail.text ?? "Subject: x\r\n\r\nbody\r\n", (error, info) => {
          if (error) failed(error);
          else
            resolve({ code: Number(info?.response.slice(0, 3)), text: info?.response ?? "", command: "dot" });
        });
      };
    });
  } finally {
    connection.close();
  }
}

function seenOf(error: Error): Seen {
  const { responseCode, response, command } = error as Error & {
    responseCode?: number;
    response?: string | false;
    command?: string;
  };
  return { code: responseCode ?? null, text: response || "", command: command ?? "" };
}

/** A connection that keeps all that it hears. */
export class RawClient {
  heard = "";
  readonly #socket: Socket;
  #gone = false;
  readonly #waiting = new Set<() => void>();

  constructor(port: number) {
    this.#socket = connect({ host: "127.0.0.1", port, noDelay: true });
    this.#socket.setEncoding("utf8");
    this.#socket.on("data", (text: string) => {
      this.heard += text;
      for (const look of this.#waiting) look();
    });
    this.#socket.on("error", () => {});
    this.#socket.on("close", () => {
      this.#gone = true;
      for (const look of this.#waiting) look();
    });
  }

  send(text: string): void {
    this.#socket.write(text);
  }

  cut(): void {
    this.#socket.destroy();
  }

  /** Resolves when the pattern has been heard; rejects when the connection ends before. */
  async hear(pattern: RegExp): Promise<string> {
    await this.#until(() => pattern.test(this.heard) || this.#gone);
    if (!pattern.test(this.heard)) throw new Error(`never heard ${pattern}, but: ${this.heard}`);
    return this.heard;
  }

  /** Resolves with all that was heard when the other side has hung up. */
  async end(): Promise<string> {
    await this.#until(() => this.#gone);
    return this.heard;
  }

  #until(holds: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (!holds()) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
    });
  }
}
