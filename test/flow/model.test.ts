// A random walk over the real ledger: workers that claim, are granted, send, settle, repeat, sleep, die and wake,
// while people steer and clocks jump. After every step the invariants are looked at; at the end faults stop, and
// everything must end. BELLWETHER_MODEL_RUNS makes it longer, BELLWETHER_TEST_SEED plays other walks.
import { expect, test } from "vitest";
import type { ClaimedDelivery } from "../../src/delivery/delivery.ts";
import { outcomeFor, planChunk, runCampaign } from "../world/ledger.ts";
import { createJudge, type Judge } from "../world/ledger-judge.ts";
import {
  type Answer,
  addWorker,
  answer,
  beat,
  begin,
  CONNECTIONS,
  claim,
  commit,
  die,
  LEASE_MS,
  type Model,
  poll,
  release,
  repeat,
  type SimWorker,
  Violation,
  Wire,
} from "../world/ledger-model.ts";
import fc, { SEED } from "../world/property.ts";
import { openSqliteWorld, type SqliteWorld } from "../world/sqlite.ts";

const RUNS = Number(process.env.BELLWETHER_MODEL_RUNS ?? 40);
const SOAK_MS = 60_000;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** What the other side may say; the first is said most often. */
const ANSWERS: readonly Answer[] = [
  { said: "accepted", took: true },
  { said: { reason: "reverse-dns" }, took: false },
  { said: { reason: "reverse-dns", hard: false }, took: false },
  { said: { reason: "user-unknown" }, took: false },
  { said: { reason: "spam" }, took: false },
  { said: { reason: "unclassified" }, took: false },
  { said: { reason: "policy", scope: "organisation" }, took: false },
  { said: { reason: "mailbox-full", scope: "recipient" }, took: false },
  { said: { reason: "greylisted", hard: false }, took: false },
  { said: { reason: "rate-limited", hard: false }, took: false },
  { said: { reason: "relay-denied", speaker: "route", scope: "route" }, took: false },
  { said: "lost-before-dot", took: false },
  // Without a reply nobody knows; here it was taken.
  { said: "lost-after-dot", took: true },
];
const ACCEPTED: Answer = { said: "accepted", took: true };

const WEIGHTS = {
  work: 18,
  claim: 8,
  commit: 14,
  begin: 12,
  answer: 14,
  repeat: 3,
  release: 3,
  poll: 3,
  beat: 4,
  sleep: 1,
  wake: 3,
  die: 1,
  birth: 1,
  reap: 3,
  tick: 5,
  seconds: 4,
  hours: 2,
  days: 1,
  back: 1,
  door: 1,
  pause: 1,
  resume: 2,
  "resume-one": 1,
  "send-again": 1,
  cancel: 1,
} as const;
type Name = keyof typeof WEIGHTS;

interface Step {
  name: Name;
  a: number;
  b: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  name: fc.oneof(
    ...(Object.keys(WEIGHTS) as Name[]).map((name) => ({
      weight: WEIGHTS[name],
      arbitrary: fc.constant(name),
    })),
  ),
  a: fc.nat(1000),
  b: fc.nat(1000),
});

const plan = fc.record({
  sizes: fc.tuple(fc.integer({ min: 1, max: 14 }), fc.nat(10), fc.nat(8)),
  window: fc.constantFrom(1, 3, 8, 64),
  /** How many of a hundred answers are good. */
  health: fc.constantFrom(0, 30, 60, 90, 100),
  /** Fewer walks are cancelled than steps would have it: a cancelled campaign is soon a dull one. */
  mayCancel: fc.integer({ min: 0, max: 3 }).map((n) => n === 0),
  validHours: fc.option(fc.integer({ min: 1, max: 200 }), { freq: 2 }),
});
type Plan = typeof plan extends fc.Arbitrary<infer T> ? T : never;

const lanesOf = ({ sizes: [google, other, yahoo], window }: Plan) => [
  { provider: "google", size: google, window },
  { provider: "other", size: other, window, unitOf: (i: number) => `mx${i % 3}.example` },
  { provider: "yahoo", size: yahoo, window, feedback: "relay" as const, route: "relay" },
];

interface Walk extends Model {
  world: SqliteWorld;
  judge: Judge;
  campaignId: number;
  plan: Plan;
}

test(
  `the ledger holds its promises on ${RUNS} random walks (seed ${SEED})`,
  async () => {
    const tally = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(
        plan,
        fc.array(step, { minLength: 60, maxLength: 150, size: "max" }),
        async (setup, steps) => {
          const walk = await open(setup);
          try {
            walk.judge.look("the plan");
            for (const [index, one] of steps.entries()) {
              await take(walk, one);
              walk.judge.look(`step ${index} (${one.name} ${one.a} ${one.b})`);
            }
            await faultsStop(walk);
            count(walk, tally);
          } finally {
            walk.judge.close();
            await walk.world.close();
          }
        },
      ),
      {
        numRuns: RUNS,
        endOnFailure: process.env.BELLWETHER_MODEL_SHRINK !== "1",
        interruptAfterTimeLimit: 10 * MINUTE,
        markInterruptAsFailure: false,
      },
    );
    if (process.env.BELLWETHER_MODEL_TALLY === "1")
      console.info(
        [...tally]
          .sort()
          .map((one) => one.join(" "))
          .join("\n"),
      );
    // A walk that never gets anywhere proves nothing.
    expect(tally.get("row accepted") ?? 0).toBeGreaterThan(RUNS);
    expect(tally.get("row uncertain") ?? 0).toBeGreaterThan(0);
  },
  30 * MINUTE,
);

async function open(setup: Plan): Promise<Walk> {
  const world = await openSqliteWorld();
  const lanes = lanesOf(setup);
  const { validHours } = setup;
  const validUntilMs = validHours === null ? null : world.clock.now() + validHours * HOUR;
  const campaignId = await runCampaign(world, lanes, { validUntilMs });
  const planned = lanes.reduce((sum, lane) => sum + lane.size, 0);
  const judge = createJudge(world.file, campaignId, planned);
  const walk: Walk = { world, judge, campaignId, plan: setup, wire: new Wire(), workers: [], onGrant };
  for (let i = 0; i < 3; i++) await poll(walk, await addWorker(walk));
  return walk;

  function onGrant(fresh: readonly ClaimedDelivery[]): void {
    const { lanes: rows, campaign } = judge.look("a commit");
    for (const delivery of fresh) {
      const lane = rows.get(delivery.laneId);
      const runs = campaign === "running" && (lane?.state === "ramping" || lane?.state === "open");
      if (lane?.epoch !== delivery.epoch || !runs) {
        throw new Violation(`intent of epoch ${delivery.epoch} was granted in ${lane?.state} ${lane?.epoch}`);
      }
    }
  }
}

function workerOf(walk: Walk, n: number): SimWorker | undefined {
  const alive = walk.workers.filter((one) => one.state === "alive");
  return alive[n % Math.max(1, alive.length)];
}

async function take(walk: Walk, { name, a, b }: Step): Promise<void> {
  const { world, campaignId } = walk;
  const { ledger, campaigns, clock } = world;
  const worker = workerOf(walk, a);
  switch (name) {
    case "work": {
      if (worker === undefined) return;
      for (let lane = 0; lane < 3; lane++) await claimChecked(walk, worker, lane + 18);
      await settleAndIntend(walk, worker, b);
      begin(walk, worker);
      for (let slot = 0; slot < CONNECTIONS; slot++) {
        answer(walk, worker, 0, answerFor(walk.plan, a + slot, b + 3 * slot));
      }
      return settleAndIntend(walk, worker, a);
    }
    case "claim":
      if (worker !== undefined) await claimChecked(walk, worker, b);
      return;
    case "commit":
      return worker === undefined ? undefined : settleAndIntend(walk, worker, b);
    case "begin":
      if (worker !== undefined) begin(walk, worker);
      return;
    case "answer":
      if (worker !== undefined) answer(walk, worker, b, answerFor(walk.plan, a, b));
      return;
    case "repeat":
      return worker === undefined ? undefined : repeat(walk, worker);
    case "release":
      // The sender never releases while an intent of its is unanswered: those claims are still in use.
      return worker === undefined || worker.unanswered !== null ? undefined : release(walk, worker);
    case "poll":
      return worker === undefined ? undefined : poll(walk, worker);
    case "beat":
      return worker === undefined ? undefined : beat(walk, worker);
    case "sleep":
      if (worker !== undefined) worker.state = "asleep";
      return;
    case "wake":
      for (const one of walk.workers) if (one.state === "asleep") one.state = "alive";
      return;
    case "die":
      if (worker !== undefined && walk.workers.filter((one) => one.state !== "dead").length > 1)
        die(walk, worker);
      return;
    case "birth":
      if (walk.workers.length < 6) await addWorker(walk);
      return;
    case "reap":
      if (worker !== undefined) await ledger.reap({ leaseMs: LEASE_MS, self: worker.id });
      return;
    case "tick":
      await ledger.tick({ soakMs: SOAK_MS });
      return;
    case "seconds":
      return clock.advance((b % 40) * 1000);
    case "hours":
      return clock.advance((b % 180) * MINUTE);
    case "days":
      return clock.advance((b % 3) * 12 * HOUR);
    case "back":
      return clock.jump(-(b % 20) * 1000);
    case "door": {
      const lane = [...walk.judge.look("nothing").lanes.values()][b % 3];
      if (worker === undefined || lane === undefined) return;
      const view = worker.views.get(lane.id);
      if (view?.runnable !== true) return;
      const outcome = outcomeFor({ reason: "reverse-dns", hard: false });
      const door = { laneId: lane.id, epoch: view.epoch, outcome, atMs: clock.now() };
      await ledger.commit({ worker: worker.id, settles: [], intents: [], doors: [door] });
      return;
    }
    case "pause":
    case "resume":
    case "resume-one":
    case "cancel":
      if (name === "cancel" && !walk.plan.mayCancel) return;
      // Refused in some states, which is an answer too.
      await campaigns.steer(campaignId, orderOf(name, b)).catch((error) => {
        if (error?.code !== "campaign-state") throw error;
      });
      return;
    case "send-again":
      if (await campaigns.plan(campaignId, planChunk(lanesOf(walk.plan))))
        throw new Violation("planned twice");
      return campaigns.finishPlan(campaignId);
  }
}

/** Most commits take all; some take a part, say things twice, or lose their answer. */
async function settleAndIntend(walk: Walk, worker: SimWorker, n: number): Promise<void> {
  await commit(walk, worker, {
    intents: n % 7 === 0 ? 0 : 4,
    settles: n % 5 === 0 ? "later-half" : n % 11 === 0 ? "none" : "all",
    twice: n % 6 === 0,
    answerLost: n % 16 === 0,
  });
  walk.judge.look("settles and intents");
}

function orderOf(name: "pause" | "resume" | "resume-one" | "cancel", b: number) {
  if (name === "pause" || name === "cancel") return { do: name, why: "Somebody said so." } as const;
  const provider = name === "resume" ? null : (["google", "other", "yahoo"][b % 3] ?? null);
  return { do: "resume", provider } as const;
}

function answerFor({ health }: Plan, a: number, b: number): Answer {
  if ((a * 7 + b) % 100 < health) return ACCEPTED;
  return ANSWERS[b % ANSWERS.length] ?? ACCEPTED;
}

async function claimChecked(walk: Walk, worker: SimWorker, b: number): Promise<void> {
  const lanes = [...walk.judge.look("nothing").lanes.values()];
  const lane = lanes[b % Math.max(1, lanes.length)];
  if (lane === undefined) return;
  const got = await claim(walk, worker, lane.id, 1 + (b % 20));
  if (got === 0) return;
  const { lanes: now, campaign } = walk.judge.look("a claim");
  const after = now.get(lane.id);
  if (campaign !== "running") throw new Violation(`claimed from a campaign that is ${campaign}`);
  if (after === undefined || after.outstanding > after.window_size) {
    throw new Violation(`${after?.outstanding} out in a window of ${after?.window_size}`);
  }
}

const UNFINISHED = new Set(["pending", "claimed", "sending", "deferred"]);

/** The wire accepts everything, sleepers wake, somebody resumes what stands still, time goes on: all must end. */
async function faultsStop(walk: Walk): Promise<void> {
  const { world, judge, campaignId } = walk;
  for (const one of walk.workers) if (one.state === "asleep") one.state = "alive";
  if (workerOf(walk, 0) === undefined) await addWorker(walk);
  const everything = { intents: 4, settles: "all", twice: false, answerLost: false } as const;
  for (let round = 0; round < 200; round++) {
    world.clock.advance(round % 4 === 3 ? 20 * MINUTE : 5_000);
    const alive = walk.workers.filter((one) => one.state === "alive");
    for (const worker of alive) {
      await beat(walk, worker);
      await poll(walk, worker);
      await repeat(walk, worker);
      judge.look("a repeat");
      await release(walk, worker);
      judge.look("a release");
    }
    await world.ledger.reap({ leaseMs: LEASE_MS, self: alive[0]?.id ?? "" });
    judge.look("the reaper");
    for (const worker of alive) {
      for (const lane of judge.look("nothing").lanes.keys()) {
        await claim(walk, worker, lane, 4);
        judge.look("a claim");
      }
      for (let turn = 0; turn < 3; turn++) {
        await commit(walk, worker, everything);
        begin(walk, worker);
        for (let slot = 0; slot < CONNECTIONS; slot++) answer(walk, worker, 0, ACCEPTED);
      }
      await commit(walk, worker, everything);
      judge.look(`round ${round}`);
    }
    await world.ledger.tick({ soakMs: SOAK_MS });
    const { campaign, lanes, deliveries } = judge.look(`the tick of round ${round}`);
    const open = [...deliveries.values()].filter((row) => UNFINISHED.has(row.state));
    if (/^(completed|cancelled)/.test(campaign) && open.length === 0) return judgeEnd(walk);
    const stands = [...lanes.values()].some((lane) => lane.state === "held" || lane.state === "blind");
    if (campaign === "paused" || (stands && round % 8 === 7)) {
      await world.campaigns.steer(campaignId, { do: "resume", provider: null });
      judge.look("a resume");
    }
  }
  const { campaign, lanes, deliveries } = judge.look("the end");
  const open = [...deliveries.values()].filter((row) => UNFINISHED.has(row.state));
  throw new Violation(
    `did not end: ${campaign} ${JSON.stringify([...lanes.values()])} ${JSON.stringify(open)}`,
  );
}

/** At the end rows and wire say the same. */
function judgeEnd({ judge, wire }: Walk): void {
  for (const row of judge.look("the end").deliveries.values()) {
    const taken = wire.taken.has(row.id);
    const told = row.state === "accepted" || row.state === "handed-over" || row.state === "uncertain";
    if (taken && !told) throw new Violation(`delivery ${row.id} is ${row.state}, and the wire has taken it`);
    const claims = row.state === "accepted" || row.state === "handed-over";
    if (claims && !taken)
      throw new Violation(`delivery ${row.id} is ${row.state}, and the wire knows nothing of it`);
  }
}

function count({ judge }: Walk, tally: Map<string, number>): void {
  const add = (what: string) => tally.set(what, (tally.get(what) ?? 0) + 1);
  const { deliveries, campaign, lanes } = judge.look("the count");
  add(`campaign ${campaign}`);
  for (const lane of lanes.values()) add(`lane ${lane.state}`);
  for (const row of deliveries.values()) {
    add(`row ${row.state}`);
    if (row.attempt > 1) add("row of a later attempt");
  }
}
