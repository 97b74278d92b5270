// SparkPost's event webhooks (Bird). They are not signed: the secret comes by basic authentication or as a custom
// header. https://docs.bird.com/api/email-api/webhooks
import type { Reason } from "../../bounce/reason.ts";
import {
  admitShared,
  type Fields,
  fieldsOf,
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

export const sparkpost: WebhookService = {
  name: "sparkpost",
  limitBytes: 10_000_000,
  wants: wantsLongSecret,
  admit: admitShared,
  read({ body }) {
    const batch = parseJson(body);
    if (!Array.isArray(batch)) return refuse(400, "the body is not a list of events");
    // { msys: { message_event: { type, ... } } }; an empty msys is how it tries the address out.
    const events = batch.map((item) => fieldsOf(Object.values(fieldsOf(fieldsOf(item).msys))[0]));
    return readItems("sparkpost", events, toldBy);
  },
};

/** Bounce classification codes: used for replies that no rule knows. */
const CLASSES: Readonly<Record<string, Reason>> = {
  "10": "user-unknown",
  "20": "system",
  "21": "host-unknown",
  "22": "mailbox-full",
  "23": "too-big",
  "24": "network",
  "25": "policy",
  "30": "user-unknown",
  "50": "blocked",
  "51": "blocked",
  "52": "spam",
  "53": "virus",
  "54": "relay-denied",
  "70": "system",
};
/** Automatic answers, and challenges. */
const REPLIES = new Set(["60", "100"]);
/** Subscribe and unsubscribe requests that came to the bounce address. */
const REQUESTS = new Set(["80", "90"]);

function toldBy(event: Fields): Told | null {
  const { type, event_id: eventId, timestamp } = event;
  const category = textOf(event.bounce_class);
  const address = textOf(event.raw_rcpt_to) || textOf(event.rcpt_to);
  const base = {
    id: [eventId ?? [type, address, event.message_id, timestamp]],
    address,
    marks: {
      relayIds: [textOf(event.message_id), textOf(event.transmission_id)],
      tokens: tokensIn(...Object.values(fieldsOf(event.rcpt_meta)), event.msg_from),
    },
    atMs: timeOf(timestamp),
    words: textOf(event.raw_reason) || textOf(event.reason),
    otherwise: CLASSES[category],
  };
  switch (type) {
    case "delivery":
      return { ...base, action: "delivered" };
    case "delay":
      return { ...base, action: "delayed", otherwise: base.otherwise ?? "system" };
    case "bounce":
    case "out_of_band":
      if (REPLIES.has(category)) return { ...base, action: "replied" };
      return REQUESTS.has(category) ? null : { ...base, action: "failed" };
    case "policy_rejection":
    case "generation_rejection":
    case "generation_failure":
      return { ...base, action: "failed", otherwise: base.otherwise ?? "policy" };
    case "spam_complaint":
      return { ...base, action: "complained" };
    default:
      // injection, open, click, list_unsubscribe, link_unsubscribe, ...: nothing of whether the mail arrived.
      return null;
  }
}
