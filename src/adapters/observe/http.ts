// What a process answers to those who watch it: /metrics, /healthz, /readyz. It has no secrets and no addresses to
// give away, and no question costs it more than a bounded time. It takes in only what handlers are there for (the
// webhooks of mail services), and bounds what their bodies cost before it knows who sends them. The console is
// elsewhere.
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
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

/** Takes in what is posted to a path. */
export interface PostHandler {
  /** Bytes of the longest body. */
  readonly limitBytes: number;
  /** Before the body is read: null when it may be. */
  admit(headers: PostHeaders): PostAnswer | null;
  answer(headers: PostHeaders, body: Buffer): Promise<PostAnswer>;
}

export type PostHeaders = Readonly<Record<string, string | undefined>>;

export interface PostAnswer {
  status: number;
  /** One line. */
  text: string;
  retryAfterSeconds?: number;
}

interface Answer {
  status: number;
  type: string;
  text: string;
  retryAfterSeconds?: number | undefined;
}

/** How long /readyz waits for the check. */
const CHECK_MS = 1_000;
/** A connection that says nothing, or slowly, is ended after so long. */
const SILENCE_MS = 5_000;
/** Open at once; those who watch are few. */
const CONNECTIONS = 64;
const HEADER_BYTES = 8_192;
/** A request with its body, where something is taken in. */
const BODY_MS = 30_000;
/** Of all bodies that are being read at one time. */
const BODIES_BYTES = 64_000_000;

/** Resolves when it listens; throws `listen-failed`. */
export async function startWatchServer(options: {
  listen: { host: string; port: number };
  metrics: { text(): Promise<string>; readonly contentType: string };
  /** Null: ready. Else what is missing, in words without secrets ("the database does not answer"). */
  ready: () => Promise<string | null>;
  clock: Clock;
  /** By path; it may change while the server runs. */
  handlers?: ReadonlyMap<string, PostHandler> | undefined;
}): Promise<WatchServer> {
  const { listen, metrics, clock, handlers } = options;
  let bodiesBytes = 0;

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

  async function answerToPost(handler: PostHandler, request: IncomingMessage): Promise<Answer> {
    const headers = single(request.headers);
    const refusal = handler.admit(headers);
    if (refusal !== null) return posted(refusal);
    const room = Math.min(handler.limitBytes, Number(headers["content-length"] ?? handler.limitBytes));
    if (!(Number(headers["content-length"] ?? 0) <= handler.limitBytes)) return plain(413, "too long");
    if (bodiesBytes + room > BODIES_BYTES)
      return { ...plain(503, "too much at once"), retryAfterSeconds: 10 };
    bodiesBytes += room;
    try {
      const body = await bodyOf(request, handler.limitBytes);
      return body === null ? plain(413, "too long") : posted(await handler.answer(headers, body));
    } finally {
      bodiesBytes -= room;
    }
  }

  const server = createServer(
    {
      requestTimeout: handlers === undefined ? SILENCE_MS : BODY_MS,
      headersTimeout: SILENCE_MS,
      keepAliveTimeout: SILENCE_MS,
      connectionsCheckingInterval: 1_000,
      maxHeaderSize: HEADER_BYTES,
    },
    (request, response) => {
      const handler = request.method === "POST" ? handlers?.get(pathOf(request)) : undefined;
      if (handler !== undefined) {
        answerToPost(handler, request)
          .catch(() => plain(500, "failed"))
          .then((answer) => {
            // What was not read must not become the next request.
            if (!request.complete) response.setHeader("Connection", "close");
            request.resume();
            give(response, answer, false);
          });
        return;
      }
      // A body is nothing to us; unread it would keep the connection from its next request.
      request.resume();
      const { method = "" } = request;
      const bodiless = method === "HEAD";
      if (method !== "GET" && !bodiless) {
        response.setHeader("Allow", "GET, HEAD");
        give(response, plain(405, "only GET and HEAD"), false);
        return;
      }
      answerTo(pathOf(request)).then(
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

function pathOf(request: IncomingMessage): string {
  return (request.url ?? "").split("?")[0] ?? "";
}

function single(headers: IncomingHttpHeaders): PostHeaders {
  const entries = Object.entries(headers);
  return Object.fromEntries(
    entries.map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : value]),
  );
}

/** Null: it is longer than that. Rejects when it breaks off. */
function bodyOf(request: IncomingMessage, limitBytes: number): Promise<Buffer | null> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let length = 0;
    request.on("data", (part: Buffer) => {
      length += part.length;
      if (length <= limitBytes) parts.push(part);
      else {
        parts.length = 0;
        resolve(null);
      }
    });
    request.once("end", () => resolve(Buffer.concat(parts)));
    request.once("close", () => reject(new Error("the request broke off")));
    request.once("error", reject);
  });
}

function posted({ status, text, retryAfterSeconds }: PostAnswer): Answer {
  return { ...plain(status, text), retryAfterSeconds };
}

function plain(status: number, text: string): Answer {
  return { status, type: "text/plain; charset=utf-8", text: `${text}\n` };
}

function give(response: ServerResponse, answer: Answer, bodiless: boolean): void {
  const { status, type, text, retryAfterSeconds } = answer;
  if (retryAfterSeconds !== undefined) response.setHeader("Retry-After", retryAfterSeconds);
  response.writeHead(status, {
    "Content-Type": type,
    "Content-Length": Buffer.byteLength(text),
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
  });
  response.end(bodiless ? undefined : text);
}
