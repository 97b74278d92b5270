// The line that a log is full of - a mail that was accepted, as `export` writes it - read by one expression in place of
// JSON: three times as fast, and the same answer, which a test holds. Any other line is left to event.ts.
import type { ReplayEvent } from "./event.ts";

/** Texts without escapes, so that each is what stands there; the reply of an accepted mail is only passed over. */
const ACCEPTED =
  /^\{"at":"(\d{4}-\d\d-\d\dT\d\d:\d\d):(\d\d)\.(\d\d\d)Z","campaign":(0|[1-9]\d{0,14}),"delivery":(0|[1-9]\d{0,14}),"attempt":([1-9]\d{0,4}),"recipient":"([^"\\\x00-\x1f]*)","provider":"([^"\\\x00-\x1f]+)","event":"accepted","reply":(?:null|"(?:[^"\\\x00-\x1f]|\\["\\/bfnrt])*")(?:,"reason":null,"fault":null,"scope":null)?\}\r?$/;

export function createQuickReader(): (line: string) => ReplayEvent | null {
  let minute = "";
  let minuteMs = 0;
  return (line) => {
    const found = ACCEPTED.exec(line);
    if (found === null) return null;
    const [, at = "", seconds = "", ms = "", campaign, delivery, attempt, recipient = "", provider = ""] =
      found;
    if (at !== minute) {
      minute = at;
      minuteMs = Date.parse(`${at}:00Z`);
    }
    const atMs = minuteMs + Number(seconds) * 1000 + Number(ms);
    if (Number.isNaN(atMs) || Number(seconds) > 59) return null;
    const domain = recipient.slice(recipient.lastIndexOf("@") + 1 || recipient.length).toLowerCase();
    return {
      atMs,
      campaign: Number(campaign),
      delivery: Number(delivery),
      attempt: Number(attempt),
      recipient,
      domain,
      provider,
      event: "accepted",
      reply: null,
      classification: null,
    };
  };
}
