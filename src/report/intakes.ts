// How the sources of reports are, in words: a source that is dead must be seen before anybody trusts its silence.
import type { IntakeHealth } from "../delivery/intake.ts";
import { shownTime } from "./find.ts";

/** A source as its process last told of it. */
export interface IntakeSeen extends IntakeHealth {
  /** How long ago its process said all this, ms: a process that has died says nothing more. */
  silentMs: number;
}

export interface IntakeSource {
  /** By name. */
  intakes(): Promise<IntakeSeen[]>;
}

/** A process that looks after its sources tells of them every two seconds. */
export const TOLD_WITHIN_MS = 15_000;

/** Whether what it says of itself can be believed now. */
export function isAlive(intake: IntakeSeen): boolean {
  return intake.state === "alive" && intake.silentMs <= TOLD_WITHIN_MS;
}

/** One line for people. */
export function describeIntake(intake: IntakeSeen): string {
  const { name, state, trouble, lagMs, broughtAtMs } = intake;
  if (intake.silentMs > TOLD_WITHIN_MS) return `${name}: nobody reads it now; \`serve\` does`;
  if (state === "failing") return `${name}: FAILING: ${trouble ?? "it does not answer"}`;
  if (state === "starting") return `${name}: starting`;
  const behind = lagMs !== null && lagMs >= 60_000 ? `, ${Math.round(lagMs / 60_000)} min behind` : "";
  const last =
    broughtAtMs === null
      ? "nothing came yet"
      : `last report ${shownTime(new Date(broughtAtMs).toISOString())}`;
  return `${name}: alive${behind}, ${last}`;
}
