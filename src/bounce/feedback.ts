// Feedback reports: a recipient marked the mail as spam (RFC 5965), in the standard's form or in one of the older ones.
import { classificationOf } from "./by-reason.ts";
import { type Fields, readFieldGroups } from "./dsn.ts";
import { addressesIn, addressIn } from "./mail-address.ts";
import { type Headers, headersOf, type Mail, textOf } from "./mime.ts";
import { writtenTo } from "./original.ts";
import type { Reason } from "./reason.ts";
import type { ReportAction, ReportedRecipient } from "./report.ts";

export interface Feedback {
  fields: Fields;
  recipients: ReportedRecipient[];
}

/** Headers under which mailbox providers hand back whom a complaint is about. */
const RECIPIENT_HEADERS = ["x-hmxmroriginalrecipient", "x-original-rcpt-to", "x-rcpt-to"];
/** Senders of complaints in forms of their own: the mail itself is the complaint. */
const COMPLAINT_DESKS =
  /^(?:staff@hotmail\.com|scomp@aol\.net|feedbackloop@|fbl@|abuse-report@|complaints@(?:us-west-2|us-east-1|eu-west-1|eu-central-1)\.email-abuse\.amazonses\.com)/i;

/** The feedback that this mail is; null when it is none. */
export function readFeedback(mail: Mail, original: Headers | null): Feedback | null {
  const leaf = mail.leaves.find((one) => one.type === "message/feedback-report");
  if (leaf !== undefined) {
    const fields = readFieldGroups(textOf(leaf))[0] ?? new Map<string, string>();
    return { fields, recipients: recipientsOf(fields, original) };
  }
  const from = addressIn(headersOf(mail.headers, "from")[0] ?? "") ?? "";
  if (!COMPLAINT_DESKS.test(from) && !(original?.has("x-hmxmroriginalrecipient") ?? false)) return null;
  if (original === null) return null;
  return { fields: new Map([["feedback-type", "abuse"]]), recipients: recipientsOf(new Map(), original) };
}

function recipientsOf(fields: Fields, original: Headers | null): ReportedRecipient[] {
  const { action, reason } = meaningOf((fields.get("feedback-type") ?? "abuse").toLowerCase());
  const named = addressesIn(fields.get("original-rcpt-to") ?? fields.get("removal-recipient") ?? "", 20).map(
    (one) => one.address,
  );
  const hidden =
    original === null ? [] : headersOf(original, ...RECIPIENT_HEADERS).flatMap((v) => addressIn(v) ?? []);
  // What we wrote first: X-Original-To and Delivered-To name the mailbox in which a forwarded mail ended.
  const returned = writtenTo(original);
  const addresses = named.length > 0 ? named : hidden.length > 0 ? hidden.slice(0, 1) : returned.slice(0, 1);
  const words = (fields.get("feedback-type") ?? "abuse").slice(0, 100);
  return (addresses.length > 0 ? [...new Set(addresses)] : [null]).map((address) => ({
    address,
    action,
    reply: words,
    classification: reason === null ? null : classificationOf(reason, { over: false }),
  }));
}

/** RFC 5965 section 7.3; RFC 6591 for auth-failure, which is about our signature and is nobody's complaint. */
function meaningOf(type: string): { action: ReportAction; reason: Reason | null } {
  if (type.startsWith("not-spam")) return { action: "delivered", reason: null };
  if (type.startsWith("auth-failure") || type.startsWith("dmarc"))
    return { action: "delivered", reason: "auth" };
  return { action: "complained", reason: "complaint" };
}
