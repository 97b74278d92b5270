// Amazon SES: events of a configuration set or feedback notifications of an identity, both through an SNS topic. The
// "secret" is the topic's ARN: Amazon's signature proves the rest (sns.ts). Raw message delivery must be off, since
// raw messages are not signed. A subscription of that topic is confirmed by itself.
// https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
import type { Reason } from "../../bounce/reason.ts";
import type { ReportAction } from "../../bounce/report.ts";
import { createSns, type FetchText, TOPIC } from "./sns.ts";
import {
  eventOf,
  type Fields,
  fieldsOf,
  listOf,
  parseJson,
  refuse,
  type Told,
  textOf,
  timeOf,
  tokensIn,
  type WebhookEvent,
  type WebhookService,
} from "./webhook-service.ts";

export function ses(fetchText?: FetchText): WebhookService {
  const sns = createSns(fetchText);
  return {
    name: "ses",
    // SNS carries 256 KiB, and JSON in JSON grows.
    limitBytes: 1_000_000,
    wants: (secret) =>
      TOPIC.test(secret) ? null : "the ARN of the SNS topic, arn:aws:sns:REGION:ACCOUNT:NAME",
    admit: (headers) =>
      headers["x-amz-sns-rawdelivery"] === "true"
        ? refuse(401, "raw message delivery is on, which is not signed")
        : null,
    async read({ body, secret, nowMs }) {
      const message = fieldsOf(parseJson(body));
      const refusal = await sns.check(message, secret, nowMs);
      if (refusal !== null) return refusal;
      if (message.Type === "SubscriptionConfirmation") {
        try {
          await sns.confirm(message, secret);
        } catch {
          return refuse(503, "the subscription could not be confirmed");
        }
      }
      if (message.Type !== "Notification") return { ok: true, events: [], ignored: 1 };
      // "Successfully validated SNS topic for Amazon SES event publishing." is no JSON.
      const event = fieldsOf(parseJson(textOf(message.Message)));
      const events = eventsOf(event);
      return { ok: true, events, ignored: events.length === 0 ? 1 : 0 };
    },
  };
}

/** bounceSubType; `own`: SES speaks of its list, and no reply stands behind it. */
const BOUNCES: Readonly<Record<string, { reason: Reason; own?: true }>> = {
  NoEmail: { reason: "user-unknown" },
  Suppressed: { reason: "suppressed-by-relay", own: true },
  OnAccountSuppressionList: { reason: "suppressed-by-relay", own: true },
  UnsubscribedRecipient: { reason: "suppressed-by-relay", own: true },
  MailboxFull: { reason: "mailbox-full" },
  MessageTooLarge: { reason: "too-big" },
  ContentRejected: { reason: "spam" },
  AttachmentRejected: { reason: "virus" },
  CustomTimeoutExceeded: { reason: "expired" },
};

/** delayType. */
const DELAYS: Readonly<Record<string, Reason>> = {
  MailboxFull: "mailbox-full",
  SpamDetected: "blocked",
  RecipientServerError: "system",
  IPFailure: "blocked",
  TransientCommunicationFailure: "network",
  InternalFailure: "system",
};

/** One a recipient: SES tells of all recipients of a mail at once. */
function eventsOf(event: Fields): WebhookEvent[] {
  const mail = fieldsOf(event.mail);
  const headers = listOf(mail.headers).map(fieldsOf);
  const header = (name: string) =>
    headers.filter((one) => textOf(one.name).toLowerCase() === name).map((one) => textOf(one.value));
  const marks = {
    relayIds: [textOf(mail.messageId)],
    messageIds: [...header("message-id"), textOf(fieldsOf(mail.commonHeaders).messageId)],
    tokens: tokensIn(...header("x-bellwether-delivery"), mail.source, ...header("return-path")),
  };
  // Event publishing says eventType, feedback notifications say notificationType.
  const type = textOf(event.eventType) || textOf(event.notificationType);
  return toldBy(type, event, mail).map((told) => {
    const id = [type, mail.messageId, told.address, ...told.id];
    return eventOf(
      "ses",
      { ...told, id, marks },
      { type, ...fieldsOf(event[partOf(type)]), mail: mail.messageId },
    );
  });
}

/** "Bounce" has its part in `bounce`, "DeliveryDelay" in `deliveryDelay`. */
function partOf(type: string): string {
  return type.charAt(0).toLowerCase() + type.slice(1);
}

function toldBy(type: string, event: Fields, mail: Fields): Omit<Told, "marks">[] {
  const part = fieldsOf(event[partOf(type)]);
  const atMs = timeOf(part.timestamp) ?? timeOf(mail.timestamp);
  const tell = (action: ReportAction, recipients: unknown, more: (one: Fields) => Partial<Told>) =>
    listOf(recipients)
      .map((one) => (typeof one === "string" ? { emailAddress: one } : fieldsOf(one)))
      .map((one) => ({
        id: [part.feedbackId ?? part.timestamp],
        action,
        address: textOf(one.emailAddress),
        words: textOf(one.diagnosticCode) || textOf(one.status),
        atMs,
        ...more(one),
      }));
  switch (type) {
    case "Delivery":
      return tell("delivered", part.recipients, () => ({ words: textOf(part.smtpResponse) }));
    case "DeliveryDelay":
      return tell("delayed", part.delayedRecipients, () => ({
        otherwise: DELAYS[textOf(part.delayType)] ?? "system",
      }));
    case "Bounce": {
      const known = BOUNCES[textOf(part.bounceSubType)];
      const meant = known?.own ? { reason: known.reason } : { otherwise: known?.reason };
      return tell("failed", part.bouncedRecipients, () => meant);
    }
    case "Complaint": {
      // Not a complaint, but a mail that was not sent because of an earlier one.
      if (part.complaintSubType === "OnAccountSuppressionList")
        return tell("failed", part.complainedRecipients, () => ({ reason: "suppressed-by-relay" }));
      // The recipient took it out of the spam folder.
      if (part.complaintFeedbackType === "not-spam") return [];
      return tell("complained", part.complainedRecipients, () => ({
        words: textOf(part.complaintFeedbackType),
      }));
    }
    case "Reject":
      // The only documented reason: a virus in the mail.
      return tell("failed", mail.destination, () => ({ words: textOf(part.reason), reason: "virus" }));
    default:
      // Send, Open, Click, Subscription, Rendering Failure (of templates at Amazon): nothing of whether it arrived.
      return [];
  }
}
