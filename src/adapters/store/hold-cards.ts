// What is kept of a hold that is over. The lane's row has only the one that stands; its card goes into the timeline's
// table when it ends, as JSON, under an event that no timeline shows and post-mortems read.
import type { Hold } from "../../breaker/hold.ts";
import type { Tx } from "../database/database.ts";
import { addEvents } from "./lane-rows.ts";

export const HOLD_CARD = "hold-card";

export interface KeptCard {
  hold: Hold;
  /** Who ended it. */
  by: "person" | "time";
  /** Deliveries that came back to be sent again. */
  returned: number;
}

/** `laneId` null: the hold of a route. Nothing where nothing was held. */
export async function keepCard(
  tx: Tx,
  ended: Omit<KeptCard, "hold"> & {
    hold: Hold | null;
    campaignId: number;
    laneId: number | null;
    nowMs: number;
  },
): Promise<void> {
  const { hold, by, returned, campaignId, laneId, nowMs } = ended;
  if (hold === null) return;
  const text = JSON.stringify({ hold, by, returned } satisfies KeptCard);
  await addEvents(tx, [{ campaignId, laneId, atMs: nowMs, event: HOLD_CARD, text }]);
}
