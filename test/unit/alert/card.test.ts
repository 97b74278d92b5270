import { describe, expect, it, test } from "vitest";
import { cardOf } from "../../../src/alert/card.ts";
import type { Cause, Counts } from "../../../src/alert/cause.ts";
import { payloadOf, subjectOf, textOf, variablesOf } from "../../../src/alert/message.ts";
import type { Trip } from "../../../src/breaker/breaker.ts";
import { describeHold } from "../../../src/breaker/hold.ts";
import { ALERT_VARIABLES } from "../../../src/config/command-line.ts";
import { flatKeys } from "../../../src/config/environment.ts";
import { loadConfig } from "../../../src/config/load.ts";
import { SCHEMA } from "../../../src/config/schema.ts";

const AT_MS = Date.UTC(2027, 3, 28, 5, 40);
const COUNTS: Counts = { recipients: 780, told: 3, uncertain: 2, failed: 3 };
const CAMPAIGN = { id: 4, name: "Server s12 is replaced" };
const PTR: Trip = { detector: "sender", reason: "reverse-dns", fault: "sender", scope: "provider" };

const hold = (trip: Trip, replies: readonly string[] = []) =>
  describeHold({ provider: "google", trip, nowMs: AT_MS, replies });

function laneHeld(trip: Trip, more: Partial<Extract<Cause, { kind: "lane-held" }>> = {}): Cause {
  return {
    kind: "lane-held",
    key: "k",
    fresh: true,
    campaign: CAMPAIGN,
    laneId: 7,
    provider: "google",
    hold: hold(trip, ["550-5.7.25 <bob@gmail.com> no PTR\r\n550 5.7.25 \u001b[31mbye"]),
    untilMs: null,
    ...more,
  };
}
const about = { key: "k", fresh: true, campaign: CAMPAIGN };
const subject = (cause: Cause) => cardOf(cause, COUNTS, null).subject;

describe("the subject says on a lock screen what is the matter", () => {
  test.each<[Cause, string]>([
    [laneHeld(PTR), "Held: Gmail refuses our mail (reverse DNS) - 3 of 780 told"],
    [
      laneHeld({ ...PTR, detector: "content", reason: "spam", fault: "content" }),
      "Held: Gmail refuses this text (taken for spam) - 3 of 780 told",
    ],
    [
      laneHeld({ ...PTR, detector: "address", reason: "user-unknown", fault: "address" }),
      "Held: Gmail says too many addresses do not exist - 3 of 780 told",
    ],
    [
      laneHeld({ ...PTR, detector: "pace", reason: "rate-limited" }),
      "Held: Gmail asks us to slow down - 3 of 780 told",
    ],
    [
      laneHeld({ ...PTR, detector: "deferral", reason: "system", fault: "temporary" }),
      "Held: Gmail puts off all our mail - 3 of 780 told",
    ],
    [
      laneHeld({ ...PTR, detector: "provider-incident", reason: "user-unknown", fault: "address" }),
      "Held: Gmail says that good addresses do not exist - 3 of 780 told",
    ],
    [
      { ...about, kind: "route-held", route: "default", hold: hold({ ...PTR, reason: "relay-denied" }) },
      "Held: our relay refuses our mail (access denied) - 3 of 780 told",
    ],
    [
      { ...about, kind: "lane-blind", laneId: 1, provider: "yahoo", text: "." },
      "Blind: our relay does not say what becomes of mail to Yahoo - 3 of 780 told",
    ],
    [
      { ...about, kind: "campaign-paused", by: "breaker", why: "The list may be old." },
      "Paused: nothing more is sent - 3 of 780 told",
    ],
    [
      { ...about, kind: "campaign-paused", by: "schedule", why: "Nothing ran." },
      "Not begun: the moment was missed - Server s12 is replaced",
    ],
    [{ ...about, kind: "campaign-failures" }, "Ended: 777 of 780 not told - Server s12 is replaced"],
    [
      { ...about, kind: "uncertain", text: "." },
      "Uncertain: 2 mails, a sending process died - 3 of 780 told",
    ],
    [
      { kind: "intake-dead", key: "k", fresh: true, intake: "imap", trouble: "away", sinceMs: AT_MS },
      "Deaf: reports do not come in (imap)",
    ],
  ])("%#: %s", (cause, words) => {
    expect(subject(cause)).toBe(words);
  });

  it("in so many characters at most, whatever the campaign is called", () => {
    const campaign = { id: 1, name: "x".repeat(200) };
    expect(subject({ ...about, campaign, kind: "campaign-failures" }).length).toBeLessThanOrEqual(120);
  });
});

describe("the text", () => {
  const card = cardOf(laneHeld(PTR), COUNTS, "https://notices.example.com/");
  const alert = { id: 12, kind: "lane-held" as const, urgency: "high" as const, atMs: AT_MS, card };

  it("tells its three readers what they need, with the commands to type and the link", () => {
    const text = textOf(alert, false);
    const order = [
      "Held: Gmail refuses our mail",
      'Campaign 4, "Server s12 is replaced". 2027-04-28 05:40 UTC.',
      "What happened",
      "What you can do now",
      "      bellwether alerts ack 12",
      "      bellwether resume 4 --provider google",
      "What an engineer must do",
      "for a PTR",
      "What to tell clients on the phone",
      "word for word",
      "  | 550-5.7.25 <[address]> no PTR",
      "https://notices.example.com/campaigns/4",
    ].map((words) => text.indexOf(words));
    expect(order).not.toContain(-1);
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(text.split("\n").every((line) => line.length <= 78)).toBe(true);
  });

  it("holds no address, and nothing that moves a terminal", () => {
    for (const told of [textOf(alert, false), JSON.stringify(payloadOf(alert, false))]) {
      expect(told).not.toContain("bob@");
      expect(told).not.toContain("\u001b");
    }
    const named = cardOf(laneHeld(PTR, { campaign: { id: 1, name: "For ann@example.org" } }), COUNTS, null);
    expect(named.campaign?.name).toBe("For [address]");
  });

  it("says to the deputy that nobody has answered", () => {
    expect(subjectOf(alert, true)).toBe(`Deputy: ${card.subject}`);
    expect(textOf(alert, true)).toMatch(/^Nobody has answered for this alert of 2027-04-28 05:40 UTC/);
    expect(payloadOf(alert, true)).toMatchObject({ type: "alert.lane-held", data: { deputy: true, id: 12 } });
    expect(variablesOf(alert, true).BELLWETHER_ALERT_FOR).toBe("deputy");
  });

  it("asks nobody to answer for news", () => {
    const news = { ...alert, urgency: "low" as const };
    expect(textOf(news, false)).not.toContain("alerts ack");
    expect(payloadOf(news, false)).toMatchObject({ data: { acknowledge: null } });
  });
});

describe("the variables of a command", () => {
  it("are no keys of the configuration, and the program that it runs does not mind them", () => {
    const keys = flatKeys(SCHEMA).flatMap(({ variable }) => [variable, `${variable}_FILE`]);
    expect(ALERT_VARIABLES.filter((name) => keys.includes(name))).toEqual([]);
    const card = cardOf(laneHeld(PTR), COUNTS, null);
    const env = variablesOf({ id: 1, kind: "lane-held", urgency: "high", atMs: AT_MS, card }, false);
    expect(Object.keys(env)).toEqual([...ALERT_VARIABLES]);
    expect(() => loadConfig({ cwd: "/", env })).not.toThrow();
  });
});
