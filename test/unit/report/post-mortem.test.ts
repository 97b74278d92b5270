// The post-mortem as a document: what it says of quiet, running, cancelled and twice held campaigns.
import { describe, expect, it } from "vitest";
import { buildPostMortem } from "../../../src/report/post-mortem.ts";
import { renderHtml } from "../../../src/report/post-mortem-html.ts";
import { renderMarkdown } from "../../../src/report/post-mortem-markdown.ts";
import type { PostMortemInput } from "../../../src/report/telling.ts";
import { noTotals } from "../../../src/report/totals.ts";
import { at, card, HELD, hold, input, lane, problemsOf, refused, totals } from "../../world/post-mortems.ts";

const short = (given: PostMortemInput) => buildPostMortem(given).short.join("\n");

describe("the short version", () => {
  it("of a campaign that nothing held is three sentences, one of them that nothing held it", () => {
    const { short: sentences, holds } = buildPostMortem(input());
    expect(sentences).toHaveLength(3);
    expect(sentences[1]).toBe("It was never held: no provider stood in its way.");
    expect(holds).toEqual([]);
  });

  it("tells in five to ten sentences who refused, since when, whose fault, what it cost and who has it now", () => {
    const document = buildPostMortem(input({}, HELD));
    expect(document.short.length).toBeGreaterThanOrEqual(5);
    expect(document.short.length).toBeLessThanOrEqual(10);
    const text = document.short.join("\n");
    for (const part of [
      'We announced "Server s12 was replaced" to 1 390 addresses at 2 mailbox providers, from 28 April 2017 05:40 UTC on.',
      "Gmail / Google Workspace refused our mail from 05:50 UTC on: the sending server's address has no reverse DNS name.",
      "The fault was ours: the mailboxes were fine.",
      "Our mailer stopped by itself: the mail to Gmail / Google Workspace at 05:52 UTC, 2 minutes after the first refusal.",
      "It cost 5 refused mails, with 2 mails on the wire when it stopped; 4 addresses were refused, and 300 were told later than planned.",
      "Orange / Wanadoo was not stopped: 1 000 addresses told there.",
      "It went on at 06:31 UTC, 39 minutes after the stop. 3 addresses that had been refused were sent to again.",
      "What exactly was repaired is not recorded; nothing more was refused for that reason.",
      "1 390 of 1 390 addresses have the notice, and nobody is left.",
    ])
      expect(text).toContain(part);
  });

  it("tells local times beside UTC where people spoke in a zone, and the day where there are several", () => {
    const events = [
      { at: "2017-04-28T21:30:00.000Z", event: "launched", text: "It was launched.", provider: null },
    ];
    const given = input(
      {},
      { ...HELD, zone: "Europe/Paris", events, ended: [card({ endedAt: "2017-04-28T23:10:00.000Z" })] },
    );
    expect(short(given)).toContain("05:50 UTC (07:50 Europe/Paris)");
    const night = input(
      {},
      {
        ...HELD,
        zone: "+05:30",
        events: [
          ...events,
          { ...events[0], at: "2017-04-29T02:00:00.000Z", event: "completed", text: "Told.", provider: null },
        ],
      },
    );
    const { timeline } = buildPostMortem(night);
    expect([timeline.days, timeline.zone]).toEqual(["28 April 2017 to 29 April 2017", "+05:30"]);
    expect(timeline.rows.map((row) => [row.utc, row.local])).toEqual([
      ["28 Apr 21:30", "29 Apr 03:00"],
      ["29 Apr 02:00", "29 Apr 07:30"],
    ]);
  });

  it("says of a campaign that runs or stands that it is not over, and promises nothing", () => {
    const standing = input(
      {
        state: "paused",
        totals: totals({ recipients: 1390, accepted: 1000, bounced: 5, pending: 385 }),
        lanes: [
          lane("orange", { recipients: 1000, accepted: 1000 }),
          lane("google", { recipients: 390, bounced: 5, pending: 385 }, { state: "held", hold: hold() }),
        ],
      },
      { ...HELD, ended: [], endedAt: null },
    );
    const text = short(standing);
    expect(text).toContain(
      "It is not over: Gmail / Google Workspace is still stopped, and what was repaired so far is not recorded.",
    );
    expect(text).toContain("1 000 of 1 390 addresses have the notice, 390 not.");
    const running = input({ state: "running", totals: totals({ recipients: 10, accepted: 4, pending: 6 }) });
    expect(short(running)).toContain("So far 4 of 10 addresses have the notice, 6 not.");
  });

  it("says when a campaign was cancelled before it could go on, and before it had begun", () => {
    const lanes = [
      lane("google", { recipients: 9, bounced: 3, cancelled: 6 }, { state: "held", hold: hold() }),
    ];
    const cancelled = input(
      { state: "cancelled", lanes, totals: totals({ recipients: 9, bounced: 3, cancelled: 6 }) },
      { ...HELD, ended: [] },
    );
    expect(short(cancelled)).toContain("The campaign was cancelled before it could go on.");
    expect(buildPostMortem(cancelled).open).toContain("6 addresses were cancelled before their turn.");
    const unbegun = input(
      { state: "cancelled", lanes: [], totals: noTotals() },
      { launchedAt: null, events: [] },
    );
    expect(buildPostMortem(unbegun).short).toEqual([
      '"Server s12 was replaced" was cancelled before it had begun: nothing was sent.',
    ]);
  });

  it("tells of a second hold, each with its own card, and of what was refused in between", () => {
    const twice = input(
      {},
      {
        ...HELD,
        ended: [
          card(),
          card({ hold: hold({ at: at("06:32"), leaked: 0 }), endedAt: at("06:50"), by: "time", returned: 1 }),
        ],
      },
    );
    const document = buildPostMortem(twice);
    expect(document.short.join("\n")).toContain("It was held twice.");
    expect(document.short.join("\n")).toContain("It went on at 06:50 UTC");
    expect(document.holds.map((one) => one.facts.at(-1)?.text)).toEqual([
      "06:31 UTC, by a person's order, after 39 minutes. 3 addresses that had been refused were given back to be sent again.",
      "06:50 UTC, by itself, after its time, after 18 minutes. 1 address that had been refused was given back to be sent again.",
    ]);
    // What time alone let go on has its place in the timeline.
    expect(document.timeline.rows.at(-1)).toMatchObject({ utc: "06:50", mark: "go on" });
  });

  it("tells of late reports: refusals after it went on are not passed over", () => {
    const late = input(
      { state: "completed-with-failures" },
      { ...HELD, refusals: [{ ...refused, firstAt: at("05:50"), lastAt: at("08:15") }] },
    );
    expect(short(late)).toContain("some mail was still refused afterwards");
  });

  it("names three of many providers and counts the others", () => {
    const ids = ["google", "outlook", "yahoo", "orange", "apple"];
    const lanes = ids.map((id) =>
      lane(
        id,
        { recipients: 10, pending: 10 },
        { state: "held", hold: hold({ fault: id === "apple" ? "content" : "sender" }) },
      ),
    );
    const many = input({ state: "paused", lanes, totals: totals({ recipients: 50, pending: 50 }) });
    const text = short(many);
    expect(text).toContain("So did 2 more providers, which are told of below.");
    expect(text).toContain("Whose fault it was differs:");
    expect(buildPostMortem(many).short.length).toBeLessThanOrEqual(10);
    expect(buildPostMortem(many).holds).toHaveLength(5);
    expect(buildPostMortem(many).providers.rows).toHaveLength(6);
  });

  it("blames nobody where nobody is known, or where a person gave the order", () => {
    const unknown = input(
      {},
      { ended: [card({ hold: hold({ fault: "unknown", reason: "unclassified" }) })] },
    );
    expect(short(unknown)).toContain(
      "Whose fault it was is not known: the answers give no reason that we know.",
    );
    const byHand = short(input({}, { ended: [card({ hold: hold({ fault: "none", reason: "notice" }) })] }));
    expect(byHand).toContain("At 05:52 UTC a person stopped the mail to Gmail / Google Workspace.");
    expect(byHand).not.toContain("by itself");
  });

  it("blames a provider that knows its own mailboxes no more, and not the list", () => {
    const message =
      "Yahoo / AOL says that addresses do not exist which took our mail not long ago. It is most likely disturbed.";
    const disturbed = hold({
      fault: "address",
      reason: "user-unknown",
      detector: "provider-incident",
      message,
    });
    const text = short(input({}, { ended: [card({ provider: "yahoo", hold: disturbed })] }));
    expect(text).toContain(
      "At 05:52 UTC: Yahoo / AOL says that addresses do not exist which took our mail not long ago.\n",
    );
    expect(text).toContain("The fault was not ours, as far as the answers tell: the provider was disturbed");
    expect(text).not.toContain("first refusal");
  });

  it("tells of one relay under many lanes once, and does not blame their providers", () => {
    const route = hold({ scope: "route", reason: "relay-denied" });
    const lanes = ["google", "orange"].map((id) =>
      lane(id, { recipients: 5, pending: 5 }, { state: "held", hold: route }),
    );
    const text = short(input({ state: "paused", lanes, totals: totals({ recipients: 10, pending: 10 }) }));
    expect(text).toContain("Our own relay refused our mail from 05:52 UTC on:");
    expect(text).toContain("The fault was ours: our own relay refused the mail.");
    expect(text).not.toContain("twice");
    expect(text).not.toContain("Gmail");
  });
});

describe("the details", () => {
  it("tell of a crowd of requests to slow down once, with how often", () => {
    const slowed = (time: string) => ({
      at: at(time),
      event: "slowed",
      text: "Yahoo asks for less.",
      provider: "yahoo",
    });
    const { rows } = buildPostMortem(
      input({}, { events: [slowed("05:41"), slowed("05:42"), slowed("05:45")] }),
    ).timeline;
    expect(rows.map((row) => row.text)).toEqual([
      "Yahoo asks for less. 3 times in a row, the last at 05:45 UTC.",
    ]);
  });

  it("say what retention has taken away, and show no reply then", () => {
    const gone = buildPostMortem(input({}, { ...HELD, forgotten: 1 }));
    expect(gone.holds[0]?.replies).toEqual([]);
    expect(gone.notes).toContain("The replies themselves are no longer kept.");
  });

  it("say that a hold of an earlier version has no card, rather than make one up", () => {
    const events = [{ at: at("05:52"), event: "held", text: "Gmail refuses our mail.", provider: "google" }];
    expect(buildPostMortem(input({}, { events })).notes.join()).toContain("were not kept");
  });

  it("are there for a campaign without lanes", () => {
    const none = buildPostMortem(
      input({ state: "draft", lanes: [], totals: noTotals() }, { launchedAt: null, events: [] }),
    );
    expect(none.short).toEqual(['"Server s12 was replaced" has not begun: nothing was sent.']);
    expect(renderMarkdown(none)).toContain("No address is planned yet.");
    expect(problemsOf(renderHtml(none))).toEqual([]);
  });
});
