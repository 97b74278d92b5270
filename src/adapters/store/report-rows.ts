// What applied reports leave in the tables of deliveries and campaigns.
import { CAMPAIGN_MOVES, type CampaignState } from "../../campaign/campaign.ts";
import type { Reported } from "../../delivery/reported.ts";
import type { Fold } from "../../delivery/settle.ts";
import { providerTitle } from "../../provider/directory.ts";
import { move } from "../../transition.ts";
import { sqlTime, type Tx } from "../database/database.ts";
import { updateById } from "../database/many.ts";
import { addEvents, type LaneInContext } from "./lane-rows.ts";

const MOVE = updateById("delivery", [
  ["state", "text"],
  ["worker_id", "text"],
  ["changed_at", "timestamp"],
  ["evidence", "int"],
  ["reason", "text"],
  ["fault", "text"],
  ["scope", "text"],
  ["reply", "text"],
]);

export async function moveReported(tx: Tx, moved: readonly Reported[], nowMs: number): Promise<void> {
  const rows = moved.map(({ row, next, outcome, entry }) => {
    const c = outcome.classification;
    return {
      id: row.id,
      state: next,
      worker_id: null,
      changed_at: sqlTime(nowMs),
      evidence: c === null ? row.evidence : Math.max(row.evidence, row.epoch),
      reason: c?.reason ?? null,
      fault: c?.fault ?? null,
      scope: c?.scope ?? null,
      reply: outcome.reply ?? entry.action,
    };
  });
  await tx.many(MOVE, rows);
}

/** How a campaign that reports have opened again says why. */
export const AFTER_END = "After its end";

/** A campaign that had ended is open again when reports hold one of its lanes: somebody must decide. */
export async function reopenCampaigns(
  tx: Tx,
  folds: readonly Fold[],
  { contexts, nowMs }: { contexts: ReadonlyMap<number, LaneInContext>; nowMs: number },
): Promise<void> {
  for (const { lane, events } of folds) {
    const context = contexts.get(lane.id);
    const held = events.some((one) => one.event === "held");
    if (!held || context === undefined || !context.campaignState.startsWith("completed")) continue;
    const { campaignId } = lane;
    const state = move("campaign", CAMPAIGN_MOVES, context.campaignState as CampaignState, "paused");
    const why = `${AFTER_END} so many mails came back from ${providerTitle(lane.provider)} that its lane is held.`;
    await tx.campaign.update({
      where: { id: campaignId },
      data: { state, pausedBy: "breaker", why, endedAt: null },
    });
    for (const one of contexts.values()) if (one.lane.campaignId === campaignId) one.campaignState = state;
    await addEvents(tx, [{ campaignId, laneId: null, atMs: nowMs, event: "paused", text: why }]);
  }
}
