// The intake of one mail service's webhook: answers POST /webhooks/NAME. It says yes when what was posted is recorded,
// "try again" while it cannot be, no to whoever does not prove to be the service. What the service signs and says is
// in its own file; the listening is observe/http.ts's, which asks whatever handler stands in the map of routes.
import type { Clock } from "../../clock.ts";
import type { WebhookSender } from "../../config/config.ts";
import type { Deliver, Incoming, Intake, IntakeHealth } from "../../delivery/intake.ts";
import { BellwetherError } from "../../errors.ts";
import type { PostAnswer, PostHandler } from "../observe/http.ts";
import { brevo } from "./brevo.ts";
import { mailgun } from "./mailgun.ts";
import { postmark } from "./postmark.ts";
import { sendgrid } from "./sendgrid.ts";
import { ses } from "./ses.ts";
import type { FetchText } from "./sns.ts";
import { sparkpost } from "./sparkpost.ts";
import type { CallHeaders, Reading, Refusal, WebhookService } from "./webhook-service.ts";

/** Path to handler; a Map is one. */
export interface PostRoutes {
  set(path: string, handler: PostHandler): unknown;
  delete(path: string): unknown;
}

export interface WebhookIntake extends Intake {
  readonly path: string;
  /** Calls that were refused since the start: unproved, for somebody else, or not readable. */
  readonly refusals: number;
}

export interface WebhookIntakeOptions {
  provider: WebhookSender;
  /** docs/intakes.md says what it is for each. */
  secret: string;
  routes: PostRoutes;
  clock: Clock;
  /** For Amazon's certificate and to confirm its subscription; by HTTPS without it. */
  fetchText?: FetchText;
}

/** Events recorded together. */
const BATCH_EVENTS = 500;
const RETRY_SECONDS = 30;
/** How long the health tells of the last refused call. */
const REFUSED_MS = 3_600_000;

function serviceOf(provider: WebhookSender, fetchText?: FetchText): WebhookService {
  switch (provider) {
    case "ses":
      return ses(fetchText);
    case "mailgun":
      return mailgun();
    case "sendgrid":
      return sendgrid;
    case "postmark":
      return postmark;
    case "brevo":
      return brevo;
    case "sparkpost":
      return sparkpost;
  }
}

export function createWebhookIntake(options: WebhookIntakeOptions): WebhookIntake {
  const { provider, secret, routes, clock } = options;
  const service = serviceOf(provider, options.fetchText);
  const name = `webhook:${provider}`;
  const path = `/webhooks/${provider}`;
  let state: IntakeHealth["state"] = "starting";
  let seenAtMs: number | null = null;
  let broughtAtMs: number | null = null;
  let refusals = 0;
  let lastRefusal: { atMs: number; why: string } | null = null;
  const busy = new Set<Promise<PostAnswer>>();
  let isOver = false;

  function refused({ status, why }: Refusal): PostAnswer {
    refusals += 1;
    lastRefusal = { atMs: clock.now(), why };
    return status === 503 ? again(why) : { status, text: why };
  }

  async function answerTo(headers: CallHeaders, body: Buffer, deliver: Deliver): Promise<PostAnswer> {
    const unreadable = wrongForm(headers);
    if (unreadable !== null) return refused(unreadable);
    const nowMs = clock.now();
    let reading: Reading;
    try {
      reading = await service.read({ headers, body, secret, nowMs });
    } catch {
      return refused({ ok: false, status: 400, why: "the call cannot be read" });
    }
    if (!reading.ok) return refused(reading);
    seenAtMs = nowMs;
    lastRefusal = null;
    const incoming = reading.events.map(
      (event): Incoming => ({ ...event, intake: name, receivedAtMs: nowMs }),
    );
    try {
      for (let from = 0; from < incoming.length; from += BATCH_EVENTS)
        await deliver(incoming.slice(from, from + BATCH_EVENTS));
    } catch {
      state = "failing";
      return again("it cannot be recorded at present");
    }
    state = "alive";
    if (incoming.length > 0) broughtAtMs = nowMs;
    return { status: 200, text: `${incoming.length} recorded, ${reading.ignored} ignored` };
  }

  return {
    name,
    path,
    get refusals() {
      return refusals;
    },
    async start(deliver) {
      if (isOver) return;
      const wanted = service.wants(secret);
      if (wanted !== null) {
        throw new BellwetherError(
          "config-value",
          `The secret of the webhook of ${provider} is not what it should be.`,
          `It takes ${wanted}. docs/intakes.md says where to find it.`,
        );
      }
      state = "alive";
      routes.set(path, {
        limitBytes: service.limitBytes,
        admit(headers) {
          const refusal = service.admit(headers, secret);
          return refusal === null ? null : refused(refusal);
        },
        answer(headers, body) {
          const answering = answerTo(headers, body, deliver).finally(() => busy.delete(answering));
          busy.add(answering);
          return answering;
        },
      });
    },
    health() {
      const isNews = lastRefusal !== null && clock.now() - lastRefusal.atMs < REFUSED_MS;
      const calls = `${refusals} ${refusals === 1 ? "call was" : "calls were"} refused`;
      const trouble =
        state === "failing"
          ? "What it brings cannot be recorded at present; the service was asked to try again."
          : isNews
            ? `${calls}; the last one: ${lastRefusal?.why}.`
            : null;
      return { name, state, seenAtMs, broughtAtMs, lagMs: null, trouble };
    },
    async stop() {
      isOver = true;
      routes.delete(path);
      await Promise.allSettled(busy);
    },
  };
}

/** JSON, which Amazon calls plain text, and not packed. */
function wrongForm(headers: CallHeaders): Refusal | null {
  const [type = ""] = (headers["content-type"] ?? "").split(";");
  const isJson = ["application/json", "text/plain"].includes(type.trim().toLowerCase());
  const isPacked = !["", "identity"].includes(headers["content-encoding"] ?? "");
  if (isJson && !isPacked) return null;
  return { ok: false, status: 415, why: "the body is not JSON, or it is packed" };
}

function again(why: string): PostAnswer {
  return { status: 503, text: why, retryAfterSeconds: RETRY_SECONDS };
}
