// Counts one trouble over any number of clients, with the first rows that have it: what a finding says of a million
// clients fits on a screen, and in memory.

/** Rows, or values, that a finding quotes. */
export const SHOWN = 20;
const EXAMPLES = 3;
const EXAMPLE_LENGTH = 80;

export interface Tally {
  /** Clients that have it. */
  count: number;
  /** Their lines in the CSV file, the first `SHOWN` met. */
  lines: number[];
  /** Different ones, the first few. */
  examples: string[];
}

export function emptyTally(): Tally {
  return { count: 0, lines: [], examples: [] };
}

/** One client more. */
export function count(tally: Tally, line: number, example?: string): void {
  tally.count += 1;
  if (tally.lines.length < SHOWN) tally.lines.push(line);
  if (example === undefined || tally.examples.length >= EXAMPLES) return;
  const shown = example.length > EXAMPLE_LENGTH ? `${example.slice(0, EXAMPLE_LENGTH)}...` : example;
  if (!tally.examples.includes(shown)) tally.examples.push(shown);
}

/** "Rows: line 2, 3 and 7 more." */
export function rowsOf({ count: all, lines }: Tally): string {
  const more = all > lines.length ? ` and ${all - lines.length} more` : "";
  return `Rows: line ${lines.join(", ")}${more}.`;
}

/** "1 mail has", "5 mails have" */
export function counted(number: number, one: string, many: string): string {
  return `${number} ${number === 1 ? one : many}`;
}
