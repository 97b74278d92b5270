// What a lane behind a relay does while nothing good is heard of what it handed over: it waits, grows by the soak alone,
// goes blind, and wakes again. What is heard is asked of the rows here; what follows from it is decided in
// breaker/silence.ts.

import type { LaneRecord } from "../../breaker/lane-record.ts";
import { roomOf } from "../../breaker/lane-record.ts";
import { FRESH_MEMORY } from "../../breaker/ramp-memory.ts";
import {
  type Hearing,
  judgeSilence,
  type RouteHearing,
  SOAKS_UNTIL_BLIND,
  shownDuration,
  UNCONFIRMED_CAP,
} from "../../breaker/silence.ts";
import { describeSentinel } from "../../delivery/sentinel.ts";
import type { Fold } from "../../delivery/settle.ts";
import { providerTitle } from "../../provider/directory.ts";
import { describeIntake, isAlive } from "../../report/intakes.ts";
import type { Tx } from "../database/database.ts";
import { readIntakes } from "./intakes.ts";
import { addEvents, type LaneInContext, lockCampaign, readLanes, writeLanes } from "./lane-rows.ts";
import { NO_LANE } from "./provider-holds.ts";
import { readSentinels } from "./sentinels.ts";

export interface Watching {
  hearing: Hearing;
  nowMs: number;
  soakMs: number;
}

/** Cheap look at a lane that has something to send: might silence change it? */
export function isSilenceDue(lane: LaneRecord, { hearing, nowMs, soakMs }: Watching): boolean {
  if (lane.feedback !== "relay" || lane.byPerson || lane.unconfirmed === 0 || roomOf(lane) > 0) return false;
  const memory = lane.pulse.ramp ?? FRESH_MEMORY;
  const lastMs = lane.lastHandoverMs ?? nowMs;
  if (lane.state === "blind") return mayGrow(lane, hearing);
  if (lane.state !== "ramping" && lane.state !== "open") return false;
  if (Math.max(lastMs, memory.signMs ?? 0) + SOAKS_UNTIL_BLIND * soakMs <= nowMs) return true;
  return lastMs + soakMs <= nowMs && (memory.why === null || mayGrow(lane, hearing));
}

/** By the soak alone, if bad news would be seen. */
function mayGrow(lane: LaneRecord, hearing: Hearing): boolean {
  return hearing.any && !hearing.arrivals && lane.window < UNCONFIRMED_CAP;
}

/**
 * Steps a lane with nothing claimed or on the wire; `lane.nextDueMs` is as its rows say. Returns whether the lane changed;
 * the caller writes it.
 */
export async function stepSilence(
  tx: Tx,
  { lane }: LaneInContext,
  { siblings, watching }: { siblings: readonly LaneInContext[]; watching: Watching },
): Promise<boolean> {
  const { nowMs, soakMs } = watching;
  const hearing = await hearingOf(tx, lane, siblings, watching);
  const verdict = judgeSilence(lane, { hasMore: lane.nextDueMs !== null, hearing, nowMs, soakMs });
  const memory = lane.pulse.ramp ?? FRESH_MEMORY;
  const tell = (event: string, text: string) =>
    addEvents(tx, [{ campaignId: lane.campaignId, laneId: lane.id, atMs: nowMs, event, text }]);
  const title = providerTitle(lane.provider);
  switch (verdict.is) {
    case "waiting":
      return false;
    case "done":
      lane.state = "done";
      return true;
    case "grown": {
      if (lane.state === "blind") lane.state = "ramping";
      lane.window = verdict.window;
      lane.pulse = { ...lane.pulse, cohort: 0, ramp: { ...memory, why: null } };
      const text = `${title}: for ${shownDuration(soakMs)} nothing came back, and it would have been seen: ${verdict.window} may be out now.`;
      await tell("grown", text);
      return true;
    }
    case "kept":
      if (memory.why === verdict.why || lane.state === "blind") return false;
      // Once: what it says changes with every second.
      if (memory.why === null) await tell("kept", `${title} does not go on: ${verdict.why}`);
      lane.pulse = { ...lane.pulse, ramp: { ...memory, why: verdict.why } };
      return true;
    case "blind": {
      if (lane.state === "blind") return false;
      lane.state = "blind";
      lane.pulse = { ...lane.pulse, ramp: { ...memory, why: verdict.why } };
      await tell(
        "blind",
        `${title}: ${verdict.why} Nothing more is sent there until a sign comes, or a person decides: \`resume\`.`,
      );
      return true;
    }
  }
}

/** What a route lets us hear now: by its configuration, by what its lanes have learned, by how its intakes are. */
async function hearingOf(
  tx: Tx,
  lane: LaneRecord,
  siblings: readonly LaneInContext[],
  { hearing, nowMs, soakMs }: Watching,
): Promise<RouteHearing> {
  const none = { trouble: null, provenMs: null, sentinel: null };
  if (!hearing.any) return { ...hearing, ...none };
  const learned = siblings.some(({ lane: other }) => {
    const memory = other.route === lane.route ? other.pulse.ramp : null;
    return memory !== null && (memory.asked || memory.signs > 0);
  });
  const intakes = await readIntakes(tx, nowMs);
  const alive = intakes.filter((one) => isAlive(one) && (one.lagMs ?? 0) <= soakMs);
  const trouble =
    intakes.length === 0
      ? "nobody reads them now; `serve` does."
      : `${intakes.map(describeIntake).join("; ")}.`;
  const row = (await readSentinels(tx, lane.campaignId)).find((one) => one.route === lane.route);
  const cameBack = row?.state === "back" && alive.some((one) => one.name === row.by);
  const other = alive.flatMap((one) => one.broughtAtMs ?? []);
  return {
    any: true,
    arrivals: hearing.arrivals || learned,
    trouble: alive.length === 0 ? trouble : null,
    provenMs: cameBack ? nowMs : other.length === 0 ? null : Math.max(...other),
    sentinel: row === undefined ? null : describeSentinel(row, { nowMs, soakMs }),
  };
}

/** The first sign came while no lane of the campaign could go on: it goes on too. */
export async function wakeCampaigns(tx: Tx, folds: readonly Fold[], nowMs: number): Promise<void> {
  for (const { lane, events } of folds)
    if (events.some((one) => one.event === "seeing")) await wakeCampaign(tx, lane.campaignId, nowMs);
}

/** The sentinel came back: lanes of its route that were blind are looked at anew. */
export async function wakeSeeing(
  tx: Tx,
  { campaignId, route, nowMs }: { campaignId: number; route: string; nowMs: number },
): Promise<void> {
  const woken = (await readLanes(tx, { campaignId }))
    .map((one) => one.lane)
    .filter((lane) => lane.route === route && lane.state === "blind");
  if (woken.length === 0) return;
  for (const lane of woken) lane.state = "ramping";
  await writeLanes(tx, woken);
  await wakeCampaign(tx, campaignId, nowMs);
}

async function wakeCampaign(tx: Tx, id: number, nowMs: number): Promise<void> {
  await lockCampaign(tx, id);
  const woken = await tx.$executeRawUnsafe(
    `UPDATE campaign SET state = 'running', paused_by = NULL, why = NULL
     WHERE id = ? AND state = 'paused' AND paused_by = 'breaker' AND why LIKE ?`,
    id,
    `${NO_LANE}%`,
  );
  if (woken === 0) return;
  const text = "The campaign goes on.";
  await addEvents(tx, [{ campaignId: id, laneId: null, atMs: nowMs, event: "resumed", text }]);
}
