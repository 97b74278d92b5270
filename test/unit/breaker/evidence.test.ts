// The table of what an outcome is to each detector, written down a second time, by hand, over everything that an
// outcome can be.

import { describe, expect, it } from "vitest";
import { FAULT_OF, type Fault, type Reason, SCOPES, type Scope } from "../../../src/bounce/reason.ts";
import { DETECTORS, type Evidence, isPace, signsOf, slows } from "../../../src/breaker/evidence.ts";
import { REFUSED } from "../../world/evidence.ts";

const REASONS = Object.keys(FAULT_OF) as Reason[];
const SPEAKERS = ["provider", "route"] as const;

function refused(reason: Reason, over: Partial<Evidence> = {}): Evidence {
  const fault: Fault = FAULT_OF[reason];
  return { ...REFUSED, reason, fault, ...over };
}

/** Which detector hears something bad; null: none. */
const badOf = (evidence: Evidence) => DETECTORS.find((name) => signsOf(evidence)[name] === "bad") ?? null;

/** By reason: what a provider's word about all our mail is, permanent and temporary. */
const TABLE: Readonly<Record<Reason, [hard: string | null, soft: string | null]>> = {
  auth: ["sender", "sender"],
  "reverse-dns": ["sender", "sender"],
  blocked: ["sender", "sender"],
  policy: ["sender", "sender"],
  "rate-limited": [null, null],
  tls: ["sender", "sender"],
  "relay-denied": ["sender", "sender"],
  "suppressed-by-relay": ["sender", "sender"],
  "user-unknown": ["address", null],
  "host-unknown": ["address", null],
  disabled: ["address", null],
  "mailbox-full": [null, null],
  greylisted: [null, "deferral"],
  network: [null, "deferral"],
  system: [null, "deferral"],
  expired: [null, "deferral"],
  spam: ["content", "content"],
  virus: ["content", "content"],
  "too-big": ["content", "content"],
  malformed: ["content", "content"],
  filtered: [null, null],
  complaint: [null, null],
  "auto-reply": [null, null],
  notice: [null, null],
  "not-a-bounce": [null, null],
  unclassified: ["unknown", null],
};

describe("evidence", () => {
  it.each(REASONS)("of a refusal for %s is what the table says, hard and soft", (reason) => {
    expect([badOf(refused(reason)), badOf(refused(reason, { hard: false }))]).toEqual(TABLE[reason]);
  });

  it("of an address that took our mail before is the provider's trouble as well", () => {
    for (const reason of REASONS) {
      const signs = signsOf(refused(reason, { knownGood: true }));
      const bad = DETECTORS.filter((name) => signs[name] === "bad");
      const [hard] = TABLE[reason];
      expect(bad, reason).toEqual(
        hard === "address" ? ["provider-incident", "address"] : hard === null ? [] : [hard],
      );
    }
  });

  it("of a complaint is bad for its own detector alone", () => {
    expect(badOf(refused("complaint", { kind: "complained" }))).toBe("complaint");
  });

  it.each(REASONS)("of a refusal for %s is bad for one detector at most and good for none", (reason) => {
    for (const scope of SCOPES) {
      for (const speaker of SPEAKERS) {
        for (const hard of [true, false]) {
          const signs = Object.values(signsOf(refused(reason, { scope, speaker, hard })));
          expect(signs.filter((sign) => sign === "bad").length).toBeLessThanOrEqual(1);
          expect(signs).not.toContain("good");
        }
      }
    }
  });

  it("of one recipient's own rule is nothing, but an address that does not exist is always one", () => {
    for (const reason of REASONS) {
      const isAddress = FAULT_OF[reason] === "address";
      expect(badOf(refused(reason, { scope: "recipient" })), reason).toBe(isAddress ? "address" : null);
    }
  });

  it("of an organisation's rule is as bad as the provider's: counting it once is the breaker's", () => {
    for (const reason of REASONS) {
      expect(badOf(refused(reason, { scope: "organisation" })), reason).toBe(TABLE[reason][0]);
    }
  });

  it("of what our own relay refuses for our sake says nothing about a provider", () => {
    for (const reason of REASONS) {
      const said = badOf(refused(reason, { speaker: "route" }));
      expect(said, reason).toBe(FAULT_OF[reason] === "sender" ? null : TABLE[reason][0]);
      if (FAULT_OF[reason] === "temporary")
        expect(badOf(refused(reason, { speaker: "route", hard: false })), reason).toBe(null);
    }
  });

  it("of a confirmed mail is good for all", () => {
    expect(Object.values(signsOf(refused("notice", { kind: "confirmed" })))).toEqual(
      DETECTORS.map(() => "good"),
    );
  });

  it.each(["handed-over", "unreachable", "uncertain"] as const)("of %s is nothing", (kind) => {
    for (const reason of REASONS) {
      expect(Object.values(signsOf(refused(reason, { kind })))).toEqual(DETECTORS.map(() => "none"));
    }
  });

  it("slows by the provider's word on our pace alone", () => {
    const slow: string[] = [];
    for (const reason of REASONS) {
      for (const scope of SCOPES) {
        for (const speaker of SPEAKERS) {
          for (const kind of ["refused", "confirmed", "uncertain"] as const) {
            if (slows(refused(reason, { scope, speaker, kind })))
              slow.push([kind, reason, scope, speaker].join(" "));
          }
        }
      }
    }
    const all = (scope: Scope) => `refused rate-limited ${scope} provider`;
    expect(slow).toEqual([all("organisation"), all("provider"), all("route")]);
    expect(REASONS.filter((reason) => isPace({ reason }))).toEqual(["rate-limited"]);
  });
});
