// The signed names that a mail carries, so that a report can say which mail it means and nobody can forge a bounce for
// somebody else: the token (return path and header) names delivery and attempt and is the same for all retries of one
// attempt, as greylisting remembers the envelope sender; the Message-ID names delivery and words.
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

export interface MessageName {
  delivery: number;
  revision: number;
}

const MESSAGE_NAME = /^([0-9a-z]{1,11})\.r([0-9a-z]{1,6})\.([0-9a-z]{13})@/;

/**
 * Left side of a Message-ID: the same for every attempt at the same words, so that a mailbox that got it twice can tell.
 * Read back by `readMessageName` where a report carries no token.
 */
export function makeMessageName({ delivery, revision }: MessageName, secret: string): string {
  const body = `${delivery.toString(36)}.r${revision.toString(36)}`;
  return `${body}.${mac(`message ${body}`, secret)}`;
}

/** What a Message-ID ("left@right", without brackets) names, or null when it is not ours. */
export function readMessageName(messageId: string, secret: string): MessageName | null {
  const match = MESSAGE_NAME.exec(messageId.trim().toLowerCase());
  if (match === null) return null;
  const [, delivery = "", revision = "", given = ""] = match;
  const wanted = mac(`message ${delivery}.r${revision}`, secret);
  if (!timingSafeEqual(Buffer.from(given), Buffer.from(wanted))) return null;
  return { delivery: Number.parseInt(delivery, 36), revision: Number.parseInt(revision, 36) };
}

/** 13 characters of base 36 from 64 bits: enough that guessing needs 2^63 bounces. */
function mac(body: string, secret: string): string {
  const bits = createHmac("sha256", secret).update(body).digest().readBigUInt64BE(0);
  return bits.toString(36).padStart(MAC_LENGTH, "0");
}
