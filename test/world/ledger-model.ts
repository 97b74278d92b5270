// The simulated world of the model-based test: workers that obey the sending protocol step by step over a real
// ledger, and a wire that remembers everything that was begun on it. It judges the wire; rows are judged in
// ledger-judge.ts.
import type { ClaimedDelivery } from "../../src/delivery/delivery.ts";
import { isFence, type Outcome } from "../../src/delivery/outcome.ts";
import type { Settle } from "../../src/delivery/settle.ts";
import type { CommitGroup, Committed, LaneView } from "../../src/delivery/store.ts";
import { type LedgerWorld, outcomeFor, type Said, settleOf } from "./ledger.ts";

export const LEASE_MS = 15_000;
/** Each of them has one message on the wire and at most one more with its intent written. */
export const CONNECTIONS = 2;

export class Violation extends Error {}

/** What may come of a message; `took` is whether the other side has it. */
export interface Answer {
  said: Said;
  took: boolean;
}

interface OnWire {
  delivery: ClaimedDelivery;
}

interface Connection {
  current: OnWire | null;
  next: ClaimedDelivery | null;
  /** The settle that must come back before anything else begins here. */
  fence: Settle | null;
}

export interface SimWorker {
  id: string;
  names: string[];
  state: "alive" | "asleep" | "dead";
  claims: ClaimedDelivery[];
  connections: Connection[];
  settles: Settle[];
  /** Everything ever settled, to be said again. */
  history: Settle[];
  /** Committed, and the answer was lost: nothing else may be committed before it was repeated. */
  unanswered: CommitGroup | null;
  views: Map<number, LaneView>;
  beatAtMs: number;
}

/** Every message that was begun, by delivery: the truth that the rows are compared with. */
export class Wire {
  readonly begun = new Set<string>();
  /** Deliveries that the other side has, or may have. */
  readonly taken = new Map<number, string>();
  readonly granted = new Set<string>();
  accepted = 0;

  /** False when it was granted before: the answer to a repeated commit. */
  grant(delivery: ClaimedDelivery): boolean {
    const key = keyOf(delivery);
    if (this.granted.has(key)) return false;
    this.granted.add(key);
    return true;
  }

  begin(delivery: ClaimedDelivery): void {
    const key = keyOf(delivery);
    if (!this.granted.has(key)) throw new Violation(`${key} was begun without an intent`);
    if (this.begun.has(key)) throw new Violation(`${key} was begun twice`);
    const before = this.taken.get(delivery.id);
    if (before !== undefined)
      throw new Violation(`${key} was begun though ${before} was taken or may have been`);
    this.begun.add(key);
  }

  end(delivery: ClaimedDelivery, took: boolean): void {
    if (!took) return;
    this.taken.set(delivery.id, keyOf(delivery));
    this.accepted += 1;
  }
}

/** A try, by the number that it has on the wire. */
function keyOf(delivery: ClaimedDelivery): string {
  return `delivery ${delivery.id} attempt ${delivery.attempt} try ${delivery.try + 1}`;
}

export interface Model {
  world: LedgerWorld;
  wire: Wire;
  workers: SimWorker[];
  /** Called after each commit, with what it granted and had not been granted before. */
  onGrant: (fresh: readonly ClaimedDelivery[]) => void;
}

let names = 0;

export async function addWorker(model: Pick<Model, "world" | "workers">): Promise<SimWorker> {
  const worker: SimWorker = {
    id: "",
    names: [],
    state: "alive",
    claims: [],
    connections: Array.from({ length: CONNECTIONS }, () => ({ current: null, next: null, fence: null })),
    settles: [],
    history: [],
    unanswered: null,
    views: new Map(),
    beatAtMs: 0,
  };
  await register(model.world, worker);
  model.workers.push(worker);
  return worker;
}

async function register(world: LedgerWorld, worker: SimWorker): Promise<void> {
  names += 1;
  worker.id = `w${names}`;
  worker.names.push(worker.id);
  worker.beatAtMs = world.clock.monotonic();
  await world.ledger.register({ id: worker.id, host: "here", pid: 1, exclusive: false });
}

function learn(worker: SimWorker, views: readonly LaneView[]): void {
  for (const view of views) {
    const known = worker.views.get(view.id);
    if (known === undefined || known.epoch <= view.epoch) worker.views.set(view.id, view);
  }
}

export async function poll({ world }: Model, worker: SimWorker): Promise<void> {
  const views = await world.ledger.lanes();
  const listed = new Set(views.map((view) => view.id));
  for (const id of worker.views.keys()) if (!listed.has(id)) worker.views.delete(id);
  learn(worker, views);
}

export async function claim(
  { world }: Model,
  worker: SimWorker,
  laneId: number,
  limit: number,
): Promise<number> {
  const { deliveries, lane } = await world.ledger.claim({ worker: worker.id, laneId, limit });
  learn(worker, [lane]);
  worker.claims.push(...deliveries);
  return deliveries.length;
}

export async function beat({ world }: Model, worker: SimWorker): Promise<void> {
  const atMs = world.clock.monotonic();
  if (await world.ledger.heartbeat(worker.id)) worker.beatAtMs = atMs;
  else await register(world, worker);
}

/** What cannot be sent any more goes back; and what a hold made void is forgotten first, as the sender does. */
export async function release({ world }: Model, worker: SimWorker): Promise<void> {
  worker.claims = worker.claims.filter((one) => isCurrent(worker, one));
  await world.ledger.release({ worker: worker.id, kept: worker.claims.map((one) => one.id) });
}

function isCurrent(worker: SimWorker, delivery: ClaimedDelivery): boolean {
  const view = worker.views.get(delivery.laneId);
  return view?.runnable === true && view.epoch === delivery.epoch;
}

/** Puts granted messages on the wire, or returns them when they may not begin. */
export function begin({ world, wire }: Model, worker: SimWorker): void {
  if (worker.unanswered !== null) return;
  for (const connection of worker.connections) {
    const { next } = connection;
    if (next === null || connection.current !== null || connection.fence !== null) continue;
    connection.next = null;
    const leaseHolds = world.clock.monotonic() - worker.beatAtMs < LEASE_MS / 2;
    if (leaseHolds && isCurrent(worker, next)) {
      wire.begin(next);
      connection.current = { delivery: next };
    } else {
      connection.fence = conclude(world, worker, next, outcomeFor("returned"));
    }
  }
}

/** Ends a message on the wire as the script has it. */
export function answer(
  { world, wire }: Model,
  worker: SimWorker,
  slot: number,
  { said, took }: Answer,
): void {
  const busy = worker.connections.filter((one) => one.current !== null);
  const connection = busy[slot % Math.max(1, busy.length)];
  if (connection === undefined || connection.current === null) return;
  const { delivery } = connection.current;
  connection.current = null;
  wire.end(delivery, took);
  const outcome = outcomeFor(said, worker.views.get(delivery.laneId)?.feedback ?? "final");
  const settle = conclude(world, worker, delivery, outcome, said);
  if (isFence(outcome)) connection.fence = settle;
}

function conclude(
  world: LedgerWorld,
  worker: SimWorker,
  delivery: ClaimedDelivery,
  outcome: Outcome,
  said: Said = "returned",
): Settle {
  const feedback = outcome.event === "handed-over" ? "relay" : "final";
  const settle = settleOf(delivery, said, { atMs: world.clock.now(), feedback });
  worker.settles.push(settle);
  return settle;
}

/** Commits settles (all, or the later half first) and intents for every free place, in one group. */
export async function commit(
  model: Model,
  worker: SimWorker,
  how: { intents: number; settles: "all" | "later-half" | "none"; twice: boolean; answerLost: boolean },
): Promise<void> {
  if (worker.unanswered !== null) return repeat(model, worker);
  const half = how.settles === "all" ? 0 : Math.floor(worker.settles.length / 2);
  const settles = how.settles === "none" ? [] : worker.settles.slice(half).reverse();
  const sent = how.twice ? [...settles, ...settles, ...worker.history.slice(-4)] : settles;
  const free = worker.connections.reduce(
    (sum, one) => sum + (one.next === null && (one.fence === null || settles.includes(one.fence)) ? 1 : 0),
    0,
  );
  // What ended and is not settled yet is `sending` in its row: it keeps its place, as in the writer, whose groups take
  // every settle that waits.
  const out = worker.connections.reduce(
    (sum, one) => sum + (one.current === null ? 0 : 1) + (one.next === null ? 0 : 1),
    0,
  );
  const room = 2 * CONNECTIONS - out - (worker.settles.length - settles.length);
  const wanted = worker.claims.slice(0, Math.max(0, Math.min(free, how.intents, room)));
  worker.claims = worker.claims.slice(wanted.length);
  const group: CommitGroup = {
    worker: worker.id,
    settles: sent,
    intents: wanted.map((one) => ({
      delivery: one.id,
      laneId: one.laneId,
      epoch: one.epoch,
      worker: one.worker,
      try: one.try + 1,
    })),
    doors: [],
  };
  if (sent.length + wanted.length === 0) return;
  pendingIntents.set(group, wanted);
  const committed = await model.world.ledger.commit(group);
  grant(model, group, committed);
  if (how.answerLost) worker.unanswered = group;
  else take(worker, group, committed);
}

/** A repeat may grant what was denied at first: the campaign may have been resumed in between. */
function grant({ wire, onGrant }: Model, group: CommitGroup, committed: Committed): void {
  const wanted = pendingIntents.get(group) ?? [];
  const fresh = wanted.filter(
    (one) => committed.intended.has(one.id) && one.worker === group.worker && wire.grant(one),
  );
  onGrant(fresh);
}

/** The deliveries behind a group's intents. */
const pendingIntents = new WeakMap<CommitGroup, ClaimedDelivery[]>();

export async function repeat(model: Model, worker: SimWorker): Promise<void> {
  const group = worker.unanswered;
  if (group === null) return;
  const committed = await model.world.ledger.commit(group);
  grant(model, group, committed);
  worker.unanswered = null;
  take(worker, group, committed);
}

function take(worker: SimWorker, group: CommitGroup, committed: Committed): void {
  learn(worker, committed.lanes);
  const done = new Set(group.settles);
  worker.settles = worker.settles.filter((one) => !done.has(one));
  worker.history.push(...done);
  for (const connection of worker.connections) {
    if (connection.fence !== null && done.has(connection.fence)) connection.fence = null;
  }
  for (const delivery of pendingIntents.get(group) ?? []) {
    // As the writer does: a claim of an older name is void, even beside one that was granted.
    if (!committed.intended.has(delivery.id) || delivery.worker !== group.worker) continue;
    const place = worker.connections.find((one) => one.next === null);
    if (place === undefined) throw new Violation("more intents than places: the simulation is wrong");
    place.next = delivery;
  }
}

/** kill -9: what was on the wire may or may not have been taken; nothing is ever heard of this worker again. */
export function die({ wire }: Model, worker: SimWorker): void {
  worker.state = "dead";
  for (const { current } of worker.connections) if (current !== null) wire.end(current.delivery, true);
}
