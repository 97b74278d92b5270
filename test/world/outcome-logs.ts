// Outcome logs for replays, as `export` writes them, made without chance: the founding incident, and long ones.
import type { LogLine } from "../../src/report/outcome-log.ts";
import { REPLIES, type ReplyName } from "../../src/sandbox/replies.ts";

export type LogInput = Partial<LogLine> & { at: string };

/** A whole number below `n`, the same for the same `i`. */
export function pick(i: number, n: number): number {
  let h = Math.imul(i + 1, 0x9e3779b1);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  return ((h ^ (h >>> 13)) >>> 0) % n;
}

export function said(name: ReplyName, i: number, recipient = `client${i}@gmail.com`): string {
  return REPLIES[name].text
    .replaceAll("{ip}", "2001:db8::25")
    .replaceAll("{id}", `rcthj2-2002${pick(i, 1e9)}wmk.${i}`)
    .replaceAll("{sender}", "hosting.example")
    .replaceAll("{recipient}", recipient);
}

/** The shares of the providers among the clients of a hosting company, and their domains. */
const DOMAINS = [
  ...Array<string>(39).fill("gmail.com"),
  ...Array<string>(22).fill("hotmail.com"),
  ...Array<string>(12).fill("yahoo.com"),
  ...Array<string>(11).fill("orange.fr"),
  ...Array<string>(9).fill("icloud.com"),
  ...Array<string>(7).fill("gmx.net"),
];

/** As one who kept only what servers said would have it: no provider, no attempt, no reason. */
export function founding({ mails = 390 }: { mails?: number } = {}): LogInput[] {
  const startMs = Date.UTC(2017, 3, 28, 7, 40);
  return Array.from({ length: mails }, (_, i) => {
    const domain = DOMAINS[pick(i, DOMAINS.length)] ?? "gmail.com";
    const recipient = `client${i}@${domain}`;
    const common = {
      at: new Date(startMs + Math.floor((i * 12 * 60_000) / mails)).toISOString(),
      campaign: 1,
      delivery: i + 1,
      recipient,
    };
    if (domain !== "gmail.com")
      return { ...common, event: "accepted", reply: `250 2.0.0 Ok: queued as ${i}` } as const;
    const reply = said(i % 2 === 0 ? "google-ipv6-guidelines" : "google-no-ptr", i, recipient);
    return { ...common, event: "rejected", reply } as const;
  });
}

/** A healthy campaign, as `export` writes it: two unknown users and three deferrals in a hundred mails. */
export function* healthy({ mails, campaign = 1 }: { mails: number; campaign?: number }): Generator<LogLine> {
  const startMs = Date.UTC(2027, 3, 28, 6);
  for (let i = 0; i < mails; i++) {
    const domain = DOMAINS[pick(i, DOMAINS.length)] ?? "gmail.com";
    const recipient = `client${i}@${domain}`;
    const line = {
      at: new Date(startMs + i * 5).toISOString(),
      campaign,
      delivery: i + 1,
      attempt: 1,
      recipient,
      provider: PROVIDERS[domain] ?? "other",
    };
    const roll = pick(i + 7_000_001, 100);
    if (roll < 2)
      yield {
        ...line,
        event: "rejected",
        reply: said("user-unknown", i, recipient),
        reason: "user-unknown",
        fault: "address",
        scope: "recipient",
      };
    else if (roll < 5)
      yield {
        ...line,
        event: "deferred",
        reply: said("greylisted", i, recipient),
        reason: "greylisted",
        fault: "temporary",
        scope: "provider",
      };
    else
      yield {
        ...line,
        event: "accepted",
        reply: `250 2.0.0 OK  1777356${i} ffacd0b85a97d-3a07a5c2fcesi${i} - gsmtp`,
        reason: null,
        fault: null,
        scope: null,
      };
  }
}

const PROVIDERS: Readonly<Record<string, string>> = {
  "gmail.com": "google",
  "hotmail.com": "outlook",
  "yahoo.com": "yahoo",
  "orange.fr": "orange",
  "icloud.com": "apple",
  "gmx.net": "unitedinternet",
};

export function jsonl(lines: Iterable<object>): string {
  return [...lines].map((line) => `${JSON.stringify(line)}\n`).join("");
}
