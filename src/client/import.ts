// Reads a CSV file of clients: what each column means, which rows are taken and which are refused and why. Each row is
// taken whole or refused whole. Storing them, grouping rows of one address and looking up providers are left to others.
import { createHash, hash } from "node:crypto";
import { BellwetherError } from "../errors.ts";
import { readAddress } from "./address.ts";
import { type CsvRecord, readRecords } from "./csv.ts";
import { readBytes } from "./csv-text.ts";
import { normaliseLocale, normaliseTimeZone } from "./locale.ts";

/** What a column with a known name means; any other is an attribute. */
export type KnownColumn = "email" | "name" | "locale" | "timezone" | "account";

export interface ClientRow {
  /** Line of the file in which the row begins; the header is line 1. */
  line: number;
  /** null: the row names nobody who can be mailed, who must be told in another way. */
  address: string | null;
  key: string | null;
  domain: string | null;
  name: string | null;
  locale: string | null;
  timezone: string | null;
  account: string | null;
  /** Every other column under its header name, trimmed; "" where the cell is empty. */
  attributes: Record<string, string>;
  /** 32 hex digits over all columns as normalised, the address by its key: equal for rows that say the same. */
  hash: string;
}

export interface RefusedRow {
  line: number;
  /** The column as the header names it; "" when the row as a whole does not fit. */
  column: string;
  /** What stands there, at most 200 characters. */
  value: string;
  reason: string;
}

export interface ClientChunk {
  rows: ClientRow[];
  refused: RefusedRow[];
}

interface Column {
  /** As the header writes it, trimmed. */
  name: string;
  known: KnownColumn | null;
}

interface Header {
  columns: Column[];
  /** Distinguishes rows with the same values under other names. */
  fingerprint: string;
}

// Header names without blanks and underscores, in lower case. "language" is not here: lists write "French" in it.
const KNOWN = new Map<string, KnownColumn>([
  ["email", "email"],
  ["e-mail", "email"],
  ["emailaddress", "email"],
  ["e-mailaddress", "email"],
  ["recipient", "email"],
  ["name", "name"],
  ["locale", "locale"],
  ["timezone", "timezone"],
  ["time-zone", "timezone"],
  ["account", "account"],
]);

// Line ends and tabs may stand in attributes. C1 controls and U+FFFD are what a wrong conversion leaves behind.
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\ufffd]/;
const BEYOND_LATIN = /[\u0300-\uffff]/;
const CONTROL_OR_LINE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\ufffd]/;

/**
 * The clients of a file, `chunkRows` rows (taken and refused) at a time, in its order and in constant memory.
 * @throws BellwetherError for the file as a whole ("csv-empty", "csv-encoding", "csv-quote", "csv-header",
 * "file-unreadable"), possibly after chunks before the fault: whoever stores them keeps none of them then
 */
export async function* readClients(
  file: string,
  { signal, chunkRows = 1000 }: { signal?: AbortSignal; chunkRows?: number } = {},
): AsyncGenerator<ClientChunk> {
  let header: Header | undefined;
  let some = false;
  let chunk: ClientChunk = { rows: [], refused: [] };
  for await (const records of readRecords({ file, isHeader: hasEmail, signal })) {
    for (const record of records) {
      if (header === undefined) {
        header = readHeader(file, record);
        continue;
      }
      some = true;
      const row = readRow(record, header);
      if ("reason" in row) chunk.refused.push(row);
      else chunk.rows.push(row);
      if (chunk.rows.length + chunk.refused.length >= chunkRows) {
        yield chunk;
        chunk = { rows: [], refused: [] };
      }
    }
    signal?.throwIfAborted();
  }
  if (!some)
    throw empty(file, header === undefined ? "it has no rows and no header" : "it has a header and no rows");
  if (chunk.rows.length + chunk.refused.length > 0) yield chunk;
}

/** What a filter may name: the known columns that the file has, under their own names, and its attributes. */
export async function readColumns(file: string, signal?: AbortSignal): Promise<string[]> {
  for await (const [record] of readRecords({ file, isHeader: hasEmail, signal })) {
    if (record !== undefined) return readHeader(file, record).columns.map(({ name, known }) => known ?? name);
  }
  throw empty(file, "it has no rows and no header");
}

/** SHA-256 of a file's bytes, 64 hex digits. @throws BellwetherError("file-unreadable") */
export async function hashFile(file: string, signal?: AbortSignal): Promise<string> {
  const sha = createHash("sha256");
  for await (const block of readBytes(file, signal)) sha.update(block);
  return sha.digest("hex");
}

function knownColumn(name: string): KnownColumn | null {
  return KNOWN.get(name.toLowerCase().replace(/[\s_]+/gu, "")) ?? null;
}

function hasEmail(cells: readonly string[]): boolean {
  return cells.some((cell) => knownColumn(cell) === "email");
}

function readHeader(file: string, { line, cells }: CsvRecord): Header {
  const columns = cells.map((cell): Column => {
    const name = composed(cell.trim());
    return { name, known: knownColumn(name) };
  });
  const refuse = (what: string, hint: string) =>
    new BellwetherError("csv-header", `${file}, line ${line}: ${what}.`, hint);
  if (!columns.some(({ known }) => known === "email")) {
    const seen = columns.map(({ name }) => JSON.stringify(name.slice(0, 60))).join(", ");
    const unheaded = cells.some((cell) => typeof readAddress(cell) !== "string");
    throw refuse(
      `there is no column "email" among ${seen}${unheaded ? "; the first line looks like a client" : ""}`,
      'The first line names the columns; one of them must be "email" (or "e-mail", "email address", "recipient").',
    );
  }
  const byMeaning = new Map<string, string>();
  for (const [index, { name, known }] of columns.entries()) {
    if (name === "")
      throw refuse(`column ${index + 1} has no name`, "Name the column in the first line, or remove it.");
    if (CONTROL_OR_LINE.test(name) || name === "__proto__")
      throw refuse(
        `column ${index + 1}, ${JSON.stringify(name)}, has a name that cannot be used`,
        "Give it a name on one line, without control characters.",
      );
    const meaning = known === null ? `attribute ${name}` : known;
    const other = byMeaning.get(meaning);
    if (other !== undefined)
      throw refuse(
        other === name
          ? `the column "${name}" is there twice`
          : `"${other}" and "${name}" both mean ${known}`,
        "Keep one of the two, or rename the other.",
      );
    byMeaning.set(meaning, name);
  }
  const names = columns.map(({ name, known }) => (known === null ? `=${name}` : known));
  return { columns, fingerprint: hash("sha256", JSON.stringify(names), "hex").slice(0, 16) };
}

function readRow({ line, cells }: CsvRecord, { columns, fingerprint }: Header): ClientRow | RefusedRow {
  if (cells.length !== columns.length)
    return {
      line,
      column: "",
      value: shorten(cells.join(" | ")),
      reason: `the row has ${cells.length} columns where the header has ${columns.length}`,
    };
  const row: ClientRow = {
    line,
    address: null,
    key: null,
    domain: null,
    name: null,
    locale: null,
    timezone: null,
    account: null,
    attributes: {},
    hash: "",
  };
  let identity = fingerprint;
  for (const [index, { name, known }] of columns.entries()) {
    const value = composed((cells[index] ?? "").trim());
    const problem = put(row, known, name, value);
    if (problem !== undefined) return { line, column: name, value: shorten(value), reason: problem };
    // No value holds this separator: it is a control character.
    identity += `\u001f${known === null ? value : known === "email" ? (row.key ?? "") : (row[known] ?? "")}`;
  }
  row.hash = hash("sha256", identity, "hex").slice(0, 32);
  return row;
}

/** NFC, which everything below U+0300 is: to test is five times as fast as to normalise. */
function composed(text: string): string {
  return BEYOND_LATIN.test(text) ? text.normalize("NFC") : text;
}

/** Puts a cell where it belongs; answers why it cannot. */
function put(row: ClientRow, known: KnownColumn | null, name: string, value: string): string | undefined {
  const bad = (known === null ? CONTROL : CONTROL_OR_LINE).exec(value)?.[0];
  if (bad !== undefined) return controlReason(bad);
  if (known === null) row.attributes[name] = value;
  else if (value === "") return undefined;
  else if (known === "email") {
    const parsed = readAddress(value);
    if (typeof parsed === "string") return `not an email address: ${parsed}`;
    row.address = parsed.address;
    row.key = parsed.key;
    row.domain = parsed.domain;
  } else if (known === "locale") {
    row.locale = normaliseLocale(value);
    if (row.locale === null) return "not a language tag such as fr or fr-FR";
  } else if (known === "timezone") {
    row.timezone = normaliseTimeZone(value);
    if (row.timezone === null) return "not a time zone such as Europe/Paris";
  } else row[known] = value;
  return undefined;
}

function controlReason(char: string): string {
  const code = `U+${char.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`;
  if (char === "\ufffd") return `holds ${code}: a letter was lost in an earlier conversion`;
  return char === "\n" || char === "\u2028" || char === "\u2029"
    ? "has a line end in it"
    : `holds the control character ${code}`;
}

function shorten(value: string): string {
  return value.length > 200 ? `${value.slice(0, 199)}…` : value;
}

function empty(file: string, what: string): BellwetherError {
  return new BellwetherError(
    "csv-empty",
    `${file}: ${what}.`,
    "Export the list again: a first line with the names of the columns, then one client a line.",
  );
}
