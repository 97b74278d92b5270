// Evidence for the breaker, as it is without anything special: what a test or a bench is about it adds.
import type { Evidence } from "../../src/breaker/evidence.ts";

/** The provider took a mail. */
export const CONFIRMED: Evidence = {
  kind: "confirmed",
  reason: null,
  fault: null,
  scope: null,
  hard: false,
  speaker: "provider",
  unit: null,
  fresh: true,
  door: false,
  knownGood: false,
  atMs: 1,
  reply: null,
};

/** The provider refused a mail for good; the reason is the test's. */
export const REFUSED: Evidence = {
  kind: "refused",
  reason: null,
  fault: null,
  scope: "provider",
  hard: true,
  speaker: "provider",
  unit: null,
  fresh: true,
  door: false,
  knownGood: false,
  atMs: 0,
  reply: null,
};
