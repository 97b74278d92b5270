// Decides which clients of an audience a campaign is for. Which of them are duplicates or suppressed is decided later.
import { BellwetherError } from "../errors.ts";
import type { ClientRow } from "./import.ts";
import { normaliseLocale } from "./locale.ts";

/** Column -> value, or list of values of which one must fit; all columns must fit. From the campaign file. */
export type Filter = Readonly<Record<string, string | readonly string[]>>;

export type FilterableRow = Pick<
  ClientRow,
  "key" | "domain" | "name" | "locale" | "timezone" | "account" | "attributes"
>;

/** Can be named in any filter: every audience has addresses, and an address has a domain. */
const ALWAYS = ["email", "domain"];

/** True when the row's value in every column of the filter is one of those named there. No filter: everybody. */
export function matchesFilter(row: FilterableRow, filter: Filter): boolean {
  for (const [column, wanted] of Object.entries(filter)) {
    const value = columnValue(row, column);
    const fits = (text: string) => canonical(row, column, text) === value;
    if (!(typeof wanted === "string" ? fits(wanted) : wanted.some(fits))) return false;
  }
  return true;
}

/**
 * Refuses a filter that would silently match nobody.
 * `columns`: as readColumns gives them. @throws BellwetherError("filter-unknown-column")
 */
export function checkFilter(filter: Filter, columns: readonly string[]): void {
  const known = new Set([...columns, ...ALWAYS]);
  for (const column of Object.keys(filter)) {
    if (known.has(column)) continue;
    const near = [...known].find((name) => name.toLowerCase() === column.trim().toLowerCase());
    throw new BellwetherError(
      "filter-unknown-column",
      `The filter names the column "${column}", but the audience has ${[...known].join(", ")}.`,
      near === undefined ? "Use one of these columns, or leave the filter out." : `Write "${near}".`,
    );
  }
}

// A column of the list goes before what we know by ourselves: many lists have an attribute "domain".
function columnValue(row: FilterableRow, column: string): string {
  if (Object.hasOwn(row.attributes, column)) return (row.attributes[column] ?? "").trim();
  switch (column) {
    case "email":
      return row.key ?? "";
    case "domain":
    case "name":
    case "locale":
    case "timezone":
    case "account":
      return row[column] ?? "";
    default:
      return "";
  }
}

/** A value of the filter in the spelling in which rows keep theirs. */
function canonical(row: FilterableRow, column: string, text: string): string {
  const value = text.trim().normalize("NFC");
  if (Object.hasOwn(row.attributes, column)) return value;
  if (column === "email" || column === "domain") return value.toLowerCase();
  return column === "locale" ? (normaliseLocale(value) ?? value) : value;
}
