// The conformance suite of the ledger's port: every database that keeps deliveries must pass it. Rows are looked
// at through Prisma's models, which are the same for all of them; every change goes through the ports.
import { describe } from "vitest";
import type { LedgerWorld } from "../world/ledger.ts";
import { describeClaims } from "./ledger-claims.ts";
import { createHands } from "./ledger-hands.ts";
import { describeHolds } from "./ledger-holds.ts";
import { describeOrders } from "./ledger-orders.ts";
import { describePace } from "./ledger-pace.ts";
import { describePostMortems } from "./ledger-post-mortem.ts";
import { describeRecovery } from "./ledger-recovery.ts";
import { describeSchedules } from "./ledger-schedules.ts";
import { describeSettles } from "./ledger-settles.ts";
import { describeTime } from "./ledger-time.ts";
import { describeTogether } from "./ledger-together.ts";

export function describeLedger(name: string, makeWorld: () => Promise<LedgerWorld>): void {
  describe(`the ledger on ${name}`, () => {
    const hands = createHands(makeWorld);
    describeClaims(hands);
    describeSettles(hands);
    describeHolds(hands);
    describePostMortems(hands);
    describeTime(hands);
    describePace(hands);
    describeOrders(hands);
    describeRecovery(hands);
    describeSchedules(hands);
    describeTogether(hands);
  });
}
