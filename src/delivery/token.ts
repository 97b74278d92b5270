// The token that a mail carries in its return path and header: which delivery and which attempt, signed, so that
// a report names its attempt and nobody can forge a bounce for somebody else. The same for all retries of one
// attempt: greylisting remembers the envelope sender.
import { createHmac, timingSafeEqual } from "node:crypto";

export interface TokenContent {
  delivery: number;
  attempt: number;
}

const MAC_LENGTH = 13;
const TOKEN = /^([0-9a-z]{1,11})-([0-9a-z]{1,6})-([0-9a-z]{13})$/;

/** Lower-case letters, digits and "-", at most 32 characters: relays may fold case. */
export function makeToken({ delivery, attempt }: TokenContent, secret: string): string {
  const body = `${delivery.toString(36)}-${attempt.toString(36)}`;
  return `${body}-${mac(body, secret)}`;
}

/** What the token names, or null when it is not ours. */
export function readToken(text: string, secret: string): TokenContent | null {
  const match = TOKEN.exec(text.trim().toLowerCase());
  if (match === null) return null;
  const [, delivery = "", attempt = "", given = ""] = match;
  const wanted = mac(`${delivery}-${attempt}`, secret);
  if (!timingSafeEqual(Buffer.from(given), Buffer.from(wanted))) return null;
  return { delivery: Number.parseInt(delivery, 36), attempt: Number.parseInt(attempt, 36) };
}

/** 13 characters of base 36 from 64 bits: enough that guessing needs 2^63 bounces. */
function mac(body: string, secret: string): string {
  const bits = createHmac("sha256", secret).update(body).digest().readBigUInt64BE(0);
  return bits.toString(36).padStart(MAC_LENGTH, "0");
}
