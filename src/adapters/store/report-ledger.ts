// Reports as rows: each is recorded once, matched to its delivery, and applied - row, lane, breaker, suppression,
// timeline - in one transaction. What a report means is decided in delivery/reported.ts.
import type { BreakerConfig } from "../../breaker/breaker.ts";
import type { RecordedReport, ReportLedger } from "../../delivery/collector.ts";
import type { ReportEntry } from "../../delivery/report-entry.ts";
import {
  foldReports,
  isEarlier,
  type MatchedBy,
  nextState,
  outcomeOfReport,
  type ReportEffect,
  type Reported,
} from "../../delivery/reported.ts";
import { type Database, sqlTime, type Tx } from "../database/database.ts";
import { insertInto, updateBy } from "../database/many.ts";
import { knownGood } from "./address-history.ts";
import { readLanes, writeLanes } from "./lane-rows.ts";
import { wakeCampaigns } from "./lane-silence.ts";
import { addOutcomes, consequences } from "./ledger-settle.ts";
import { type FoundDelivery, findDeliveries, rowsOf } from "./report-match.ts";
import { moveReported, reopenCampaigns } from "./report-rows.ts";
import { noteSentinels } from "./sentinel-reports.ts";
import { noteAddressFaults, noteComplaints } from "./suppression-rows.ts";

export function createReportLedger(db: Database, config: { breaker: BreakerConfig }): ReportLedger {
  return {
    record: (entries) =>
      db.write(async (tx) => {
        const fresh = new Set(await insert(tx, entries));
        // A thing may be named twice in one call as well.
        const first = new Map(entries.map((entry) => [entry.key, entry]));
        const all = [...first.values()].filter((entry) => fresh.has(entry.key));
        const sentinels = await noteSentinels(tx, all, db.now());
        const known = all.filter((entry) => !sentinels.has(entry.key));
        const applied = await apply(tx, known, { breaker: config.breaker, nowMs: db.now() });
        return entries.map((entry) => {
          if (sentinels.has(entry.key)) return { ...repeated(entry), effect: "sentinel" as const };
          return applied.get(entry.key) ?? repeated(entry);
        });
      }),

    rematch: async (sinceMs) => {
      let [matched, after] = [0, 0];
      for (;;) {
        const rows = await db.read.$queryRawUnsafe<{ id: number; marks: string }[]>(
          `SELECT id, marks FROM report WHERE effect = 'unmatched' AND id > ? AND received_at >= ?
             AND marks IS NOT NULL ORDER BY id LIMIT ?`,
          after,
          sqlTime(sinceMs),
          AGAIN,
        );
        after = rows.at(-1)?.id ?? 0;
        if (rows.length === 0) break;
        const entries = rows.map((row) => JSON.parse(row.marks) as ReportEntry);
        const found = await findDeliveries(db.read, entries, db.now());
        const again = entries.filter((entry) => found.has(entry.key));
        if (again.length > 0)
          await db.write((tx) => apply(tx, again, { breaker: config.breaker, nowMs: db.now() }));
        matched += again.length;
      }
      return matched;
    },

    forgetForeign: (beforeMs) => forgetForeign(db, beforeMs),
  };
}

/**
 * A relay's log tells of everybody's mail. What names none of ours by then never will, and is nothing to keep: it has its
 * place in that log.
 */
async function forgetForeign(db: Database, beforeMs: number): Promise<void> {
  const foreign = "effect = 'unmatched' AND intake = 'log' AND received_at < ?";
  const before = sqlTime(beforeMs);
  const [one] = await db.read.$queryRawUnsafe<unknown[]>(
    `SELECT id FROM report WHERE ${foreign} LIMIT 1`,
    before,
  );
  if (one === undefined) return;
  await db.write((tx) =>
    tx.$executeRawUnsafe(
      `DELETE FROM report WHERE id IN (SELECT id FROM report WHERE ${foreign} ORDER BY id LIMIT ?)`,
      before,
      FORGOTTEN,
    ),
  );
}

/** Rows deleted in one transaction. */
const FORGOTTEN = 2_000;

/** Reports that are looked at again in one go. */
const AGAIN = 200;

const ADD = insertInto(
  "report",
  [
    ["key", "text"],
    ["intake", "text"],
    ["at", "timestamp"],
    ["received_at", "timestamp"],
    ["kind", "text"],
    ["action", "text"],
    ["recipient", "text"],
    ["reporter", "text"],
    ["reply", "text"],
    ["reason", "text"],
    ["fault", "text"],
    ["scope", "text"],
    ["hard", "bool"],
    ["code", "int"],
    ["enhanced", "text"],
    ["excerpt", "text"],
    ["effect", "text"],
    ["marks", "text"],
  ],
  "ON CONFLICT (key) DO NOTHING RETURNING key",
);

/** The keys that were not there before. */
async function insert(tx: Tx, entries: readonly ReportEntry[]): Promise<string[]> {
  const rows = entries.map((entry) => {
    const c = entry.classification;
    return {
      key: entry.key,
      intake: entry.intake,
      at: sqlTime(entry.atMs),
      received_at: sqlTime(entry.receivedAtMs),
      kind: entry.kind,
      action: entry.action,
      recipient: entry.recipient,
      reporter: entry.reporter,
      reply: entry.reply === "" ? null : entry.reply,
      reason: c?.reason ?? null,
      fault: c?.fault ?? null,
      scope: c?.scope ?? null,
      hard: c?.hard ?? false,
      code: c?.code ?? null,
      enhanced: c?.enhanced ?? null,
      excerpt: entry.excerpt === "" ? null : entry.excerpt,
      effect: "unmatched" satisfies ReportEffect,
      marks: JSON.stringify({ ...entry, excerpt: "" }),
    };
  });
  return (await tx.many<{ key: string }>(ADD, rows)).map((row) => row.key);
}

interface Context {
  breaker: BreakerConfig;
  nowMs: number;
}

/** Matches and applies entries whose rows are there; answers by their keys. */
async function apply(
  tx: Tx,
  entries: readonly ReportEntry[],
  { breaker, nowMs }: Context,
): Promise<Map<string, RecordedReport>> {
  const found = await findDeliveries(tx, entries, nowMs);
  // The lane's row is the lock of its deliveries: what they are is read after it.
  const laneIds = [...new Set([...found.values()].map((one) => one.laneId))];
  const lanes = laneIds.length === 0 ? [] : await readLanes(tx, { ids: laneIds });
  const contexts = new Map(lanes.map((one) => [one.lane.id, one]));
  const rows = await rowsOf(tx, [...new Set([...found.values()].map((one) => one.id))]);

  const unknown = entries.flatMap(({ key, classification }) => {
    const match = found.get(key);
    return match !== undefined && classification?.fault === "address" ? [match.id] : [];
  });
  const good = await knownGood(tx, unknown, nowMs);

  const recorded = new Map<string, RecordedReport>();
  const told: { entry: ReportEntry; match: FoundDelivery; effect: ReportEffect; attempt: number }[] = [];
  const moved: Reported[] = [];
  for (const entry of entries) {
    const match = found.get(entry.key);
    const row = match === undefined ? undefined : rows.get(match.id);
    if (match === undefined || row === undefined) {
      recorded.set(entry.key, { ...repeated(entry), effect: "unmatched" });
      continue;
    }
    const earlier = isEarlier(row, entry, match.by);
    const next = earlier ? null : nextState(entry.action, row.state);
    const effect: ReportEffect = earlier ? "earlier" : next === null ? "known" : "moved";
    if (next !== null) {
      moved.push({
        entry,
        row: { ...row, knownGood: good.has(row.id) },
        by: match.by,
        next,
        outcome: outcomeOfReport(entry),
      });
      // A second report in this group finds what the first one did.
      row.state = next;
      row.evidence = Math.max(row.evidence, row.epoch);
    }
    const attempt = entry.token?.attempt ?? (earlier ? row.attempt - 1 : row.attempt);
    told.push({ entry, match, effect, attempt });
    recorded.set(entry.key, {
      key: entry.key,
      effect,
      by: match.by,
      delivery: row.id,
      campaignId: row.campaignId,
    });
  }
  await writeMatches(tx, told);
  if (moved.length === 0) return recorded;

  const folds = [];
  for (const [id, context] of contexts) {
    const mine = moved.filter((one) => one.row.laneId === id);
    if (mine.length === 0) continue;
    const fold = foldReports(context.lane, mine, { config: breaker, nowMs });
    folds.push(fold);
    context.lane = fold.lane;
  }
  await moveReported(tx, moved, nowMs);
  await addOutcomes(
    tx,
    moved.map(({ row, entry, outcome }) => {
      return { ...row, delivery: row.id, atMs: entry.atMs, outcome, late: false };
    }),
  );
  const proven = moved.filter((one) => one.by !== "recipient" || one.entry.trusted);
  const bounced = proven.filter((one) => one.next === "bounced");
  await noteAddressFaults(
    tx,
    bounced.map(({ row, outcome }) => ({ delivery: row.id, outcome })),
    nowMs,
  );
  await noteComplaints(tx, proven, nowMs);
  await writeLanes(
    tx,
    folds.map((fold) => fold.lane),
  );
  await consequences(tx, folds, { contexts, breaker, nowMs });
  await reopenCampaigns(tx, folds, { contexts, nowMs });
  await wakeCampaigns(tx, folds, nowMs);
  return recorded;
}

function repeated(entry: ReportEntry): RecordedReport {
  return { key: entry.key, effect: "repeated", by: null, delivery: null, campaignId: null };
}

const MATCH = updateBy(
  "report",
  ["key", "text"],
  [
    ["campaign_id", "int"],
    ["delivery_id", "int"],
    ["attempt", "int"],
    ["matched_by", "text"],
    ["effect", "text"],
    ["marks", "text"],
  ],
);

async function writeMatches(
  tx: Tx,
  told: readonly { entry: ReportEntry; match: FoundDelivery; effect: ReportEffect; attempt: number }[],
): Promise<void> {
  if (told.length === 0) return;
  await tx.many(
    MATCH,
    told.map(({ entry, match, effect, attempt }) => ({
      key: entry.key,
      campaign_id: match.campaignId,
      delivery_id: match.id,
      attempt,
      matched_by: match.by satisfies MatchedBy,
      effect,
      // Nothing is left to look for.
      marks: null,
    })),
  );
}
