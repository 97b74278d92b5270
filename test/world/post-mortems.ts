// Campaigns as post-mortems see them, made by hand: one that told everybody, and one that Gmail refused in between. And the
// judgement of HTML: its elements, and what a parser finds wrong with it.
import { parse, type DefaultTreeAdapterTypes as Tree } from "parse5";
import type { Hold } from "../../src/breaker/hold.ts";
import type { HoldCard, PostMortemFacts } from "../../src/report/post-mortem-store.ts";
import type { Report } from "../../src/report/report.ts";
import type { PostMortemInput } from "../../src/report/telling.ts";
import { noTotals, type Totals } from "../../src/report/totals.ts";
import { NO_REVERSE_DNS } from "./rows.ts";

export const at = (time: string) => `2017-04-28T${time}:00.000Z`;
const NOW = Date.parse(at("10:00"));

export function totals(some: Partial<Totals>): Totals {
  return { ...noTotals(), ...some };
}

export function lane(provider: string, some: Partial<Totals>, more: Partial<Report["lanes"][number]> = {}) {
  return { provider, state: "done" as const, totals: totals(some), ...more };
}

export function hold(more: Partial<Hold> = {}): Hold {
  return { ...NO_REVERSE_DNS, at: at("05:52"), ...more };
}

export function card(more: Partial<HoldCard> = {}): HoldCard {
  return {
    provider: "google",
    hold: hold(),
    endedAt: at("06:31"),
    by: "person",
    returned: 3,
    replies: [],
    ...more,
  };
}

export function input(report: Partial<Report> = {}, facts: Partial<PostMortemFacts> = {}): PostMortemInput {
  return {
    report: {
      campaign: 7,
      name: "Server s12 was replaced",
      state: "completed",
      totals: totals({ recipients: 1390, accepted: 1390 }),
      lanes: [
        lane("orange", { recipients: 1000, accepted: 1000 }),
        lane("google", { recipients: 390, accepted: 390 }),
      ],
      timeline: [],
      ...report,
    },
    facts: {
      launchedAt: at("05:40"),
      endedAt: at("07:00"),
      zone: null,
      spec: { audience: { kind: "named", name: "clients" }, filter: {}, values: {} },
      template: "maintenance-scheduled",
      importId: 1,
      forgotten: 0,
      locales: ["en"],
      columns: ["email"],
      events: [{ at: at("05:40"), event: "launched", text: "It was launched.", provider: null }],
      ended: [],
      standing: {},
      refusals: [],
      affected: [],
      aside: [],
      ...facts,
    },
    hosts: ["mail.hosting.example"],
    nowMs: NOW,
  };
}

export const refused = {
  provider: "google",
  fault: "sender",
  isPace: false,
  mails: 5,
  addresses: 4,
} as const;
export const HELD: Partial<PostMortemFacts> = {
  ended: [card()],
  refusals: [
    { ...refused, firstAt: at("05:50"), lastAt: at("05:52") },
    // An ordinary bad address and a request for patience are no part of it, nor is what others say.
    { ...refused, fault: "address", mails: 7, firstAt: at("05:41"), lastAt: at("05:41") },
    { ...refused, isPace: true, mails: 50, firstAt: at("05:41"), lastAt: at("05:41") },
    { ...refused, provider: "orange", mails: 1, firstAt: at("05:41"), lastAt: at("05:41") },
  ],
  affected: [
    { provider: "google", affected: "refused", told: true, addresses: 4 },
    { provider: "google", affected: "late", told: true, addresses: 300 },
  ],
};

export function elementsOf(html: string): Tree.Element[] {
  const found: Tree.Element[] = [];
  const walk = (node: Tree.Node): void => {
    if ("tagName" in node) found.push(node);
    if ("childNodes" in node) for (const child of node.childNodes) walk(child);
  };
  walk(parse(html));
  return found;
}

export function problemsOf(html: string): string[] {
  const problems: string[] = [];
  parse(html, { onParseError: ({ code, startLine }) => problems.push(`${code} in line ${startLine}`) });
  return problems;
}
