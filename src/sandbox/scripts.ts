// Ready scripts for simulated providers: who is refused, when, with which words. Each is a function of the moment
// alone (no state of its own), so that a script may be shared, replaced or replayed; combine() puts them together.
import type { Phase } from "../bounce/reason.ts";
import type { Answer, Moment, Script } from "./moment.ts";
import { type KnownReply, REPLIES, type ReplyName } from "./replies.ts";

/** A reply by name, from replies.ts, or verbatim ("\n" between lines). */
export type ReplyLike = ReplyName | KnownReply | (string & {});

export interface ReplyOptions {
  /** Where it is said; a known reply knows it, of another text it is `dot`. */
  phase?: Phase;
  /** What {ip} in the text becomes. */
  ip?: string;
  close?: boolean;
  delayMs?: number;
}

const DOCUMENTATION_IP = "2001:db8::25";
const BEFORE_RCPT: ReadonlySet<Phase> = new Set(["connect", "ehlo", "tls", "auth", "mail"]);

export function acceptAll(): Script {
  return () => undefined;
}

/** Everybody, always. */
export function refuseAll(reply: ReplyLike, options: ReplyOptions = {}): Script {
  return refuseIf(() => true, reply, options);
}

/** The first `n` mails (in the order of their RCPT) pass, all later ones are refused. */
export function refuseAfter(n: number, reply: ReplyLike, options: ReplyOptions = {}): Script {
  return refuseIf(
    (moment) => (BEFORE_RCPT.has(moment.phase) ? moment.seen >= n : moment.seen > n),
    reply,
    options,
  );
}

/** A fixed share (0 to 1) of all addresses: the same address always meets the same answer. */
export function refuseShare(
  share: number,
  seed: number,
  reply: ReplyLike,
  options: ReplyOptions = {},
): Script {
  return refuseIf((moment) => isInShare(moment.recipient, share, seed), reply, options);
}

/** Greylisting: the first `n` attempts of each recipient are answered so, later ones pass. */
export function deferFirst(n: number, reply: ReplyLike = "greylisted", options: ReplyOptions = {}): Script {
  return refuseIf((moment) => moment.attempt <= n, reply, options);
}

/** Refuses whatever `condition` says of a moment in the reply's phase. */
export function refuseIf(
  condition: (moment: Moment) => boolean,
  reply: ReplyLike,
  options: ReplyOptions = {},
): Script {
  const known = knownReply(reply);
  const phase = options.phase ?? known.phase;
  return (moment) => {
    if (moment.phase !== phase || !condition(moment)) return undefined;
    return {
      reply: fill(known.text, moment, options.ip ?? DOCUMENTATION_IP),
      ...(options.close === undefined ? {} : { close: options.close }),
      ...(options.delayMs === undefined ? {} : { delayMs: options.delayMs }),
    };
  };
}

const DROP_POINTS = {
  "before-banner": { phase: "connect", drop: "before-reply" },
  "after-banner": { phase: "connect", drop: "after-reply" },
  "at-ehlo": { phase: "ehlo", drop: "before-reply" },
  "at-tls": { phase: "tls", drop: "after-reply" },
  "at-auth": { phase: "auth", drop: "before-reply" },
  "at-mail": { phase: "mail", drop: "before-reply" },
  "at-rcpt": { phase: "rcpt", drop: "before-reply" },
  "at-data": { phase: "data", drop: "before-reply" },
  "after-354": { phase: "data", drop: "after-reply" },
  "mid-data": { phase: "data", drop: "mid-data" },
  "at-dot": { phase: "dot", drop: "before-reply" },
  "at-dot-taken": { phase: "dot", drop: "before-reply", taken: true },
  "after-dot-reply": { phase: "dot", drop: "after-reply" },
} as const satisfies Record<string, { phase: Phase } & Extract<Answer, { drop: string }>>;

/** `at-X`: the command has come, no reply. `at-dot-taken`: no reply either, but the mail was taken. */
export type DropPoint = keyof typeof DROP_POINTS;

export function dropAt(point: DropPoint, when: (moment: Moment) => boolean = () => true): Script {
  const { phase, ...answer } = DROP_POINTS[point];
  return (moment) => (moment.phase === phase && when(moment) ? answer : undefined);
}

/** The normal reply of one phase (all when left out), late. */
export function delayAll(delayMs: number, phase?: Phase): Script {
  return (moment) => (phase === undefined || moment.phase === phase ? { delayMs } : undefined);
}

/** The first script that answers is heard. */
export function combine(...scripts: readonly Script[]): Script {
  return (moment) => {
    for (const script of scripts) {
      const answer = script(moment);
      if (answer !== undefined) return answer;
    }
    return undefined;
  };
}

/** One script a provider, for a server that plays several by recipient domain. */
export function byProvider(scripts: Readonly<Record<string, Script>>): Script {
  const table = new Map(Object.entries(scripts));
  return (moment) => table.get(moment.provider)?.(moment);
}

/** The script, for recipients of these domains alone. */
export function forDomains(domains: readonly string[], script: Script): Script {
  const wanted = new Set(domains.map((domain) => domain.toLowerCase()));
  return (moment) =>
    moment.recipient !== null && wanted.has(domainOf(moment.recipient)) ? script(moment) : undefined;
}

/** The script, for a fixed share (0 to 1) of all addresses alone. */
export function forShare(share: number, seed: number, script: Script): Script {
  return (moment) => (isInShare(moment.recipient, share, seed) ? script(moment) : undefined);
}

export function domainOf(address: string): string {
  return address.slice(address.lastIndexOf("@") + 1).toLowerCase();
}

function knownReply(reply: ReplyLike): KnownReply {
  if (typeof reply !== "string") return reply;
  if (Object.hasOwn(REPLIES, reply)) return REPLIES[reply as ReplyName];
  return { phase: "dot", text: reply };
}

function fill(text: string, moment: Moment, ip: string): string {
  if (!text.includes("{")) return text;
  return text
    .replaceAll("{ip}", ip)
    .replaceAll("{recipient}", moment.recipient ?? "")
    .replaceAll("{sender}", moment.sender ?? "")
    .replaceAll("{id}", replyId(moment));
}

/** Looks like the ids that providers append; the same moment always gets the same one. */
function replyId(moment: Moment): string {
  const a = hash(moment.recipient ?? "", moment.connection).toString(36);
  const b = hash(moment.sender ?? "", moment.seen + moment.attempt * 65_536).toString(16);
  return `${a}-20020a${b.padStart(8, "0")}si${(hash(a, moment.seen) % 9_000_000) + 1_000_000}.${moment.seen % 1000}`;
}

function isInShare(recipient: string | null, share: number, seed: number): boolean {
  return recipient !== null && hash(recipient.toLowerCase(), seed) / 2 ** 32 < share;
}

/** FNV-1a, then mixed: plain FNV is uneven in the high bits for addresses that differ in one digit. */
function hash(text: string, seed: number): number {
  let h = (0x811c9dc5 ^ Math.imul(seed, 0x9e3779b1)) >>> 0;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
