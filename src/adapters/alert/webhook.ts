// The road by webhook: one POST of JSON, signed as Standard Webhooks asks (https://www.standardwebhooks.com, version 1.0.0
// of its specification): HMAC-SHA256 over "id.timestamp.body". Nothing is followed: a redirect is a failure.
import { createHmac } from "node:crypto";
import http from "node:http";
import https from "node:https";
import { payloadOf } from "../../alert/message.ts";
import type { Message, Road, RoadAnswer } from "../../alert/road.ts";
import type { Clock } from "../../clock.ts";
import { webhookSecretBytes } from "../../config/command-line.ts";

const LIMIT_MS = 10_000;

export function createWebhookRoad(options: {
  url: string;
  /** As the configuration has it; null: posts are not signed. */
  secret: string | null;
  clock: Clock;
  limitMs?: number;
}): Road {
  const { secret, clock, limitMs = LIMIT_MS } = options;
  const url = new URL(options.url);
  return {
    name: "webhook",
    targets: { first: [""], deputy: [""] },
    tell: ({ alert, deputy, id }: Message, signal) => {
      const body = Buffer.from(JSON.stringify(payloadOf(alert, deputy)));
      const timestamp = String(Math.floor(clock.now() / 1000));
      const headers: http.OutgoingHttpHeaders = {
        "content-type": "application/json",
        "content-length": body.length,
        "user-agent": "Bellwether",
        "webhook-id": id,
        "webhook-timestamp": timestamp,
      };
      if (secret !== null) headers["webhook-signature"] = signatureOf(secret, { id, timestamp, body });
      return post({ url, headers, body, limitMs, signal });
    },
  };
}

function signatureOf(
  secret: string,
  { id, timestamp, body }: { id: string; timestamp: string; body: Buffer },
): string {
  const key = webhookSecretBytes(secret) ?? Buffer.alloc(0);
  const digest = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest("base64");
  return `v1,${digest}`;
}

function post(call: {
  url: URL;
  headers: http.OutgoingHttpHeaders;
  body: Buffer;
  limitMs: number;
  signal: AbortSignal;
}): Promise<RoadAnswer> {
  const { url, headers, body, limitMs } = call;
  // One limit over all of it: a server that dribbles is as silent as one that says nothing.
  const limit = AbortSignal.timeout(limitMs);
  const signal = AbortSignal.any([limit, call.signal]);
  const { request } = url.protocol === "https:" ? https : http;
  return new Promise((resolve) => {
    const fail = (error: NodeJS.ErrnoException) => {
      const why = limit.aborted
        ? `no answer within ${Math.round(limitMs / 1000)} s`
        : call.signal.aborted
          ? "this process ends"
          : (error.code ?? "the connection failed");
      resolve({ ok: false, answer: why });
    };
    const sent = request(
      url,
      { method: "POST", headers, signal, agent: false, auth: authOf(url) },
      (response) => {
        const status = response.statusCode ?? 0;
        // The status is the answer; whatever else it says is not read.
        resolve(answerOf(status));
        response.on("error", () => undefined);
        response.destroy();
      },
    );
    sent.on("error", fail);
    sent.end(body);
  });
}

/** Passwords in the address, percent-encoded there; undefined: none. */
function authOf({ username, password }: URL): string | undefined {
  if (username === "" && password === "") return undefined;
  try {
    return `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  } catch {
    // A percent sign that stands for itself.
    return `${username}:${password}`;
  }
}

function answerOf(status: number): RoadAnswer {
  if (status >= 200 && status < 300) return { ok: true, answer: `HTTP ${status}` };
  const more = status >= 300 && status < 400 ? ", and redirects are not followed" : "";
  return { ok: false, answer: `HTTP ${status}${more}` };
}
