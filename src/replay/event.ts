// One event of an outcome log as a replay knows it. How a line becomes one is decided in reader.ts.
import type { Classification } from "../bounce/reason.ts";
import type { LogEvent } from "../report/outcome-log.ts";

/** An id of another program's log may be a text. */
export type Id = number | string;

export interface ReplayEvent {
  atMs: number;
  campaign: Id;
  delivery: Id;
  /** null: the log does not say. */
  attempt: number | null;
  recipient: string;
  /** Of the recipient, lower case; "" when it has none, or its name was erased. */
  domain: string;
  provider: string;
  event: LogEvent;
  /** May be null for what was accepted, whatever the log has: nobody asks. */
  reply: string | null;
  /** null for what was accepted or is uncertain. */
  classification: Classification | null;
}

/** Why a line is no event. `field` is null when the line is not even an object. */
export interface Problem {
  field: string | null;
  reason: string;
}

export function isProblem(read: ReplayEvent | Problem): read is Problem {
  return "field" in read;
}
