// What is wrong in a file that a person wrote: collected, so that one run names everything, and then thrown as one
// error. It decides the wording around the problems and their order; what is a problem is decided by those who read.
import { BellwetherError, type ErrorCode } from "../errors.ts";

export interface Problem {
  readonly code: ErrorCode;
  /** The file as the person named it, or the name of the environment variable. */
  readonly source: string;
  /** Line in the file, from 1; null when the problem is not at a line (a variable, something that is missing). */
  readonly line: number | null;
  /** What is wrong, without a full stop. */
  readonly text: string;
  /** What to do about it: a sentence. */
  readonly hint: string;
}

/** Throws nothing when the list is empty; else one error that tells all of it, in the order of the file. */
export function throwProblems(problems: readonly Problem[], whole: { subject: string; docs: string }): void {
  const sorted = [...problems].sort((a, b) => order(a) - order(b));
  const first = sorted[0];
  if (first === undefined) return;
  if (sorted.length === 1) throw new BellwetherError(first.code, told(first), first.hint);
  const lines = sorted.map((problem) => `  ${told(problem)}. ${problem.hint}`.trimEnd());
  throw new BellwetherError(
    first.code,
    `${sorted.length} things are wrong in ${whole.subject}:\n${lines.join("\n")}`,
    `Correct each of them; ${whole.docs} tells what every key takes.`,
  );
}

function told(problem: Problem): string {
  return `${problem.source}${problem.line === null ? "" : `:${problem.line}`}: ${problem.text}`;
}

function order(problem: Problem): number {
  return problem.line ?? Number.MAX_SAFE_INTEGER;
}

/** A value as it is repeated in a message: short, on one line, its kind visible (the text "20" is not the number 20). */
export function shown(value: unknown): string {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "a date" : value.toISOString();
  if (Array.isArray(value))
    return value.length > 3 ? `a list of ${value.length}` : shorten(JSON.stringify(value));
  if (typeof value === "object" && value !== null) return "a table";
  return typeof value === "string" ? shorten(JSON.stringify(value)) : String(value);
}

function shorten(text: string): string {
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
