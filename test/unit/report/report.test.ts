// The report: every row in exactly one key, holds where something is stopped, and a text that nobody can inject into.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createReportStore } from "../../../src/adapters/store/reports.ts";
import { DELIVERY_STATES, type DeliveryState } from "../../../src/delivery/delivery.ts";
import { outcomeLog } from "../../../src/report/outcome-log.ts";
import { progressOf } from "../../../src/report/progress.ts";
import { buildReport, type Report } from "../../../src/report/report.ts";
import { renderReport } from "../../../src/report/report-text.ts";
import type { ReportStore } from "../../../src/report/store.ts";
import { KEY_OF, type Totals } from "../../../src/report/totals.ts";
import fc from "../../world/property.ts";
import { NO_REVERSE_DNS, openRows, type Rows } from "../../world/rows.ts";

let world: Rows;
let store: ReportStore;
beforeAll(async () => {
  world = await openRows();
  store = createReportStore(world.db);
});
afterAll(() => world.close());

const KEYS = [
  "recipients",
  "accepted",
  "handedOver",
  "bounced",
  "complained",
  "deferred",
  "uncertain",
  "suppressed",
  "expired",
  "cancelled",
  "pending",
];

function addsUp({ recipients, ...rest }: Totals): void {
  expect(Object.values(rest).reduce((a, b) => a + b, 0)).toBe(recipients);
}

describe("the totals", () => {
  const counts = fc.dictionary(fc.constantFrom(...DELIVERY_STATES), fc.nat({ max: 4 }));
  const mix = fc.dictionary(fc.constantFrom("google", "outlook", "orange", "other"), counts);

  it("add up to the rows of the table, whatever mix of states there is", async () => {
    await fc.assert(
      fc.asyncProperty(mix, async (lanes) => {
        const id = await world.campaign({ lanes });
        const report = await buildReport(store, id);
        const rows = await world.db.read.$queryRawUnsafe<{ state: DeliveryState; provider: string }[]>(
          "SELECT d.state, l.provider FROM delivery d JOIN lane l ON l.id = d.lane_id WHERE d.campaign_id = ?",
          id,
        );
        expect(report.totals.recipients).toBe(rows.length);
        addsUp(report.totals);
        for (const lane of report.lanes) {
          addsUp(lane.totals);
          const mine = rows.filter((row) => row.provider === lane.provider);
          expect(lane.totals.recipients).toBe(mine.length);
          for (const key of KEYS.slice(1)) {
            const counted = mine.filter((row) => KEY_OF[row.state] === key).length;
            expect(lane.totals[key as keyof Totals], key).toBe(counted);
          }
        }
        const progress = await progressOf(store, id);
        expect(progress.size).toBe(rows.length);
      }),
      { numRuns: 40 },
    );
  });

  it("count what is claimed or on the wire as pending, and what the relay defers as deferred", async () => {
    const id = await world.campaign({
      lanes: { google: { pending: 1, claimed: 2, sending: 4, deferred: 8, "deferred-at-relay": 16 } },
    });
    const { totals } = await buildReport(store, id);
    expect(totals).toMatchObject({ recipients: 31, pending: 7, deferred: 24 });
  });

  it("refuse a state that nobody counts, rather than lose its rows", async () => {
    const id = await world.campaign({ lanes: { google: { accepted: 2 } } });
    await world.run("UPDATE delivery SET state = 'vanished' WHERE campaign_id = ?", id);
    await expect(buildReport(store, id)).rejects.toMatchObject({ code: "internal" });
  });
});

describe("the report", () => {
  it("has exactly the keys that other programs read, in lanes ordered by size", async () => {
    const id = await world.campaign({
      name: "Replaced",
      lanes: { outlook: { accepted: 2 }, google: { accepted: 3, bounced: 2 } },
      holds: { google: NO_REVERSE_DNS },
    });
    await world.event(id, "held", "Gmail refuses us.");
    const report = await buildReport(store, id);
    expect(Object.keys(report)).toEqual(["campaign", "name", "state", "totals", "lanes", "timeline"]);
    expect(report).toMatchObject({ campaign: id, name: "Replaced", state: "running" });
    expect(Object.keys(report.totals)).toEqual(KEYS);
    expect(report.lanes.map((lane) => lane.provider)).toEqual(["google", "outlook"]);
    expect(report.lanes.map((lane) => Object.keys(lane))).toEqual([
      ["provider", "state", "totals", "hold"],
      ["provider", "state", "totals"],
    ]);
    const { detector: _, ...hold } = NO_REVERSE_DNS;
    expect(report.lanes[0]?.hold).toStrictEqual(hold);
    expect(report.timeline).toEqual([
      { at: "2017-04-28T07:40:00.000Z", event: "held", text: "Gmail refuses us." },
    ]);
  });

  it("shows the hold of a route on each lane that is not done, and on no campaign that has ended", async () => {
    const given = {
      lanes: { google: { pending: 2 }, orange: { accepted: 1 } },
      laneStates: { orange: "done" },
    } as const;
    const id = await world.campaign(given);
    const ended = await world.campaign({ ...given, state: "cancelled" });
    await world.run(
      "UPDATE route SET state = 'held', hold = ?",
      JSON.stringify({ ...NO_REVERSE_DNS, reason: "relay-denied", scope: "route" }),
    );
    try {
      const report = await buildReport(store, id);
      expect(report.lanes.map((lane) => [lane.provider, lane.state, lane.hold?.scope])).toEqual([
        ["google", "held", "route"],
        ["orange", "done", undefined],
      ]);
      expect((await progressOf(store, id)).lanes.map((lane) => lane.state)).toEqual(["held", "done"]);
      expect((await buildReport(store, ended)).lanes.map((lane) => lane.state)).toEqual(["ramping", "done"]);
    } finally {
      await world.run("UPDATE route SET state = 'ready', hold = NULL");
    }
  });

  it("is there for a campaign that has no lanes yet, and an error for one that does not exist", async () => {
    const id = await world.campaign({ state: "draft", planned: false });
    expect(await buildReport(store, id)).toMatchObject({
      totals: { recipients: 0 },
      lanes: [],
      timeline: [],
    });
    await expect(buildReport(store, 999_999)).rejects.toMatchObject({ code: "campaign-missing" });
  });
});

describe("the text of a report", () => {
  const totals = (some: Partial<Totals>): Totals => ({
    ...(Object.fromEntries(KEYS.map((key) => [key, 0])) as unknown as Totals),
    ...some,
  });
  const { detector: _, ...hold } = NO_REVERSE_DNS;
  const report: Report = {
    campaign: 7,
    name: "Server s12 is replaced",
    state: "paused",
    totals: totals({ recipients: 1390, accepted: 1000, bounced: 3, pending: 387 }),
    lanes: [
      {
        provider: "google",
        state: "held",
        totals: totals({ recipients: 390, bounced: 3, pending: 387 }),
        hold,
      },
      { provider: "orange", state: "done", totals: totals({ recipients: 1000, accepted: 1000 }) },
    ],
    timeline: [{ at: hold.at, event: "paused", text: "No lane can go on by itself: Gmail." }],
  };

  it("has a row a lane with the columns that are not all zero, and a card with all its readers", () => {
    const text = renderReport(report, { colour: false });
    expect(text).toMatch(/provider +state +addresses +accepted +bounced +pending\n/);
    expect(text).toMatch(/Gmail \/ Google Workspace +! held +390 +0 +3 +387\n/);
    expect(text).toMatch(/all +1 390 +1 000 +3 +387\n/);
    expect(text).not.toMatch(/complained|expired/);
    for (const part of [hold.message, hold.advice, hold.tell, "bellwether resume 7 --provider google"])
      expect(text.replace(/\s+/g, " ")).toContain(part);
    expect(text).toContain(
      "    | 550-5.7.25 [2001:db8::1] The IP address has no PTR\n    | 550 5.7.25 record.\n",
    );
    expect(text).toContain("No lane can go on by itself: Gmail.");
    expect(text).toContain("390 have not; the list, with clients without an address: bellwether untold 7\n");
  });

  it("says the same with colour as without", () => {
    const coloured = renderReport(report, { colour: true });
    expect(coloured).toContain("\u001b[31m");
    expect(coloured.replace(/\u001b\[\d+m/g, "")).toBe(renderReport(report, { colour: false }));
  });

  it("keeps to the width of the terminal in its sentences", () => {
    const long = { ...hold, advice: "Ask them for a record. ".repeat(20).trim() };
    const lanes = report.lanes.map((lane) => (lane.hold ? { ...lane, hold: long } : lane));
    const text = renderReport({ ...report, lanes }, { colour: false, width: 50 });
    const sentences = text.split("\n").filter((line) => line.includes("Ask them"));
    expect(sentences.length).toBeGreaterThan(8);
    for (const line of sentences) expect(line.length).toBeLessThanOrEqual(50);
  });

  it("obeys no control character that a reply or a name brings", () => {
    const evil = "a\u001b[2J\u001b]0;x\u0007\u009b31m\u202eb\u2028c\u0000\u007f\rd";
    const poisoned: Report = {
      ...report,
      name: evil,
      lanes: [
        {
          provider: evil,
          state: "held",
          totals: totals({ recipients: 1, pending: 1 }),
          hold: { ...hold, message: evil, advice: evil, tell: evil, evidence: [evil] },
        },
      ],
      timeline: [{ at: hold.at, event: "paused", text: evil }],
    };
    const text = renderReport(poisoned, { colour: false });
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e\u2028]/);
    expect(text).toContain("a\\u{1B}[2J");
  });
});

describe("the outcome log", () => {
  it("has the closed set of events with verbatim replies, in the order of their recording", async () => {
    const id = await world.campaign({});
    const reply = "550-5.7.25 no PTR\r\n550 5.7.25 record.";
    const delivery = await world.delivery(id, { address: "Ann@gmail.com", state: "accepted", attempt: 2 }, [
      { at: "2017-04-28T07:40:01Z", event: "unreachable" },
      {
        at: "2017-04-28T07:40:02Z",
        event: "rejected",
        try: 2,
        reply,
        reason: "reverse-dns",
        fault: "sender",
        scope: "provider",
      },
      { at: "2017-04-28T09:00:00Z", event: "handed-over", attempt: 2 },
      { at: "2017-04-28T08:59:59Z", event: "accepted", attempt: 2, reply: "250 2.0.0 OK" },
    ]);
    const lines: string[] = [];
    for await (const line of outcomeLog(store, id)) lines.push(line);
    expect(lines.every((line) => line.indexOf("\n") === line.length - 1)).toBe(true);
    const known = { campaign: id, delivery, recipient: "Ann@gmail.com", provider: "google" };
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      {
        at: "2017-04-28T07:40:02.000Z",
        ...known,
        attempt: 1,
        event: "rejected",
        reply,
        reason: "reverse-dns",
        fault: "sender",
        scope: "provider",
      },
      {
        at: "2017-04-28T08:59:59.000Z",
        ...known,
        attempt: 2,
        event: "accepted",
        reply: "250 2.0.0 OK",
        reason: null,
        fault: null,
        scope: null,
      },
    ]);
  });
});

describe("the uncertain ones", () => {
  it("are listed with what was last heard", async () => {
    const id = await world.campaign({ lanes: { google: { accepted: 2 } } });
    const at = "2017-04-28T07:41:00.000Z";
    const given = { address: "bo@gmail.com", state: "uncertain", changedAt: at } as const;
    const delivery = await world.delivery(id, given, [{ at, event: "uncertain", reply: "connection lost" }]);
    expect(await store.uncertain(id)).toEqual([
      {
        delivery,
        address: "bo@gmail.com",
        provider: "google",
        attempt: 1,
        try: 0,
        at,
        reply: "connection lost",
      },
    ]);
  });
});
