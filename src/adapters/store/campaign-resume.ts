// Resume of a campaign: every lane that stands goes on, half-open, or those that are named; the routes that stopped them
// too; and the campaign with them. Safe to repeat: what runs is left alone.
import { setAsideOf } from "../../breaker/half-open.ts";
import { CAMPAIGN_MOVES, type CampaignState } from "../../campaign/campaign.ts";
import type { Order, Steered } from "../../campaign/store.ts";
import { providerTitle } from "../../provider/directory.ts";
import { move } from "../../transition.ts";
import type { Tx } from "../database/database.ts";
import type { CampaignModel } from "../database/generated/sqlite/models.ts";
import { noLane, wrongState } from "./campaign-lock.ts";
import { resumeUnbegun } from "./campaign-schedule.ts";
import { keepCard } from "./hold-cards.ts";
import { hasReturning, resumeLane, retryNow, returnDeliveries } from "./lane-resume.ts";
import { addEvents, readLanes, writeLanes } from "./lane-rows.ts";

export async function resume(
  tx: Tx,
  campaign: CampaignModel,
  { provider, keep = [] }: Extract<Order, { do: "resume" }>,
  nowMs: number,
): Promise<Steered> {
  const state = campaign.state as CampaignState;
  if (state === "cancelled" || state === "draft") throw wrongState(campaign, "resumed");
  if (provider === null && campaign.launchedAt === null && (state === "scheduled" || state === "paused")) {
    await resumeUnbegun(tx, campaign, nowMs);
    return { returned: 0, lanes: [] };
  }
  const contexts = await readLanes(tx, { campaignId: campaign.id });
  const named = contexts.filter((one) => provider === null || one.lane.provider === provider);
  if (provider !== null && named.length === 0) {
    throw noLane(campaign, provider, contexts);
  }
  const chosen = named.filter((one) => !keep.includes(one.lane.provider));
  // What can no longer be sent stays as it failed; what waits still is ended by time as soon as it may run.
  const isPast = isOver(campaign, nowMs);
  const steered: Steered = { returned: 0, lanes: [] };
  const routes = new Set<string>();
  for (const { lane, routeState } of chosen) {
    if (routeState === "held") routes.add(lane.route);
    // What a refusing route left behind in a lane that is done comes back with the route.
    const left = !isPast && lane.state === "done" && (await hasReturning(tx, lane));
    if (lane.state !== "held" && lane.state !== "blind" && !left && routeState !== "held") continue;
    let returned: number;
    if (lane.state === "ramping" || lane.state === "open" || lane.state === "backing-off") {
      returned = isPast ? 0 : await returnDeliveries(tx, { lane, aside: setAsideOf(lane), nowMs });
      await retryNow(tx, lane, nowMs);
      lane.epoch += 1;
    } else {
      returned = await resumeLane(tx, { lane, nowMs, by: "person", over: isPast });
    }
    steered.returned += returned;
    await writeLanes(tx, [lane]);
    steered.lanes.push(lane.provider);
    const text = isPast
      ? `${providerTitle(lane.provider)} ends: the notice is no longer true.`
      : `${providerTitle(lane.provider)} goes on, one mail first; ${returned} return to be sent again.`;
    await addEvents(tx, [{ campaignId: campaign.id, laneId: lane.id, atMs: nowMs, event: "resumed", text }]);
  }
  for (const name of routes) {
    const { hold } = await tx.route.findUniqueOrThrow({ where: { name }, select: { hold: true } });
    const over = {
      by: "person",
      returned: steered.returned,
      campaignId: campaign.id,
      laneId: null,
      nowMs,
    } as const;
    await keepCard(tx, { hold: hold === null ? null : JSON.parse(hold), ...over });
    await tx.route.update({ where: { name }, data: { state: "ready", hold: null } });
  }
  // Where every lane that stands was kept, nothing would go on, and the campaign would be paused again at once.
  const nothing = campaign.pausedBy === "breaker" && steered.lanes.length === 0 && keep.length > 0;
  const stands = state === "paused" && !nothing && (provider === null || campaign.pausedBy === "breaker");
  const wakes = (state === "completed" || state === "completed-with-failures") && steered.lanes.length > 0;
  if (stands || wakes) {
    move("campaign", CAMPAIGN_MOVES, state, "running");
    await tx.campaign.update({
      where: { id: campaign.id },
      data: { state: "running", pausedBy: null, why: null, endedAt: null, addressPulse: 0 },
    });
    await addEvents(tx, [
      { campaignId: campaign.id, laneId: null, atMs: nowMs, event: "resumed", text: "The campaign goes on." },
    ]);
  }
  return steered;
}

/** After it no attempt starts. */
export function isOver(campaign: Pick<CampaignModel, "validUntil">, nowMs: number): boolean {
  return campaign.validUntil !== null && campaign.validUntil.getTime() <= nowMs;
}
