// A person goes on in spite of a finding: for what was found then, by name and reason, and for a day. What is found at
// another address or record is new and blocks again. Pure; recording it is the campaign store's.
import type { Finding, FindingCode } from "./finding.ts";

export interface Override {
  why: string;
  /** Login of the person. */
  by: string;
  atMs: number;
  /** What the overridden findings were about; null: the check that it is for has not ended yet. */
  subjects: readonly string[] | null;
}

/** By the finding's code. */
export type Overrides = Readonly<Record<string, Override>>;

/** Who overrides the same trouble next week shall look at it again. */
export const OVERRIDE_HOLDS_MS = 24 * 3_600_000;

/** The override that covers this finding; null: nobody's does. */
export function overrideOf(finding: Finding, overrides: Overrides, nowMs: number): Override | null {
  const given = overrides[finding.code];
  if (given === undefined || nowMs - given.atMs >= OVERRIDE_HOLDS_MS) return null;
  return given.subjects === null || given.subjects.includes(aboutOf(finding)) ? given : null;
}

/** Blockers that nobody has overridden. */
export function blockersOf(findings: readonly Finding[], overrides: Overrides, nowMs: number): Finding[] {
  return findings.filter(
    (finding) => finding.severity === "blocker" && overrideOf(finding, overrides, nowMs) === null,
  );
}

/** Ties what was overridden just now to what was found just now. */
export function tied(overrides: Overrides, findings: readonly Finding[]): Record<string, Override> {
  const subjectsOf = (code: string) => findings.filter((one) => one.code === code).map(aboutOf);
  return Object.fromEntries(
    Object.entries(overrides).map(([code, given]) => [
      code,
      given.subjects === null ? { ...given, subjects: subjectsOf(code) } : given,
    ]),
  );
}

/** Reasons by code, as they are typed, by this person at this moment. */
export function overridesBy(
  reasons: Readonly<Record<string, string>>,
  by: string,
  atMs: number,
): Record<string, Override> {
  const made = Object.entries(reasons).map(([code, why]) => [code, { why, by, atMs, subjects: null }]);
  return Object.fromEntries(made);
}

export function overrideText(
  finding: { message: string },
  { why, by }: Pick<Override, "why" | "by">,
): string {
  return `"${finding.message}" was overridden by ${by}: ${why}`;
}

function aboutOf({ subject }: { code: FindingCode; subject?: string }): string {
  return subject ?? "";
}
