// A way to PostgreSQL that is long, and that can see a hold pass by: the moment at which a transaction that holds a
// lane is committed, and nobody has been told.
import { connect, createServer, type Server, type Socket } from "node:net";

export interface SlowProxy {
  /** The same database, by this way. */
  urlOf(url: string): string;
  /** What the server has answered so far: one round trip or more each. */
  readonly answers: number;
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
  /** Called when a hold is committed, before the answer goes back; the answer never does. */
  onHold?: () => void;
}): Promise<SlowProxy> {
  const { hostname, port } = new URL(options.target);
  const { answerDelayMs = 0, onHold } = options;
  const sockets = new Set<Socket>();
  let answers = 0;
  let seen = false;
  const server: Server = createServer({ noDelay: true }, (client) => {
    const behind = connect({ port: Number(port), host: hostname, noDelay: true });
    let asked = "";
    let answered = "";
    let holds = false;
    let awaits = false;
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
      if (onHold !== undefined && !seen) {
        const text = asked + bytes.toString("latin1");
        holds ||= text.includes(HELD);
        awaits ||= holds && text.includes(COMMITTED);
        asked = text.slice(-TAIL);
      }
      behind.write(bytes);
    });
    behind.on("data", (bytes) => {
      answers += 1;
      if (awaits && !seen) {
        const text = answered + bytes.toString("latin1");
        answered = text.slice(-TAIL);
        if (text.includes(COMMITTED)) {
          seen = true;
          onHold?.();
          client.destroy();
        }
        return;
      }
      if (answerDelayMs === 0) client.write(bytes);
      else setTimeout(() => client.write(bytes), answerDelayMs);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the proxy has no port");
  return {
    urlOf: (given) => {
      const url = new URL(given);
      url.host = `127.0.0.1:${address.port}`;
      return url.href;
    },
    get answers() {
      return answers;
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
