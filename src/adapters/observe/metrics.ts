// The numbers for Prometheus: what this process did (counters, fed by sending as it goes) and how the lanes stand
// (gauges, read from the database when somebody looks). The only labels are ids from closed sets: provider, event,
// state, reason, why, road. An address or a domain as a label would be a leak, and a series for each of a million clients.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { ROADS, type RoadName } from "../../alert/road.ts";
import type { Clock } from "../../clock.ts";
import type { Observer } from "../../delivery/observer.ts";
import type { Outcome } from "../../delivery/outcome.ts";
import type { GaugeSource, Gauges } from "../../report/gauges.ts";

export interface Metrics {
  /** To be given to the engine. */
  readonly observer: Observer;
  /** A road for alerts has failed once. */
  onFailedAlert(road: RoadName): void;
  /** What /metrics answers with; the gauges are there when the source answers within `patienceMs`. Never rejects. */
  text(): Promise<string>;
  readonly contentType: string;
  /** What is measured, for the docs: name, type, labels and meaning of each metric that is ours. */
  readonly described: readonly { name: string; type: string; labels: readonly string[]; help: string }[];
}

const EVENTS: readonly Outcome["event"][] = [
  "accepted",
  "handed-over",
  "rejected",
  "deferred",
  "unreachable",
  "uncertain",
  "returned",
];
/** From a reply on loopback to the five minutes that RFC 5321 section 4.5.3.2 lets a server take. */
const REPLY_SECONDS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
/** From a commit on a good disk to one that waits for a failover. */
const COMMIT_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5];
const COMMIT_MAILS = [1, 2, 5, 10, 20, 50, 100, 200, 500];
const PATIENCE_MS = 1_000;

export function createMetrics(options: {
  source: GaugeSource;
  clock: Clock;
  /** Adds those of the process and of Node: memory, event loop, garbage collection. */
  processMetrics?: boolean;
  patienceMs?: number;
}): Metrics {
  const { source, clock, patienceMs = PATIENCE_MS } = options;
  const registry = new Registry();
  const described: { name: string; type: string; labels: readonly string[]; help: string }[] = [];
  const describe = (type: string, name: string, labels: readonly string[], help: string) => {
    described.push({ name, type, labels, help });
    return { name, help, labelNames: [...labels], registers: [registry] };
  };
  const gauge = (name: string, labels: readonly string[], help: string) =>
    new Gauge(describe("gauge", name, labels, help));
  const counter = (name: string, labels: readonly string[], help: string) =>
    new Counter(describe("counter", name, labels, help));
  const histogram = (name: string, labels: readonly string[], buckets: number[], help: string) =>
    new Histogram({ ...describe("histogram", name, labels, help), buckets });

  const mails = counter("bellwether_mails_total", ["provider", "event"], "Tries of this process that ended.");
  const reply = histogram(
    "bellwether_reply_seconds",
    ["provider"],
    REPLY_SECONDS,
    "From a mail's turn on its connection to the answer.",
  );
  const doors = counter(
    "bellwether_doors_shut_total",
    ["provider", "why"],
    "Connections that could not be made.",
  );
  const holds = counter(
    "bellwether_holds_total",
    ["provider", "reason"],
    "Lanes held since this process started, by any process.",
  );
  const commits = histogram(
    "bellwether_commit_seconds",
    [],
    COMMIT_SECONDS,
    "How long a commit of outcomes and intents took.",
  );
  const group = histogram("bellwether_commit_mails", [], COMMIT_MAILS, "Outcomes and intents in a commit.");
  const failed = counter("bellwether_commit_failures_total", [], "Commits that failed and were tried again.");
  const up = gauge(
    "bellwether_source_up",
    [],
    "1: the database and the queue answered; 0: gauges are absent.",
  );
  const laneCount = gauge("bellwether_lanes", ["provider", "state"], "Lanes of unfinished campaigns.");
  const held = gauge("bellwether_lanes_held", ["provider", "reason"], "Lanes that are held now.");
  const sums = {
    size: gauge("bellwether_lane_mails", ["provider"], "Mails planned in those lanes."),
    window: gauge("bellwether_lane_window", ["provider"], "Mails that may be unconfirmed at once."),
    outstanding: gauge("bellwether_lane_outstanding", ["provider"], "Mails claimed or on the wire."),
    unconfirmed: gauge("bellwether_lane_unconfirmed", ["provider"], "Mails handed to a relay, unconfirmed."),
  };
  const peaks = {
    sender: gauge("bellwether_breaker_sender", ["provider"], "Highest sum of the sender detector in a lane."),
    address: gauge(
      "bellwether_breaker_address",
      ["provider"],
      "Highest sum of the address detector in a lane.",
    ),
  };
  const depth = gauge("bellwether_queue_jobs", ["provider"], "Jobs waiting or in a handler.");
  const workers = gauge("bellwether_workers", [], "Sending processes that are alive by the database's word.");
  const routesHeld = gauge("bellwether_routes_held", [], "Routes held with every lane on them.");
  const intakeUp = gauge(
    "bellwether_intake_up",
    ["intake"],
    "1: this source of reports is read and answers.",
  );
  const intakeLag = gauge(
    "bellwether_intake_lag_seconds",
    ["intake"],
    "Age of the oldest thing that waits there to be read.",
  );
  const unmatched = gauge(
    "bellwether_reports_unmatched",
    [],
    "Reports of the last day that matched no delivery.",
  );
  const alerts = gauge("bellwether_alerts_open", [], "Alerts for which nobody has answered.");
  const alertFailures = counter(
    "bellwether_alert_failures_total",
    ["road"],
    "Tries to tell an alert by this road that failed.",
  );
  for (const road of ROADS) alertFailures.inc({ road }, 0);
  const byHand = gauge("bellwether_providers_held", ["provider"], "1: a person holds it for every campaign.");
  const read = [
    byHand,
    intakeUp,
    intakeLag,
    laneCount,
    held,
    ...Object.values(sums),
    ...Object.values(peaks),
    depth,
    workers,
    routesHeld,
  ];
  if (options.processMetrics === true) collectDefaultMetrics({ register: registry });

  const startMs = clock.now();
  /** Holds that were counted, of lanes that are still held. */
  let counted = new Set<string>();
  const known = new Set<string>();

  function show(gauges: Gauges): void {
    const standing = new Set<string>();
    for (const { id, provider, state, hold, breaker, ...numbers } of gauges.lanes) {
      laneCount.inc({ provider, state });
      for (const [name, sum] of Object.entries(sums))
        sum.inc({ provider }, numbers[name as keyof typeof sums]);
      raise(`${provider} sender`, peaks.sender, provider, breaker.sender);
      raise(`${provider} address`, peaks.address, provider, breaker.address);
      if (hold === null) continue;
      held.inc({ provider, reason: hold.reason });
      const key = `${id} ${hold.atMs}`;
      standing.add(key);
      if (hold.atMs >= startMs && !counted.has(key)) holds.inc({ provider, reason: hold.reason });
    }
    counted = standing;
    highest.clear();
    for (const [provider, jobs] of gauges.depth) depth.set({ provider }, jobs);
    workers.set(gauges.workers);
    routesHeld.set(gauges.routesHeld);
    for (const { name, alive, lagMs } of gauges.intakes) {
      intakeUp.set({ intake: name }, alive ? 1 : 0);
      if (lagMs !== null) intakeLag.set({ intake: name }, lagMs / 1000);
    }
    unmatched.set(gauges.unmatched);
    alerts.set(gauges.alerts);
    for (const provider of gauges.providersHeld) byHand.set({ provider }, 1);
  }

  const highest = new Map<string, number>();
  function raise(key: string, peak: Gauge, provider: string, value: number): void {
    const most = Math.max(highest.get(key) ?? 0, value);
    highest.set(key, most);
    peak.set({ provider }, most);
  }

  /** One read at a time: a database that hangs must not collect the questions of every scrape. */
  let reading: Promise<Gauges | null> | null = null;
  function readOnce(): Promise<Gauges | null> {
    reading ??= source
      .read()
      .catch(() => null)
      .finally(() => {
        reading = null;
      });
    return reading;
  }

  return {
    contentType: registry.contentType,
    described,
    onFailedAlert: (road) => alertFailures.inc({ road }),
    observer: {
      onOutcome: ({ provider, event, seconds }) => {
        if (!known.has(provider)) {
          // A rate needs the zero before the first one.
          known.add(provider);
          for (const each of EVENTS) mails.inc({ provider, event: each }, 0);
        }
        mails.inc({ provider, event });
        if (seconds !== null) reply.observe({ provider }, seconds);
      },
      onCommit: ({ seconds, settles, intents }) => {
        commits.observe(seconds);
        group.observe(settles + intents);
      },
      onCommitFailed: () => failed.inc(),
      onDoorShut: ({ provider, why }) => doors.inc({ provider, why }),
    },
    text: async () => {
      const timer = new AbortController();
      const late = clock.sleep(patienceMs, timer.signal).then(() => null);
      const gauges = await Promise.race([readOnce(), late]);
      timer.abort();
      // What is not known now is not shown at all: an old number would look like a quiet day. From here to the text
      // nothing may wait, or two scrapes would add up.
      for (const each of read) each.reset();
      for (const plain of [workers, routesHeld, unmatched, alerts]) if (gauges === null) plain.remove();
      up.set(gauges === null ? 0 : 1);
      if (gauges !== null) show(gauges);
      return registry.metrics();
    },
  };
}
