// Brevo's transactional webhooks. They are not signed: the secret comes by basic authentication in the URL or as a
// Bearer token. https://developers.brevo.com/docs/transactional-webhooks and .../docs/secured-webhooks
import type { Reason } from "../../bounce/reason.ts";
import {
  admitShared,
  type Fields,
  fieldsOf,
  listOf,
  parseJson,
  readItems,
  refuse,
  type Told,
  textOf,
  timeOf,
  tokensIn,
  type WebhookService,
  wantsLongSecret,
} from "./webhook-service.ts";

export const brevo: WebhookService = {
  name: "brevo",
  limitBytes: 2_000_000,
  wants: wantsLongSecret,
  admit: admitShared,
  read({ body }) {
    const value = parseJson(body);
    // Batched webhooks post a list of what is otherwise posted one by one.
    const events = (Array.isArray(value) ? listOf(value) : [value]).map(fieldsOf);
    if (events.some((event) => textOf(event.event) === ""))
      return refuse(400, "there is no event in the body");
    return readItems("brevo", events, toldBy);
  },
};

/** What ends a mail, and what it means when the words are nobody's. */
const ENDS: Readonly<Record<string, { reason?: Reason; otherwise?: Reason }>> = {
  hard_bounce: {},
  soft_bounce: {},
  invalid_email: { otherwise: "user-unknown" },
  // Its own list: "blocked : due to blacklist user".
  blocked: { reason: "suppressed-by-relay" },
  error: { otherwise: "system" },
};

function toldBy(event: Fields): Told | null {
  const { event: name, email, reason } = event;
  const messageId = event["message-id"];
  // `ts` and `ts_event` follow the account's time zone; `ts_epoch` is UTC in milliseconds.
  const at = event.ts_epoch ?? event.ts_event ?? event.ts;
  const base = {
    // It has no id of the event.
    id: [name, email, messageId, at, reason],
    address: textOf(email),
    marks: {
      // Its 250 says "queued as <this>".
      relayIds: [textOf(messageId)],
      messageIds: [textOf(messageId)],
      tokens: tokensIn(event["X-Mailin-custom"], event.tag, ...listOf(event.tags)),
    },
    atMs: timeOf(at),
    words: textOf(reason),
  };
  switch (name) {
    case "delivered":
      return { ...base, action: "delivered" };
    case "deferred":
      return { ...base, action: "delayed", otherwise: "system" };
    case "spam":
    case "complaint":
      return { ...base, action: "complained" };
    default: {
      // request, sent, opened, unique_opened, click, unsubscribed, ...: nothing of whether the mail arrived.
      const end = Object.hasOwn(ENDS, textOf(name)) ? ENDS[textOf(name)] : undefined;
      return end === undefined ? null : { ...base, action: "failed", ...end };
    }
  }
}
