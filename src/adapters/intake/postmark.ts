// Postmark's webhooks for bounces, deliveries and spam complaints. They are not signed: the secret comes by basic
// authentication in the URL or as a custom header. https://postmarkapp.com/developer/webhooks/webhooks-overview
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

export const postmark: WebhookService = {
  name: "postmark",
  // A bounce may have the whole mail in `Content`.
  limitBytes: 5_000_000,
  wants: wantsLongSecret,
  admit: admitShared,
  read({ body }) {
    const event = fieldsOf(parseJson(body));
    if (textOf(event.RecordType) === "") return refuse(400, "there is no event in the body");
    // The content is the mail itself: nothing that an excerpt needs.
    return readItems("postmark", [event], toldBy, ({ Content: _content, ...shown }) => shown);
  },
};

/** https://postmarkapp.com/developer/api/bounce-api#bounce-types; `null`: the words decide. */
const BOUNCES: Readonly<Record<string, Reason | null>> = {
  HardBounce: null,
  BadEmailAddress: "user-unknown",
  DnsError: "host-unknown",
  SpamNotification: "spam",
  VirusNotification: "virus",
  Blocked: "blocked",
  DMARCPolicy: "auth",
  SoftBounce: null,
  Unknown: null,
};

function toldBy(event: Fields): Told | null {
  const { MessageID, ID, Type, Details, Description, Metadata } = event;
  const address = textOf(event.Email) || textOf(event.Recipient);
  const at = event.BouncedAt ?? event.DeliveredAt;
  const base = {
    id: [event.RecordType, ID ?? [MessageID, address, at]],
    address,
    marks: {
      // Sent under this name too, unless X-PM-KeepID asked for ours.
      messageIds: [`${textOf(MessageID)}@mtasv.net`],
      relayIds: [textOf(MessageID)],
      tokens: tokensIn(...Object.values(fieldsOf(Metadata)), event.From),
    },
    atMs: timeOf(at),
    words: textOf(Details) || textOf(Description),
  };
  switch (event.RecordType) {
    case "Delivery":
      return { ...base, action: "delivered" };
    case "SpamComplaint":
      return { ...base, action: "complained" };
    case "Bounce":
      return bounceBy(textOf(Type), base);
    default:
      // Open, Click, SubscriptionChange: nothing of whether this mail arrived.
      return null;
  }
}

function bounceBy(type: string, base: Omit<Told, "action">): Told | null {
  switch (type) {
    case "Transient":
      return { ...base, action: "delayed", otherwise: "network" };
    case "AutoResponder":
    case "ChallengeVerification":
      return { ...base, action: "replied" };
    case "SpamComplaint":
      return { ...base, action: "complained" };
    case "ManuallyDeactivated":
      return { ...base, action: "failed", reason: "suppressed-by-relay" };
    case "Subscribe":
    case "Unsubscribe":
    case "AddressChange":
    case "OpenRelayTest":
      // Mails that came to its bounce address and say nothing of ours.
      return null;
    default:
      return { ...base, action: "failed", otherwise: BOUNCES[type] ?? undefined };
  }
}
