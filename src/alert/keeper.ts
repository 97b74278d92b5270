// Looks every second what stands and waits for somebody, raises an alert for it once, tells it by every road, and the
// deputy when nobody has answered. Any number of processes may do so on one database: rows decide who tells what. It
// waits for no road: what one keeps silent about does not delay the others, nor the next look.
import { createHmac } from "node:crypto";
import { redactReply } from "../bounce/redact.ts";
import type { Clock } from "../clock.ts";
import { safeText } from "../report/safe-text.ts";
import { cardOf } from "./card.ts";
import { type Cause, urgencyOf } from "./cause.ts";
import { isDeputyDue, isOver, retryAfterMs } from "./due.ts";
import { type Road, type RoadAnswer, type RoadName, targetsOf } from "./road.ts";
import type { AlertStore, ClaimedTry } from "./store.ts";

export interface AlertKeeper {
  start(): void;
  /** Looks once more, and waits for what is being told, half a minute at most. Twice is once. */
  stop(): Promise<void>;
  /** Leaves everything as it is: what was being told is told again. */
  abort(): void;
}

const LOOK_MS = 1_000;
const FORGET_MS = 60 * 60_000;
/** Told at one time. */
const AT_ONCE = 20;
const LAST_WAIT_MS = 30_000;
const ANSWER_LENGTH = 300;

export function createAlertKeeper(options: {
  store: AlertStore;
  roads: readonly Road[];
  deputyAfterMs: number;
  /** Settled alerts are kept for so long. */
  keptMs: number;
  publicUrl: string | null;
  clock: Clock;
  secret: string;
  /** An alert was raised: its subject. */
  onRaised: (subject: string) => void;
  /** Told once when a road fails, and once when it is well again (null). */
  onTrouble: (road: RoadName, trouble: string | null) => void;
  onFailedTry: (road: RoadName) => void;
}): AlertKeeper {
  const { store, roads, clock } = options;
  const first = targetsOf(roads, "first");
  const deputies = targetsOf(roads, "deputy");
  const stopping = new AbortController();
  const giveUp = new AbortController();
  const telling = new Set<Promise<void>>();
  const troubles = new Map<RoadName, string | null>();
  let loop: Promise<void> | null = null;
  let forgottenMs = Number.NEGATIVE_INFINITY;

  async function look(): Promise<void> {
    const { nowMs, live, standing } = await store.look();
    for (const cause of standing) if (cause.fresh) await raise(cause);
    const keys = new Set(standing.map((cause) => cause.key));
    const over = live.filter((alert) => isOver(alert, keys));
    if (over.length > 0) await store.settle(over.map((alert) => alert.id));
    for (const alert of live) {
      if (deputies.length === 0 || over.includes(alert)) continue;
      if (isDeputyDue(alert, { nowMs, afterMs: options.deputyAfterMs }))
        await store.escalate(alert.id, deputies);
    }
    if (clock.monotonic() - forgottenMs < FORGET_MS) return;
    forgottenMs = clock.monotonic();
    await store.forget(nowMs - options.keptMs);
  }

  async function raise(cause: Cause): Promise<void> {
    const campaignId = "campaign" in cause ? cause.campaign.id : null;
    const counts = campaignId === null ? null : await store.counts(campaignId);
    const card = cardOf(cause, counts, options.publicUrl);
    const laneId = "laneId" in cause ? cause.laneId : null;
    const { key, kind } = cause;
    const id = await store.raise({ key, kind, urgency: urgencyOf(cause), campaignId, laneId, card }, first);
    if (id !== null) options.onRaised(card.subject);
  }

  async function tellDue(): Promise<void> {
    const room = AT_ONCE - telling.size;
    if (roads.length === 0 || room <= 0) return;
    for (const claimed of await store.claim(room)) {
      const told: Promise<void> = tell(claimed)
        // The database is away: the lease ends, and it is told again.
        .catch(() => undefined)
        .finally(() => telling.delete(told));
      telling.add(told);
    }
  }

  async function tell(claimed: ClaimedTry): Promise<void> {
    const { alert, target, deputy, tries } = claimed;
    const road = roads.find((one) => one.name === claimed.road);
    const id = messageId(options.secret, claimed);
    const said: RoadAnswer =
      road === undefined
        ? { ok: false, answer: "this road is not configured any more", final: true }
        : await road.tell({ alert, target, deputy, id }, giveUp.signal);
    if (giveUp.signal.aborted && !said.ok) return;
    const answer = safeText(redactReply(said.answer)).slice(0, ANSWER_LENGTH);
    const againMs = said.final === true ? null : retryAfterMs(tries);
    if (!said.ok) options.onFailedTry(claimed.road);
    noteTrouble(claimed.road, said.ok ? null : answer);
    await store.answer(claimed, { ok: said.ok, answer, againMs });
  }

  function noteTrouble(road: RoadName, trouble: string | null): void {
    if ((troubles.get(road) ?? null) === trouble) return;
    troubles.set(road, trouble);
    options.onTrouble(road, trouble);
  }

  async function once(): Promise<void> {
    try {
      await look();
      await tellDue();
    } catch {
      // The database is away: whoever sends says so already, and the next look comes soon.
    }
  }

  async function lookOn(): Promise<void> {
    while (!stopping.signal.aborted) {
      await once();
      await clock.sleep(LOOK_MS, stopping.signal);
    }
  }

  let stopped: Promise<void> | null = null;
  return {
    start: () => {
      loop ??= lookOn();
    },
    stop: () => {
      stopped ??= (async () => {
        stopping.abort();
        if (loop === null) return;
        await loop;
        // What ended the work may be the very thing to tell.
        if (!giveUp.signal.aborted) await once();
        const waited = new AbortController();
        const late = clock.sleep(LAST_WAIT_MS, waited.signal).then(() => giveUp.abort());
        await Promise.all(telling);
        waited.abort();
        await late;
      })();
      return stopped;
    },
    abort: () => {
      stopping.abort();
      giveUp.abort();
    },
  };
}

/** The same for each try of one message, and another for every installation. */
function messageId(secret: string, { alert, road, target, deputy }: ClaimedTry): string {
  const what = JSON.stringify(["alert", alert.id, alert.atMs, road, target, deputy]);
  return `alert_${createHmac("sha256", secret).update(what).digest("base64url").slice(0, 24)}`;
}
