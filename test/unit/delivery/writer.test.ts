import { expect, it } from "vitest";
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
