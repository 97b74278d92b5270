// Which held lanes may go on when somebody resumes: not while DNS still shows the cause, unless a person overrides it
// by name and reason; not before the cool-down of a failed trial is over, unless a person says so. Pure: who asks DNS,
// asks the person and moves the lanes is elsewhere.
import type { Fault, Reason, Scope } from "../bounce/reason.ts";
import type { Finding } from "./preflight/finding.ts";
import { checksOf, type SenderCheck } from "./preflight/sender-check.ts";

/** A lane that its own breaker holds. */
export interface HeldLane {
  provider: string;
  reason: Reason;
  fault: Fault;
  scope: Scope;
  /** From when a resume makes sense; null: at once. */
  resumeFromMs: number | null;
}

export interface Stay {
  provider: string;
  /** Blockers that nobody has overridden; empty: only its time has not come. */
  broken: Finding[];
  /** Not before this moment, unless a person says so; null: time is no obstacle. */
  untilMs: number | null;
}

export interface ResumeVerdict {
  stays: Stay[];
  /** Blockers that a person has overridden, each once. */
  overridden: Finding[];
}

/** What DNS can be asked for these lanes; what a relay refuses (its login, its limits) is not there. */
export function checksFor(lanes: readonly HeldLane[]): SenderCheck[] {
  return [...new Set(lanes.flatMap(checksOfLane))];
}

function checksOfLane({ reason, fault, scope }: HeldLane): readonly SenderCheck[] {
  return fault === "sender" && scope !== "route" ? checksOf(reason) : [];
}

/** `early`: a person said yes to going on before the time. */
export function judgeResume(given: {
  lanes: readonly HeldLane[];
  findings: ReadonlyMap<SenderCheck, readonly Finding[]>;
  overrides: Readonly<Record<string, string>>;
  early: boolean;
  nowMs: number;
}): ResumeVerdict {
  const { lanes, findings, overrides, early, nowMs } = given;
  const stays: Stay[] = [];
  const overridden = new Set<Finding>();
  for (const lane of lanes) {
    const broken: Finding[] = [];
    for (const finding of checksOfLane(lane).flatMap((check) => findings.get(check) ?? [])) {
      // What is only assumed or configured keeps nobody from being told.
      if (finding.severity !== "blocker" || finding.basis !== "measured") continue;
      if (overrides[finding.code] === undefined) broken.push(finding);
      else overridden.add(finding);
    }
    const isEarly = !early && lane.resumeFromMs !== null && lane.resumeFromMs > nowMs;
    if (broken.length === 0 && !isEarly) continue;
    stays.push({ provider: lane.provider, broken, untilMs: isEarly ? lane.resumeFromMs : null });
  }
  return { stays, overridden: [...overridden] };
}
