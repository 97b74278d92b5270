// The untold list: a CSV of everybody who has not got the notice, one line a client. Decides who is on it and in
// what state; why, in words, is why.ts. A page at a time: its memory does not grow with the audience.
//
// Format: RFC 4180 with comma and double quotes, UTF-8 without byte order mark, lines ended by LF alone, which every
// spreadsheet takes and a shell needs. Every cell that a spreadsheet could take for a formula, addresses included
// ("=cmd@example.com" is a legal one), gets an apostrophe in front; whoever reads it by program takes that off again.
import type { CampaignState } from "../campaign/campaign.ts";
import { matchesFilter } from "../client/audience.ts";
import type { RefusedRow } from "../client/import.ts";
import { holdOf, noCampaign } from "./report.ts";
import type { Outline, ReportClient, ReportStore, UntoldDelivery } from "./store.ts";
import { whyUntold } from "./why.ts";

const COLUMNS = ["address", "name", "account", "locale", "timezone", "provider", "state", "reason", "why"];
/** What an audience's columns are called when they are no attributes. */
const KNOWN = new Set(["email", "name", "account", "locale", "timezone"]);

interface Place {
  provider: string;
  state: string;
  reason: string;
  why: string;
}

/** The header, then lines; each chunk ends with a line end. @throws BellwetherError("campaign-missing") */
export async function* untoldCsv(store: ReportStore, campaignId: number): AsyncGenerator<string> {
  const outline = await store.outline(campaignId);
  if (outline === null) throw noCampaign(campaignId);
  const attributes = outline.columns.filter((name) => !KNOWN.has(name));
  // A client's own column must not be taken for one of ours.
  yield csvLine([...COLUMNS, ...attributes.map((n) => (COLUMNS.includes(n) ? `client ${n}` : n))]);

  let lastKey = "";
  for (let after: string | null = ""; after !== null; ) {
    const page: Awaited<ReturnType<ReportStore["untold"]>> = await store.untold(outline, after);
    if (page.rows.length > 0) yield page.rows.map((row) => deliveryLines(row, outline, attributes)).join("");
    after = page.upTo;
    lastKey = after ?? lastKey;
  }
  const { importId } = outline;
  if (importId === null) return;
  if (!outline.planned) yield* unplanned(store, { outline, importId, lastKey, attributes });
  for (let after = 0; ; ) {
    const page = await store.unreachable(importId, after);
    const last = page.at(-1);
    if (last === undefined) break;
    after = last.id;
    const why = "No address is known for this client: tell them by another way.";
    const place = { provider: "", state: "no-address", reason: "", why };
    yield clientLines(page, outline, attributes, place);
  }
  for (let after = 0; ; ) {
    const page = await store.refused(importId, after);
    const last = page.at(-1);
    if (last === undefined) return;
    after = last.line;
    yield page.map((row) => refusedLine(row, attributes)).join("");
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
  given: { outline: Outline; importId: number; lastKey: string; attributes: readonly string[] },
): AsyncGenerator<string> {
  const { outline, importId, lastKey, attributes } = given;
  const why = whyUnplanned(outline.campaign.state);
  const place = { provider: "", state: "pending", reason: "", why };
  for (let after = outline.planCursor; ; ) {
    const page = await store.unplanned(importId, [after, lastKey]);
    const last = page.at(-1)?.key;
    if (last === undefined || last === null) return;
    after = last;
    yield clientLines(page, outline, attributes, place);
  }
}

function deliveryLines(row: UntoldDelivery, outline: Outline, attributes: readonly string[]): string {
  const lane = outline.lanes.find((one) => one.id === row.laneId);
  const hold = lane === undefined ? null : holdOf(lane, outline.campaign.state);
  const place: Place = {
    provider: row.provider,
    state: row.state,
    reason: row.reason ?? "",
    why: whyUntold({ delivery: row, hold, campaign: outline.campaign.state }),
  };
  const lines = clientLines(row.clients, outline, attributes, place);
  // An address whose clients are gone is untold all the same.
  return lines === "" ? clientLine({ address: row.address }, attributes, place) : lines;
}

function clientLines(
  clients: readonly ReportClient[],
  { filter }: Outline,
  attributes: readonly string[],
  place: Place,
): string {
  return clients
    .filter((client) => matchesFilter(client, filter))
    .map((client) => clientLine(client, attributes, place))
    .join("");
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

function refusedLine(row: RefusedRow, attributes: readonly string[]): string {
  const where = row.column === "" ? "" : `, column "${row.column}", "${row.value}"`;
  const why = `Line ${row.line} of the client list was not taken${where}: ${row.reason}.`;
  return clientLine({}, attributes, { provider: "", state: "refused-row", reason: row.reason, why });
}

// The signs with which spreadsheets begin a formula, their full-width twins, and blanks that some strip first.
const FORMULA = /^[\s\0]*[=+\-@\uff1d\uff0b\uff0d\uff20]|^[\t\r\n]/;
const QUOTED = /[",;\t\r\n]|^\s|\s$/;

/** One record with its line end. */
export function csvLine(cells: readonly string[]): string {
  return `${cells.map(csvCell).join(",")}\n`;
}

function csvCell(text: string): string {
  const cell = FORMULA.test(text) ? `'${text}` : text;
  return QUOTED.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
