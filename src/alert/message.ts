// An alert as it is told: plain text for people, and the fields that a webhook or a command is given. The same words in
// both; only the command to acknowledge it is added, which needs the alert's number.
import type { AlertVariable } from "../config/command-line.ts";
import { shownTime } from "../report/find.ts";
import { wrapText } from "../report/safe-text.ts";
import type { Alert } from "./alert.ts";

const WIDTH = 76;

export function subjectOf({ card }: Alert, deputy: boolean): string {
  return deputy ? `Deputy: ${card.subject}` : card.subject;
}

/** Null: there is nothing to acknowledge. */
export function acknowledgeCommand({ id, urgency }: Alert): string | null {
  return id === 0 || urgency === "low" ? null : `bellwether alerts ack ${id}`;
}

/** Ends with a line end; lines are short enough for a mail. */
export function textOf(alert: Alert, deputy: boolean): string {
  const { card } = alert;
  const lines: string[] = [];
  const say = (text: string) => lines.push(...wrapText(text, WIDTH));
  const section = (heading: string, text: string) => {
    lines.push("", heading);
    for (const line of wrapText(text, WIDTH - 2)) lines.push(`  ${line}`);
  };
  const at = shownTime(new Date(alert.atMs).toISOString());
  if (deputy) say(`Nobody has answered for this alert of ${at}: you are the deputy.`);
  say(`${card.subject}.`);
  if (card.campaign !== null) say(`Campaign ${card.campaign.id}, "${card.campaign.name}". ${at}.`);
  else say(`${at}.`);
  section("What happened", card.happened);
  section("What you can do now", card.now);
  const acknowledge = acknowledgeCommand(alert);
  if (acknowledge !== null) {
    lines.push("  Say that you look after it, so that nobody else is called:", `      ${acknowledge}`);
  }
  if (card.resume !== null)
    lines.push("  When the cause is repaired, to let it go on:", `      ${card.resume}`);
  section("What an engineer must do", card.engineer);
  section("What to tell clients on the phone", card.tell);
  if (card.evidence.length > 0) lines.push("", "What was answered, word for word");
  card.evidence.forEach((reply, index) => {
    if (index > 0) lines.push("  |");
    for (const line of reply.split("\n")) lines.push(`  | ${line}`);
  });
  if (card.link !== null) lines.push("", card.link);
  return `${lines.join("\n")}\n`;
}

/** What a webhook is posted and a command is given; docs/alerts.md describes it. Stable: other programs read it. */
export function payloadOf(alert: Alert, deputy: boolean): object {
  const { id, kind, urgency, atMs, card } = alert;
  const at = new Date(atMs).toISOString();
  return {
    type: `alert.${kind}`,
    timestamp: at,
    data: {
      id,
      kind,
      urgency,
      deputy,
      at,
      campaign: card.campaign,
      provider: card.provider,
      subject: card.subject,
      happened: card.happened,
      now: card.now,
      engineer: card.engineer,
      tell: card.tell,
      evidence: card.evidence,
      acknowledge: acknowledgeCommand(alert),
      resume: card.resume,
      link: card.link,
      text: textOf(alert, deputy),
    },
  };
}

/**
 * What a command finds in its environment; none of them is the variable of a key of the configuration, so that the
 * command may run this program.
 */
export function variablesOf(alert: Alert, deputy: boolean): Record<AlertVariable, string> {
  const { id, kind, urgency, atMs, card } = alert;
  return {
    BELLWETHER_ALERT_ID: String(id),
    BELLWETHER_ALERT_KIND: kind,
    BELLWETHER_ALERT_URGENCY: urgency,
    BELLWETHER_ALERT_FOR: deputy ? "deputy" : "first",
    BELLWETHER_ALERT_AT: new Date(atMs).toISOString(),
    BELLWETHER_ALERT_SUBJECT: card.subject,
    BELLWETHER_ALERT_CAMPAIGN: card.campaign === null ? "" : String(card.campaign.id),
    BELLWETHER_ALERT_PROVIDER: card.provider ?? "",
    BELLWETHER_ALERT_LINK: card.link ?? "",
  };
}
