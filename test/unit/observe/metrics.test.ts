import { describe, expect, it } from "vitest";
import { createGaugeSource } from "../../../src/adapters/observe/gauges.ts";
import { createMetrics } from "../../../src/adapters/observe/metrics.ts";
import { systemClock } from "../../../src/clock.ts";
import type { Gauges, LaneGauge } from "../../../src/report/gauges.ts";
import { createTestClock } from "../../world/clock.ts";
import { runCampaign, settleOf } from "../../world/ledger.ts";
import { openSqliteWorld } from "../../world/sqlite.ts";

const lane = (over: Partial<LaneGauge>): LaneGauge => ({
  id: 1,
  campaignId: 1,
  provider: "google",
  state: "ramping",
  size: 10,
  window: 2,
  outstanding: 1,
  unconfirmed: 0,
  breaker: { sender: 0, address: 0 },
  hold: null,
  ...over,
});

function measured(first: Partial<Gauges> = {}) {
  const gauges: Gauges = {
    lanes: [],
    workers: 1,
    routesHeld: 0,
    providersHeld: [],
    depth: new Map(),
    intakes: [],
    unmatched: 0,
    alerts: 0,
    ...first,
  };
  const clock = createTestClock();
  const world = { gauges, clock, read: async (): Promise<Gauges> => world.gauges };
  const metrics = createMetrics({ source: { read: () => world.read() }, clock });
  const lines = async (start: string) =>
    (await metrics.text()).split("\n").filter((line) => line.startsWith(start));
  return { world, metrics, lines };
}

describe("the counters of a sending process", () => {
  it("count tries by provider and event, from zero, and time those that were answered", async () => {
    const { metrics, lines } = measured();
    metrics.observer.onOutcome({ provider: "google", event: "accepted", seconds: 0.2 });
    metrics.observer.onOutcome({ provider: "google", event: "accepted", seconds: 0.3 });
    metrics.observer.onOutcome({ provider: "orange", event: "returned", seconds: null });
    expect(await lines("bellwether_mails_total{")).toEqual(
      expect.arrayContaining([
        'bellwether_mails_total{provider="google",event="accepted"} 2',
        'bellwether_mails_total{provider="google",event="rejected"} 0',
        'bellwether_mails_total{provider="orange",event="returned"} 1',
      ]),
    );
    expect(await lines("bellwether_reply_seconds_count")).toEqual([
      'bellwether_reply_seconds_count{provider="google"} 2',
    ]);
  });

  it("count commits, what was in them, those that failed, and doors", async () => {
    const { metrics, lines } = measured();
    metrics.observer.onCommit({ seconds: 0.004, settles: 20, intents: 19 });
    metrics.observer.onCommitFailed();
    metrics.observer.onDoorShut({ provider: "google", why: "unreachable" });
    metrics.onFailedAlert("webhook");
    expect(await lines("bellwether_alert_failures_total{")).toEqual([
      'bellwether_alert_failures_total{road="mail"} 0',
      'bellwether_alert_failures_total{road="webhook"} 1',
      'bellwether_alert_failures_total{road="command"} 0',
    ]);
    expect(await lines("bellwether_commit_mails_sum")).toEqual(["bellwether_commit_mails_sum 39"]);
    expect(await lines('bellwether_commit_seconds_bucket{le="0.0025"}')).toEqual([
      'bellwether_commit_seconds_bucket{le="0.0025"} 0',
    ]);
    expect(await lines('bellwether_commit_seconds_bucket{le="0.005"}')).toEqual([
      'bellwether_commit_seconds_bucket{le="0.005"} 1',
    ]);
    expect(await lines("bellwether_commit_failures_total")).toEqual(["bellwether_commit_failures_total 1"]);
    expect(await lines("bellwether_doors_shut_total{")).toEqual([
      'bellwether_doors_shut_total{provider="google",why="unreachable"} 1',
    ]);
  });
});

describe("the gauges", () => {
  it("add up the lanes of a provider, and show the worst of its detectors", async () => {
    const { lines } = measured({
      lanes: [
        lane({ breaker: { sender: 1, address: 7 } }),
        lane({ id: 2, size: 5, breaker: { sender: 3, address: 2 } }),
      ],
      workers: 2,
      intakes: [
        { name: "imap", alive: true, lagMs: 1_500 },
        { name: "log", alive: false, lagMs: null },
      ],
      unmatched: 3,
      alerts: 2,
      depth: new Map([["google", 4]]),
    });
    expect(await lines("bellwether_lanes{")).toEqual([
      'bellwether_lanes{provider="google",state="ramping"} 2',
    ]);
    expect(await lines("bellwether_lane_mails{")).toEqual(['bellwether_lane_mails{provider="google"} 15']);
    expect(await lines("bellwether_breaker_sender{")).toEqual([
      'bellwether_breaker_sender{provider="google"} 3',
    ]);
    expect(await lines("bellwether_breaker_address{")).toEqual([
      'bellwether_breaker_address{provider="google"} 7',
    ]);
    expect(await lines("bellwether_queue_jobs{")).toEqual(['bellwether_queue_jobs{provider="google"} 4']);
    expect(await lines("bellwether_workers")).toEqual(["bellwether_workers 2"]);
    expect(await lines("bellwether_intake")).toEqual([
      'bellwether_intake_up{intake="imap"} 1',
      'bellwether_intake_up{intake="log"} 0',
      'bellwether_intake_lag_seconds{intake="imap"} 1.5',
    ]);
    expect(await lines("bellwether_reports_unmatched")).toEqual(["bellwether_reports_unmatched 3"]);
    expect(await lines("bellwether_alerts_open")).toEqual(["bellwether_alerts_open 2"]);
  });

  it("forget a lane that is over", async () => {
    const { world, lines } = measured({ lanes: [lane({})] });
    expect(await lines("bellwether_lane_window{")).toHaveLength(1);
    world.gauges = { ...world.gauges, lanes: [] };
    expect(await lines("bellwether_lane_window{")).toEqual([]);
  });

  it("do not add up when two look at once", async () => {
    const { metrics } = measured({ lanes: [lane({})] });
    const texts = await Promise.all([metrics.text(), metrics.text()]);
    for (const text of texts) expect(text).toContain('bellwether_lane_mails{provider="google"} 10\n');
  });

  it("count a hold once, with its reason, and again when the lane is held again; not those from before", async () => {
    const { world, lines } = measured();
    const heldAt = (atMs: number) => ({
      ...world.gauges,
      lanes: [lane({ state: "held", hold: { reason: "reverse-dns", atMs } })],
    });
    const counted = 'bellwether_holds_total{provider="google",reason="reverse-dns"}';
    world.gauges = heldAt(world.clock.now() - 1);
    expect(await lines("bellwether_lanes_held{")).toEqual([
      'bellwether_lanes_held{provider="google",reason="reverse-dns"} 1',
    ]);
    expect(await lines(counted)).toEqual([]);
    world.gauges = heldAt(world.clock.now() + 1);
    await lines(counted);
    expect(await lines(counted)).toEqual([`${counted} 1`]);
    world.gauges = heldAt(world.clock.now() + 2);
    expect(await lines(counted)).toEqual([`${counted} 2`]);
  });

  it.each([
    ["fails", () => Promise.reject(new Error("gone"))],
    ["hangs", () => new Promise<never>(() => undefined)],
  ])("are absent, and the counters are there, when the database %s", async (_how, read) => {
    const { world, metrics, lines } = measured({ lanes: [lane({})] });
    metrics.observer.onOutcome({ provider: "google", event: "accepted", seconds: 0.2 });
    expect(await lines("bellwether_source_up ")).toEqual(["bellwether_source_up 1"]);
    world.read = read;
    const text = metrics.text();
    await Promise.resolve();
    world.clock.advance(1_000);
    const shown = (await text).split("\n").filter((line) => !line.startsWith("#"));
    expect(shown).toContain("bellwether_source_up 0");
    expect(shown).toContain('bellwether_mails_total{provider="google",event="accepted"} 1');
    expect(shown.filter((line) => /_(lane|lanes|workers|routes|queue|breaker)/.test(line))).toEqual([]);
  });

  it("ask a database that hangs once for all who look", async () => {
    const { world, metrics } = measured();
    let asked = 0;
    world.read = () => {
      asked += 1;
      return new Promise(() => undefined);
    };
    for (const _scrape of [1, 2, 3]) {
      const text = metrics.text();
      world.clock.advance(1_000);
      expect(await text).toContain("bellwether_source_up 0");
    }
    expect(asked).toBe(1);
  });

  it("come back when the database does", async () => {
    const { world, lines } = measured();
    world.read = () => Promise.reject(new Error("gone"));
    expect(await lines("bellwether_workers")).toEqual([]);
    world.read = async () => world.gauges;
    expect(await lines("bellwether_workers")).toEqual(["bellwether_workers 1"]);
  });
});

describe("what is shown of a real database", () => {
  it("is its lanes and holds, with ids as labels and no address or domain anywhere", async () => {
    const world = await openSqliteWorld();
    try {
      await world.ledger.register({ id: "w1", host: "h", pid: 1, exclusive: true });
      await runCampaign(world, [
        { provider: "google", size: 20, window: 16 },
        { provider: "orange", size: 3, window: 2 },
      ]);
      const source = createGaugeSource({ db: world.db, queue: { depth: async () => 2 } });
      const metrics = createMetrics({ source, clock: world.clock, processMetrics: true });
      const google = (await world.ledger.lanes()).find((one) => one.provider === "google");
      if (google === undefined) throw new Error("There is no lane.");
      const { deliveries } = await world.ledger.claim({ worker: "w1", laneId: google.id, limit: 5 });
      const intents = deliveries.map((d) => ({ ...d, delivery: d.id, try: d.try + 1 }));
      await world.ledger.commit({ worker: "w1", settles: [], intents, doors: [] });
      const said = { reason: "reverse-dns" } as const;
      const settles = deliveries.map((d) => settleOf(d, said, { atMs: world.clock.now() }));
      await world.ledger.commit({ worker: "w1", settles, intents: [], doors: [] });
      const text = await metrics.text();
      expect(text).toContain('bellwether_lanes{provider="google",state="held"} 1\n');
      expect(text).toContain('bellwether_holds_total{provider="google",reason="reverse-dns"} 1\n');
      expect(text).toContain('bellwether_lane_mails{provider="orange"} 3\n');
      expect(text).toContain('bellwether_queue_jobs{provider="orange"} 2\n');
      expect(text).toMatch(/bellwether_breaker_sender\{provider="google"\} 1[5-9]/);
      expect(text).toContain("bellwether_workers 1\n");
      expect(text).toContain("process_resident_memory_bytes");
      expect(text).not.toMatch(/@|\.example/);
      const named = [...text.matchAll(/^bellwether_\w+\{([^}]*)\}/gm)].flatMap(([, inside = ""]) =>
        [...inside.matchAll(/(\w+)="/g)].map(([, name]) => name),
      );
      expect(new Set(named)).toEqual(new Set(["provider", "state", "reason", "road", "le"]));
    } finally {
      await world.close();
    }
  });

  it("reads from a system clock within its patience", async () => {
    const metrics = createMetrics({
      source: { read: () => new Promise(() => undefined) },
      clock: systemClock,
      patienceMs: 20,
    });
    expect(await metrics.text()).toContain("bellwether_source_up 0");
  });
});
