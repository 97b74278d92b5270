// A way to PostgreSQL that loses answers: what is asked arrives and is done, and the answer to a COMMIT does not come
// back. The connection is cut instead, as by a network that fails at the worst moment.
import { connect, createServer, type Server, type Socket } from "node:net";

export interface DeafProxy {
  /** The same database, by this way. */
  urlOf(url: string): string;
  /** The next so many COMMITs lose their answer. */
  lose(commits: number): void;
  /** Answers lost so far. */
  readonly lost: number;
  close(): Promise<void>;
}

/** A simple or a prepared COMMIT, as a driver writes it. */
const COMMIT = /COMMIT/;

export async function startDeafProxy(target: { host: string; port: number }): Promise<DeafProxy> {
  let toLose = 0;
  let lost = 0;
  const sockets = new Set<Socket>();
  const server: Server = createServer((client) => {
    const behind = connect(target.port, target.host);
    let deaf = false;
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
      if (toLose > 0 && !deaf && COMMIT.test(bytes.toString("latin1"))) {
        deaf = true;
        toLose -= 1;
      }
      behind.write(bytes);
    });
    behind.on("data", (bytes) => {
      if (!deaf) {
        client.write(bytes);
        return;
      }
      // It has been answered, so it has been done.
      lost += 1;
      client.destroy();
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
    lose: (commits) => {
      toLose = commits;
    },
    get lost() {
      return lost;
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
