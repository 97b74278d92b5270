import { expect, it } from "vitest";
import type { ClaimedDelivery } from "../../../src/delivery/delivery.ts";
import { NO_OBSERVER } from "../../../src/delivery/observer.ts";
import { createRouteSender } from "../../../src/delivery/route-sender.ts";
import { createOwnRoutes } from "../../../src/delivery/share.ts";
import type { LaneView, Ledger } from "../../../src/delivery/store.ts";
import type { MailConnection } from "../../../src/delivery/transport.ts";
import { createWriter } from "../../../src/delivery/writer.ts";
import { createTestClock } from "../../world/clock.ts";

const view: LaneView = {
  id: 1,
  campaignId: 1,
  provider: "google",
  route: "default",
  feedback: "final",
  state: "open",
  epoch: 1,
  size: 2,
  runnable: true,
  room: 10,
  nextDueMs: null,
};

const delivery = (id: number): ClaimedDelivery => ({
  id,
  campaignId: 1,
  laneId: 1,
  epoch: 1,
  worker: "w",
  attempt: 1,
  try: 0,
  losses: 0,
  waited: 0,
  revision: 1,
  address: `u${id}@google.example`,
  domain: "google.example",
  clients: [],
});

it("tells of each try by provider and time on the wire, and of one that a hold stopped before it without a time", async () => {
  const clock = createTestClock();
  let now = view;
  const commit: Ledger["commit"] = async ({ intents }) => ({
    intended: new Set(intents.map((one) => one.delivery)),
    lanes: [],
  });
  const writer = createWriter({
    ledger: { commit } as Ledger,
    worker: () => "w",
    clock,
    onLanes: () => undefined,
    onTrouble: (error) => {
      throw error;
    },
  });
  // Of the transport only time matters here: the first mail takes 1.5 s, and the lane is held meanwhile.
  const connection: MailConnection = {
    usable: true,
    close: async () => undefined,
    send: async (_mail, mayBegin) => {
      if (!mayBegin()) return { kind: "returned" };
      clock.advance(1_500);
      now = { ...view, epoch: 2, runnable: false, state: "held" };
      return { kind: "accepted", reply: "250 ok", relayId: null };
    },
  };
  const heard: unknown[] = [];
  let bothHeard: () => void = () => undefined;
  const both = new Promise<void>((resolve) => {
    bothHeard = resolve;
  });
  const sender = createRouteSender({
    route: "default",
    connections: 1,
    rate: null,
    shares: createOwnRoutes(clock),
    worker: () => "w",
    transport: { destination: () => "", connect: async () => ({ ok: true, connection }) },
    writer,
    clock,
    viewOf: () => now,
    leaseHolds: () => true,
    mailOf: ({ address }) => ({
      from: "support@example.com",
      to: address,
      raw: Buffer.alloc(0),
      smtpUtf8: false,
    }),
    onDenied: () => undefined,
    onTaken: () => undefined,
    onReach: () => undefined,
    observer: {
      ...NO_OBSERVER,
      onOutcome: (outcome) => {
        heard.push(outcome);
        if (heard.length === 2) bothHeard();
      },
    },
  });
  sender.push([delivery(1), delivery(2)]);
  await both;
  await sender.drain();
  expect(heard).toEqual([
    { provider: "google", event: "accepted", seconds: 1.5 },
    { provider: "google", event: "returned", seconds: null },
  ]);
});
