// Campaigns on SQLite: their rows, their frozen content, their plan in chunks, and the orders that steer them.
import { type BreakerConfig, FRESH_PULSE } from "../../breaker/breaker.ts";
import { type Memory, startFrom } from "../../breaker/memory.ts";
import { FRESH_MEMORY } from "../../breaker/ramp-memory.ts";
import { CAMPAIGN_MOVES, type Campaign, type CampaignState } from "../../campaign/campaign.ts";
import { isMissed, type Start, shownStart } from "../../campaign/start.ts";
import type { CampaignStore, PlannedDelivery, PlannedLane } from "../../campaign/store.ts";
import { BY_HAND } from "../../campaign/suppression.ts";
import { BellwetherError } from "../../errors.ts";
import { providerTitle } from "../../provider/directory.ts";
import { shownTime } from "../../report/find.ts";
import { move } from "../../transition.ts";
import { type Database, type ManyStatement, sqlTime, type Tx } from "../database/database.ts";
import type { CampaignModel } from "../database/generated/sqlite/models.ts";
import { recordset } from "../database/many.ts";
import { startOfRow } from "./campaign-schedule.ts";
import { steerCampaign } from "./campaign-steer.ts";
import { remember } from "./lane-memory.ts";
import { addEvents, lockCampaign } from "./lane-rows.ts";
import { holdBack } from "./lane-stagger.ts";
import { startOfLane } from "./lane-start.ts";
import { CONFIRM_AFTER_MS, joinSuppression } from "./suppression-rows.ts";

export function createCampaignStore(db: Database, { breaker }: { breaker: BreakerConfig }): CampaignStore {
  return {
    create: (input) =>
      db.write(async (tx) => {
        const { spec, overrides, tellByMs, validUntilMs, ...plain } = input;
        const data = {
          ...plain,
          spec: JSON.stringify(spec),
          overrides: JSON.stringify(overrides),
          tellBy: tellByMs === null ? null : new Date(tellByMs),
          validUntil: validUntilMs === null ? null : new Date(validUntilMs),
        };
        const same = await tx.campaign.findUnique({ where: { key: input.key } });
        if (same !== null && same.state !== "draft") return toCampaign(same);
        if (same !== null) return toCampaign(await tx.campaign.update({ where: { id: same.id }, data }));
        // Removed, not changed: whoever still checks the former draft must not launch this one by its id.
        await tx.campaign.deleteMany({ where: { name: input.name, state: "draft" } });
        return toCampaign(await tx.campaign.create({ data: { ...data, createdAt: new Date(db.now()) } }));
      }),

    find: async (by) => {
      const where =
        by === "latest" ? {} : "key" in by ? { key: by.key } : "id" in by ? { id: by.id } : { name: by.name };
      const row = await db.read.campaign.findFirst({ where, orderBy: { id: "desc" } });
      return row === null ? null : toCampaign(row);
    },

    list: async () => (await db.read.campaign.findMany({ orderBy: { id: "desc" } })).map(toCampaign),

    prepare: async (id, known) => {
      const { overrides, ...plain } = known;
      const data = overrides === undefined ? plain : { ...plain, overrides: JSON.stringify(overrides) };
      const { count } = await db.write((tx) => tx.campaign.updateMany({ where: { id }, data }));
      if (count === 0) throw replaced();
    },

    launch: (id, { source, values, templateClass, start = null }) =>
      db.write(async (tx) => {
        await lockCampaign(tx, id);
        const row = await tx.campaign.findUnique({ where: { id } });
        if (row === null) throw replaced();
        if (row.state !== "draft") return;
        const at = new Date(db.now());
        if (start !== null && isMissed(start, at.getTime())) throw missed(row, start);
        const state = start !== null && start.atMs > at.getTime() ? "scheduled" : "running";
        move("campaign", CAMPAIGN_MOVES, row.state as CampaignState, state);
        await tx.contentRevision.create({
          data: {
            campaignId: id,
            number: row.revision,
            source: JSON.stringify(source),
            values: JSON.stringify(values),
            createdAt: at,
          },
        });
        await tx.campaign.update({
          where: { id },
          data: {
            state,
            templateClass,
            startAt: start === null ? null : new Date(start.atMs),
            startZone: start?.zone ?? null,
            launchedAt: state === "running" ? at : null,
          },
        });
        await addEvents(tx, [
          {
            campaignId: id,
            laneId: null,
            atMs: at.getTime(),
            ...(state === "running" || start === null
              ? { event: "launched", text: `"${row.name}" was launched.` }
              : { event: "scheduled", text: `"${row.name}" begins on ${shownStart(start)}.` }),
          },
        ]);
      }),

    content: async (campaignId, number) => {
      const row = await db.read.contentRevision.findUniqueOrThrow({
        where: { campaignId_number: { campaignId, number } },
      });
      return { source: JSON.parse(row.source), values: JSON.parse(row.values) };
    },

    plan: (id, chunk) =>
      db.write(async (tx) => {
        await lockCampaign(tx, id);
        const row = await tx.campaign.findUniqueOrThrow({ where: { id } });
        if (row.planned || row.planCursor !== chunk.after) return false;
        await addLanes(tx, { campaignId: id, lanes: chunk.lanes, breaker, nowMs: db.now() });
        await addDeliveries(tx, row, chunk.deliveries, db.now());
        await tx.campaign.update({ where: { id }, data: { planCursor: chunk.upTo } });
        return true;
      }),

    finishPlan: (id, stagger = null) =>
      db.write(async (tx) => {
        const { count } = await tx.campaign.updateMany({
          where: { id, planned: false },
          data: { planned: true },
        });
        if (count === 0) return;
        await tx.$executeRawUnsafe(
          `UPDATE lane SET size = (SELECT count(*) FROM delivery WHERE lane_id = lane.id),
             next_due = (SELECT min(due_at) FROM delivery WHERE lane_id = lane.id AND state = 'pending')
           WHERE campaign_id = ?`,
          id,
        );
        if (stagger !== null) await holdBack(tx, { campaignId: id, stagger, nowMs: db.now() });
        const lanes = await tx.lane.findMany({ where: { campaignId: id }, orderBy: { size: "desc" } });
        const total = lanes.reduce((sum, lane) => sum + lane.size, 0);
        const parts = lanes.map((lane) => `${lane.provider} ${lane.size}`).join(", ");
        const text = `${total} addresses in ${lanes.length} lanes: ${parts || "none"}.`;
        await addEvents(tx, [{ campaignId: id, laneId: null, atMs: db.now(), event: "planned", text }]);
      }),

    steer: (id, order) => steerCampaign(db, id, order),

    note: (id, event, text) =>
      db.write((tx) => addEvents(tx, [{ campaignId: id, laneId: null, atMs: db.now(), event, text }])),
  };
}

function replaced(): BellwetherError {
  return new BellwetherError(
    "campaign-state",
    "Meanwhile another `send` put another notice of the same name in the place of this one.",
    "Nothing was sent from here. `status` shows the other; give this one another name if both are wanted.",
  );
}

function missed(campaign: CampaignModel, start: Start): BellwetherError {
  return new BellwetherError(
    "campaign-state",
    `"${campaign.name}" should have begun on ${shownStart(start)}, and that has passed meanwhile. Nothing was sent.`,
    "Write another at into the campaign file, or take it out to send at once, and type `send` again.",
  );
}

async function addLanes(
  tx: Tx,
  options: { campaignId: number; lanes: readonly PlannedLane[]; breaker: BreakerConfig; nowMs: number },
): Promise<void> {
  const { campaignId, breaker, nowMs } = options;
  for (const lane of options.lanes) {
    const { provider, route, feedback } = lane;
    const memory = await remember(tx, { ...lane, nowMs });
    const { throttle, text } = await startOfLane(tx, lane, nowMs);
    const window = memory === null ? lane.window : 1;
    const sender = memory === null ? 0 : startFrom(memory, breaker);
    const added = await tx.$executeRawUnsafe(
      `INSERT INTO lane (campaign_id, provider, route, feedback, window_size, pulse) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (campaign_id, provider) DO NOTHING`,
      campaignId,
      provider,
      route,
      feedback,
      window,
      JSON.stringify({ ...FRESH_PULSE, sender, throttle, ramp: feedback === "relay" ? FRESH_MEMORY : null }),
    );
    if (added > 0 && memory !== null) await addEvents(tx, [probing(campaignId, provider, memory, nowMs)]);
    if (added > 0 && text !== null)
      await addEvents(tx, [{ campaignId, laneId: null, atMs: nowMs, event: "limits", text }]);
    await tx.$executeRawUnsafe("INSERT INTO route (name) VALUES (?) ON CONFLICT (name) DO NOTHING", route);
  }
}

function probing(campaignId: number, provider: string, { heldMs }: Memory, nowMs: number) {
  const text = `${providerTitle(provider)} refused our mail on ${shownTime(new Date(heldMs).toISOString())} and has taken none since: it is asked with one mail first.`;
  return { campaignId, laneId: null, atMs: nowMs, event: "remembered", text };
}

/** Suppressed addresses get their row too: they are listed as untold, never only left out. */
async function addDeliveries(
  tx: Tx,
  campaign: CampaignModel,
  deliveries: readonly PlannedDelivery[],
  nowMs: number,
): Promise<void> {
  if (deliveries.length === 0) return;
  // All of a campaign are due from the same moment on, so that within a lane their order is the spread alone.
  const due = sqlTime(campaign.launchedAt?.getTime() ?? nowMs);
  const proven = sqlTime(nowMs - CONFIRM_AFTER_MS);
  const rows = deliveries.map((one) => ({
    ...one,
    campaign: campaign.id,
    due,
    revision: campaign.revision,
    proven,
  }));
  await tx.many(ADD_DELIVERIES, rows);
}

const DELIVERY = `(campaign_id, lane_id, address, key, domain, unit, spread, due_at, revision, state, reason, fault)`;
// An address that is suppressed for this class of mail is listed and not written to.
const STATE = `CASE WHEN x.id IS NULL THEN 'pending' ELSE 'suppressed' END, nullif(x.reason, '${BY_HAND}'),
  CASE WHEN x.id IS NULL OR x.reason = '${BY_HAND}' THEN NULL WHEN x.reason = 'complaint' THEN 'feedback'
    ELSE 'address' END`;
const ADD_DELIVERIES: ManyStatement = {
  sqlite: `INSERT INTO delivery ${DELIVERY}
    SELECT :campaign, l.id, :address, :key, :domain, :unit, :spread, :due, :revision,
      ${STATE}
    FROM lane l JOIN campaign c ON c.id = l.campaign_id
    ${joinSuppression({ key: ":key", templateClass: "c.template_class", proven: ":proven" })}
    WHERE l.campaign_id = :campaign AND l.provider = :provider ON CONFLICT (campaign_id, key) DO NOTHING`,
  postgresql: `INSERT INTO delivery ${DELIVERY}
    SELECT s.campaign, l.id, s.address, s.key, s.domain, s.unit, s.spread, s.due, s.revision,
      ${STATE}
    FROM ${recordset([
      ["campaign", "int"],
      ["address", "text"],
      ["key", "text"],
      ["domain", "text"],
      ["unit", "text"],
      ["spread", "int"],
      ["due", "timestamp"],
      ["revision", "int"],
      ["proven", "timestamp"],
      ["provider", "text"],
    ])}
    JOIN lane l ON l.campaign_id = s.campaign AND l.provider = s.provider JOIN campaign c ON c.id = l.campaign_id
    ${joinSuppression({ key: "s.key", templateClass: "c.template_class", proven: "s.proven" })}
    ON CONFLICT (campaign_id, key) DO NOTHING`,
};

export function toCampaign(row: CampaignModel): Campaign {
  return {
    id: row.id,
    name: row.name,
    key: row.key,
    state: row.state as CampaignState,
    pausedBy: row.pausedBy as Campaign["pausedBy"],
    why: row.why,
    file: row.file,
    spec: JSON.parse(row.spec),
    templateName: row.templateName,
    templateClass: row.templateClass as Campaign["templateClass"],
    revision: row.revision,
    audienceHash: row.audienceHash,
    importId: row.importId,
    confirmed: row.confirmed,
    overrides: JSON.parse(row.overrides),
    start: startOfRow(row),
    tellByMs: row.tellBy?.getTime() ?? null,
    validUntilMs: row.validUntil?.getTime() ?? null,
    planCursor: row.planCursor,
    planned: row.planned,
    createdAtMs: row.createdAt.getTime(),
    launchedAtMs: row.launchedAt?.getTime() ?? null,
    endedAtMs: row.endedAt?.getTime() ?? null,
  };
}
