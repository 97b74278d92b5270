// Renders everybody before anybody is told: each client's mail, strictly, so that a value that one row lacks is
// found now and not after nine hundred others were told.

import { type Filter, matchesFilter } from "../../client/audience.ts";
import type { AudienceStore, StoredClient } from "../../client/audience-store.ts";
import type { Recipient, Rendered } from "../../template/renderer.ts";
import { isRole, type SuppressedCounts, type WhySuppressed } from "./audience-checks.ts";
import { createContentCheck } from "./content.ts";
import type { Finding } from "./finding.ts";
import { count, emptyTally, rowsOf, SHOWN, type Tally } from "./tally.ts";

/** Gmail clips a message whose html is larger ("View entire message"). */
const GMAIL_CLIPS_BYTES = 102 * 1024;
/** Characters of html and text: every server takes 64 kB (RFC 5321 section 4.5.3.1.7), whatever coding makes of these. */
const LARGE = 16 * 1024;
const PAGE = 1_000;

/** A mail that a relay may find too large. */
export interface LargeMail {
  address: string;
  key: string;
  characters: number;
}

export interface RenderCheck {
  recipients: number;
  /** Recipients by domain: the providers are looked up from it. */
  domains: Map<string, number>;
  /** The largest mail of each domain that has a large one. */
  large: Map<string, LargeMail>;
  /** Addresses that belong to a function. */
  roles: Tally;
  /** Recipients that are left out, by why. */
  suppressed: SuppressedCounts;
  findings: Finding[];
}

export async function checkRendering(options: {
  audiences: AudienceStore;
  importId: number;
  filter: Filter;
  render: (recipient: Recipient) => Rendered;
  /** Addresses after the first and up to the second, by key, that a plan would leave out; none unless given. */
  suppressed?: (after: string, upTo: string) => Promise<ReadonlyMap<string, WhySuppressed>>;
  signal?: AbortSignal;
  onProgress?: (recipients: number) => void;
}): Promise<RenderCheck> {
  const { audiences, importId, filter } = options;
  const problems: Problems = { byText: new Map(), others: emptyTally() };
  const content = createContentCheck();
  const large = new Map<string, LargeMail>();
  const domains = new Map<string, number>();
  const roles = emptyTally();
  const suppressed = new Map<WhySuppressed, number>();
  let recipients = 0;
  let largest = { bytes: 0, address: "" };
  for (let after = ""; ; ) {
    options.signal?.throwIfAborted();
    const rows = await audiences.page(importId, after, PAGE);
    const last = rows.at(-1);
    if (last?.key == null) break;
    const leftOut = await options.suppressed?.(after, last.key);
    after = last.key;
    for (const group of groups(rows, filter)) {
      const [first] = group;
      if (first?.address == null) continue;
      recipients += 1;
      const domain = first.domain ?? "";
      domains.set(domain, (domains.get(domain) ?? 0) + 1);
      const key = first.key ?? "";
      if (isRole(key)) count(roles, first.line, first.address);
      const why = leftOut?.get(key);
      if (why !== undefined) suppressed.set(why, (suppressed.get(why) ?? 0) + 1);
      try {
        const rendered = options.render(recipientOf(first.address, group));
        const { html, text } = rendered;
        content.look(rendered, first.line);
        const characters = html.length + text.length;
        if (characters > Math.max(LARGE, large.get(domain)?.characters ?? 0))
          large.set(domain, { address: first.address, key, characters });
        if (html.length > largest.bytes) largest = { bytes: Buffer.byteLength(html), address: first.address };
      } catch (error) {
        note(problems, cause(error, first.address), first.line);
      }
    }
    options.onProgress?.(recipients);
  }
  const findings = [...findingsOf(problems, recipients, largest), ...content.findings()];
  return { recipients, domains, large, roles, suppressed, findings };
}

/** An address with the rows it stands for, as a template sees it. */
export function recipientOf(
  address: string,
  rows: readonly Pick<StoredClient, "name" | "locale" | "timezone" | "account" | "attributes">[],
): Recipient {
  const first = (pick: (row: (typeof rows)[number]) => string | null) =>
    rows.map(pick).find((v) => v !== null) ?? null;
  return {
    address,
    name: first((row) => row.name),
    locale: first((row) => row.locale),
    timezone: first((row) => row.timezone),
    accounts: rows.map(({ account, name, attributes }) => ({ account, name, attributes })),
  };
}

function* groups(rows: readonly StoredClient[], filter: Filter): Generator<StoredClient[]> {
  let group: StoredClient[] = [];
  for (const row of rows) {
    if (!matchesFilter(row, filter)) continue;
    if (group[0] !== undefined && group[0].key !== row.key) {
      yield group;
      group = [];
    }
    group.push(row);
  }
  if (group.length > 0) yield group;
}

/** Equal troubles are told once, so the address that differs is taken out. */
function cause(error: unknown, address: string): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replaceAll(address, "a client");
}

/** Troubles in their own words, the first `SHOWN` different ones; all others together. */
interface Problems {
  byText: Map<string, Tally>;
  others: Tally;
}

function note({ byText, others }: Problems, text: string, line: number): void {
  let tally = byText.get(text);
  if (tally === undefined && byText.size < SHOWN) {
    tally = emptyTally();
    byText.set(text, tally);
  }
  count(tally ?? others, line);
}

function findingsOf(
  { byText, others }: Problems,
  recipients: number,
  largest: { bytes: number; address: string },
): Finding[] {
  const findings: Finding[] = [];
  const told: [string, Tally][] = [...byText];
  if (others.count > 0) told.push(["for other reasons than those above.", others]);
  for (const [text, tally] of told) {
    findings.push({
      code: "render-failed",
      severity: "blocker",
      basis: "measured",
      message: `${tally.count} of ${recipients} mails cannot be rendered: ${text}`,
      hint: `Give the value in [values] or in the CSV file. ${rowsOf(tally)}`,
    });
  }
  if (recipients === 0) {
    findings.push({
      code: "audience-empty",
      severity: "blocker",
      basis: "measured",
      message: "Nobody in the audience has an address and passes the filter.",
      hint: "Check the filter's values against the CSV file; they are compared exactly.",
    });
  }
  if (largest.bytes > GMAIL_CLIPS_BYTES) {
    findings.push({
      code: "mail-large",
      severity: "warning",
      basis: "measured",
      message: `The largest mail has ${Math.round(largest.bytes / 1024)} kB of html; Gmail cuts off after 102 kB.`,
      hint: "Shorten the text or the list of accounts.",
      subject: largest.address,
    });
  }
  return findings;
}
