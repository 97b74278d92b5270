// Twilio SendGrid's Event Webhook. Signed with ECDSA over P-256: the header has the signature of timestamp + body, the
// secret is the public key of the webhook's settings.
// https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features
// https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event
import { createPublicKey, type KeyObject, verify } from "node:crypto";
import type { Reason } from "../../bounce/reason.ts";
import {
  type Fields,
  fieldsOf,
  isOfNow,
  parseJson,
  readItems,
  refuse,
  signedAtMs,
  type Told,
  textOf,
  timeOf,
  tokensIn,
  type WebhookService,
} from "./webhook-service.ts";

const SIGNATURE = "x-twilio-email-event-webhook-signature";
const TIMESTAMP = "x-twilio-email-event-webhook-timestamp";
/** It tries for 24 hours, and does not say that it signs anew; what comes twice is known by sg_event_id. */
const OLDEST_MS = 25 * 3_600_000;

export const sendgrid: WebhookService = {
  name: "sendgrid",
  limitBytes: 5_000_000,
  wants: (secret) =>
    publicKey(secret) === null ? "the public key of the signed event webhook, in Base64" : null,
  admit: (headers) =>
    headers[SIGNATURE] && headers[TIMESTAMP] ? null : refuse(401, "the call is not signed"),
  read({ headers, body, secret, nowMs }) {
    const timestamp = headers[TIMESTAMP] ?? "";
    const key = publicKey(secret);
    const signature = Buffer.from(headers[SIGNATURE] ?? "", "base64");
    const signed = Buffer.concat([Buffer.from(timestamp), body]);
    if (key === null || !isSigned(signed, key, signature)) return refuse(401, "the signature is wrong");
    if (!isOfNow(signedAtMs(timestamp), { nowMs, oldestMs: OLDEST_MS }))
      return refuse(401, "the signature is of another time");
    const events = parseJson(body);
    if (!Array.isArray(events)) return refuse(400, "the body is not a list of events");
    return readItems("sendgrid", events, (event) => toldBy(fieldsOf(event)));
  },
};

/** As the settings show it: SubjectPublicKeyInfo in Base64 without the PEM lines; those are taken too. */
function publicKey(secret: string): KeyObject | null {
  try {
    const der = Buffer.from(secret.replace(/-----[A-Z ]+-----|\s/g, ""), "base64");
    const key = createPublicKey({ key: der, format: "der", type: "spki" });
    return key.asymmetricKeyType === "ec" ? key : null;
  } catch {
    return null;
  }
}

function isSigned(signed: Buffer, key: KeyObject, signature: Buffer): boolean {
  try {
    return verify("sha256", signed, key, signature);
  } catch {
    return false;
  }
}

/** Why it does not even try ("dropped"), by the documented reasons. */
const DROPPED: readonly (readonly [RegExp, Reason])[] = [
  [/bounced|unsubscribed|spam reporting|invalid$/i, "suppressed-by-relay"],
  [/spam content/i, "spam"],
  [/quota/i, "rate-limited"],
  [/smtpapi/i, "malformed"],
];

/** bounce_classification, its reading of the reply: used for replies that no rule knows. */
const CLASSES: Readonly<Record<string, Reason>> = {
  "invalid address": "user-unknown",
  "mailbox unavailable": "mailbox-full",
  content: "spam",
  reputation: "blocked",
  "frequency or volume too high": "rate-limited",
  technical: "system",
};

function toldBy(event: Fields): Told | null {
  const { email, timestamp, reason, response, status } = event;
  const sent = textOf(event.sg_message_id);
  const base = {
    id: [event.sg_event_id ?? [event.event, email, sent, timestamp]],
    address: textOf(email),
    marks: {
      // Its 250 names what stands before ".filter0001..." or ".recvd-..." here.
      relayIds: [sent.replace(/\.(?:filter|recvd|ismtpd|geopod).*$/s, ""), sent],
      messageIds: [textOf(event["smtp-id"])],
      // Unique arguments stand beside the event's own fields.
      tokens: tokensIn(...Object.values(event)),
    },
    atMs: timeOf(timestamp),
  };
  switch (event.event) {
    case "delivered":
      return { ...base, action: "delivered", words: textOf(response) };
    case "deferred":
      return { ...base, action: "delayed", words: textOf(response) || textOf(reason), otherwise: "system" };
    case "bounce": {
      // "blocked" and "bounce" alike: it will not try again. The words may lack the code that `status` has.
      const words = textOf(reason);
      const coded = /\b[45]\d\d\b|\b[45]\.\d+\.\d+\b/.test(words) ? words : `${textOf(status)} ${words}`;
      const otherwise = CLASSES[textOf(event.bounce_classification).toLowerCase()];
      return { ...base, action: "failed", words: coded, otherwise };
    }
    case "dropped": {
      const words = textOf(reason) || textOf(event.type);
      const known = DROPPED.find(([pattern]) => pattern.test(words.trim()))?.[1];
      return { ...base, action: "failed", words, reason: known };
    }
    case "spamreport":
      return { ...base, action: "complained", words: "" };
    default:
      // processed, open, click, unsubscribe, group_*, account_status_change: nothing of whether the mail arrived.
      // Who unsubscribes from a service's list is the business of [sender] unsubscribe_url.
      return null;
  }
}
