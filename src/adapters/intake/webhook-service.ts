// What the mail services' webhooks have in common: how a call is read into events, how a shared secret is compared,
// how JSON of strangers is looked at. What each service signs and says is in a file of its own (ses.ts, sendgrid.ts,
// ...); recording and answering are in webhook.ts.
import { createHash, timingSafeEqual } from "node:crypto";
import { classificationOf } from "../../bounce/by-reason.ts";
import type { Reason } from "../../bounce/reason.ts";
import type { Marks, Report, ReportAction, ReportKind } from "../../bounce/report.ts";
import type { WebhookSender } from "../../config/config.ts";
import { EXCERPT_LENGTH } from "../../delivery/intake.ts";
import { meaningOf, replyText } from "./meaning.ts";

/** Names in lower case; a header that came twice is joined by commas, as node:http gives it. */
export type CallHeaders = Readonly<Record<string, string | undefined>>;

export interface WebhookCall {
  headers: CallHeaders;
  body: Buffer;
  /** From [[bounces.webhook]]. */
  secret: string;
  nowMs: number;
}

export interface WebhookEvent {
  /** The same for the same event, however often it is posted. */
  key: string;
  report: Report;
  excerpt: string;
}

export interface Refusal {
  ok: false;
  /** 401: the secret or the signature is wrong; 403: it is not meant for us; 503: it may be right, later. */
  status: 400 | 401 | 403 | 415 | 503;
  /** In words that hold nothing of what was sent. */
  why: string;
}

/** `ignored`: events that say nothing of a delivery (opens, clicks, what was taken in). */
export type Reading = { ok: true; events: readonly WebhookEvent[]; ignored: number } | Refusal;

export interface WebhookService {
  readonly name: WebhookSender;
  /** Longest body that the service sends. */
  readonly limitBytes: number;
  /** Null when a secret can be used, else what it should be. */
  wants(secret: string): string | null;
  /** Before the body is read: null when it may go on. */
  admit(headers: CallHeaders, secret: string): Refusal | null;
  read(call: WebhookCall): Reading | Promise<Reading>;
}

export function refuse(status: Refusal["status"], why: string): Refusal {
  return { ok: false, status, why };
}

/** Equal, without telling by the time it takes how much of it is. */
export function isSame(given: string, wanted: string): boolean {
  const hash = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(hash(given), hash(wanted));
}

/** Of secrets that people choose: long enough that nobody guesses them. */
export const SECRET_LENGTH = 16;

export function wantsLongSecret(secret: string): string | null {
  return secret.length >= SECRET_LENGTH ? null : `at least ${SECRET_LENGTH} characters`;
}

/**
 * For services that sign nothing. The secret is heard as a Bearer token, as the header X-Bellwether-Secret, or by
 * basic authentication: "user:password" as a whole, or, when the secret has no colon, as the password of any user.
 */
export function admitShared(headers: CallHeaders, secret: string): Refusal | null {
  const [scheme = "", value = ""] = (headers.authorization ?? "").split(/ +(.*)/s);
  const given = [headers["x-bellwether-secret"] ?? ""];
  if (/^bearer$/i.test(scheme)) given.push(value.trim());
  if (/^basic$/i.test(scheme)) {
    const pair = Buffer.from(value, "base64").toString("utf8");
    given.push(secret.includes(":") ? pair : pair.slice(pair.indexOf(":") + 1));
  }
  // All are compared, so that the time does not tell which one was right.
  const right = given.map((one) => isSame(one, secret)).includes(true);
  return right ? null : refuse(401, "the secret is missing or wrong");
}

/** Nested deeper than any service does. */
const DEPTH = 32;

/** Undefined for what is no JSON, no UTF-8, or nested too deep. */
export function parseJson(body: Buffer | string): unknown {
  try {
    const text = typeof body === "string" ? body : new TextDecoder("utf-8", { fatal: true }).decode(body);
    if (depthOf(text) > DEPTH) return undefined;
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  let inText = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (inText) {
      if (code === 92) at++;
      else if (code === 34) inText = false;
    } else if (code === 34) inText = true;
    else if (code === 123 || code === 91) deepest = Math.max(deepest, ++depth);
    else if (code === 125 || code === 93) depth--;
  }
  return deepest;
}

export type Fields = Readonly<Record<string, unknown>>;

/** An object's fields; none for anything else. */
export function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** A text or a number as text; "" for anything else. */
export function textOf(value: unknown): string {
  return typeof value === "string" ? value : typeof value === "number" ? String(value) : "";
}

/** Seconds or milliseconds since the epoch, as a number or in digits, or a date as text; null for anything else. */
export function timeOf(value: unknown): number | null {
  const number =
    typeof value === "number" ? value : /^\d+(?:\.\d+)?$/.test(textOf(value)) ? Number(value) : null;
  if (number !== null)
    return Number.isFinite(number) ? Math.round(number < 1e11 ? number * 1_000 : number) : null;
  const at = Date.parse(textOf(value));
  return Number.isNaN(at) ? null : at;
}

const TOKEN = /(?<![0-9a-z-])[0-9a-z]{1,11}-[0-9a-z]{1,6}-[0-9a-z]{13}(?![0-9a-z-])/gi;
/** Marks of one kind that are kept; a mail has one or two. */
const MARKS = 10;
const MARK_LENGTH = 256;

/** What looks like a delivery's token in texts that a service gives back to us. */
export function tokensIn(...values: readonly unknown[]): string[] {
  return values.flatMap((value) => textOf(value).slice(0, 2_000).match(TOKEN) ?? []);
}

/** What a service says became of one recipient. */
export interface Told {
  /** By these the event is known again. */
  id: readonly unknown[];
  action: ReportAction;
  address: string;
  /** What the mailbox provider said, or the service in its place. */
  words: string;
  /** What it means when no rule knows the words. */
  otherwise?: Reason | undefined;
  /** What it means whatever the words: the service speaks of itself. */
  reason?: Reason | undefined;
  marks: { [Name in keyof Marks]?: readonly string[] };
  atMs: number | null;
}

const KIND_OF: Readonly<Record<ReportAction, ReportKind>> = {
  failed: "bounce",
  delayed: "notice",
  delivered: "notice",
  relayed: "notice",
  expanded: "notice",
  complained: "feedback",
  replied: "auto-reply",
};

export function eventOf(service: WebhookSender, told: Told, source: unknown): WebhookEvent {
  const { action, address, marks, atMs } = told;
  const reply = replyText(told.words);
  const id = JSON.stringify([service, ...told.id]);
  return {
    key: createHash("sha256").update(id).digest("base64url"),
    report: {
      kind: KIND_OF[action],
      recipients: [
        { address: address === "" ? null : address, action, reply, classification: meaning(told) },
      ],
      marks: {
        tokens: cleaned(marks.tokens),
        messageIds: cleaned(marks.messageIds),
        relayIds: cleaned(marks.relayIds),
      },
      atMs,
      reporter: service,
    },
    excerpt: JSON.stringify(source).slice(0, EXCERPT_LENGTH),
  };
}

/** What a call says, of each of its items; `toldBy` gives null for what says nothing of a delivery. */
export function readItems<Item>(
  service: WebhookSender,
  items: readonly Item[],
  toldBy: (item: Item) => Told | null,
  /** What of it may be shown; all unless given. */
  shown: (item: Item) => unknown = (item) => item,
): Reading {
  const events = items.flatMap((item) => {
    const told = toldBy(item);
    return told === null ? [] : [eventOf(service, told, shown(item))];
  });
  return { ok: true, events, ignored: items.length - events.length };
}

/** Clocks of services may be ahead of ours by so much. */
const AHEAD_MS = 300_000;

/** Whether something was signed within `oldestMs`; `atMs` may be NaN, which is never. */
export function isOfNow(atMs: number, { nowMs, oldestMs }: { nowMs: number; oldestMs: number }): boolean {
  return atMs > nowMs - oldestMs && atMs < nowMs + AHEAD_MS;
}

/** Seconds since the epoch in digits, as services sign them; NaN for anything else. */
export function signedAtMs(seconds: string): number {
  return /^\d{1,12}$/.test(seconds) ? Number(seconds) * 1_000 : Number.NaN;
}

function meaning({ action, words, reason, otherwise }: Told) {
  switch (action) {
    case "delivered":
    case "relayed":
    case "expanded":
      return null;
    case "complained":
      return classificationOf("complaint", { over: true });
    case "replied":
      return classificationOf("auto-reply", { over: false });
    default: {
      const over = action === "failed";
      return reason === undefined
        ? meaningOf(words, { over, otherwise })
        : classificationOf(reason, { over });
    }
  }
}

function cleaned(marks: readonly string[] = []): string[] {
  const plain = marks.map((mark) => mark.trim().replace(/^<|>$/g, ""));
  return [...new Set(plain)].filter((mark) => mark !== "" && mark.length <= MARK_LENGTH).slice(0, MARKS);
}
