// A report in one line: what `classify` answers for a mail. The first recipient that failed (else was delayed, else
// stands there) speaks for all; who needs each of them reads the report itself.
import { adviceFor } from "./advice.ts";
import { FAULT_OF, type Fault, type Reason, type Scope } from "./reason.ts";
import type { Report, ReportedRecipient, ReportKind } from "./report.ts";

export interface Summary {
  kind: ReportKind;
  reason: Reason;
  fault: Fault;
  /** True when the address itself is dead: it will fail again, whoever writes. Everything else may pass another day. */
  hard: boolean;
  scope: Scope;
  provider: string;
  code: number | null;
  enhanced: string | null;
  recipients: string[];
  advice: string;
}

const PLAIN_REASON: Readonly<Record<ReportKind, Reason>> = {
  bounce: "unclassified",
  feedback: "complaint",
  "auto-reply": "auto-reply",
  notice: "notice",
  "not-a-bounce": "not-a-bounce",
};

export function summarise({ kind, recipients }: Report): Summary {
  const lead =
    recipients.find((one) => one.action === "failed") ??
    recipients.find((one) => one.action === "delayed") ??
    recipients[0];
  const said = lead?.classification ?? null;
  // What a feedback report is about may be our signature (RFC 6591); it is feedback all the same, and the advice tells.
  const reason = kind === "feedback" ? "complaint" : (said?.reason ?? PLAIN_REASON[kind]);
  return {
    kind,
    reason,
    fault: FAULT_OF[reason],
    hard: lead !== undefined && isDead(lead),
    scope: said?.scope ?? "recipient",
    provider: said?.provider ?? "other",
    code: said?.code ?? null,
    enhanced: said?.enhanced ?? null,
    recipients: [...new Set(recipients.flatMap(({ address, final }) => final ?? address ?? []))],
    advice: said?.advice ?? adviceFor(reason),
  };
}

/** No such mailbox or domain, or one that moved away; not one that is suspended, nor one that was only asked for later. */
function isDead({ action, reply, classification }: ReportedRecipient): boolean {
  if (action !== "failed" || classification === null) return false;
  const { reason, code, enhanced } = classification;
  if (code !== null ? code < 500 : enhanced?.startsWith("4.")) return false;
  if (reason === "user-unknown" || reason === "host-unknown") return true;
  return (
    reason === "disabled" && /moved|replaced|new address|no longer (?:with|work)|\b5\.1\.6\b/i.test(reply)
  );
}
