// A campaign that waits for its moment: who starts it, by the database's time, and what happens when nobody did. Every
// process that ticks may try; the campaign's row decides, so that it starts once.
import { CAMPAIGN_MOVES, type CampaignState } from "../../campaign/campaign.ts";
import { isMissed, isSameStart, type Start, shownStart } from "../../campaign/start.ts";
import type { Order } from "../../campaign/store.ts";
import { move } from "../../transition.ts";
import { type Database, sqlTime, type Tx } from "../database/database.ts";
import type { CampaignModel } from "../database/generated/sqlite/models.ts";
import { addEvents, lockCampaign } from "./lane-rows.ts";

export function startOfRow(row: Pick<CampaignModel, "startAt" | "startZone">): Start | null {
  return row.startAt === null ? null : { atMs: row.startAt.getTime(), zone: row.startZone ?? "UTC" };
}

/** Starts every campaign whose moment has come, pauses each whose moment was missed; false when there was none. */
export async function startDue(db: Database): Promise<boolean> {
  const due = await db.read.$queryRawUnsafe<{ id: number }[]>(
    "SELECT id FROM campaign WHERE state = 'scheduled' AND start_at <= ?",
    sqlTime(db.now()),
  );
  for (const { id } of due) {
    await db.write(async (tx) => {
      await lockCampaign(tx, id);
      const campaign = await tx.campaign.findUniqueOrThrow({ where: { id } });
      const start = startOfRow(campaign);
      const nowMs = db.now();
      // Another process was first, or a person put it off meanwhile.
      if (campaign.state !== "scheduled" || start === null || start.atMs > nowMs) return;
      if (isMissed(start, nowMs)) await pauseMissed(tx, campaign, start, nowMs);
      else await begin(tx, campaign, nowMs, `Its time has come: "${campaign.name}" was launched.`);
    });
  }
  return due.length > 0;
}

/** scheduled | paused -> running: it is planned from now on, by what is suppressed now. */
async function begin(tx: Tx, campaign: CampaignModel, nowMs: number, text: string): Promise<void> {
  move("campaign", CAMPAIGN_MOVES, campaign.state as CampaignState, "running");
  await tx.campaign.update({
    where: { id: campaign.id },
    data: { state: "running", pausedBy: null, why: null, launchedAt: new Date(nowMs) },
  });
  await note(tx, campaign, nowMs, "launched", text);
}

async function pauseMissed(tx: Tx, campaign: CampaignModel, start: Start, nowMs: number): Promise<void> {
  const over = campaign.validUntil !== null && campaign.validUntil.getTime() <= nowMs;
  const rest = over
    ? "And the notice is no longer true: `cancel` ends it."
    : "Nothing was sent. Look whether it is still worth telling: `resume` starts it now, `cancel` ends it.";
  const cause = campaign.state === "paused" ? "it was paused then" : "nothing ran that could start it";
  const why = `It should have begun on ${shownStart(start)}, and ${cause}. ${rest}`;
  if (campaign.state !== "paused")
    move("campaign", CAMPAIGN_MOVES, campaign.state as CampaignState, "paused");
  await tx.campaign.update({
    where: { id: campaign.id },
    data: { state: "paused", pausedBy: "schedule", why },
  });
  await note(tx, campaign, nowMs, "paused", why);
}

/** A person lets it go on before it has begun. Whoever has not heard yet that the moment was missed hears it first. */
export async function resumeUnbegun(tx: Tx, campaign: CampaignModel, nowMs: number): Promise<void> {
  const start = startOfRow(campaign);
  const state = campaign.state as CampaignState;
  if (start !== null && start.atMs > nowMs) {
    if (state === "paused") await reschedule(tx, campaign, start, nowMs);
  } else if (start !== null && isMissed(start, nowMs) && campaign.pausedBy !== "schedule") {
    await pauseMissed(tx, campaign, start, nowMs);
  } else await begin(tx, campaign, nowMs, `A person started "${campaign.name}".`);
}

/** Another moment for what has not begun, or none: then it begins now. */
export async function schedule(
  tx: Tx,
  campaign: CampaignModel,
  order: Extract<Order, { do: "schedule" }>,
  nowMs: number,
): Promise<void> {
  const isPaused = campaign.state === "paused";
  if (campaign.launchedAt !== null || (campaign.state !== "scheduled" && !isPaused)) return;
  const { start, tellByMs, validUntilMs } = order;
  if (start === null) {
    if (!isPaused) await begin(tx, campaign, nowMs, `A person started "${campaign.name}" before its time.`);
    return;
  }
  await tx.campaign.update({
    where: { id: campaign.id },
    data: {
      tellBy: tellByMs === null ? null : new Date(tellByMs),
      validUntil: validUntilMs === null ? null : new Date(validUntilMs),
    },
  });
  if (isSameStart(start, startOfRow(campaign)) && !isPaused) return;
  await reschedule(tx, campaign, start, nowMs, { keepPaused: isPaused && campaign.pausedBy === "person" });
}

async function reschedule(
  tx: Tx,
  campaign: CampaignModel,
  start: Start,
  nowMs: number,
  { keepPaused = false } = {},
): Promise<void> {
  if (campaign.state !== "scheduled" && !keepPaused)
    move("campaign", CAMPAIGN_MOVES, campaign.state as CampaignState, "scheduled");
  await tx.campaign.update({
    where: { id: campaign.id },
    data: {
      startAt: new Date(start.atMs),
      startZone: start.zone,
      ...(keepPaused ? {} : { state: "scheduled", pausedBy: null, why: null }),
    },
  });
  const text = `It begins on ${shownStart(start)}${keepPaused ? ", if it is resumed" : ""}.`;
  await note(tx, campaign, nowMs, "scheduled", text);
}

async function note(tx: Tx, { id }: CampaignModel, atMs: number, event: string, text: string): Promise<void> {
  await addEvents(tx, [{ campaignId: id, laneId: null, atMs, event, text }]);
}
