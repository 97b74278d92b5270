// The rows of a file that were refused, a page at a time, for whoever shows them.
import type { RefusedRow } from "../../client/import.ts";
import type { Tx } from "../database/database.ts";

/** The next `limit` of them after a line; empty at the end. */
export function readRefused(
  read: Tx,
  { importId, afterLine, limit }: { importId: number; afterLine: number; limit: number },
): Promise<RefusedRow[]> {
  return read.$queryRawUnsafe(
    `SELECT line, column_name AS "column", value, reason FROM refused_row
     WHERE import_id = ? AND line > ? ORDER BY line LIMIT ?`,
    importId,
    afterLine,
    limit,
  );
}
