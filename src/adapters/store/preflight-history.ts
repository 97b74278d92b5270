// What the checks before a launch ask of other campaigns: statements that both databases run.
import type { WhySuppressed } from "../../campaign/preflight/audience-checks.ts";
import type { HeldNow, PreflightHistory } from "../../campaign/preflight/history.ts";
import { type Database, sqlTime } from "../database/database.ts";
import { CONFIRM_AFTER_MS, joinSuppression } from "./suppression-rows.ts";

export function createPreflightHistory(db: Database): PreflightHistory {
  const ask = <Row>(sql: string, ...values: unknown[]) => db.read.$queryRawUnsafe<Row[]>(sql, ...values);

  return {
    suppressed: async ({ importId, templateClass, after, upTo }) => {
      // As the plan will: the same join, so that both leave out the same.
      const join = joinSuppression({ key: "s.key", templateClass: "?", proven: "?" });
      const rows = await ask<{ key: string; reason: WhySuppressed }>(
        `SELECT s.key, x.reason FROM (SELECT DISTINCT key FROM suppression WHERE key > ? AND key <= ?) s
         ${join}
         WHERE x.id IS NOT NULL AND EXISTS (SELECT 1 FROM client c WHERE c.import_id = ? AND c.key = s.key)`,
        after,
        upTo,
        templateClass,
        sqlTime(db.now() - CONFIRM_AFTER_MS),
        importId,
      );
      return new Map(rows.map(({ key, reason }) => [key, reason]));
    },

    held: async () => {
      const byHand = await ask<{ provider: string; why: string }>(
        "SELECT provider, why FROM provider_hold ORDER BY provider",
      );
      const lanes = await ask<{ provider: string; campaign: string; hold: string | null }>(
        `SELECT l.provider, c.name AS campaign, l.hold FROM lane l JOIN campaign c ON c.id = l.campaign_id
         WHERE l.state = 'held' AND c.state IN ('running', 'paused') ORDER BY l.id`,
      );
      return [
        ...byHand.map((row): HeldNow => ({ ...row, campaign: null })),
        ...lanes.map(({ hold, ...row }): HeldNow => ({ ...row, why: reasonIn(hold) })),
      ];
    },

    sentSince: async (sinceMs) => {
      const rows = await ask<{ provider: string }>(
        `SELECT DISTINCT l.provider FROM lane l JOIN campaign c ON c.id = l.campaign_id
         WHERE l.sent > 0 AND (c.ended_at IS NULL OR c.ended_at > ?)`,
        sqlTime(sinceMs),
      );
      return new Set(rows.map((row) => row.provider));
    },
  };
}

function reasonIn(hold: string | null): string {
  const read: unknown = JSON.parse(hold ?? "{}");
  const message = typeof read === "object" && read !== null && "message" in read ? read.message : null;
  return typeof message === "string" && message !== "" ? message : "it refused us";
}
