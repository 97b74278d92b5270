// An organisation that refused us by a rule of its own comes back when somebody asks for it by name, in every lane of the
// campaign: its administrator has admitted our mail. A lane that is held stays so; its people wait in it.

import type { Reason } from "../../bounce/reason.ts";
import { CAMPAIGN_MOVES, type CampaignState } from "../../campaign/campaign.ts";
import type { Steered } from "../../campaign/store.ts";
import { BellwetherError } from "../../errors.ts";
import { organisationOf } from "../../provider/directory.ts";
import { LANE_MOVES } from "../../provider/lane.ts";
import { OTHER } from "../../provider/provider.ts";
import { organisationOfRow, type RefusingOrganisation } from "../../report/organisations.ts";
import { move } from "../../transition.ts";
import { sqlTime, type Tx } from "../database/database.ts";
import type { CampaignModel } from "../database/generated/sqlite/models.ts";
import { wrongState } from "./campaign-lock.ts";
import { isOver } from "./campaign-resume.ts";
import { addEvents, readLanes, writeLanes } from "./lane-rows.ts";

/**
 * Refused or set aside by an organisation's own rule: its own word, or in the long tail, where an MX site stands for it,
 * any word of that site. Not an address's fault. `d` is the delivery, `l` its lane.
 */
export const REFUSED_BY_RULE = `d.state IN ('bounced', 'suppressed') AND d.fault IN ('sender', 'content', 'unknown')
  AND d.unit IS NOT NULL AND (d.scope = 'organisation' OR l.provider = '${OTHER}')`;

export async function resumeOrganisation(
  tx: Tx,
  campaign: CampaignModel,
  given: string,
  nowMs: number,
): Promise<Steered> {
  const state = campaign.state as CampaignState;
  if (state === "cancelled" || state === "draft") throw wrongState(campaign, "resumed");
  if (isOver(campaign, nowMs)) {
    throw new BellwetherError(
      "campaign-state",
      `"${campaign.name}" was true until ${campaign.validUntil?.toISOString()}: nobody is sent it any more.`,
      "`untold --follow-up FOLDER` prepares a notice for those who missed it.",
    );
  }
  const unit = await unitOf(tx, campaign, given);
  const now = sqlTime(nowMs);
  const rows = await tx.$queryRawUnsafe<{ lane_id: number }[]>(
    `UPDATE delivery SET state = 'pending', attempt = attempt + 1, try = 0, waited = 0, losses = 0, due_at = ?,
       changed_at = ? WHERE id IN (SELECT d.id FROM delivery d JOIN lane l ON l.id = d.lane_id
         WHERE l.campaign_id = ? AND d.unit = ? AND ${REFUSED_BY_RULE}) RETURNING lane_id`,
    now,
    now,
    campaign.id,
    unit,
  );
  const steered: Steered = { returned: rows.length, lanes: [] };
  let goes = false;
  for (const { lane, routeState, providerHeld } of await readLanes(tx, {
    ids: [...new Set(rows.map((row) => row.lane_id))],
  })) {
    const count = rows.filter((row) => row.lane_id === lane.id).length;
    const { [unit]: _forgotten, ...units } = lane.pulse.units;
    lane.pulse = { ...lane.pulse, units };
    if (lane.state === "done") lane.state = move("lane", LANE_MOVES, lane.state, "ramping");
    // What they said before shall not count a second time, and what they say now shall.
    lane.epoch += 1;
    lane.nextDueMs = Math.min(lane.nextDueMs ?? nowMs, nowMs);
    await writeLanes(tx, [lane]);
    steered.lanes.push(lane.provider);
    goes ||= lane.state !== "held" && lane.state !== "blind" && routeState !== "held" && !providerHeld;
    const text = `${unit} was asked for by name: ${count} of its addresses are sent again.`;
    await addEvents(tx, [{ campaignId: campaign.id, laneId: lane.id, atMs: nowMs, event: "resumed", text }]);
  }
  const wakes =
    state.startsWith("completed") || (state === "paused" && campaign.pausedBy === "breaker" && goes);
  if (wakes) {
    move("campaign", CAMPAIGN_MOVES, state, "running");
    await tx.campaign.update({
      where: { id: campaign.id },
      data: { state: "running", pausedBy: null, why: null, endedAt: null },
    });
  }
  return steered;
}

/** By lane, the largest first; of the long tail only the sites that were set aside. */
export async function refusingOrganisations(tx: Tx, campaignId: number): Promise<RefusingOrganisation[]> {
  const rows = await tx.$queryRawUnsafe<
    { unit: string; provider: string; count: bigint; reason: Reason | null; reply: string | null }[]
  >(
    `SELECT d.unit, l.provider, count(*) AS count, max(d.reason) AS reason, max(d.reply) AS reply
     FROM lane l JOIN delivery d ON d.lane_id = l.id WHERE l.campaign_id = ? AND ${REFUSED_BY_RULE}
     GROUP BY d.unit, l.provider
     HAVING max(CASE WHEN d.scope = 'organisation' OR d.state = 'suppressed' THEN 1 ELSE 0 END) = 1
     ORDER BY count(*) DESC, d.unit`,
    campaignId,
  );
  return rows.map((row) => organisationOfRow({ ...row, count: Number(row.count) }));
}

/** The organisation's name as the rows have it. @throws BellwetherError("organisation-unknown") with those there are */
async function unitOf(tx: Tx, campaign: CampaignModel, given: string): Promise<string> {
  const found = await tx.$queryRawUnsafe<{ unit: string }[]>(
    `SELECT DISTINCT d.unit FROM delivery d JOIN lane l ON l.id = d.lane_id
     WHERE l.campaign_id = ? AND ${REFUSED_BY_RULE} ORDER BY d.unit`,
    campaign.id,
  );
  const names = found.map((row) => row.unit);
  const wanted = given.trim().toLowerCase().replace(/^.*@/, "");
  const name = names.find((one) => one === wanted) ?? names.find((one) => one === organisationOf(wanted));
  if (name !== undefined) return name;
  throw new BellwetherError(
    "organisation-unknown",
    `"${campaign.name}" was refused by no organisation "${given}".`,
    names.length === 0
      ? "No organisation has refused it."
      : `Those that refused it are: ${names.join(", ")}.`,
  );
}
