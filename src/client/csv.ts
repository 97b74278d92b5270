// Cuts CSV text into records (RFC 4180, with "," ";" or tab) and knows at which line each begins. Decides on
// delimiter and quotes; what the columns mean is import.ts. Memory: one block and at most one record.
import Papa from "papaparse";
import { BellwetherError } from "../errors.ts";
import { countLineEnds, readText } from "./csv-text.ts";

export interface CsvRecord {
  /** Line of the file in which the record begins, from 1; lines inside quotes count. */
  line: number;
  cells: string[];
}

export interface CsvOptions {
  file: string;
  /** Whether these cells are a header as it should be: decides between delimiters that are both possible. */
  isHeader: (cells: readonly string[]) => boolean;
  signal?: AbortSignal | undefined;
}

/** What papaparse's Parser answers; its own type says `any`. */
interface Parsed {
  data: string[][];
  errors: { code: "MissingQuotes" | "InvalidQuotes"; row: number; index: number }[];
  meta: { cursor: number };
}

const DELIMITERS = [",", ";", "\t"];

/** Characters; no list of clients has such a row, but a missing quote swallows whatever follows. */
const MAX_RECORD = 1024 * 1024;

/**
 * Records in groups, in the order of the file, the header first; lines without any content are left out.
 * @throws BellwetherError("csv-quote" | "csv-encoding" | "file-unreadable"), possibly after the groups before the fault
 */
export async function* readRecords({ file, isHeader, signal }: CsvOptions): AsyncGenerator<CsvRecord[]> {
  let parser: Papa.Parser | undefined;
  let pending = "";
  let line = 1;

  const take = function* (text: string): Generator<CsvRecord[]> {
    pending += text;
    if (parser === undefined) {
      const blank = /^(?:[^\S\n]*\n)*/.exec(pending)?.[0] ?? "";
      line += countLineEnds(blank);
      pending = pending.slice(blank.length);
      parser = parserFor(pending, isHeader);
      if (parser === undefined) return;
    }
    const parsed = parse(parser, pending);
    // A fault in the record that is still coming may only be that its rest is not here yet.
    const fault = parsed.errors.find(({ row }) => row < parsed.data.length);
    const records: CsvRecord[] = [];
    const startLine = line;
    const quoted = pending.includes('"');
    for (const cells of fault === undefined ? parsed.data : parsed.data.slice(0, fault.row)) {
      if (cells.some(hasContent)) records.push({ line, cells });
      line += 1;
      if (quoted) for (const cell of cells) if (cell.includes("\n")) line += countLineEnds(cell);
    }
    if (records.length > 0) yield records;
    if (fault !== undefined) throw badQuote(file, startLine, pending, fault);
    pending = pending.slice(parsed.meta.cursor);
  };

  for await (const text of readText(file, signal)) {
    yield* take(text);
    if (pending.length > MAX_RECORD) throw unfinished(file, line, pending);
  }
  if (pending !== "") yield* take("\n");
  if (pending !== "") throw unfinished(file, line, pending);
}

function hasContent(cell: string): boolean {
  return cell !== "" && cell.trim() !== "";
}

function parse(parser: Papa.Parser, text: string, isComplete = false): Parsed {
  return parser.parse(text, 0, !isComplete);
}

/** The delimiter by which the first record is a header, else the one that makes most columns; undefined: too early to say. */
function parserFor(text: string, isHeader: CsvOptions["isHeader"]): Papa.Parser | undefined {
  let best: { parser: Papa.Parser; score: number } | undefined;
  for (const delimiter of DELIMITERS) {
    const header = parse(new Papa.Parser({ delimiter, newline: "\n", preview: 1 }), text).data[0];
    if (header === undefined) continue;
    const score = header.length + (isHeader(header) ? 1_000_000 : 0);
    if (best === undefined || score > best.score)
      best = { parser: new Papa.Parser({ delimiter, newline: "\n" }), score };
  }
  return best?.parser;
}

function badQuote(
  file: string,
  line: number,
  text: string,
  fault: Parsed["errors"][number],
): BellwetherError {
  const excerpt = JSON.stringify(text.slice(fault.index, fault.index + 40).split("\n")[0]);
  const what =
    fault.code === "MissingQuotes"
      ? "is not closed"
      : "has text after its closing quote, or is not closed before the next one begins";
  return new BellwetherError(
    "csv-quote",
    `${file}, line ${line + countLineEnds(text, fault.index)}: the quoted field that begins with ${excerpt} ${what}.`,
    'Close the quote where the field ends; a quote inside a quoted field is written twice ("").',
  );
}

function unfinished(file: string, line: number, text: string): BellwetherError {
  const fault = parse(new Papa.Parser({ delimiter: ",", newline: "\n" }), text, true).errors[0];
  if (fault !== undefined) return badQuote(file, line, text, fault);
  return new BellwetherError(
    "csv-quote",
    `${file}, line ${line}: the row that begins here is longer than ${MAX_RECORD} characters.`,
    "Check that this is a list of clients with one row a line.",
  );
}
