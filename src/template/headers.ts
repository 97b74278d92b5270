// Which headers make a notice known for what it is: how to unsubscribe, what it belongs to for feedback loops, that
// no machine should answer it, and our own token by which a report is matched. Pure.
import { BellwetherError } from "../errors.ts";
import type { TemplateClass } from "./manifest.ts";

/** Our own header: the signed token of delivery and attempt. */
export const DELIVERY_HEADER = "X-Bellwether-Delivery";

/**
 * - `required` has no List-Unsubscribe: what must reach everybody cannot be unsubscribed. The others have it when an
 *   address for it is configured; `{token}` in it is replaced. One-Click (RFC 8058) only with https and a token,
 *   as the request must be enough to know whom it is about.
 * - Feedback-ID as Google's Postmaster help describes it: a:b:c:SenderId, counted per field, so nothing in it may
 *   be one recipient's; the sender's own field has 5 to 15 characters.
 * - X-Auto-Response-Suppress (MS-OXCMAIL 2.1.3.2.20) names what is unwanted instead of "All": that would include
 *   DR and NDR, the delivery and non-delivery reports from which Bellwether learns.
 * - No Precedence: it is in no standard, and Auto-Submitted (RFC 3834) already silences careful responders.
 * - List-Id (RFC 2919) only where List-Unsubscribe is: a required notice goes to no list.
 */
export function notificationHeaders(options: {
  templateClass: TemplateClass;
  campaignId: string;
  /** Signed; left out in a preview. */
  deliveryToken?: string;
  /** Who the notice is sent for and by; both the same for all mails of an installation. */
  feedback: { customer: string; sender: string };
  unsubscribeUrl?: string;
  unsubscribeMail?: string;
  /** Domain of the List-Id; none: no List-Id. */
  listDomain?: string;
}): [string, string][] {
  const { templateClass, deliveryToken, feedback, listDomain } = options;
  const headers: [string, string][] = [];
  if (templateClass !== "required") {
    const unsubscribe = unsubscribeHeaders(options);
    headers.push(...unsubscribe);
    if (unsubscribe.length > 0 && listDomain !== undefined)
      headers.push(["List-Id", `<${templateClass}.notices.${listDomain}>`]);
  }
  headers.push(
    [
      "Feedback-ID",
      [
        identifier(options.campaignId, 64),
        identifier(feedback.customer, 64),
        templateClass,
        senderId(feedback.sender),
      ].join(":"),
    ],
    ["Auto-Submitted", "auto-generated"],
    ["X-Auto-Response-Suppress", "RN, NRN, OOF, AutoReply"],
  );
  if (deliveryToken !== undefined) headers.push([DELIVERY_HEADER, deliveryToken]);
  return headers;
}

function unsubscribeHeaders(options: {
  deliveryToken?: string;
  unsubscribeUrl?: string;
  unsubscribeMail?: string;
}): [string, string][] {
  const url = filled(options.unsubscribeUrl, options.deliveryToken);
  const mail = filled(options.unsubscribeMail, options.deliveryToken);
  const ways = [url, mail === null ? null : mail.replace(/^(?!mailto:)/i, "mailto:")].filter(
    (way) => way !== null,
  );
  if (ways.length === 0) return [];
  const headers: [string, string][] = [["List-Unsubscribe", ways.map((way) => `<${way}>`).join(", ")]];
  if (url !== null && /^https:/i.test(url) && options.unsubscribeUrl?.includes("{token}"))
    headers.push(["List-Unsubscribe-Post", "List-Unsubscribe=One-Click"]);
  return headers;
}

/** Null when there is no such address, or when it wants a token and there is none. */
function filled(address: string | undefined, token: string | undefined): string | null {
  if (address === undefined || address === "") return null;
  if (address.includes("{token}") && token === undefined) return null;
  if (/[\s<>,\x00-\x1f\x7f]/.test(address))
    throw new BellwetherError(
      "config-value",
      `The unsubscribe address ${JSON.stringify(address)} cannot stand in a header.`,
      "Write it without spaces, commas and angle brackets (%20, %2C, %3C and %3E stand for them).",
    );
  return address.replaceAll("{token}", encodeURIComponent(token ?? ""));
}

function identifier(text: string, longest: number): string {
  const clean = text.replace(/[^A-Za-z0-9._-]+/g, "-").replace(/^-+|-+$/g, "");
  return clean.slice(0, longest);
}

function senderId(text: string): string {
  return identifier(text, 15).padEnd(5, "0");
}
