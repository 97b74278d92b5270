// A way to PostgreSQL that is long, and that can see a hold pass by: the moment at which a transaction that holds a
// lane is committed, and nobody has been told.

import { connect, createServer, type Server, type Socket } from "node:net";
import { openDoor } from "./loopback.ts";

export interface SlowProxy {
  /** The same database, by this way. */
  urlOf(url: string): string;
  /** How often something was asked after an answer had been heard, on any connection. */
  readonly roundTrips: number;
  close(): Promise<void>;
}

/** A lane's row as it is written, and what ends a transaction: the answer is a message of its own. */
const HELD = '"state":"held"';
const COMMITTED = "COMMIT\0";
/** More than the longest text that is looked for: it may come in two pieces. */
const TAIL = 32;

export async function startSlowProxy(options: {
  target: string;
  /** Answers come so much later; what is asked arrives at once, so that all is done long before anybody knows. */
  answerDelayMs?: number;
  /**
   * Called when a lane's row that says "held" is committed, at its first time on each connection and before the answer
   * goes back. True: it never does.
   */
  onHold?: () => boolean;
}): Promise<SlowProxy> {
  const { hostname, port } = new URL(options.target);
  const { answerDelayMs = 0, onHold } = options;
  const sockets = new Set<Socket>();
  let roundTrips = 0;
  const server: Server = createServer({ noDelay: true }, (client) => {
    const behind = connect({ port: Number(port), host: hostname, noDelay: true });
    let asked = "";
    let answered = "";
    let holds = false;
    let awaits = false;
    let seen = false;
    let withheld: Buffer[] = [];
    let hasHeard = true;
    const hear = (bytes: Buffer) => {
      hasHeard = true;
      client.write(bytes);
    };
    for (const socket of [client, behind]) {
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        sockets.delete(socket);
        client.destroy();
        behind.destroy();
      });
    }
    client.on("data", (bytes) => {
      if (hasHeard) roundTrips += 1;
      hasHeard = false;
      if (onHold !== undefined && !seen) {
        const text = asked + bytes.toString("latin1");
        holds ||= text.includes(HELD);
        awaits ||= holds && text.includes(COMMITTED);
        asked = text.slice(-TAIL);
      }
      behind.write(bytes);
    });
    behind.on("data", (bytes) => {
      if (awaits && !seen) {
        const text = answered + bytes.toString("latin1");
        answered = text.slice(-TAIL);
        withheld.push(bytes);
        if (text.includes(COMMITTED)) {
          seen = true;
          if (onHold?.() === true) client.destroy();
          else hear(Buffer.concat(withheld));
          withheld = [];
        }
        return;
      }
      if (answerDelayMs === 0) hear(bytes);
      else setTimeout(hear, answerDelayMs, bytes);
    });
  });
  const urlOf = await openDoor(server);
  return {
    urlOf,
    get roundTrips() {
      return roundTrips;
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
