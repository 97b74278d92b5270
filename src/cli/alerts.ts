// alerts list, ack, test: what people were called for, who looks after it, and whether anybody would hear.
import type { AlertEntry, AlertTry } from "../alert/alert.ts";
import { acknowledgeCommand } from "../alert/message.ts";
import { BellwetherError, EXIT, type ExitCode } from "../errors.ts";
import { shownTime } from "../report/find.ts";
import { safeText } from "../report/safe-text.ts";
import type { Io } from "./io.ts";
import { login } from "./login.ts";
import { type CommonOptions, withBellwether } from "./open.ts";

const MOST_LISTED = 1_000;

export async function list(io: Io, options: CommonOptions & { limit?: string }): Promise<ExitCode> {
  const limit = Number(options.limit ?? "20");
  if (!Number.isInteger(limit) || limit < 1 || limit > MOST_LISTED) {
    throw new BellwetherError(
      "usage",
      `--limit is "${options.limit}".`,
      `It takes a whole number from 1 to ${MOST_LISTED}.`,
    );
  }
  return withBellwether(io, options, async (app) => {
    const entries = await app.alerts.list({ live: false, limit });
    if (options.json === true) {
      await io.out(`${JSON.stringify({ alerts: entries.map(machineEntry) })}\n`);
      return EXIT.done;
    }
    for (const entry of entries) {
      await io.out(
        `${entry.id}\t${stateWords(entry)}\t${shown(entry.atMs)}\t${safeText(entry.card.subject)}\n`,
      );
      for (const one of entry.tries) await io.out(`\t${tryWords(one)}\n`);
    }
    if (entries.length === 0) io.say("There was no alert yet.");
    return EXIT.done;
  });
}

export async function ack(
  io: Io,
  which: string,
  options: CommonOptions & { as?: string },
): Promise<ExitCode> {
  const by = safeText((options.as ?? login()).trim()).slice(0, 100);
  if (by === "" || !/^(all|[1-9]\d{0,8})$/.test(which)) {
    throw new BellwetherError(
      "usage",
      by === "" ? "--as is empty." : `"${safeText(which)}" is not the number of an alert.`,
      "Type: bellwether alerts ack NUMBER --as NAME, or all in place of the number.",
    );
  }
  return withBellwether(io, options, async (app) => {
    const id = which === "all" ? null : Number(which);
    const done = await app.alerts.acknowledge(id ?? "all", by);
    if (id !== null && done.length === 0) {
      const state = await app.alerts.find(id);
      if (state === null) {
        throw new BellwetherError(
          "alert-missing",
          `There is no alert ${id}.`,
          "`bellwether alerts list` shows those that there are.",
        );
      }
      io.say(`Alert ${id} is ${state} already.`);
    } else if (done.length === 0) io.say("No alert is open.");
    else io.say(`${by} looks after ${done.map((one) => `alert ${one}`).join(", ")}: nobody else is called.`);
    if (options.json === true) await io.out(`${JSON.stringify({ acknowledged: done, by })}\n`);
    return EXIT.done;
  });
}

/** Exit 1 when a road failed, or there is none. */
export async function test(io: Io, options: CommonOptions): Promise<ExitCode> {
  return withBellwether(io, options, async (app) => {
    const answers = await app.testAlerts();
    if (options.json === true) await io.out(`${JSON.stringify({ answers })}\n`);
    for (const { road, target, deputy, ok, answer } of answers) {
      io.say(`${ok ? "ok    " : "FAILED"}  ${roadWords({ road, target, deputy })}: ${safeText(answer)}`);
    }
    if (answers.length === 0)
      io.say("No road for alerts is configured: set mail, webhook or command below [alert].");
    const { webhook, webhookSecret } = app.config.alert;
    if (webhook !== null && webhookSecret === null)
      io.say("The webhook's posts are not signed: set webhook_secret below [alert].");
    return answers.length > 0 && answers.every((one) => one.ok) ? EXIT.done : EXIT.internal;
  });
}

/** What `status` shows of alerts whose cause stands, and of roads that fail. */
export function alertLines(entries: readonly AlertEntry[]): string[] {
  return entries.flatMap((entry) => {
    const failing = entry.tries.filter((one) => one.answer !== null && one.state !== "sent");
    const lines = failing.map((one) => `alert ${entry.id} ${safeText(tryWords(one))}`);
    if (entry.state !== "open" || entry.urgency === "low") return lines;
    return [
      `alert ${entry.id}: ${safeText(entry.card.subject)}; nobody has answered: ${acknowledgeCommand(entry)}`,
      ...lines,
    ];
  });
}

function stateWords({ state, urgency, acknowledgedBy, deputyMs }: AlertEntry): string {
  if (state === "acknowledged") return `acknowledged by ${acknowledgedBy}`;
  if (state === "settled") return "settled";
  if (urgency === "low") return "told";
  return deputyMs === null ? "open" : "open, deputy called";
}

function roadWords({ road, target, deputy }: Pick<AlertTry, "road" | "target" | "deputy">): string {
  return `by ${road}${target === "" ? "" : ` to ${target}`}${deputy ? " (deputy)" : ""}`;
}

function tryWords(one: AlertTry): string {
  const answer = one.answer === null ? "" : `: ${one.answer}`;
  const road = roadWords(one);
  switch (one.state) {
    case "sent":
      return `${road}: told ${shown(one.sentMs ?? 0)}${answer.replace(": ", ", ")}`;
    case "failed":
      return `${road} FAILED after ${one.tries} ${one.tries === 1 ? "try" : "tries"}${answer}`;
    case "moot":
      return `${road}: not needed any more${answer}`;
    case "waiting":
      return one.tries === 0 ? `${road}: about to be told` : `${road} FAILING, try ${one.tries}${answer}`;
  }
}

function machineEntry({ card, tries, ...entry }: AlertEntry): object {
  const at = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());
  return {
    id: entry.id,
    kind: entry.kind,
    urgency: entry.urgency,
    state: entry.state,
    at: at(entry.atMs),
    acknowledgedAt: at(entry.acknowledgedMs),
    acknowledgedBy: entry.acknowledgedBy,
    settledAt: at(entry.settledMs),
    deputyAt: at(entry.deputyMs),
    ...card,
    tries: tries.map(({ dueMs, sentMs, ...one }) => ({ ...one, dueAt: at(dueMs), sentAt: at(sentMs) })),
  };
}

function shown(ms: number): string {
  return shownTime(new Date(ms).toISOString());
}
