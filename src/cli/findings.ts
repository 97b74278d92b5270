// Findings in words at the terminal, and the overrides by which a person goes on in spite of them.
import { FINDINGS, type Finding } from "../campaign/preflight/finding.ts";
import { BellwetherError } from "../errors.ts";
import { safeText } from "../report/safe-text.ts";
import { didYouMean } from "../suggest.ts";
import type { Io } from "./io.ts";

export function tellFinding(io: Io, finding: Finding, override: string | undefined): void {
  const mark = { blocker: "BLOCKER", warning: "Warning", info: "Note" }[finding.severity];
  io.say(`${mark} ${finding.code}: ${safeText(finding.message)}`);
  io.say(`  ${safeText(finding.hint)}`);
  if (override !== undefined) io.say(`  Overridden: ${override}`);
}

/** CODE="why" */
export function parseOverrides(given: readonly string[]): Record<string, string> {
  const overrides: Record<string, string> = {};
  for (const text of given) {
    const at = text.indexOf("=");
    const code = at < 0 ? text : text.slice(0, at);
    const why = at < 0 ? "" : text.slice(at + 1).trim();
    if (!(code in FINDINGS)) {
      throw new BellwetherError(
        "usage",
        `--override names "${code}", which is no finding.`,
        didYouMean(code, Object.keys(FINDINGS)) || "`check` shows the codes of what it found.",
      );
    }
    if (why === "") {
      throw new BellwetherError(
        "usage",
        `--override ${code} gives no reason.`,
        `Write --override ${code}="why".`,
      );
    }
    overrides[code] = why;
  }
  return overrides;
}
