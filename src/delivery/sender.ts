// From a job to the wire: a job says that a lane has work; the sender claims a batch of it, prepares what its
// mails need, and gives it to the route's connections. It also gives back what a hold has made void.
import type { Clock } from "../clock.ts";
import type { ClaimedDelivery } from "./delivery.ts";
import type { LaneViews } from "./lane-views.ts";
import type { Observer } from "./observer.ts";
import type { Rate } from "./pace.ts";
import type { LaneJob } from "./queue.ts";
import { createRouteSender, type RouteSender } from "./route-sender.ts";
import type { RouteShares } from "./share.ts";
import type { Ledger } from "./store.ts";
import type { Mail, Transport } from "./transport.ts";
import type { Writer } from "./writer.ts";

/** Renders and composes the mails of a campaign's revision. */
export interface MailSource {
  /** Loads what the mails of this campaign and revision need; once it resolved, `mailOf` is synchronous. */
  load(campaignId: number, revision: number): Promise<void>;
  mailOf(delivery: ClaimedDelivery): Mail;
}

/** What a route takes, from all processes together. */
export interface RouteLimits {
  connections: number;
  rate: Rate | null;
}

export interface Sender {
  /** Handles one job: waits until the lane's work in memory runs low, then claims more. */
  handle(job: LaneJob): Promise<void>;
  /** Gives back every claim that is not on its way any more. */
  giveBack(): Promise<void>;
  /** Ends what is on the wire, begins nothing more, gives back the rest. */
  drain(): Promise<void>;
}

/** Rows taken by one claim; a few hundred milliseconds of work. */
const BATCH = 200;
/** With fewer than this in memory a lane's next batch is claimed. */
const LOW_WATER = 100;

export function createSender(options: {
  ledger: Ledger;
  writer: Writer;
  views: LaneViews;
  transport: Transport;
  mails: MailSource;
  clock: Clock;
  worker: () => string;
  leaseHolds: () => boolean;
  limitsOf: (route: string) => RouteLimits;
  shares: RouteShares;
  onReach: (route: string, trouble: string | null) => void;
  observer?: Observer | undefined;
}): Sender {
  const { ledger, views, mails } = options;
  const routes = new Map<string, RouteSender>();
  const waiters: (() => void)[] = [];
  let draining = false;
  let claiming: Promise<unknown> = Promise.resolve();
  let denied = false;

  const wakeJobs = () => {
    for (const waiter of waiters.splice(0)) waiter();
  };

  views.onChange((fenced) => {
    if (fenced) for (const route of routes.values()) route.dropVoid();
    wakeJobs();
  });

  function routeOf(name: string): RouteSender {
    let route = routes.get(name);
    if (route === undefined) {
      const { connections, rate } = options.limitsOf(name);
      route = createRouteSender({
        route: name,
        connections,
        rate,
        shares: options.shares,
        transport: options.transport,
        writer: options.writer,
        clock: options.clock,
        worker: options.worker,
        viewOf: (lane) => views.get(lane),
        leaseHolds: options.leaseHolds,
        mailOf: (delivery) => mails.mailOf(delivery),
        onDenied: () => {
          if (denied) return;
          denied = true;
          setImmediate(() => void giveBack());
        },
        onTaken: wakeJobs,
        onReach: (trouble) => options.onReach(name, trouble),
        observer: options.observer,
      });
      routes.set(name, route);
    }
    return route;
  }

  /** Claims and releases of one process never overlap: a release must know every claim that is in use. */
  function alone<T>(work: () => Promise<T>): Promise<T> {
    const result = claiming.then(work, work);
    claiming = result.catch(() => undefined);
    return result;
  }

  async function giveBack(): Promise<void> {
    await alone(async () => {
      denied = false;
      const kept = [...routes.values()].flatMap((route) => route.claimed());
      await ledger.release({ worker: options.worker(), kept }).catch(() => {
        // Tried again by the next heartbeat; until then the rows stay claimed and nobody sends them.
        denied = false;
      });
    });
  }

  async function handle(job: LaneJob): Promise<void> {
    for (;;) {
      const view = views.get(job.lane);
      if (draining || view?.runnable !== true || view.epoch !== job.epoch) return;
      const route = routeOf(view.route);
      if (!(await route.enter()) || draining) return;
      const waiting = route.waiting(view.id);
      // While some are left a claim shall be worth its commit; once none is, whatever there is room for.
      if (waiting === 0 || (waiting < LOW_WATER && view.room >= LOW_WATER)) break;
      await new Promise<void>((resolve) => {
        waiters.push(resolve);
      });
    }
    await alone(async () => {
      if (draining) return;
      const { deliveries, lane } = await ledger.claim({
        worker: options.worker(),
        laneId: job.lane,
        limit: BATCH,
      });
      const [first] = deliveries;
      if (first !== undefined) {
        for (const revision of new Set(deliveries.map((d) => d.revision))) {
          await mails.load(first.campaignId, revision);
        }
        routeOf(lane.route).push(deliveries);
      }
      views.learn([lane]);
    });
  }

  return {
    handle,
    giveBack,
    drain: async () => {
      draining = true;
      wakeJobs();
      await claiming;
      await Promise.all([...routes.values()].map((route) => route.drain()));
      await ledger.release({ worker: options.worker(), kept: [] });
    },
  };
}
