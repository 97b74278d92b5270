// What people must hear of at once, and what becomes of it: the kinds of alerts, their states, the pieces of which each
// is told. How a cause is put into words is card.ts; when whom is told again is due.ts.
import type { Moves } from "../transition.ts";

export const ALERT_KINDS = [
  "lane-held",
  "lane-blind",
  "route-held",
  "campaign-paused",
  "campaign-failures",
  "intake-dead",
  "uncertain",
  "test",
] as const;
export type AlertKind = (typeof ALERT_KINDS)[number];

/** high: nothing goes on until somebody acts, and the deputy is told. low: told once, and over. */
export type Urgency = "high" | "low";

/** open: nobody has answered for it. settled: its cause is over. */
export type AlertState = "open" | "acknowledged" | "settled";

export const ALERT_MOVES: Moves<AlertState> = {
  open: ["acknowledged", "settled"],
  acknowledged: ["settled"],
  settled: [],
};

/** The words of an alert, for its three readers: who must act now, who must repair, who answers the phone. Redacted. */
export interface AlertCard {
  /** For a phone's lock screen. */
  subject: string;
  happened: string;
  now: string;
  engineer: string;
  tell: string;
  /** Up to three verbatim replies. */
  evidence: readonly string[];
  /** The command that lets it go on; null: there is none. */
  resume: string | null;
  /** Where it is shown; null: nowhere that is known. */
  link: string | null;
  campaign: { id: number; name: string } | null;
  /** Id of the mailbox provider; null: it is not about one. */
  provider: string | null;
}

export interface Alert {
  /** 0: a test, which is kept nowhere. */
  id: number;
  kind: AlertKind;
  urgency: Urgency;
  /** When it was raised, by the database's time. */
  atMs: number;
  card: AlertCard;
}

/** How one road did with one alert. failed: given up. moot: nobody needs it any more. */
export type TryState = "waiting" | "sent" | "failed" | "moot";

export interface AlertTry {
  road: string;
  /** An address of the road by mail, else "". */
  target: string;
  deputy: boolean;
  state: TryState;
  tries: number;
  dueMs: number;
  sentMs: number | null;
  /** What was answered last; null: nothing yet. */
  answer: string | null;
}

/** An alert as people look at it. */
export interface AlertEntry extends Alert {
  state: AlertState;
  acknowledgedMs: number | null;
  acknowledgedBy: string | null;
  settledMs: number | null;
  deputyMs: number | null;
  tries: readonly AlertTry[];
}

/** What people do with alerts, from any process. */
export interface AlertBook {
  /** The newest first. `live`: only those whose cause stands. */
  list(options: { live: boolean; limit: number }): Promise<AlertEntry[]>;
  /** Whoever says so looks after them: nobody else is called. Returns the ids that were open. */
  acknowledge(which: number | "all", by: string): Promise<number[]>;
  /** Whether there is such an alert, in whatever state. */
  find(id: number): Promise<AlertState | null>;
}
