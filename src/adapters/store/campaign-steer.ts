// Orders to a campaign: pause, cancel, another start, uncertain ones settled; resume and revise have files of their own.
// Each is safe to repeat, and takes effect in the transaction that writes it: from then on no claim and no intent passes.
import { describeHandHold } from "../../breaker/hold.ts";
import { CAMPAIGN_MOVES, type CampaignState } from "../../campaign/campaign.ts";
import type { Order, Steered } from "../../campaign/store.ts";
import { LANE_MOVES } from "../../provider/lane.ts";
import { mayMove, move } from "../../transition.ts";
import { type Database, sqlTime, type Tx } from "../database/database.ts";
import type { CampaignModel } from "../database/generated/sqlite/models.ts";
import { lockWhole, noLane, wrongState } from "./campaign-lock.ts";
import { resume } from "./campaign-resume.ts";
import { revise } from "./campaign-revise.ts";
import { schedule } from "./campaign-schedule.ts";
import { addEvents, readLanes, recount, writeLanes } from "./lane-rows.ts";
import { resumeOrganisation } from "./organisation-resume.ts";

const CHUNK = 5_000;

export async function steerCampaign(db: Database, id: number, order: Order): Promise<Steered> {
  if (order.do === "cancel") return cancel(db, id, order.why);
  if (order.do === "settle-uncertain") return settleUncertain(db, id, order.as);
  return db.write(async (tx) => {
    await lockWhole(tx, id);
    const campaign = await tx.campaign.findUniqueOrThrow({ where: { id } });
    if (order.do === "pause" && order.provider !== undefined)
      return holdLane(tx, campaign, { provider: order.provider, why: order.why, nowMs: db.now() });
    if (order.do === "pause") return pause(tx, campaign, order.why, db.now());
    if (order.do === "resume") return resume(tx, campaign, order, db.now());
    if (order.do === "resume-organisation")
      return resumeOrganisation(tx, campaign, order.organisation, db.now());
    if (order.do === "revise") return revise(tx, campaign, order, db.now());
    await schedule(tx, campaign, order, db.now());
    return { returned: 0, lanes: [] };
  });
}

async function pause(tx: Tx, campaign: CampaignModel, why: string, nowMs: number): Promise<Steered> {
  const state = campaign.state as CampaignState;
  if (state === "paused") return { returned: 0, lanes: [] };
  // What has ended is paused by late reports alone.
  if (state !== "running" && state !== "scheduled") throw wrongState(campaign, "paused");
  move("campaign", CAMPAIGN_MOVES, state, "paused");
  await tx.campaign.update({
    where: { id: campaign.id },
    data: { state: "paused", pausedBy: "person", why },
  });
  await addEvents(tx, [{ campaignId: campaign.id, laneId: null, atMs: nowMs, event: "paused", text: why }]);
  return { returned: 0, lanes: [] };
}

/** One lane of one campaign, by a person: held as by the breaker, until somebody resumes it. */
async function holdLane(
  tx: Tx,
  campaign: CampaignModel,
  { provider, why, nowMs }: { provider: string; why: string; nowMs: number },
): Promise<Steered> {
  const contexts = await readLanes(tx, { campaignId: campaign.id });
  const lane = contexts.find((one) => one.lane.provider === provider)?.lane;
  if (lane === undefined) throw noLane(campaign, provider, contexts);
  if (lane.state === "held") return { returned: 0, lanes: [] };
  if (lane.state === "done")
    throw wrongState({ ...campaign, state: `done with ${provider}` }, "paused there");
  lane.state = move("lane", LANE_MOVES, lane.state, "held");
  lane.epoch += 1;
  lane.untilMs = null;
  lane.hold = describeHandHold({ provider, at: new Date(nowMs).toISOString(), why, all: false });
  await writeLanes(tx, [lane]);
  const text = lane.hold.message;
  await addEvents(tx, [{ campaignId: campaign.id, laneId: lane.id, atMs: nowMs, event: "held", text }]);
  return { returned: 0, lanes: [provider] };
}

async function cancel(db: Database, id: number, why: string): Promise<Steered> {
  await db.write(async (tx) => {
    await lockWhole(tx, id);
    const campaign = await tx.campaign.findUniqueOrThrow({ where: { id } });
    const state = campaign.state as CampaignState;
    if (state === "cancelled") return;
    if (!mayMove(CAMPAIGN_MOVES, state, "cancelled")) throw wrongState(campaign, "cancelled");
    await tx.campaign.update({ where: { id }, data: { state: "cancelled", why } });
    await addEvents(tx, [{ campaignId: id, laneId: null, atMs: db.now(), event: "cancelled", text: why }]);
  });
  await endCancelled(db, id);
  return { returned: 0, lanes: [] };
}

/**
 * What is on the wire settles; everything else of a cancelled campaign ends here, a chunk at a time. The end is
 * noted with the last chunk: a campaign without it was left half-way by a crash.
 */
export async function endCancelled(db: Database, id: number): Promise<void> {
  for (let count = CHUNK; count === CHUNK; ) {
    count = await db.write(async (tx) => {
      await lockWhole(tx, id);
      const nowMs = db.now();
      const ended = await tx.$executeRawUnsafe(
        `UPDATE delivery SET state = 'cancelled', worker_id = NULL, changed_at = ?
         WHERE id IN (SELECT id FROM delivery WHERE lane_id IN (SELECT id FROM lane WHERE campaign_id = ?)
                      AND state IN ('pending', 'claimed', 'deferred') LIMIT ?)`,
        sqlTime(nowMs),
        id,
        CHUNK,
      );
      // Claims were among them, and they held a place.
      const lanes = await tx.lane.findMany({ where: { campaignId: id }, select: { id: true } });
      await recount(tx, new Set(lanes.map((lane) => lane.id)));
      if (ended < CHUNK) {
        await tx.campaign.updateMany({ where: { id, endedAt: null }, data: { endedAt: new Date(nowMs) } });
      }
      return ended;
    });
  }
}

/** A person knows what no reply told: the uncertain ones are sent again, as a new attempt, or counted as told. */
async function settleUncertain(db: Database, id: number, as: "resend" | "sent"): Promise<Steered> {
  return db.write(async (tx) => {
    await lockWhole(tx, id);
    const campaign = await tx.campaign.findUniqueOrThrow({ where: { id } });
    const state = campaign.state as CampaignState;
    if (as === "resend" && (state === "cancelled" || state === "draft"))
      throw wrongState(campaign, "sent again");
    const nowMs = db.now();
    const now = sqlTime(nowMs);
    const next = as === "resend" ? "state = 'pending', attempt = attempt + 1, try = 0" : "state = 'accepted'";
    const rows = await tx.$queryRawUnsafe<
      { id: number; lane_id: number; attempt: number; try: number; epoch: number }[]
    >(
      `UPDATE delivery SET ${next}, due_at = ?, changed_at = ?
       WHERE lane_id IN (SELECT id FROM lane WHERE campaign_id = ?) AND state = 'uncertain'
       RETURNING id, lane_id, attempt, try, epoch`,
      now,
      now,
      id,
    );
    if (rows.length === 0) return { returned: 0, lanes: [] };
    const touched = new Set(rows.map((row) => row.lane_id));
    if (as === "resend") {
      for (const { lane } of await readLanes(tx, { ids: [...touched] })) {
        if (lane.state === "done") lane.state = move("lane", LANE_MOVES, lane.state, "ramping");
        lane.nextDueMs = nowMs;
        await writeLanes(tx, [lane]);
      }
      if (state === "completed" || state === "completed-with-failures") {
        move("campaign", CAMPAIGN_MOVES, state, "running");
        await tx.campaign.update({ where: { id }, data: { state: "running", endedAt: null } });
      }
    } else {
      for (const row of rows) {
        await tx.outcome.create({
          data: {
            campaignId: id,
            laneId: row.lane_id,
            deliveryId: row.id,
            attempt: row.attempt,
            try: row.try,
            epoch: row.epoch,
            at: new Date(nowMs),
            event: "accepted",
            reply: "A person settled it: it was sent.",
            late: true,
          },
        });
      }
    }
    const text = `A person settled ${rows.length} uncertain ${rows.length === 1 ? "mail" : "mails"}: ${as === "resend" ? "they are sent again" : "they count as told"}.`;
    await addEvents(tx, [{ campaignId: id, laneId: null, atMs: nowMs, event: "uncertain-settled", text }]);
    return { returned: rows.length, lanes: [] };
  });
}
