// The untold list: a CSV of everybody who has not got the notice, one line a client. Decides who is on it and in
// what state; why, in words, is why.ts. A page at a time: its memory does not grow with the audience.
//
// Format: RFC 4180 with comma and double quotes, UTF-8 without byte order mark, lines ended by LF alone, which every
// spreadsheet takes and a shell needs. Every cell that a spreadsheet could take for a formula, addresses included
// ("=cmd@example.com" is a legal one), gets an apostrophe in front; whoever reads it by program takes that off again.
import type { CampaignState } from "../campaign/campaign.ts";
import { matchesFilter } from "../client/audience.ts";
import type { RefusedRow } from "../client/import.ts";
import { type SenderFacts, whatToAdmit } from "./organisations.ts";
import { holdOf, noCampaign } from "./report.ts";
import type { Outline, ReportClient, ReportStore, UntoldDelivery } from "./store.ts";
import { whyUntold } from "./why.ts";

const COLUMNS = ["address", "name", "account", "locale", "timezone", "provider", "state", "reason", "why"];
/** What an audience's columns are called when they are no attributes. */
const KNOWN = new Set(["email", "name", "account", "locale", "timezone"]);

export interface Place {
  provider: string;
  state: string;
  reason: string;
  why: string;
}

/** The header, then lines; each chunk ends with a line end. @throws BellwetherError("campaign-missing") */
export async function* untoldCsv(
  store: ReportStore,
  campaignId: number,
  sender: SenderFacts | null = null,
): AsyncGenerator<string> {
  const outline = await outlineOf(store, campaignId);
  const attributes = outline.columns.filter((name) => !KNOWN.has(name));
  // A client's own column must not be taken for one of ours.
  yield csvLine([...COLUMNS, ...attributes.map((n) => (COLUMNS.includes(n) ? `client ${n}` : n))]);
  const admit = sender === null ? undefined : whatToAdmit(sender);
  for await (const page of untoldPages(store, outline, admit))
    yield page.map(({ client, place }) => clientLine(client, attributes, place)).join("");
}

export interface Untold {
  /** Empty for a row of the file that was refused, the address alone where the client is gone. */
  client: Partial<ReportClient>;
  place: Place;
}

/** @throws BellwetherError("campaign-missing") */
export async function outlineOf(store: ReportStore, campaignId: number): Promise<Outline> {
  const outline = await store.outline(campaignId);
  if (outline === null) throw noCampaign(campaignId);
  return outline;
}

/** Everybody who has not got the notice, with the reason; no page is empty. `admit`: what an organisation must allow. */
export async function* untoldPages(
  store: ReportStore,
  outline: Outline,
  admit?: string,
): AsyncGenerator<Untold[]> {
  let lastKey = "";
  for (let after: string | null = ""; after !== null; ) {
    const page: Awaited<ReturnType<ReportStore["untold"]>> = await store.untold(outline, after);
    const rows = page.rows.flatMap((row) => ofDelivery(row, outline, admit));
    if (rows.length > 0) yield rows;
    after = page.upTo;
    lastKey = after ?? lastKey;
  }
  const { importId } = outline;
  if (importId === null) return;
  if (!outline.planned) yield* unplanned(store, { outline, importId, lastKey });
  for (let after = 0; ; ) {
    const page = await store.unreachable(importId, after);
    const last = page.at(-1);
    if (last === undefined) break;
    after = last.id;
    const why = "No address is known for this client: tell them by another way.";
    const rows = ofClients(page, outline, { provider: "", state: "no-address", reason: "", why });
    if (rows.length > 0) yield rows;
  }
  for (let after = 0; ; ) {
    const page = await store.refused(importId, after);
    const last = page.at(-1);
    if (last === undefined) return;
    after = last.line;
    yield page.map(ofRefused);
  }
}

function whyUnplanned(campaign: CampaignState): string {
  if (campaign === "cancelled") return "Not sent: the campaign was cancelled before.";
  if (campaign === "scheduled") return "Not sent yet: the campaign has not begun.";
  return "Not sent yet: the campaign has not come to this address.";
}

/** Clients whom an interrupted or running plan has not reached. */
async function* unplanned(
  store: ReportStore,
  given: { outline: Outline; importId: number; lastKey: string },
): AsyncGenerator<Untold[]> {
  const { outline, importId, lastKey } = given;
  const why = whyUnplanned(outline.campaign.state);
  const place = { provider: "", state: "pending", reason: "", why };
  for (let after = outline.planCursor; ; ) {
    const page = await store.unplanned(importId, [after, lastKey]);
    const last = page.at(-1)?.key;
    if (last === undefined || last === null) return;
    after = last;
    const rows = ofClients(page, outline, place);
    if (rows.length > 0) yield rows;
  }
}

function ofDelivery(row: UntoldDelivery, outline: Outline, admit: string | undefined): Untold[] {
  const lane = outline.lanes.find((one) => one.id === row.laneId);
  const hold = lane === undefined ? null : holdOf(lane, outline.campaign.state);
  const place: Place = {
    provider: row.provider,
    state: row.state,
    reason: row.reason ?? "",
    why: whyUntold({ delivery: row, hold, campaign: outline.campaign.state, admit }),
  };
  const found = ofClients(row.clients, outline, place);
  // An address whose clients are gone is untold all the same.
  return found.length === 0 ? [{ client: { address: row.address }, place }] : found;
}

function ofClients(clients: readonly ReportClient[], { filter }: Outline, place: Place): Untold[] {
  return clients
    .filter((client) => matchesFilter(client, filter))
    .map((client): Untold => ({ client, place }));
}

function ofRefused(row: RefusedRow): Untold {
  const where = row.column === "" ? "" : `, column "${row.column}", "${row.value}"`;
  const why = `Line ${row.line} of the client list was not taken${where}: ${row.reason}.`;
  return { client: {}, place: { provider: "", state: "refused-row", reason: row.reason, why } };
}

function clientLine(client: Partial<ReportClient>, attributes: readonly string[], place: Place): string {
  return csvLine([
    client.address ?? "",
    client.name ?? "",
    client.account ?? "",
    client.locale ?? "",
    client.timezone ?? "",
    place.provider,
    place.state,
    place.reason,
    place.why,
    ...attributes.map((name) => client.attributes?.[name] ?? ""),
  ]);
}

// The signs with which spreadsheets begin a formula, their full-width twins, and blanks that some strip first.
const FORMULA = /^[\s\0]*[=+\-@\uff1d\uff0b\uff0d\uff20]|^[\t\r\n]/;
const QUOTED = /[",;\t\r\n]|^\s|\s$/;

/** One record with its line end. */
export function csvLine(cells: readonly string[]): string {
  return `${cells.map(csvCell).join(",")}\n`;
}

function csvCell(text: string): string {
  return plainCell(FORMULA.test(text) ? `'${text}` : text);
}

/** As it is: for a file that a program reads. */
export function plainCell(cell: string): string {
  return QUOTED.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
