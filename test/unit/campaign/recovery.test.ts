// Which held lanes may go on: a table of causes, findings, overrides and times.
import { describe, expect, it } from "vitest";
import { coolDownMs, failedTrials } from "../../../src/breaker/cool-down.ts";
import { followUpFile, followUpName } from "../../../src/campaign/follow-up.ts";
import type { Finding } from "../../../src/campaign/preflight/finding.ts";
import { checksFor, type HeldLane, judgeResume } from "../../../src/campaign/recovery.ts";
import { unifiedDiff } from "../../../src/campaign/unified-diff.ts";

const NOW = Date.parse("2027-04-28T07:52:00Z");
const lane = (more: Partial<HeldLane> = {}): HeldLane => ({
  provider: "google",
  reason: "reverse-dns",
  fault: "sender",
  scope: "provider",
  resumeFromMs: null,
  ...more,
});
const MISSING: Finding = {
  code: "reverse-dns-missing",
  severity: "blocker",
  basis: "measured",
  message: "2001:db8::1 has no reverse DNS name.",
  hint: "Ask for one.",
};
const judge = (given: Partial<Parameters<typeof judgeResume>[0]>) =>
  judgeResume({ lanes: [lane()], findings: new Map(), overrides: {}, early: false, nowMs: NOW, ...given });

describe("a lane whose cause DNS still shows", () => {
  const findings = new Map([["reverse-dns" as const, [MISSING]]]);

  it("stays, until a person overrides it by name", () => {
    expect(judge({ findings }).stays).toEqual([{ provider: "google", broken: [MISSING], untilMs: null }]);
    expect(judge({ findings, overrides: { "spf-missing": "no" } }).stays).toHaveLength(1);
    const over = judge({ findings, overrides: { "reverse-dns-missing": "Gmail is told by IPv4 now" } });
    expect(over).toEqual({ stays: [], overridden: [MISSING] });
  });

  it("is not kept by what is only assumed or a remark", () => {
    for (const weak of [{ basis: "assumed" }, { basis: "configured" }, { severity: "warning" }] as const)
      expect(judge({ findings: new Map([["reverse-dns", [{ ...MISSING, ...weak }]]]) }).stays).toEqual([]);
  });

  it("does not keep a lane that is held for another cause, or by our own relay", () => {
    for (const other of [
      lane({ reason: "spam", fault: "content" }),
      lane({ reason: "blocked" }),
      lane({ scope: "route" }),
    ]) {
      expect(judge({ lanes: [other], findings }).stays).toEqual([]);
      expect(checksFor([other])).toEqual([]);
    }
    expect(checksFor([lane(), lane({ reason: "auth" }), lane()])).toEqual([
      "reverse-dns",
      "spf",
      "dkim",
      "dmarc",
    ]);
  });
});

describe("a lane whose last trial failed", () => {
  it("is tried again from its time on, or when a person says so", () => {
    const lanes = [lane({ resumeFromMs: NOW + 60_000 })];
    expect(judge({ lanes }).stays).toEqual([{ provider: "google", broken: [], untilMs: NOW + 60_000 }]);
    expect(judge({ lanes, early: true }).stays).toEqual([]);
    expect(judge({ lanes, nowMs: NOW + 60_000 }).stays).toEqual([]);
  });

  it("waits 1, 2, 4 minutes, an hour at most; the first hold asks for no wait", () => {
    const pulse = { halfOpen: false, failedTrials: 3 };
    expect(failedTrials(pulse)).toBe(0);
    expect(failedTrials({ ...pulse, halfOpen: true })).toBe(4);
    expect([0, 1, 2, 3, 7, 100].map((failed) => coolDownMs(failed) / 60_000)).toEqual([0, 1, 2, 4, 60, 60]);
  });
});

describe("the difference of two texts", () => {
  const names = { before: "revision 1", after: "revision 2" };
  const diff = (a: string, b: string) => unifiedDiff(a, b, names);

  it("is what diff -u shows", () => {
    const before = "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\n";
    const after = "a\nb\nc\nd\nE\nf\ng\nh\ni\nj\nk\nl\n";
    expect(diff(before, after)).toBe(
      "--- revision 1\n+++ revision 2\n@@ -2,10 +2,11 @@\n b\n c\n d\n-e\n+E\n f\n g\n h\n i\n j\n k\n+l\n",
    );
  });

  it("keeps distant changes apart", () => {
    const lines = Array.from({ length: 30 }, (_, i) => `line ${i}`);
    const changed = lines.map((line, i) => (i === 2 || i === 25 ? `${line}!` : line));
    const text = diff(lines.join("\n"), changed.join("\n"));
    expect(text.match(/^@@.*$/gm)).toEqual(["@@ -1,6 +1,6 @@", "@@ -23,7 +23,7 @@"]);
  });

  it("of equal texts is nothing, of long ones everything", () => {
    expect(diff("a\n", "a\n")).toBe("");
    const long = Array.from({ length: 3_000 }, (_, i) => `${i}`).join("\n");
    expect(diff(long, `${long}\nmore`).match(/^\+/gm)?.length).toBe(3_002);
  });
});

describe("the file of a follow-up", () => {
  const values = [
    {
      name: "started_at",
      type: "datetime",
      required: true,
      description: "when it began",
      maxLength: null,
      after: null,
    },
    { name: "cause", type: "text", required: false, description: "why", maxLength: null, after: null },
    { name: "short", type: "text", required: true, description: "", maxLength: null, after: null },
  ] as const;

  it("has what the first notice said, and shows what is missing", () => {
    const text = followUpFile({
      name: 'A "b" (follow-up)',
      first: 'A "b"\nc',
      template: { name: "incident-report", values },
      audience: "untold.csv",
      values: { started_at: "2027-04-28T06:00:00.000Z", cause: "x\u007f\ny", window_end: 1 },
    });
    expect(text.split("\n").slice(2)).toEqual([
      'name = "A \\"b\\" (follow-up)"',
      'template = "incident-report"',
      'audience = "untold.csv"',
      "",
      "[values]",
      "# when it began",
      "started_at = 2027-04-28T06:00:00.000Z",
      "# why (may be left out)",
      'cause = "x\\u007f\\ny"',
      "# text",
      '# short = "..."',
      "",
    ]);
  });

  it("has a name that is free and not too long", () => {
    const taken = new Set(["A (follow-up)"]);
    expect(followUpName("A", (name) => taken.has(name))).toBe("A (follow-up 2)");
    expect([...followUpName("é".repeat(200), () => false)]).toHaveLength(200);
  });
});
