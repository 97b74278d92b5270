// Mailgun's webhooks. The body has an HMAC-SHA256 of timestamp and token; the secret is the HTTP webhook signing key.
// The HMAC does not cover the event: a token may be used for one body alone.
// https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks
import { createHash, createHmac } from "node:crypto";
import type { Reason } from "../../bounce/reason.ts";
import {
  type Fields,
  fieldsOf,
  isOfNow,
  isSame,
  parseJson,
  readItems,
  refuse,
  signedAtMs,
  type Told,
  textOf,
  timeOf,
  tokensIn,
  type WebhookService,
  wantsLongSecret,
} from "./webhook-service.ts";

/** It tries for 8 hours: https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/webhook-retries */
const OLDEST_MS = 9 * 3_600_000;
/** Tokens remembered: more than come in nine hours of mail to 100,000 clients. */
const TOKENS = 200_000;

export function mailgun(): WebhookService {
  /** Token to a hash of the body it came with, oldest first. */
  const used = new Map<string, string>();
  return {
    name: "mailgun",
    limitBytes: 1_000_000,
    wants: wantsLongSecret,
    admit: () => null,
    read({ body, secret, nowMs }) {
      const call = fieldsOf(parseJson(body));
      const { timestamp, token, signature } = fieldsOf(call.signature);
      const signed = textOf(timestamp) + textOf(token);
      const wanted = createHmac("sha256", secret).update(signed).digest("hex");
      if (textOf(token) === "" || !isSame(textOf(signature).toLowerCase(), wanted))
        return refuse(401, "the signature is missing or wrong");
      if (!isOfNow(signedAtMs(textOf(timestamp)), { nowMs, oldestMs: OLDEST_MS }))
        return refuse(401, "the signature is of another time");
      const event = fieldsOf(call["event-data"]);
      // Of the event, not of the bytes: a retry may be written in another order.
      const hash = createHash("sha256").update(JSON.stringify(event)).digest("base64url");
      const before = used.get(textOf(token));
      if (before !== undefined && before !== hash) return refuse(401, "the token was used for another event");
      used.set(textOf(token), hash);
      if (used.size > TOKENS) used.delete(used.keys().next().value ?? "");
      if (textOf(event.event) === "") return refuse(400, "there is no event in the body");
      return readItems("mailgun", [event], toldBy);
    },
  };
}

/** `reason` of a failure, where it is Mailgun's own and no reply stands behind it. */
const OWN: Readonly<Record<string, Reason>> = {
  "suppress-bounce": "suppressed-by-relay",
  "suppress-complaint": "suppressed-by-relay",
  "suppress-unsubscribe": "suppressed-by-relay",
  old: "expired",
};

function toldBy(event: Fields): Told | null {
  const { id, recipient, timestamp, severity } = event;
  const reason = textOf(event.reason);
  const message = fieldsOf(fieldsOf(event.message).headers);
  const base = {
    id: [id ?? [event.event, recipient, message["message-id"], timestamp]],
    address: textOf(recipient),
    marks: {
      // Its 250 ("Great success") names no id; the Message-ID is ours.
      messageIds: [textOf(message["message-id"])],
      tokens: tokensIn(fieldsOf(event.envelope).sender, ...Object.values(fieldsOf(event["user-variables"]))),
    },
    atMs: timeOf(timestamp),
  };
  switch (event.event) {
    case "delivered":
      return { ...base, action: "delivered", words: wordsOf(event) };
    case "failed":
      if (severity === "temporary")
        return { ...base, action: "delayed", words: wordsOf(event), otherwise: "network" };
      return { ...base, action: "failed", words: wordsOf(event), reason: OWN[reason] };
    case "rejected":
      return {
        ...base,
        action: "failed",
        words: `${textOf(fieldsOf(event.reject).reason)} ${textOf(fieldsOf(event.reject).description)}`,
        otherwise: "policy",
      };
    case "complained":
      return { ...base, action: "complained", words: "" };
    default:
      // accepted, opened, clicked, unsubscribed, stored: nothing of whether the mail arrived.
      return null;
  }
}

function wordsOf(event: Fields): string {
  const status = fieldsOf(event["delivery-status"]);
  const words = textOf(status.message) || textOf(status.description);
  const code = Number(status.code);
  // 498, 499 and what begins with 6 are Mailgun's own numbers for what no server said.
  const isReply = code >= 200 && code < 600 && code !== 498 && code !== 499;
  return isReply && !words.startsWith(String(code)) ? `${code} ${words}` : words;
}
