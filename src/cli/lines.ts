// Lines from a file or standard input, in flat memory: what came in together is given out together.
import { createReadStream } from "node:fs";
import { StringDecoder } from "node:string_decoder";
import { BellwetherError } from "../errors.ts";

/** Characters of one line; a longer one comes as its beginning, one character over the limit. */
export const LINE_LIMIT = 8_388_608;
/** Read at once from a file. A pipe gives what it has. */
const PIECE = 262_144;

/** `undefined` and "-" are standard input. Throws `file-unreadable`. */
export async function* lineGroups(input: string | undefined): AsyncGenerator<string[]> {
  const from =
    input === undefined || input === "-" ? process.stdin : createReadStream(input, { highWaterMark: PIECE });
  try {
    yield* linesOf(from);
  } catch (error) {
    // Nothing but reading is done in here.
    throw unreadable(input ?? "-", error);
  }
}

/** The lines of each piece that is read. */
export async function* linesOf(from: AsyncIterable<Buffer | string>): AsyncGenerator<string[]> {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  for await (const piece of from) {
    const text = typeof piece === "string" ? piece : decoder.write(piece);
    const lines = text.split("\n");
    lines[0] = (rest + (lines[0] ?? "")).slice(0, LINE_LIMIT + 1);
    rest = lines.pop() ?? "";
    if (lines.length > 0) yield lines;
  }
  rest += decoder.end();
  if (rest !== "") yield [rest];
}

export function unreadable(name: string, error: unknown): BellwetherError {
  const why = error instanceof Error && "code" in error ? String(error.code) : String(error);
  return new BellwetherError(
    "file-unreadable",
    `"${name}" cannot be read (${why}).`,
    "Check the name and the rights of the file.",
    { cause: error },
  );
}
