// Brings together what all intakes bring: reads whose mail each report is about, has it recorded, and keeps what is known
// of every source's health where other processes can see it. It decides nothing about deliveries or lanes.
import type { Clock } from "../clock.ts";
import type { Deliver, Intake, IntakeHealth } from "./intake.ts";
import { entriesOf, type ReportEntry } from "./report-entry.ts";
import type { MatchedBy, ReportEffect } from "./reported.ts";

/** What became of one entry. */
export interface RecordedReport {
  key: string;
  effect: ReportEffect | "repeated";
  by: MatchedBy | null;
  delivery: number | null;
  campaignId: number | null;
}

/** The port behind which reports are kept. Whoever implements it must pass test/conformance/report-ledger.ts. */
export interface ReportLedger {
  /** Records and applies each entry once, whatever is repeated; one transaction. */
  record(entries: readonly ReportEntry[]): Promise<RecordedReport[]>;
  /** Looks again at what matched nothing since then: its mail may be settled now. Returns how many matched. */
  rematch(sinceMs: number): Promise<number>;
  /** What a relay's log brought before then and matches nothing is of other people's mail, and goes. */
  forgetForeign(beforeMs: number): Promise<void>;
}

export interface IntakeStore {
  /** `nowMs` is the store's own time. */
  saveHealth(health: readonly IntakeHealth[]): Promise<void>;
}

export interface Collector {
  /** Starts the intakes; one that cannot start is told of and tried again, and the others run. */
  start(): Promise<void>;
  /** Ends the intakes after what they are recording. Twice is once. */
  stop(): Promise<void>;
}

/** Entries in one transaction: it keeps the database to itself for some ten milliseconds. */
const BATCH = 100;
const HEALTH_MS = 2_000;
/** What came just now is looked at again soon: a settle takes a moment, a webhook less. */
const SOON_MS = 3_000;
const SOON_FOR_MS = 30_000;
/** The rest more rarely: a relay's log tells of everybody's mail, and all of that matches nothing. */
const REMATCH_MS = 60_000;
/** How long a report may be earlier than the settle of its own mail. */
const REMATCH_FOR_MS = 10 * 60_000;
const RESTART_MS = 30_000;

/** Reports into the ledger, in batches of one transaction each. */
export function createRecorder(options: { ledger: ReportLedger; secret: string }) {
  return async (incoming: Parameters<Deliver>[0]): Promise<RecordedReport[]> => {
    const entries = incoming.flatMap((one) => entriesOf(one, options.secret));
    const recorded: RecordedReport[] = [];
    for (let i = 0; i < entries.length; i += BATCH)
      recorded.push(...(await options.ledger.record(entries.slice(i, i + BATCH))));
    return recorded;
  };
}

export function createCollector(options: {
  intakes: readonly Intake[];
  ledger: ReportLedger;
  store: IntakeStore;
  secret: string;
  clock: Clock;
  /** Told once when a source fails, and once when it is well again (null). */
  onTrouble: (intake: string, trouble: string | null) => void;
}): Collector {
  const { intakes, ledger, store, clock, onTrouble } = options;
  const record = createRecorder(options);
  const stopping = new AbortController();
  const loops: Promise<void>[] = [];
  const troubles = new Map<string, string | null>();

  const deliver: Deliver = async (incoming) => {
    await record(incoming);
  };

  function tell(intake: string, trouble: string | null): void {
    if ((troubles.get(intake) ?? null) === trouble) return;
    troubles.set(intake, trouble);
    onTrouble(intake, trouble);
  }

  /** What could not start: a port that is still taken, a folder that is not there yet. */
  const failed = new Map<string, string>();

  async function startOne(intake: Intake): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await intake.start(deliver);
        failed.delete(intake.name);
        return;
      } catch (error) {
        failed.set(intake.name, error instanceof Error ? error.message : String(error));
        await clock.sleep(RESTART_MS, stopping.signal);
      }
    }
  }

  function healthOf(intake: Intake): IntakeHealth {
    const health = intake.health();
    const trouble = failed.get(intake.name);
    return trouble === undefined ? health : { ...health, state: "failing", trouble };
  }

  async function repeat(everyMs: number, work: () => Promise<void>): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await work();
      } catch {
        // The database is away: whoever sends says so already, and the next round comes soon.
      }
      await clock.sleep(everyMs, stopping.signal);
    }
  }

  async function lookAfter(): Promise<void> {
    const health = intakes.map(healthOf);
    for (const one of health) tell(one.name, one.trouble);
    await store.saveHealth(health);
  }

  let stopped: Promise<void> | null = null;
  return {
    start: async () => {
      if (intakes.length === 0) return;
      for (const intake of intakes) loops.push(startOne(intake));
      loops.push(repeat(HEALTH_MS, lookAfter));
      loops.push(
        repeat(SOON_MS, async () => {
          await ledger.rematch(clock.now() - SOON_FOR_MS);
        }),
        repeat(REMATCH_MS, async () => {
          const sinceMs = clock.now() - REMATCH_FOR_MS;
          await ledger.rematch(sinceMs);
          await ledger.forgetForeign(sinceMs);
        }),
      );
    },
    stop: () => {
      stopped ??= (async () => {
        stopping.abort();
        await Promise.all(intakes.map((intake) => intake.stop()));
        await Promise.all(loops);
      })();
      return stopped;
    },
  };
}
