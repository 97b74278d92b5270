// Amazon SES's notifications that SNS sends on by mail: JSON in the mail's text. The same JSON comes to the webhook;
// this file reads only its words, and what a mail around it means is decided in read-report.ts.
import { RECIPIENT_LIMIT } from "./dsn.ts";
import { REPLY_LENGTH, type ReportAction } from "./report.ts";

export interface Notified {
  recipients: { address: string | null; action: ReportAction; diagnostic: string; status: string }[];
  messageIds: string[];
  relayIds: string[];
  atMs: number | null;
  reporter: string | null;
}

/** Characters of JSON that are parsed. */
const JSON_LENGTH = 262_144;

type Json = Readonly<Record<string, unknown>>;

/** The notification that stands in the text; null when there is none. */
export function readNotification(text: string): Notified | null {
  const from = text.search(/\S/);
  if (from < 0 || text[from] !== "{") return null;
  const outer = parsed(text.slice(from, from + JSON_LENGTH));
  if (outer === null) return null;
  const inner = typeof outer.Message === "string" ? parsed(outer.Message) : outer;
  const kind = inner?.notificationType ?? inner?.eventType;
  if (inner === null || typeof kind !== "string") return null;
  const mail = objectIn(inner.mail);
  const event = objectIn(inner[`${kind.charAt(0).toLowerCase()}${kind.slice(1)}`]);
  const recipients = recipientsIn(kind, event).slice(0, RECIPIENT_LIMIT);
  if (recipients.length === 0) return null;
  const id = textIn(mail.messageId);
  const own = textIn(objectIn(mail.commonHeaders).messageId).replace(/^<|>$/g, "");
  const at = Date.parse(textIn(event.timestamp));
  return {
    recipients,
    messageIds: own === "" ? [] : [own],
    relayIds: id === "" ? [] : [id],
    atMs: Number.isNaN(at) ? null : at,
    reporter: textIn(event.reportingMTA).replace(/^ds?n[sn]?; ?/, "") || "amazonses.com",
  };
}

function recipientsIn(kind: string, event: Json): Notified["recipients"] {
  const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
  if (kind === "Bounce" || kind === "DeliveryDelay") {
    return list(event.bouncedRecipients ?? event.delayedRecipients).map((one) => {
      const { emailAddress, status, diagnosticCode } = objectIn(one);
      return {
        address: textIn(emailAddress) || null,
        action: kind === "Bounce" ? ("failed" as const) : ("delayed" as const),
        diagnostic: textIn(diagnosticCode).replace(/^\w{1,20}; ?/, ""),
        status: textIn(status),
      };
    });
  }
  if (kind === "Complaint") {
    return list(event.complainedRecipients).map((one) => ({
      address: textIn(objectIn(one).emailAddress) || null,
      action: "complained" as const,
      diagnostic: textIn(event.complaintFeedbackType) || "abuse",
      status: "",
    }));
  }
  if (kind === "Delivery") {
    return list(event.recipients).map((one) => ({
      address: textIn(one) || null,
      action: "delivered" as const,
      diagnostic: textIn(event.smtpResponse),
      status: "",
    }));
  }
  return [];
}

function parsed(text: string): Json | null {
  const end = text.lastIndexOf("}");
  const whole = text.slice(0, end + 1);
  for (const candidate of [whole, text.slice(0, text.indexOf("\n}") + 2), whole.replace(/\n[ \t]?/g, "")]) {
    try {
      const value: unknown = JSON.parse(candidate);
      if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Json;
    } catch {
      // Mail programs add lines below, or break long ones; the next candidate is without.
    }
  }
  return null;
}

function objectIn(value: unknown): Json {
  return typeof value === "object" && value !== null ? (value as Json) : {};
}

function textIn(value: unknown): string {
  return typeof value === "string" ? value.slice(0, REPLY_LENGTH) : "";
}
