// Reads one TOML file whole: its values, and where each stands. It decides what is said when the file cannot be
// read or is not TOML; what the keys mean is left to the configuration and to the campaign file.
import { readFileSync } from "node:fs";
import { parse, TomlError } from "smol-toml";
import { BellwetherError, type ErrorCode } from "../errors.ts";
import { type TomlPath, tomlLines } from "./toml-lines.ts";

export type TomlTable = Readonly<Record<string, unknown>>;

export interface TomlFile {
  readonly table: TomlTable;
  /** The line, from 1, on which the key stands; null when it is not in the file. */
  readonly lineOf: (path: TomlPath) => number | null;
}

/** Reads `file` (absolute), called `name` in messages. Throws `file-unreadable`, or `syntaxCode` with line and column. */
export function readTomlFile(file: string, name: string, syntaxCode: ErrorCode): TomlFile {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw unreadable(name, error);
  }
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new BellwetherError(
      syntaxCode,
      `${name}: the file is not UTF-8`,
      "Save it as UTF-8; TOML is always that.",
    );
  }
  return parseToml(text, name, syntaxCode);
}

export function parseToml(text: string, name: string, syntaxCode: ErrorCode): TomlFile {
  try {
    return { table: parse(text, { unsafeKeyBehaviour: "throw", maxDepth: 50 }), lineOf: tomlLines(text) };
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // Neither the parser's picture of the line nor the error itself is passed on: the line may hold a password.
    const what = (error.message.split("\n")[0] ?? "").replace(/^Invalid TOML document: /, "");
    throw new BellwetherError(
      syntaxCode,
      `${name}:${error.line}:${error.column}: ${what}`,
      'Look at that line: a text stands in "quotes", a date without them, a list in [brackets], and a key stands once.',
    );
  }
}

/** `file-unreadable`, in plain words. */
export function unreadable(name: string, error: unknown): BellwetherError {
  return new BellwetherError(
    "file-unreadable",
    `${name}: ${whyUnreadable(error)}`,
    "Check the path and its rights.",
  );
}

export function whyUnreadable(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (code === "ENOENT" || code === "ENOTDIR") return "there is no such file";
  if (code === "EACCES" || code === "EPERM") return "this user may not read the file";
  if (code === "EISDIR") return "this is a folder, not a file";
  return `the file cannot be read (${code || "unknown error"})`;
}
