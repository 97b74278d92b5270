// Logs through the breaker: where each would have stopped, what goes on, what is judged once.
import { describe, expect, test } from "vitest";
import type { BreakerConfig } from "../../../src/breaker/breaker.ts";
import { loadConfig } from "../../../src/config/load.ts";
import { isProblem } from "../../../src/replay/event.ts";
import { createEventReader } from "../../../src/replay/reader.ts";
import { createReplay, type Replay } from "../../../src/replay/replay.ts";
import { founding, healthy, type LogInput, pick, said } from "../../world/outcome-logs.ts";

const { breaker: usual } = loadConfig({ cwd: "/nowhere", env: {} });
const START_MS = Date.UTC(2027, 3, 28, 6);

function replayed(log: Iterable<object>, breaker: BreakerConfig = usual): Replay {
  const reader = createEventReader();
  const run = createReplay({
    breaker,
    canary: 5,
    routeOf: () => ({ name: "default", feedback: "final" as const }),
  });
  let number = 0;
  for (const line of log) {
    number += 1;
    const event = reader.read(JSON.stringify(line));
    if (isProblem(event)) throw new Error(`line ${number}: ${event.field} ${event.reason}`);
    run.take(event, number);
  }
  return run;
}

const holdsOf = (log: Iterable<object>, breaker?: BreakerConfig) =>
  replayed(log, breaker).holds.map(({ hold }) => hold);

/** So many mails to a domain, one a second. */
function mails(
  count: number,
  of: (i: number) => Partial<LogInput>,
  { domain = "gmail.com", campaign = 1, from = 1, atMs = START_MS } = {},
): LogInput[] {
  return Array.from({ length: count }, (_, i) => ({
    at: new Date(atMs + i * 1000).toISOString(),
    campaign,
    delivery: from + i,
    recipient: `client${from + i}@${domain}`,
    event: "accepted" as const,
    ...of(i),
  }));
}

const refused = (i: number): Partial<LogInput> => ({ event: "rejected", reply: said("google-no-ptr", i) });
const unknown = (i: number, recipient = `client${i}@gmail.com`): Partial<LogInput> => ({
  event: "rejected",
  reply: said("user-unknown", i, recipient),
});

describe("the founding incident", () => {
  test("would have stopped at mail 3 to Gmail, not 390, and everybody else goes on", () => {
    const log = founding();
    expect(log).toHaveLength(390);
    const run = replayed(log);
    expect(run.events).toBe(390);
    expect(run.holds).toHaveLength(1);
    const gmail = log.filter((line) => line.recipient?.endsWith("@gmail.com"));
    const third = log.indexOf(gmail[2] ?? log[0] ?? { at: "" });
    expect(run.holds[0]?.hold).toEqual({
      event: third + 1,
      at: log[third]?.at,
      provider: "google",
      scope: "lane",
      reason: "reverse-dns",
      fault: "sender",
      detector: "sender",
      sent: 3,
      evidence: gmail.slice(0, 3).map((line) => line.reply),
    });
    expect(run.holds[0]?.after).toEqual({ mails: gmail.length - 3, refused: gmail.length - 3, accepted: 0 });
  });

  test("so it would have with the other wording, that says 421 and means us", () => {
    const log = founding().map((line) =>
      line.event === "rejected"
        ? { ...line, event: "deferred", reply: said("google-no-ptr-limited", 1) }
        : line,
    );
    expect(holdsOf(log)).toMatchObject([{ provider: "google", reason: "reverse-dns", sent: 3 }]);
  });
});

describe("what stops nothing", () => {
  test("two bad addresses in a hundred, and three deferrals", () => {
    expect(holdsOf(healthy({ mails: 20_000 }))).toEqual([]);
  });

  test("one delivery that answers 421 five times is one piece of evidence", () => {
    const log = mails(5, () => ({
      delivery: 1,
      event: "deferred",
      reply: said("google-no-ptr-limited", 1),
    }));
    expect(holdsOf(log)).toEqual([]);
  });

  test("the same refusal told twice, and a report of an earlier attempt", () => {
    const two = mails(2, refused);
    expect(holdsOf([...two, ...two, ...two])).toEqual([]);
    const earlier = mails(6, (i) => ({ ...refused(i), event: "bounced", attempt: 1 }));
    const accepted = mails(6, () => ({ attempt: 2 }));
    expect(holdsOf([...accepted, ...earlier])).toEqual([]);
  });

  test("one per cent of organisations that refuse us, their people side by side in the log", () => {
    const log = mails(6_000, (i) => {
      const organisation = Math.floor(i / 30);
      const recipient = `client${i}@firm${organisation}.example`;
      const mail = { recipient, provider: "microsoft365" };
      if (organisation % 100 !== 50) return mail;
      const reply = "550 5.7.1 Message rejected due to local policy of the organization";
      return { ...mail, event: "rejected", reply, reason: "policy", fault: "sender", scope: "organisation" };
    });
    expect(holdsOf(log)).toEqual([]);
  });
});

describe("what stops", () => {
  test("a list of dead addresses stops the campaign, across lanes", () => {
    const domains = ["gmail.com", "hotmail.com", "yahoo.com", "orange.fr"];
    const log = mails(40, (i) => {
      const recipient = `client${i}@${domains[i % 4]}`;
      return { recipient, ...unknown(i, recipient) };
    });
    const holds = holdsOf(log);
    expect(holds).toMatchObject([{ event: 8, scope: "campaign", detector: "address", fault: "address" }]);
    expect(holds[0]?.evidence).toHaveLength(3);
  });

  test("bounces hours after the mails were accepted", () => {
    const accepted = mails(5, () => ({}));
    const bounced = mails(5, (i) => ({ ...refused(i), event: "bounced" }), {
      atMs: START_MS + 6 * 3_600_000,
    });
    expect(holdsOf([...accepted, ...bounced])).toMatchObject([
      { event: 8, provider: "google", detector: "sender", sent: 5 },
    ]);
  });

  test("three readers who complain, and many before them who did not", () => {
    const log = [
      ...mails(50, () => ({})),
      ...mails(8, () => ({ event: "complained" }), { atMs: START_MS + 60_000 }),
    ];
    expect(holdsOf(log)).toMatchObject([{ detector: "complaint", reason: "complaint", fault: "feedback" }]);
  });

  test("our own relay's refusal holds the route, and no lane", () => {
    const log = mails(20, (i) => ({
      event: "deferred",
      reply: "451 4.7.1 Daily sending quota exceeded",
      reason: "relay-denied",
      fault: "sender",
      scope: "route",
      recipient: `client${i}@${i % 2 === 0 ? "gmail.com" : "yahoo.com"}`,
    }));
    expect(holdsOf(log)).toMatchObject([{ event: 1, scope: "route", fault: "sender" }]);
  });

  test("two providers that refuse us while nobody takes our mail stop the campaign", () => {
    const log = mails(10, (i) => ({
      ...refused(i),
      recipient: `client${i}@${i % 2 === 0 ? "gmail.com" : "yahoo.com"}`,
    }));
    expect(holdsOf(log)).toMatchObject([
      { event: 5, scope: "lane", provider: "google" },
      { event: 6, scope: "lane", provider: "yahoo" },
      { event: 6, scope: "campaign", detector: "escalation", reason: "reverse-dns" },
    ]);
  });

  test("addresses that took mail last month and are unknown today are the provider's trouble", () => {
    const before = mails(400, () => ({}));
    const today = mails(50, (i) => (i % 10 === 0 ? {} : unknown(i)), {
      campaign: 2,
      atMs: START_MS + 30 * 86_400_000,
    });
    const [hold] = holdsOf([...before, ...today]);
    expect(hold).toMatchObject({ detector: "provider-incident", provider: "google" });
    expect(hold?.sent).toBeLessThanOrEqual(10);
    // Nobody knows them: then it is the list.
    expect(holdsOf(today)[0]).toMatchObject({ detector: "address" });
  });
});

describe("after a hold", () => {
  test("the lane stands to the end, held once, and what the log has of it is counted", () => {
    const run = replayed(mails(300, (i) => (i % 2 === 0 ? refused(i) : {})));
    expect(run.holds).toHaveLength(1);
    const { hold, after } = run.holds[0] ?? {};
    expect(hold?.sent).toBeLessThanOrEqual(16);
    expect(after?.mails).toBe(300 - (hold?.sent ?? 0));
    expect((after?.refused ?? 0) + (after?.accepted ?? 0)).toBe(after?.mails);
  });

  test("it goes on where mails begin another attempt, and its first refusal holds it again", () => {
    const first = mails(5, (i) => ({ ...refused(i), attempt: 1 }));
    const again = mails(5, (i) => (i === 2 ? { ...refused(i), attempt: 2 } : { attempt: 2 }), {
      atMs: START_MS + 3_600_000,
    });
    expect(holdsOf([...first, ...again])).toMatchObject([
      { event: 3, sent: 3 },
      { event: 8, sent: 8 },
    ]);
  });

  test("a lane that was slowed too often goes on by itself when its hold is over", () => {
    const slowed = mails(12, (i) => ({
      event: "deferred",
      reply: said("google-rate-limited", i),
      at: new Date(START_MS + i * 20 * 60_000).toISOString(),
    }));
    const holds = holdsOf(slowed);
    expect(holds).toMatchObject([{ detector: "pace", reason: "rate-limited" }]);
    const later = mails(5, refused, { from: 100, atMs: START_MS + 12 * 3_600_000 });
    expect(holdsOf([...slowed, ...later]).at(-1)).toMatchObject({
      detector: "sender",
      reason: "reverse-dns",
    });
  });

  test("the next campaign of the log is asked with one mail, and is another lane", () => {
    const next = mails(5, refused, { campaign: 2, atMs: START_MS + 3_600_000 });
    expect(holdsOf([...mails(5, refused), ...next])).toMatchObject([
      { event: 3, sent: 3 },
      { event: 6, sent: 1 },
    ]);
  });
});

describe("what-if", () => {
  test("with other numbers it stops elsewhere", () => {
    const log = mails(50, refused);
    const patient = { ...usual, sender: { p0: 0.002, p1: 0.3, h: 30 } };
    expect(holdsOf(log, patient)).toMatchObject([{ sent: 6 }]);
  });
});

describe("the order of lines", () => {
  test("times that jump back and forth change nothing of what is counted", () => {
    const log = mails(60, (i) => ({
      ...(i >= 20 ? refused(i) : {}),
      at: new Date(START_MS + pick(i, 1_000) * 60_000).toISOString(),
    }));
    expect(holdsOf(log)).toMatchObject([{ event: 23, detector: "sender", sent: 23 }]);
  });

  test("campaigns may alternate: each has its own lanes", () => {
    const log = [1, 2].map((campaign) => mails(4, refused, { campaign }));
    const mixed = (log[0] ?? []).flatMap((line, i) => [line, log[1]?.[i] ?? line]);
    const run = replayed(mixed);
    expect(run.holds.map(({ campaign, hold }) => [campaign, hold.sent])).toEqual([
      [1, 3],
      [2, 3],
    ]);
  });
});
