// Amazon SES as tests play it, with SNS before it: signed with a key whose certificate is made for the test.
import { createSign, generateKeyPairSync, randomBytes } from "node:crypto";
import { makeCertificate } from "../../world/certificate.ts";
import { type Call, json, type PlayedService, played } from "./mail-services.ts";

const { address: email, token: TOKEN } = played;
export const TOPIC_ARN = "arn:aws:sns:eu-west-1:123456789012:bellwether";
export const CERTIFICATE_URL =
  "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem";

export interface PlayedSes extends PlayedService {
  /** Signed as version 1 or 2 whatever is in it. */
  sns(message: Record<string, string>, key?: string, version?: "1" | "2"): Call;
  key: string;
  fetched: string[];
}

/** Made once: RSA keys are slow to find. */
let amazon: { key: string; cert: string; forger: string } | null = null;

export function playSes(): PlayedSes {
  amazon ??= {
    ...makeCertificate("rsa"),
    forger: generateKeyPairSync("rsa", { modulusLength: 2048 })
      .privateKey.export({ format: "pem", type: "pkcs8" })
      .toString(),
  };
  const { key, cert, forger } = amazon;
  const fetched: string[] = [];
  const sns = (message: Record<string, string>, by = key, version: "1" | "2" = "2"): Call => {
    const names =
      message.Type === "Notification"
        ? ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
        : ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"];
    const text = names
      .flatMap((name) => (message[name] === undefined ? [] : `${name}\n${message[name]}\n`))
      .join("");
    const Signature = createSign(version === "1" ? "sha1" : "sha256")
      .update(text)
      .sign(by, "base64");
    const body = json({ SigningCertURL: CERTIFICATE_URL, SignatureVersion: version, ...message, Signature });
    return {
      headers: { "content-type": "text/plain; charset=UTF-8", "x-amz-sns-message-type": message.Type ?? "" },
      body,
    };
  };
  const notice = ([event]: readonly object[], nowMs: number): Record<string, string> => ({
    Type: "Notification",
    MessageId: randomBytes(16).toString("hex"),
    TopicArn: TOPIC_ARN,
    Subject: "Amazon SES Email Event Notification",
    Message: JSON.stringify(event),
    Timestamp: new Date(nowMs).toISOString(),
  });
  const mail = {
    timestamp: "2026-11-22T02:00:00.000Z",
    source: `bounces+${TOKEN}@bulk.example`,
    messageId: "0102018b5c3c0a4f-aaaa-bbbb-000000",
    destination: [email],
    headers: [
      { name: "Message-ID", value: "<m1@bulk.example>" },
      { name: "X-Bellwether-Delivery", value: TOKEN },
    ],
    commonHeaders: { messageId: "<m1@bulk.example>" },
  };
  const timestamp = "2026-11-22T02:00:01.000Z";
  const bounce = (bounceSubType: string, diagnosticCode: string, feedbackId: string) => ({
    eventType: "Bounce",
    mail,
    bounce: {
      feedbackId,
      timestamp,
      bounceType: "Permanent",
      bounceSubType,
      bouncedRecipients: [{ emailAddress: email, action: "failed", status: "5.1.1", diagnosticCode }],
    },
  });
  return {
    name: "ses",
    secret: TOPIC_ARN,
    signsTime: true,
    key,
    fetched,
    sns,
    fetchText: async (url) => {
      fetched.push(url);
      return url === CERTIFICATE_URL ? cert : "<ConfirmSubscriptionResponse/>";
    },
    call: (events, nowMs) => sns(notice(events, nowMs)),
    forged: (events, nowMs) => sns(notice(events, nowMs), forger),
    events: {
      delivered: {
        eventType: "Delivery",
        mail,
        delivery: { timestamp, recipients: [email], smtpResponse: "250 2.6.0 Message received" },
      },
      bounced: bounce("General", "smtp; 550 5.1.1 user unknown", "f1"),
      complained: {
        notificationType: "Complaint",
        mail,
        complaint: {
          feedbackId: "f2",
          timestamp,
          complaintFeedbackType: "abuse",
          complainedRecipients: [{ emailAddress: email }],
        },
      },
      dropped: bounce(
        "OnAccountSuppressionList",
        "Amazon SES did not send the message to this address",
        "f3",
      ),
      delayed: {
        eventType: "DeliveryDelay",
        mail,
        deliveryDelay: {
          timestamp,
          delayType: "TransientCommunicationFailure",
          delayedRecipients: [
            {
              emailAddress: email,
              status: "4.7.0",
              diagnosticCode: "smtp; 421 4.7.0 [TSS04] try again later",
            },
          ],
        },
      },
      opened: { eventType: "Open", mail, open: { timestamp } },
    },
  };
}
