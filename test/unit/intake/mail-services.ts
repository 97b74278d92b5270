// Mail services as tests play them: each signs its calls as the real one does, with keys made for the test.
import { createHmac, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import type { WebhookSender } from "../../../src/config/config.ts";

export interface Call {
  headers: Record<string, string>;
  body: Buffer;
}

export interface PlayedService {
  name: WebhookSender;
  secret: string;
  /** A call with these events, as the service posts them at this time. */
  call(events: readonly object[], nowMs: number): Call;
  /** The same call as somebody makes it who has not the secret. */
  forged(events: readonly object[], nowMs: number): Call;
  /** Services that sign a time. */
  signsTime: boolean;
  fetchText?: (url: string) => Promise<string>;
  events: {
    delivered: object;
    bounced: object;
    complained: object;
    dropped: object;
    delayed: object;
    opened: object;
  };
}

export const json = (value: unknown) => Buffer.from(JSON.stringify(value));
const JSON_TYPE = { "content-type": "application/json; charset=utf-8" };
const TOKEN = "2s-1-0abcdefghijkl";
export const played = { token: TOKEN, address: "jane@example.com" };
const email = played.address;

export function playSendgrid(): PlayedService {
  const pair = () => generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const ours = pair();
  const signed = (events: readonly object[], nowMs: number, key = ours.privateKey): Call => {
    const body = json(events);
    const timestamp = String(Math.floor(nowMs / 1_000));
    const signature = sign("sha256", Buffer.concat([Buffer.from(timestamp), body]), key).toString("base64");
    return {
      body,
      headers: {
        ...JSON_TYPE,
        "x-twilio-email-event-webhook-signature": signature,
        "x-twilio-email-event-webhook-timestamp": timestamp,
      },
    };
  };
  const base = {
    email,
    timestamp: 1_795_312_800,
    "smtp-id": "<m1@bulk.example>",
    sg_message_id: "YpXxVHzuTsqoE0dHcq6hBQ.filter0077p1las1.21536.5717FC482.0",
    unique: TOKEN,
  };
  return {
    name: "sendgrid",
    secret: ours.publicKey.export({ format: "der", type: "spki" }).toString("base64"),
    signsTime: true,
    call: (events, nowMs) => signed(events, nowMs),
    forged: (events, nowMs) => signed(events, nowMs, pair().privateKey),
    events: {
      delivered: { ...base, event: "delivered", sg_event_id: "e1", response: "250 2.0.0 OK 17 gsmtp" },
      bounced: {
        ...base,
        event: "bounce",
        type: "bounce",
        status: "5.1.1",
        sg_event_id: "e2",
        reason: "550 5.1.1 The email account that you tried to reach does not exist.",
      },
      complained: { ...base, event: "spamreport", sg_event_id: "e3" },
      dropped: { ...base, event: "dropped", reason: "Bounced Address", sg_event_id: "e4" },
      delayed: {
        ...base,
        event: "deferred",
        response: "421 4.7.0 [TSS04] try again later",
        sg_event_id: "e5",
      },
      opened: { ...base, event: "open", sg_event_id: "e6" },
    },
  };
}

export function playMailgun(): PlayedService {
  const secret = randomBytes(24).toString("hex");
  const signed = ([event]: readonly object[], nowMs: number, key = secret): Call => {
    const timestamp = String(Math.floor(nowMs / 1_000));
    const token = randomBytes(25).toString("hex");
    const signature = createHmac("sha256", key)
      .update(timestamp + token)
      .digest("hex");
    return {
      headers: JSON_TYPE,
      body: json({ signature: { timestamp, token, signature }, "event-data": event }),
    };
  };
  const base = {
    recipient: email,
    timestamp: 1_795_312_800.5,
    message: { headers: { "message-id": "m1@bulk.example", to: email } },
    envelope: { sender: `bounces+${TOKEN}@bulk.example` },
    "user-variables": {},
  };
  return {
    name: "mailgun",
    secret,
    signsTime: true,
    call: (events, nowMs) => signed(events, nowMs),
    forged: (events, nowMs) => signed(events, nowMs, "another key of the same length"),
    events: {
      delivered: { ...base, event: "delivered", id: "d1", "delivery-status": { code: 250, message: "OK" } },
      bounced: {
        ...base,
        event: "failed",
        severity: "permanent",
        reason: "bounce",
        id: "d2",
        "delivery-status": {
          code: 550,
          message: "5.1.1 The email account that you tried to reach does not exist.",
        },
      },
      complained: { ...base, event: "complained", id: "d3" },
      dropped: {
        ...base,
        event: "failed",
        severity: "permanent",
        reason: "suppress-bounce",
        id: "d4",
        "delivery-status": {
          code: 605,
          description: "Not delivering to previously bounced address",
          message: "",
        },
      },
      delayed: {
        ...base,
        event: "failed",
        severity: "temporary",
        reason: "generic",
        id: "d5",
        "delivery-status": { code: 421, message: "4.7.0 [TSS04] try again later" },
      },
      opened: { ...base, event: "opened", id: "d6" },
    },
  };
}

const basic = (pair: string) => ({ authorization: `Basic ${Buffer.from(pair).toString("base64")}` });

export function playPostmark(): PlayedService {
  const base = { MessageID: "883953f4-6105-42a2-a16a-77a8eac79483", Metadata: { bellwether: TOKEN } };
  const bounce = {
    ...base,
    RecordType: "Bounce",
    Email: email,
    BouncedAt: "2026-11-22T02:00:00.3963933-05:00",
  };
  const secret = "bellwether:a password of some length";
  const post = ([event]: readonly object[], pair: string): Call => ({
    headers: { ...JSON_TYPE, ...basic(pair) },
    body: json(event),
  });
  return {
    name: "postmark",
    secret,
    signsTime: false,
    call: (events) => post(events, secret),
    forged: (events) => post(events, "bellwether:another password"),
    events: {
      delivered: {
        ...base,
        RecordType: "Delivery",
        Recipient: email,
        DeliveredAt: "2026-11-22T02:00:00Z",
        Details: "smtp;250 2.0.0 OK",
      },
      bounced: {
        ...bounce,
        Type: "HardBounce",
        ID: 42,
        Details: "smtp;550 5.1.1 The email account that you tried to reach does not exist.",
      },
      complained: { ...bounce, RecordType: "SpamComplaint", Type: "SpamComplaint", ID: 43, Details: "" },
      dropped: { ...bounce, Type: "ManuallyDeactivated", ID: 44, Details: "" },
      delayed: { ...bounce, Type: "Transient", ID: 45, Details: "smtp;421 4.7.0 [TSS04] try again later" },
      opened: { ...base, RecordType: "Open", Recipient: email },
    },
  };
}

export function playBrevo(): PlayedService {
  const base = {
    email,
    ts_epoch: 1_795_312_800_000,
    "message-id": "<202611220200.27287306012@smtp-relay.mailin.fr>",
    "X-Mailin-custom": TOKEN,
  };
  const secret = randomBytes(16).toString("hex");
  const post = (events: readonly object[], token: string): Call => ({
    headers: { ...JSON_TYPE, authorization: `Bearer ${token}` },
    body: json(events.length === 1 ? events[0] : events),
  });
  return {
    name: "brevo",
    secret,
    signsTime: false,
    call: (events) => post(events, secret),
    forged: (events) => post(events, secret.slice(1)),
    events: {
      delivered: { ...base, event: "delivered" },
      bounced: {
        ...base,
        event: "hard_bounce",
        reason: " RecipientError: 550 5.1.1 <jane@example.com>: Recipient address rejected: User unknown",
      },
      complained: { ...base, event: "spam" },
      dropped: { ...base, event: "blocked", reason: "blocked : due to blacklist user" },
      delayed: { ...base, event: "deferred", reason: "421 4.7.0 [TSS04] try again later" },
      opened: { ...base, event: "unique_opened" },
    },
  };
}

export function playSparkpost(): PlayedService {
  const base = {
    message_id: "000443ee14578172be22",
    transmission_id: "65832150921904138",
    rcpt_to: email,
    raw_rcpt_to: email,
    rcpt_meta: { delivery: TOKEN },
    timestamp: "1795312800",
  };
  const secret = "a password without a colon";
  const post = (events: readonly object[], password: string): Call => ({
    headers: { ...JSON_TYPE, ...basic(`anybody:${password}`) },
    body: json(events.map((event) => ({ msys: { message_event: event } }))),
  });
  return {
    name: "sparkpost",
    secret,
    signsTime: false,
    call: (events) => post(events, secret),
    forged: (events) => post(events, "a password"),
    events: {
      delivered: { ...base, type: "delivery", event_id: "1" },
      bounced: {
        ...base,
        type: "bounce",
        bounce_class: "10",
        event_id: "2",
        raw_reason: "550 5.1.1 <jane@example.com>: Recipient address rejected: User unknown",
      },
      complained: { ...base, type: "spam_complaint", event_id: "3" },
      dropped: {
        ...base,
        type: "generation_rejection",
        bounce_class: "25",
        event_id: "4",
        raw_reason: "554 5.7.1 recipient address suppressed due to customer policy",
      },
      delayed: {
        ...base,
        type: "delay",
        bounce_class: "20",
        event_id: "5",
        raw_reason: "421 4.7.0 [TSS04] try again later",
      },
      opened: { ...base, type: "open", event_id: "6" },
    },
  };
}
