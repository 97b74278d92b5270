// What is said of a campaign that waits for its moment, and what `send` makes of one when it is typed again.
import type { Bellwether } from "../application.ts";
import type { Campaign } from "../campaign/campaign.ts";
import type { Notice } from "../campaign/manager.ts";
import { isSameStart, type Start, shownStart, shownWait } from "../campaign/start.ts";
import type { Io } from "./io.ts";

/** "27 April 2027 09:00 Europe/Paris (in 3 h)" */
export function startText(start: Start, nowMs: number): string {
  return `${shownStart(start)} (${shownWait(start, nowMs)})`;
}

/** `send` of what waits already: it waits on, for another moment, or no longer, as the file says now. */
export async function sendAgain(options: {
  app: Bellwether;
  io: Io;
  notice: Notice;
  campaign: Campaign;
}): Promise<void> {
  const { app, io, notice, campaign } = options;
  const { start, tellByMs, validUntilMs } = notice;
  await app.campaigns.steer(campaign.id, { do: "schedule", start, tellByMs, validUntilMs });
  const now = await app.campaigns.find({ id: campaign.id });
  if (now === null) return;
  const name = `"${now.name}"`;
  if (now.state === "paused") {
    io.say(`${name} is paused: ${now.why ?? ""} \`bellwether resume\` lets it go on.`);
  } else if (now.state === "scheduled" && now.start !== null) {
    const before = campaign.start;
    const isNew = campaign.state === "paused" || before === null || !isSameStart(before, now.start);
    const instead = before === null ? "" : `, in place of ${shownStart(before)}`;
    io.say(isNew ? `${name} is scheduled anew${instead}.` : `${name} is scheduled already.`);
  } else if (start === null) {
    io.say(`${name} was scheduled; its file has no \`at\` any more: it begins now.`);
  } else {
    io.say(`${name} was begun meanwhile; going on with it.`);
  }
}

/** After Ctrl-C: what must run at that moment, or else nothing will. */
export function stillScheduled(app: Bellwether): string {
  const how = app.isCluster
    ? "`bellwether serve` and the workers begin it in time"
    : "`bellwether serve` or `bellwether resume` must run at that moment to begin it";
  return `It stays scheduled: ${how}. \`bellwether cancel\` ends it.`;
}
