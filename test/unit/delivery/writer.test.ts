import { expect, it } from "vitest";
import { NO_OBSERVER } from "../../../src/delivery/observer.ts";
import type { CommitGroup, Ledger } from "../../../src/delivery/store.ts";
import { createWriter } from "../../../src/delivery/writer.ts";
import { createTestClock } from "../../world/clock.ts";

it("denies a claim of an older name, even when the same delivery is granted under the present one", async () => {
  const groups: CommitGroup[] = [];
  const commit: Ledger["commit"] = async (group) => {
    groups.push(group);
    return { intended: new Set(group.intents.map((one) => one.delivery)), lanes: [] };
  };
  const writer = createWriter({
    ledger: { commit } as Ledger,
    worker: () => "new",
    clock: createTestClock(),
    onLanes: () => undefined,
    onTrouble: () => undefined,
  });
  const intent = { delivery: 2, laneId: 1, epoch: 1, try: 1 };
  const granted = await Promise.all([
    writer.intend({ ...intent, worker: "old" }),
    writer.intend({ ...intent, worker: "new" }),
  ]);
  expect(groups).toHaveLength(1);
  expect(granted).toEqual([false, true]);
});

it("tells an observer of each answered commit, and of each that failed before it", async () => {
  const clock = createTestClock();
  let failures = 1;
  const commit: Ledger["commit"] = async (group) => {
    clock.advance(30);
    if (failures-- > 0) throw new Error("busy");
    return { intended: new Set(group.intents.slice(1).map((one) => one.delivery)), lanes: [] };
  };
  const heard: unknown[] = [];
  const writer = createWriter({
    ledger: { commit } as Ledger,
    worker: () => "w",
    clock,
    onLanes: () => undefined,
    onTrouble: () => setImmediate(() => clock.advance(20)),
    observer: {
      ...NO_OBSERVER,
      onCommit: (told) => heard.push(told),
      onCommitFailed: () => heard.push("failed"),
    },
  });
  const intent = { laneId: 1, epoch: 1, worker: "w", try: 1 };
  await Promise.all([1, 2, 3].map((delivery) => writer.intend({ ...intent, delivery })));
  // The wait between the two is nobody's commit; a refused intent is not counted.
  expect(heard).toEqual(["failed", { seconds: 0.03, settles: 0, intents: 2 }]);
});
