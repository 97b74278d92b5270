// Holds by hand as rows: a claim, an intent and a report read them with the lane.
import type { ProviderHold, ProviderHolds } from "../../campaign/provider-holds.ts";
import { providerTitle } from "../../provider/directory.ts";
import { type Database, fromSqlTime, sqlTime, type Tx } from "../database/database.ts";
import { addEvents, lockCampaign } from "./lane-rows.ts";

export function createProviderHolds(db: Database): ProviderHolds {
  return {
    hold: (provider, why) =>
      db.write(async (tx) => {
        // Who commits intents now is waited for, and who comes later reads the hold.
        await tx.lock("SELECT id FROM lane WHERE provider = ? AND state <> 'done' ORDER BY id", provider);
        const nowMs = db.now();
        const added = await tx.$executeRawUnsafe(
          "INSERT INTO provider_hold (provider, why, at) VALUES (?, ?, ?) ON CONFLICT (provider) DO NOTHING",
          provider,
          why,
          sqlTime(nowMs),
        );
        if (added === 0) return false;
        const text = `${providerTitle(provider)} is held by a person: ${why}`;
        await tell(tx, provider, { nowMs, event: "provider-held", text });
        return true;
      }),

    release: (provider) =>
      db.write(async (tx) => {
        const removed = await tx.$executeRawUnsafe("DELETE FROM provider_hold WHERE provider = ?", provider);
        if (removed === 0) return null;
        const nowMs = db.now();
        const text = `A person lets ${providerTitle(provider)} go on.`;
        await tell(tx, provider, { nowMs, event: "provider-released", text });
        const standing = await tx.$queryRawUnsafe<{ id: number }[]>(
          `SELECT id FROM campaign WHERE state = 'paused' AND paused_by = 'breaker' AND why LIKE ? AND id IN
             (SELECT campaign_id FROM lane WHERE provider = ? AND state NOT IN ('done', 'held', 'blind')) ORDER BY id`,
          `${NO_LANE}%`,
          provider,
        );
        for (const { id } of standing) {
          await lockCampaign(tx, id);
          await tx.$executeRawUnsafe(
            "UPDATE campaign SET state = 'running', paused_by = NULL, why = NULL WHERE id = ? AND state = 'paused'",
            id,
          );
          const said = "The campaign goes on.";
          await addEvents(tx, [{ campaignId: id, laneId: null, atMs: nowMs, event: "resumed", text: said }]);
        }
        return { woken: standing.map((one) => one.id) };
      }),

    list: async () => {
      const rows = await db.read.$queryRawUnsafe<{ provider: string; why: string; at: unknown }[]>(
        "SELECT provider, why, at FROM provider_hold ORDER BY provider",
      );
      return rows.map(
        ({ at, ...row }): ProviderHold => ({ ...row, at: new Date(fromSqlTime(at) ?? 0).toISOString() }),
      );
    },
  };
}

/** How a campaign that stands because none of its lanes can go on says so. */
export const NO_LANE = "No lane can go on by itself";

/** Into the timeline of every campaign that it stops, or lets go on. */
async function tell(
  tx: Tx,
  provider: string,
  { nowMs, event, text }: { nowMs: number; event: string; text: string },
): Promise<void> {
  const lanes = await tx.$queryRawUnsafe<{ id: number; campaign_id: number }[]>(
    `SELECT id, campaign_id FROM lane WHERE provider = ? AND state <> 'done'
       AND campaign_id IN (SELECT id FROM campaign WHERE state IN ('running', 'paused')) ORDER BY id`,
    provider,
  );
  await addEvents(
    tx,
    lanes.map((lane) => ({ campaignId: lane.campaign_id, laneId: lane.id, atMs: nowMs, event, text })),
  );
}
