// What every order to a campaign begins with: its rows locked, and the refusals that say why it may not be.
import { BellwetherError } from "../../errors.ts";
import type { Tx } from "../database/database.ts";
import type { CampaignModel } from "../database/generated/sqlite/models.ts";
import { type LaneInContext, lockCampaign } from "./lane-rows.ts";

/** Waits for whoever claims, intends or settles now; whoever comes later sees what is written here. */
export async function lockWhole(tx: Tx, id: number): Promise<void> {
  await tx.lock("SELECT id FROM lane WHERE campaign_id = ? ORDER BY id", id);
  await lockCampaign(tx, id);
}

export function noLane(
  campaign: CampaignModel,
  provider: string,
  contexts: readonly LaneInContext[],
): BellwetherError {
  const has = contexts.map((one) => one.lane.provider).join(", ");
  return new BellwetherError(
    "provider-unknown",
    `Campaign "${campaign.name}" has no lane for "${provider}".`,
    `Its lanes are: ${has || "none yet"}.`,
  );
}

export function wrongState(campaign: CampaignModel, wish: string): BellwetherError {
  return new BellwetherError(
    "campaign-state",
    `Campaign "${campaign.name}" is ${campaign.state} and cannot be ${wish}.`,
    campaign.state === "draft" ? "Type `send` or `resume` to go on with it." : "See `status`.",
  );
}
