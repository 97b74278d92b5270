// What can be said of a campaign from its file and its import alone.
import type { ImportSummary } from "../../client/audience-store.ts";
import type { RefusedRow } from "../../client/import.ts";
import type { CheckedValues } from "../../template/values.ts";
import type { Finding } from "./finding.ts";

/** Refused rows that the finding quotes. */
export const REFUSED_SHOWN = 3;

export function checkCampaign(options: {
  notice: {
    values: CheckedValues;
    /** null: it begins at once. */
    start: { atMs: number } | null;
    tellByMs: number | null;
    validUntilMs: number | null;
  };
  summary: ImportSummary;
  /** The first of them, `REFUSED_SHOWN` at most. */
  refused: readonly RefusedRow[];
  nowMs: number;
}): Finding[] {
  const { notice, summary, refused, nowMs } = options;
  const findings: Finding[] = [];
  if (summary.rejected > 0) {
    const some = refused.map((row) => `line ${row.line}, ${row.column || "row"}: ${row.reason}`).join("; ");
    const more = summary.rejected > refused.length ? "; ..." : "";
    findings.push({
      code: "rows-refused",
      severity: "warning",
      basis: "measured",
      message: `${summary.rejected} rows of the CSV file were refused and get no mail: ${some}${more}.`,
      hint: "Correct them in a file of their own and send that under another name; `untold` lists them until then.",
    });
  }
  if (summary.unreachable > 0) {
    findings.push({
      code: "without-address",
      severity: "info",
      basis: "measured",
      message: `${summary.unreachable} clients have no address.`,
      hint: "They are listed by `untold`, to be told by telephone or letter.",
    });
  }
  const beginsMs = Math.max(nowMs, notice.start?.atMs ?? nowMs);
  if (notice.tellByMs !== null && notice.tellByMs <= beginsMs) {
    findings.push({
      code: "tell-by-past",
      severity: "warning",
      basis: "configured",
      message: `Everybody should be told by ${new Date(notice.tellByMs).toISOString()}, and that is before the first mail goes out.`,
      hint: "Let it begin earlier, or correct tell_by.",
    });
  }
  const start = notice.values.window_start;
  if (notice.validUntilMs !== null && notice.validUntilMs <= nowMs) {
    findings.push({
      code: "validity-past",
      severity: "blocker",
      basis: "configured",
      message: `The notice was true until ${new Date(notice.validUntilMs).toISOString()}: nobody would get it.`,
      hint: "Correct window_start, or write valid_until if the notice is still worth telling.",
    });
  } else if (typeof start === "string" && Date.parse(start) <= beginsMs) {
    findings.push({
      code: "window-past",
      severity: "warning",
      basis: "configured",
      message: `The window ${Date.parse(start) <= nowMs ? "began" : "begins"} at ${start}, before the first mail goes out.`,
      hint: "Check window_start: day, month, offset.",
    });
  }
  return findings;
}
