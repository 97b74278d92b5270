// What a process answers to those who watch it: /metrics, /healthz, /readyz. It has no secrets and no addresses to
// give away, takes nothing in, and no question costs it more than a bounded time. The console is elsewhere.
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Clock } from "../../clock.ts";
import { BellwetherError } from "../../errors.ts";

export interface WatchServer {
  readonly host: string;
  /** The real one, when 0 was asked for. */
  readonly port: number;
  /** Stops listening and ends what is open. Twice is once. */
  close(): Promise<void>;
}

interface Answer {
  status: number;
  type: string;
  text: string;
}

/** How long /readyz waits for the check. */
const CHECK_MS = 1_000;
/** A connection that says nothing, or slowly, is ended after so long. */
const SILENCE_MS = 5_000;
/** Open at once; those who watch are few. */
const CONNECTIONS = 64;
const HEADER_BYTES = 8_192;

/** Resolves when it listens; throws `listen-failed`. */
export async function startWatchServer(options: {
  listen: { host: string; port: number };
  metrics: { text(): Promise<string>; readonly contentType: string };
  /** Null: ready. Else what is missing, in words without secrets ("the database does not answer"). */
  ready: () => Promise<string | null>;
  clock: Clock;
}): Promise<WatchServer> {
  const { listen, metrics, clock } = options;

  /** One check at a time: while one hangs, the questions that come later hang on it and not on another. */
  let checking: Promise<string | null> | null = null;
  async function missing(): Promise<string | null> {
    checking ??= Promise.resolve()
      .then(options.ready)
      // What an error says may name a host or a user; the log has it.
      .catch(() => "the check failed")
      .finally(() => {
        checking = null;
      });
    const timer = new AbortController();
    const late = clock.sleep(CHECK_MS, timer.signal).then(() => "no answer within a second");
    try {
      return await Promise.race([checking, late]);
    } finally {
      timer.abort();
    }
  }

  async function answerTo(path: string): Promise<Answer> {
    switch (path) {
      case "/healthz":
        return plain(200, "ok");
      case "/readyz": {
        const trouble = await missing();
        return trouble === null ? plain(200, "ready") : plain(503, `not ready: ${trouble}`);
      }
      case "/metrics":
        return { status: 200, type: metrics.contentType, text: await metrics.text() };
      default:
        return plain(404, "not found");
    }
  }

  const server = createServer(
    {
      requestTimeout: SILENCE_MS,
      headersTimeout: SILENCE_MS,
      keepAliveTimeout: SILENCE_MS,
      connectionsCheckingInterval: 1_000,
      maxHeaderSize: HEADER_BYTES,
    },
    (request, response) => {
      // A body is nothing to us; unread it would keep the connection from its next request.
      request.resume();
      const { method = "" } = request;
      const bodiless = method === "HEAD";
      if (method !== "GET" && !bodiless) {
        response.setHeader("Allow", "GET, HEAD");
        give(response, plain(405, "only GET and HEAD"), false);
        return;
      }
      const [path = ""] = (request.url ?? "").split("?");
      answerTo(path).then(
        (answer) => give(response, answer, bodiless),
        () => give(response, plain(500, "failed"), bodiless),
      );
    },
  );
  server.maxConnections = CONNECTIONS;
  // A request that breaks off is no news.
  server.on("clientError", (_error, socket) => socket.destroy());

  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      reject(
        new BellwetherError(
          "listen-failed",
          `${listen.host}:${listen.port} cannot be listened on: ${error.code ?? error.message}.`,
          "Choose another [server] listen, or end the program that uses this one.",
          { cause: error },
        ),
      );
    });
    server.listen(listen.port, listen.host, resolve);
  });
  const { address, port } = server.address() as AddressInfo;

  let closed: Promise<void> | null = null;
  return {
    host: address,
    port,
    close: () => {
      closed ??= new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
      return closed;
    },
  };
}

function plain(status: number, text: string): Answer {
  return { status, type: "text/plain; charset=utf-8", text: `${text}\n` };
}

function give(response: ServerResponse, { status, type, text }: Answer, bodiless: boolean): void {
  response.writeHead(status, {
    "Content-Type": type,
    "Content-Length": Buffer.byteLength(text),
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
  });
  response.end(bodiless ? undefined : text);
}
