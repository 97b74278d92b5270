// What checks before a launch may rely on when they ask the database about other campaigns.
import { expect, it } from "vitest";
import { createPreflightHistory } from "../../src/adapters/store/preflight-history.ts";
import { createProviderHolds } from "../../src/adapters/store/provider-holds.ts";
import { createSuppressionStore } from "../../src/adapters/store/suppressions.ts";
import { addressOf, runCampaign } from "../world/ledger.ts";
import type { Hands } from "./ledger-hands.ts";

const DAY_MS = 24 * 60 * 60_000;
const GONE = { reason: "user-unknown" as const, reply: "550 5.1.1 <u0@google.example> unknown" };
const ALL = { importId: 7, templateClass: "service" as const, after: "", upTo: "\u{10ffff}" };

export function describePreflightHistory({ world, start, send, rows, holdLane }: Hands): void {
  const history = () => createPreflightHistory(world.db);
  const byHand = (key: string, templateClass: "" | "service" | "optional") =>
    createSuppressionStore(world.db).add({ address: key, key, templateClass, note: "asked" });
  const imports = (importId: number, keys: readonly string[]) =>
    world.db.read.client.createMany({
      data: keys.map((key, i) => ({ importId, line: i + 2, hash: key, address: key, key })),
    });

  it("a check counts as left out whom the plan leaves out, and nobody else", async () => {
    const keys = Array.from({ length: 5 }, (_, i) => addressOf("google", i));
    const [gone = "", service = "", optional = "", everything = "", other = ""] = keys;
    await start([{ provider: "google", size: 1 }]);
    await send(GONE);
    await byHand(service, "service");
    await byHand(optional, "optional");
    await byHand(everything, "");
    await byHand(other, "");
    await imports(7, [gone, service, optional, everything]);
    await imports(8, [other]);
    const found = await history().suppressed(ALL);
    expect(Object.fromEntries(found)).toEqual({
      [gone]: "user-unknown",
      [service]: "by-hand",
      [everything]: "by-hand",
    });
    const id = await runCampaign(world, [{ provider: "google", size: 4 }]);
    const planned = (await rows()).filter((row) => row.campaignId === id && row.state === "suppressed");
    expect(planned.map((row) => row.key).sort()).toEqual([...found.keys()].sort());
    // Pages do not overlap, and what is provisional ends.
    expect([...(await history().suppressed({ ...ALL, after: gone, upTo: service })).keys()]).toEqual([
      service,
    ]);
    world.clock.advance(4 * DAY_MS);
    expect((await history().suppressed(ALL)).has(gone)).toBe(false);
  });

  it("a check knows what is held by hand, and by the lanes of campaigns that have not ended", async () => {
    expect(await history().held()).toEqual([]);
    await start([{ provider: "google", size: 20 }]);
    await holdLane();
    await createProviderHolds(world.db).hold("yahoo", "we ask them first");
    expect(await history().held()).toEqual([
      { provider: "yahoo", campaign: null, why: "we ask them first" },
      { provider: "google", campaign: expect.any(String), why: expect.stringMatching(/.{10}/) },
    ]);
    await world.db.read.campaign.updateMany({ data: { state: "cancelled" } });
    expect((await history().held()).map((one) => one.provider)).toEqual(["yahoo"]);
  });

  it("a check knows where mails went lately", async () => {
    await start([
      { provider: "google", size: 1 },
      { provider: "yahoo", size: 1 },
    ]);
    await send("accepted");
    const since = async (ms: number) => [...(await history().sentSince(world.db.now() - ms))];
    // Nothing was sent in the other lane.
    expect(await since(DAY_MS)).toEqual(["google"]);
    await world.db.read.campaign.updateMany({ data: { endedAt: new Date(world.db.now()) } });
    world.clock.advance(DAY_MS);
    expect(await since(2 * DAY_MS)).toEqual(["google"]);
    expect(await since(DAY_MS / 2)).toEqual([]);
  });
}
