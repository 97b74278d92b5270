// The campaign folder of an incident report: a campaign.toml with the template `incident-report` and every value that is
// known, for a person to read, correct and send; and who it goes to. Pure text; the command writes the files.
import { BellwetherError } from "../errors.ts";
import { type IncidentWords, incidentWords } from "./incident-words.ts";
import type { AffectedClients, PostMortemStore } from "./post-mortem-store.ts";
import type { ReportClient } from "./store.ts";
import { type PostMortemInput, type Telling, tell } from "./telling.ts";

export interface IncidentCampaign {
  /** The campaign file. */
  toml: string;
  name: string;
}

/** Attribute of the CSV file that says how each client was affected. */
export const HOW = "affected";
const LONGEST_NAME = 200;

/**
 * `audience`: as the file shall name it; `filtered`: it has others in it as well. Throws `campaign-state` where nothing was
 * held: there is nothing to report.
 */
export function incidentCampaign(
  input: PostMortemInput,
  { audience, filtered }: { audience: string; filtered: boolean },
): IncidentCampaign {
  const telling = tell(input);
  const { report, facts, incident } = telling;
  if (incident === null)
    throw new BellwetherError(
      "campaign-state",
      `Campaign "${report.name}" was never held: there is no incident to report.`,
      "`report` shows what came of it; `report --markdown` writes that down.",
    );
  const name = nameOf(telling.clean(report.name));
  const lines = [
    "# An incident report, ready to be read, corrected and sent:",
    "#   bellwether check campaign.toml",
    "#   bellwether send campaign.toml",
    "# Numbers, times and sentences below [values] come from the records of the campaign. What nobody has written down",
    "# (what was repaired, what will be done) is not in it: add what is true.",
    `name = ${quoted(name)}`,
    'template = "incident-report"',
    `audience = ${quoted(audience)}`,
  ];
  if (filtered && Object.keys(facts.spec.filter).length > 0)
    lines.push(`filter = ${filterOf(facts.spec.filter)}`);
  lines.push("", "[values]", `started_at = ${incident.since}`);
  lines.push(incident.until === null ? "# ended_at = not over yet" : `ended_at = ${incident.until}`);
  lines.push(...words(telling, incidentWords(telling, incident, "en"), ""));
  if (facts.locales.some((locale) => /^fr\b/i.test(locale)))
    lines.push(
      "",
      "# The same for clients who read French.",
      ...words(telling, incidentWords(telling, incident, "fr"), "_fr"),
    );
  lines.push("", '# contact = "an address or a telephone number"', '# report_url = "https://..."', "");
  return { toml: lines.join("\n"), name };
}

function words(telling: Telling, given: IncidentWords, suffix: "" | "_fr"): string[] {
  const cards = telling.incident?.troubles.flatMap((one) => one.cards) ?? [];
  const advice = suffix === "" ? new Set(cards.map((card) => oneLine(telling.clean(card.hold.advice)))) : [];
  return [
    `incident${suffix} = ${quoted(given.incident)}`,
    `short${suffix} = ${paragraphs(given.short)}`,
    ...[...advice].map((text) => `# The hold said what was to be repaired: ${text}`),
    `cause${suffix} = ${paragraphs(given.cause)}`,
    `figures${suffix} = ${list(given.figures)}`,
    `timeline${suffix} = ${list(given.timeline)}`,
    `actions${suffix} = ${list(given.actions)}`,
  ];
}

function nameOf(name: string): string {
  const made = `Incident report: ${oneLine(name)}`;
  const letters = [...made];
  return letters.length <= LONGEST_NAME ? made : `${letters.slice(0, LONGEST_NAME - 3).join("")}...`;
}

/** What a comment may hold: TOML allows no control character in it, and it must not end its line. */
function oneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, " ").trim();
}

/** A basic string of TOML; JSON's escapes are TOML's, but for DEL. */
function quoted(text: string): string {
  return JSON.stringify(text).replaceAll("\u007f", "\\u007f");
}

function paragraphs(text: string): string {
  const inner = quoted(text).slice(1, -1).replaceAll("\\n", "\n");
  return inner.includes("\n") ? `"""\n${inner}"""` : `"${inner}"`;
}

function list(texts: readonly string[]): string {
  return texts.length === 0 ? "[]" : `[\n${texts.map((text) => `  ${quoted(text)},\n`).join("")}]`;
}

function filterOf(filter: Readonly<Record<string, string | readonly string[]>>): string {
  const inner = Object.entries(filter).map(([column, wanted]) => {
    const values = typeof wanted === "string" ? [wanted] : wanted;
    return `${quoted(column)} = [${values.map(quoted).join(", ")}]`;
  });
  return `{ ${inner.join(", ")} }`;
}

const KNOWN = ["email", "name", "account", "locale", "timezone"] as const;

/** The clients of an import as a CSV file that can be imported again, its header first; each chunk ends with a line end. */
export async function* clientsCsv(
  store: PostMortemStore,
  { importId, columns }: { importId: number; columns: readonly string[] },
): AsyncGenerator<string> {
  const attributes = attributesOf(columns);
  yield csvLine([...KNOWN, ...attributes]);
  for (let after = 0; ; ) {
    const page = await store.clients(importId, after);
    const last = page.at(-1);
    if (last === undefined) return;
    after = last.id;
    yield page.map((client) => csvLine(cellsOf(client, attributes))).join("");
  }
}

/** Those who were affected, with how; `matches` is the campaign's filter. */
export async function* affectedCsv(
  store: PostMortemStore,
  {
    campaignId,
    columns,
    matches,
  }: { campaignId: number; columns: readonly string[]; matches: (client: ReportClient) => boolean },
): AsyncGenerator<string> {
  const attributes = attributesOf(columns).filter((name) => name !== HOW);
  yield csvLine([...KNOWN, HOW, ...attributes]);
  for (let after: string | null = ""; after !== null; ) {
    const page: { rows: AffectedClients[]; upTo: string | null } = await store.affected(campaignId, after);
    after = page.upTo;
    const lines = page.rows.flatMap(({ affected, clients }) =>
      clients.filter(matches).map((client) => {
        const [email = "", name = "", account = "", locale = "", timezone = "", ...rest] = cellsOf(
          client,
          attributes,
        );
        return csvLine([email, name, account, locale, timezone, affected, ...rest]);
      }),
    );
    if (lines.length > 0) yield lines.join("");
  }
}

function attributesOf(columns: readonly string[]): string[] {
  return columns.filter((name) => !KNOWN.some((known) => known === name));
}

function cellsOf(client: ReportClient, attributes: readonly string[]): string[] {
  const { address, name, account, locale, timezone } = client;
  return [
    ...[address, name, account, locale, timezone].map((cell) => cell ?? ""),
    ...attributes.map((attribute) => client.attributes[attribute] ?? ""),
  ];
}

/** RFC 4180, for our own import: unlike the untold list nothing is put in front of what looks like a formula. */
function csvLine(cells: readonly string[]): string {
  const shown = cells.map((cell) =>
    /[",\r\n]|^\s|\s$/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell,
  );
  return `${shown.join(",")}\n`;
}
