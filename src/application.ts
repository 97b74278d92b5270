// The program as its faces see it: what the command line, the console and the demo are given. compose.ts makes it.
import type { AlertBook } from "./alert/alert.ts";
import type { RoadAnswer, RoadName } from "./alert/road.ts";
import type { CampaignManager } from "./campaign/manager.ts";
import type { PersonalData } from "./campaign/personal-data.ts";
import type { Finding } from "./campaign/preflight/finding.ts";
import type { SenderCheck } from "./campaign/preflight/sender-check.ts";
import type { ProviderHolds } from "./campaign/provider-holds.ts";
import type { CampaignStore } from "./campaign/store.ts";
import type { SuppressionStore } from "./campaign/suppression.ts";
import type { AudienceStore } from "./client/audience-store.ts";
import type { Clock } from "./clock.ts";
import type { Config } from "./config/config.ts";
import type { RecordedReport } from "./delivery/collector.ts";
import type { EngineOptions } from "./delivery/engine.ts";
import type { Incoming } from "./delivery/intake.ts";
import type { Letterhead } from "./delivery/mailer.ts";
import type { IntakeSource } from "./report/intakes.ts";
import type { PostMortemStore } from "./report/post-mortem-store.ts";
import type { ReturnedSource } from "./report/returned.ts";
import type { ReportStore } from "./report/store.ts";

export interface Bellwether {
  readonly config: Config;
  /** Mail goes to simulated providers and never leaves the machine. */
  readonly isSandbox: boolean;
  readonly clock: Clock;
  readonly campaigns: CampaignStore;
  readonly audiences: AudienceStore;
  readonly providerHolds: ProviderHolds;
  readonly reports: ReportStore;
  readonly postMortems: PostMortemStore;
  readonly suppressions: SuppressionStore;
  readonly people: PersonalData;
  /** What came back by report, and how its sources are. */
  readonly returned: ReturnedSource;
  readonly intakes: IntakeSource;
  /** What people were called for, and who has answered. */
  readonly alerts: AlertBook;
  /** Tells a test by every road that is configured. */
  testAlerts(): Promise<(RoadAnswer & { road: RoadName; target: string; deputy: boolean })[]>;
  /** Records reports that somebody brings by hand, as the intakes do. */
  record(incoming: readonly Incoming[]): Promise<RecordedReport[]>;
  /** Loads templates and what checks them at its first call. */
  manager(): Promise<CampaignManager>;
  /** What DNS says of the sender now; in the sandbox nothing, since nothing leaves the machine. */
  checkSender(checks: readonly SenderCheck[]): Promise<Map<SenderCheck, Finding[]>>;
  /** Who sends; throws `config-value` when the configuration does not say. */
  letterhead(): Letterhead;
  readonly secret: string;
  /** Many processes share the database: workers send, and no other process drives. */
  readonly isCluster: boolean;
  /** Drives this database until drained; null when another process does, and in a cluster. */
  drive(onNotice: EngineOptions["onNotice"], options?: { watched: boolean }): Promise<Driver | null>;
  /** In a cluster: sends as one of its workers, or offers work and ends what time ends. */
  join(role: "sender" | "coordinator", onNotice: EngineOptions["onNotice"]): Promise<Driver>;
  /** Processes that send now. */
  workersAlive(): Promise<number>;
  close(): Promise<void>;
}

export interface Driver {
  /** Where health and metrics are answered; null: nowhere, since it was not asked for or the place is taken. */
  readonly watchedAt: string | null;
  /** Ends what is on the wire and gives back the rest. Twice is once. */
  drain(): Promise<void>;
  /** Gives up at once; what is on the wire will be uncertain. */
  abort(): void;
}

export interface OpenOptions {
  config: Config;
  clock?: Clock;
  /** Runs simulated providers when no route is configured; only what sends needs them. */
  sends?: boolean;
}

export type Open = (options: OpenOptions) => Promise<Bellwether>;
