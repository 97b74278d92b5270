// Lanes behind one relay start staggered: who goes first, and when the others may follow, is decided in
// breaker/ramp-start.ts; here it is written and read.
import { FRESH_MEMORY } from "../../breaker/ramp-memory.ts";
import { followersOf, mayFollow, type Stagger } from "../../breaker/ramp-start.ts";
import type { Tx } from "../database/database.ts";
import { type LaneInContext, readLanes, writeLanes } from "./lane-rows.ts";

/** When the plan is complete: the smaller lanes of each relay wait for the largest one's first answer. */
export async function holdBack(
  tx: Tx,
  { campaignId, stagger, nowMs }: { campaignId: number; stagger: Stagger; nowMs: number },
): Promise<void> {
  const lanes = (await readLanes(tx, { campaignId })).map((one) => one.lane);
  const followers = followersOf(lanes);
  for (const lane of followers) {
    const ramp = lane.pulse.ramp ?? FRESH_MEMORY;
    lane.pulse = { ...lane.pulse, ramp: { ...ramp, startsMs: nowMs + stagger.waitMs } };
  }
  await writeLanes(tx, followers);
}

/** Lanes that wait although nobody is left to wait for; null: there are none. */
export function opensNext(contexts: readonly LaneInContext[]): LaneInContext[] | null {
  const waiting = contexts.filter(({ lane }) => lane.pulse.ramp?.startsMs != null);
  const open = waiting.filter(({ lane }) =>
    mayFollow(
      lane,
      contexts.map((one) => one.lane),
    ),
  );
  return open.length === 0 ? null : open;
}

/** Lets them begin. */
export async function openNext(tx: Tx, contexts: readonly LaneInContext[]): Promise<boolean> {
  const open = opensNext(contexts);
  if (open === null) return false;
  for (const { lane } of open) {
    if (lane.pulse.ramp !== null)
      lane.pulse = { ...lane.pulse, ramp: { ...lane.pulse.ramp, startsMs: null } };
  }
  await writeLanes(
    tx,
    open.map((one) => one.lane),
  );
  return true;
}
