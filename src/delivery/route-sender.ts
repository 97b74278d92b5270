// The connections of one route. Each connection has one message on the wire and at most one more with its intent
// written; a connection that hears a refusal of fault sender, content or unknown begins no other message until
// the settle of that refusal has come back. So at most one mail a connection passes a hold.
import type { Clock } from "../clock.ts";
import { OTHER } from "../provider/provider.ts";
import { createAllowance } from "./allowance.ts";
import type { ClaimedDelivery } from "./delivery.ts";
import { createDoors } from "./door.ts";
import { NO_OBSERVER, type Observer } from "./observer.ts";
import { type Heard, isFence, type Outcome, outcomeOf, refusal, settlementOf } from "./outcome.ts";
import { createPacer, type Rate } from "./pace.ts";
import { createReadyList, type ReadyItem } from "./ready.ts";
import { createServed } from "./served.ts";
import type { RouteShares } from "./share.ts";
import type { LaneView } from "./store.ts";
import type { Mail, MailConnection, Transport } from "./transport.ts";
import type { Writer } from "./writer.ts";

export interface RouteSender {
  /** Gives claimed deliveries to the route's connections. */
  push(deliveries: readonly ClaimedDelivery[]): void;
  /** Says that the route has work; false while this process has no connection for it, so that it shall claim none. */
  enter(): Promise<boolean>;
  /** Claimed deliveries of a lane that no connection has taken yet. */
  waiting(lane: number): number;
  /** Ids of claimed deliveries that are still to be sent. */
  claimed(): number[];
  /** Forgets claims that a later epoch has made void. */
  dropVoid(): void;
  /** Ends what is on the wire and begins nothing more. */
  drain(): Promise<void>;
}

export interface RouteSenderOptions {
  route: string;
  /** Of the route, over all processes. */
  connections: number;
  /** Of the route, over all processes. */
  rate: Rate | null;
  shares: RouteShares;
  transport: Transport;
  writer: Writer;
  clock: Clock;
  /** This process's present name. */
  worker: () => string;
  viewOf: (lane: number) => LaneView | undefined;
  /** This process's lease has not run out. */
  leaseHolds: () => boolean;
  /** Renders and composes; throws when the template cannot be rendered for this client. */
  mailOf: (delivery: ClaimedDelivery) => Mail;
  /** An intent was refused: what is claimed here may be void. */
  onDenied: () => void;
  /** An item left the list of what waits for a connection. */
  onTaken: () => void;
  /** The route cannot be reached, or can again (null). */
  onReach: (trouble: string | null) => void;
  observer?: Observer | undefined;
}

interface Prepared {
  item: ReadyItem;
  mail: Mail | null;
  /** Why it cannot be rendered. */
  trouble: string | null;
}

/** One turn of the event loop. */
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A connection without work is closed after so long. */
const IDLE_MS = 5_000;

export function createRouteSender(options: RouteSenderOptions): RouteSender {
  const { route, writer, transport, clock, shares, observer = NO_OBSERVER } = options;
  const ready = createReadyList();
  const stopping = new AbortController();
  const slots = new Set<Promise<void>>();
  /** Of the slots, those that are not closing. */
  let staying = 0;
  const doors = createDoors({ clock, signal: stopping.signal, onOpen: wake });
  let idle: ((item: ReadyItem | null) => void)[] = [];
  const lanes = createServed((lane) => options.viewOf(lane)?.atOnce);
  /** Taken from the list, their intent not yet answered: claims that are still in use. */
  const held = new Set<number>();
  const pacer = createPacer({
    rate: options.rate,
    clock,
    signal: stopping.signal,
    reserve: (rate, count) => shares.reserve({ route, rate, count }),
  });
  const allowance = createAllowance({
    shares,
    route,
    limit: options.connections,
    worker: options.worker,
    leaseHolds: options.leaseHolds,
    clock,
    signal: stopping.signal,
    demand: () => ({ open: slots.size, idle: idle.length, waiting: ready.size }),
    onAnswer: fit,
  });

  const isCurrent = (delivery: ClaimedDelivery): boolean => {
    const view = options.viewOf(delivery.laneId);
    return view?.runnable === true && view.epoch === delivery.epoch;
  };
  const mayBegin = (delivery: ClaimedDelivery): boolean =>
    !stopping.signal.aborted && options.leaseHolds() && isCurrent(delivery);

  function takeNow(destination: string | null): ReadyItem | undefined {
    const item = ready.take(destination, doors.mayKnock);
    if (item !== undefined) {
      held.add(item.delivery.id);
      doors.knock(item.destination);
      options.onTaken();
    }
    return item;
  }

  /** Serves idle connections first, then opens more. */
  function wake(): void {
    while (!stopping.signal.aborted && ready.has(doors.mayKnock)) {
      // The last one to come is warm; the others end their wait, when less is to do than there are connections.
      const waiter = idle.pop();
      if (waiter !== undefined) waiter(takeNow(null) ?? null);
      else if (slots.size < allowance.size()) startSlot();
      else return;
    }
  }

  /** Comes down to what is allowed, or goes up to it. */
  function fit(): void {
    for (const waiter of idle.splice(0, staying - allowance.size())) waiter(null);
    // What others have all connections for, others shall claim.
    if (allowance.isNone() && slots.size === 0 && ready.drop(() => false).length > 0) options.onDenied();
    wake();
  }

  function startSlot(): void {
    staying += 1;
    const slot: Promise<void> = runSlot().finally(() => {
      slots.delete(slot);
      wake();
      allowance.closed();
    });
    slots.add(slot);
  }

  /** The next item, waiting a little for one; null: none came, the connection may be closed. */
  function takeOrWait(
    destination: string | null,
    serving: number | null,
  ): Promise<ReadyItem | null> | ReadyItem | null {
    if (stopping.signal.aborted) return null;
    const item = takeNow(destination);
    if (item !== undefined) return item;
    if (destination === null || lanes.isCrowded(serving)) return null;
    return new Promise((resolve) => {
      const timer = new AbortController();
      const waiter = (got: ReadyItem | null) => {
        timer.abort();
        resolve(got);
      };
      idle.push(waiter);
      void clock.sleep(IDLE_MS, timer.signal).then(() => {
        idle = idle.filter((other) => other !== waiter);
        resolve(null);
      });
    });
  }

  /** Asks for the intent and renders; null when the intent was refused. */
  async function prepare(item: ReadyItem): Promise<Prepared | null> {
    const { id, laneId, epoch, worker } = item.delivery;
    const granted = writer.intend({ delivery: id, laneId, epoch, worker, try: item.delivery.try + 1 });
    // Rendering takes its time while the intent is on its way to the disk.
    await turn();
    let mail: Mail | null = null;
    let trouble: string | null = null;
    try {
      mail = options.mailOf(item.delivery);
    } catch (error) {
      trouble = error instanceof Error ? error.message : String(error);
    }
    const isOurs = await granted;
    held.delete(id);
    if (isOurs) return { item, mail, trouble };
    options.onDenied();
    return null;
  }

  /** One more for the same connection, with its intent written while the present one is on the wire. */
  function prefetch(destination: string): Promise<Prepared | null> | null {
    if (stopping.signal.aborted || pacer.limited || staying > allowance.size()) return null;
    const item = ready.takeFor(destination);
    if (item === undefined) return null;
    options.onTaken();
    if (!isCurrent(item.delivery)) {
      options.onDenied();
      return null;
    }
    held.add(item.delivery.id);
    return prepare(item);
  }

  function settle({ item }: Prepared, outcome: Outcome): Promise<void> {
    const delivery = { ...item.delivery, try: item.delivery.try + 1 };
    const atMs = clock.now();
    return writer.settle({
      delivery: delivery.id,
      campaignId: delivery.campaignId,
      laneId: delivery.laneId,
      attempt: delivery.attempt,
      try: delivery.try,
      epoch: delivery.epoch,
      outcome,
      next: settlementOf(outcome, delivery, atMs),
      atMs,
    });
  }

  function dropVoid(): void {
    if (ready.drop((item) => isCurrent(item.delivery)).length > 0) options.onDenied();
  }

  /** Connects for an item that is claimed and not yet intended; on failure the item waits and the door rests. */
  async function open(item: ReadyItem): Promise<MailConnection | null> {
    const answer = await transport.connect(route, item.destination);
    if (answer.ok) {
      if (doors.opened(item.destination)) options.onReach(null);
      return answer.connection;
    }
    const { phase, reply, message } = answer.failure;
    ready.putBack(item);
    held.delete(item.delivery.id);
    doors.shut(item.destination);
    const { laneId, epoch } = item.delivery;
    const view = options.viewOf(laneId);
    const provider = view?.provider ?? OTHER;
    observer.onDoorShut({ provider, why: reply === null ? "unreachable" : "refused" });
    if (reply === null) {
      options.onReach(message);
      return null;
    }
    const speaker = view?.feedback === "relay" ? "route" : "provider";
    const outcome = refusal({ phase, reply }, provider, speaker);
    await writer.refusedAtDoor({ laneId, epoch, outcome, atMs: clock.now() });
    return null;
  }

  async function send(current: Prepared, connection: MailConnection | null): Promise<Outcome> {
    const { delivery } = current.item;
    const view = options.viewOf(delivery.laneId);
    const provider = view?.provider ?? OTHER;
    const told = (outcome: Outcome, seconds: number | null): Outcome => {
      observer.onOutcome({ provider, event: outcome.event, seconds });
      return outcome;
    };
    if (current.trouble !== null && mayBegin(delivery)) return told(unrenderable(current.trouble), null);
    const startMs = clock.monotonic();
    const heard: Heard =
      current.mail === null || connection === null || !mayBegin(delivery)
        ? { kind: "returned" }
        : await connection.send(current.mail, () => mayBegin(delivery));
    const seconds = heard.kind === "returned" ? null : (clock.monotonic() - startMs) / 1000;
    return told(outcomeOf(heard, { provider, feedback: view?.feedback ?? "final" }), seconds);
  }

  async function runSlot(): Promise<void> {
    let connection: MailConnection | null = null;
    let destination: string | null = null;
    /** The lane of the last mail: whose connection this is. */
    let serving: number | null = null;
    let next: Promise<Prepared | null> | null = null;
    for (;;) {
      let current: Prepared | null = null;
      if (next !== null) {
        current = await next;
        next = null;
        if (current === null) continue;
        if (!connection?.usable && mayBegin(current.item.delivery)) {
          await connection?.close();
          const answer = await transport.connect(route, current.item.destination);
          connection = answer.ok ? answer.connection : null;
        }
      } else {
        if (staying > allowance.size()) break;
        const item = await takeOrWait(destination, serving);
        if (item === null) break;
        if (!isCurrent(item.delivery)) {
          doors.leave(item.destination);
          held.delete(item.delivery.id);
          options.onDenied();
          continue;
        }
        if (!connection?.usable || destination !== item.destination) {
          const closing = connection?.close();
          // One that has carried its share is gone before the next one comes: the provider counts both.
          if (!connection?.usable) await closing;
          connection = await open(item);
          destination = item.destination;
          if (connection === null) break;
        } else {
          doors.leave(item.destination);
        }
        await pacer.take();
        current = await prepare(item);
        if (current === null) continue;
      }
      serving = lanes.serve(current.item.delivery.laneId, serving);
      if (connection?.usable && destination !== null) next = prefetch(destination);
      const outcome = await send(current, connection);
      const settled = settle(current, outcome);
      // The fence. Whatever else ends, its settle may be on its way while the next message is.
      if (isFence(outcome) || outcome.event === "returned") await settled;
    }
    staying -= 1;
    // Until it is closed it is open: whoever gets its place must not be one too many.
    await connection?.close();
    lanes.leave(serving);
  }

  return {
    push: (deliveries) => {
      ready.push(
        deliveries.map((delivery) => ({
          delivery,
          destination: transport.destination(route, delivery.domain),
        })),
      );
      // A hold may have become known while the claim was on its way.
      if (!deliveries.every(isCurrent)) dropVoid();
      wake();
      allowance.ask();
    },
    enter: allowance.enter,
    waiting: (lane) => ready.count(lane),
    claimed: () => [...held, ...[...ready.items()].map((item) => item.delivery.id)],
    dropVoid,
    drain: async () => {
      stopping.abort();
      for (const waiter of idle.splice(0)) waiter(null);
      await Promise.all(slots);
      await allowance.stop();
      await writer.idle();
    },
  };
}

/** A mail that cannot be rendered is our content's fault, and reaches no wire. */
function unrenderable(trouble: string): Outcome {
  return {
    event: "rejected",
    phase: null,
    speaker: "provider",
    reply: trouble,
    classification: {
      reason: "malformed",
      fault: "content",
      scope: "provider",
      hard: true,
      provider: "other",
      code: null,
      enhanced: null,
      advice: `The template cannot be rendered for this client: ${trouble}`,
    },
    relayId: null,
  };
}
