// Messages of Amazon SNS: whether Amazon signed them and which topic they are of. The certificate comes from the
// topic's own region at amazonaws.com and from nowhere else, whatever the message says.
// https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
import { verify, X509Certificate } from "node:crypto";
import { type Fields, isOfNow, isSame, type Refusal, refuse, textOf } from "./webhook-service.ts";

/** Gets a small text by HTTPS without following redirects; rejects when there is none. */
export type FetchText = (url: string) => Promise<string>;

/** "arn:aws:sns:eu-west-1:123456789012:name"; also aws-cn and aws-us-gov. */
export const TOPIC = /^arn:(aws|aws-cn|aws-us-gov):sns:([a-z0-9-]{5,30}):\d{12}:[\w-]{1,256}(?:\.fifo)?$/;

const CERTIFICATE_PATH = /^\/SimpleNotificationService-[\w-]{1,80}\.pem$/;
/** SNS tries for an hour at most, by the longest retry policy that it allows. */
const OLDEST_MS = 70 * 60_000;
const SIGNED_OF: Readonly<Record<string, readonly string[]>> = {
  Notification: ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"],
  SubscriptionConfirmation: [
    "Message",
    "MessageId",
    "SubscribeURL",
    "Timestamp",
    "Token",
    "TopicArn",
    "Type",
  ],
  UnsubscribeConfirmation: ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"],
};
/** Fetched in a minute, and kept; Amazon has one certificate a region, and changes it once a year. */
const FETCHES = 20;
const MINUTE_MS = 60_000;

export interface Sns {
  /** Null when Amazon signed it for this topic. */
  check(message: Fields, topic: string, nowMs: number): Promise<Refusal | null>;
  /** Visits the address that confirms a subscription; rejects when that fails. */
  confirm(message: Fields, topic: string): Promise<void>;
}

export function createSns(fetchText: FetchText = fetchByHttps): Sns {
  const certificates = new Map<string, X509Certificate>();
  let fetchedSinceMs = 0;
  let fetched = 0;

  async function certificateAt(url: string, nowMs: number): Promise<X509Certificate> {
    const known = certificates.get(url);
    if (known !== undefined) return known;
    if (nowMs - fetchedSinceMs > MINUTE_MS) {
      fetchedSinceMs = nowMs;
      fetched = 0;
    }
    // Anybody may name any file of that host: that must not keep us busy.
    if (fetched >= FETCHES) throw new Error("too many certificates in a minute");
    fetched += 1;
    const certificate = new X509Certificate(await fetchText(url));
    if (certificates.size >= FETCHES) certificates.clear();
    certificates.set(url, certificate);
    return certificate;
  }

  return {
    async check(message, topic, nowMs) {
      if (!isSame(textOf(message.TopicArn), topic)) return refuse(403, "it is of another topic");
      const names = SIGNED_OF[textOf(message.Type)];
      if (names === undefined) return refuse(400, "it is no message of SNS");
      const at = Date.parse(textOf(message.Timestamp));
      if (!isOfNow(at, { nowMs, oldestMs: OLDEST_MS })) return refuse(401, "it is of another time");
      const version = textOf(message.SignatureVersion);
      const url = textOf(message.SigningCertURL);
      if ((version !== "1" && version !== "2") || !isOfSns(url, topic, CERTIFICATE_PATH))
        return refuse(401, "the signature is missing or not Amazon's");
      let certificate: X509Certificate;
      try {
        certificate = await certificateAt(url, nowMs);
      } catch {
        return refuse(503, "Amazon's certificate cannot be had");
      }
      const valid = Date.parse(certificate.validFrom) <= nowMs && nowMs <= Date.parse(certificate.validTo);
      const signed = names.flatMap((name) =>
        typeof message[name] === "string" ? [`${name}\n${message[name]}\n`] : [],
      );
      const isSigned = verify(
        version === "1" ? "sha1" : "sha256",
        Buffer.from(signed.join("")),
        certificate.publicKey,
        Buffer.from(textOf(message.Signature), "base64"),
      );
      return valid && isSigned ? null : refuse(401, "the signature is wrong");
    },
    async confirm(message, topic) {
      const url = textOf(message.SubscribeURL);
      if (!isOfSns(url, topic, /^\/$/)) throw new Error("the address to confirm at is not Amazon's");
      await fetchText(url);
    },
  };
}

/** https://sns.REGION.amazonaws.com (.cn in China), the topic's own region, no port, no user. */
function isOfSns(url: string, topic: string, path: RegExp): boolean {
  const [, partition = "", region = ""] = TOPIC.exec(topic) ?? [];
  if (!URL.canParse(url)) return false;
  const { protocol, host, username, password, pathname } = new URL(url);
  const own = `sns.${region}.amazonaws.com${partition === "aws-cn" ? ".cn" : ""}`;
  return protocol === "https:" && host === own && username + password === "" && path.test(pathname);
}

const FETCH_MS = 5_000;
const FETCH_LENGTH = 65_536;

async function fetchByHttps(url: string): Promise<string> {
  const response = await fetch(url, { redirect: "error", signal: AbortSignal.timeout(FETCH_MS) });
  const length = Number(response.headers.get("content-length") ?? 0);
  if (!response.ok || length > FETCH_LENGTH) throw new Error(`answered ${response.status}`);
  return (await response.text()).slice(0, FETCH_LENGTH);
}
