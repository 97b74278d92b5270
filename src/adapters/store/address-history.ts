// What is known of an address from other campaigns: one that took our mail last month and "does not exist" today says
// more about its provider than about itself.
import type { Outcome } from "../../delivery/outcome.ts";
import { INTS, sqlTime, type Tx } from "../database/database.ts";

/** A mail that was accepted longer ago proves nothing any more. */
const GOOD_FOR_MS = 90 * 24 * 60 * 60 * 1000;

export function isAddressFault({ classification }: Outcome): boolean {
  return classification?.fault === "address" && classification.hard;
}

/** Those of these deliveries whose address accepted mail of another campaign within the last 90 days. */
export async function knownGood(
  tx: Tx,
  deliveries: readonly number[],
  nowMs: number,
): Promise<ReadonlySet<number>> {
  if (deliveries.length === 0) return new Set();
  const rows = await tx.$queryRawUnsafe<{ id: number }[]>(
    `SELECT d.id FROM delivery d WHERE d.id IN ${INTS} AND EXISTS (
       SELECT 1 FROM delivery p WHERE p.key = d.key AND p.campaign_id <> d.campaign_id AND p.state = 'accepted'
         AND p.changed_at >= ?)`,
    JSON.stringify(deliveries),
    sqlTime(nowMs - GOOD_FOR_MS),
  );
  return new Set(rows.map((row) => row.id));
}
