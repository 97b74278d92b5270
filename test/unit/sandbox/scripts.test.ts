import { describe, expect, test } from "vitest";
import type { Moment } from "../../../src/sandbox/moment.ts";
import { REPLIES } from "../../../src/sandbox/replies.ts";
import {
  acceptAll,
  byProvider,
  combine,
  deferFirst,
  forDomains,
  forShare,
  refuseAfter,
  refuseAll,
  refuseShare,
} from "../../../src/sandbox/scripts.ts";

function moment(of: Partial<Moment> = {}): Moment {
  return {
    provider: "google",
    phase: "dot",
    recipient: "u@gmail.com",
    sender: "a@b.example",
    attempt: 1,
    seen: 1,
    acceptedSoFar: 0,
    connection: 1,
    peer: "192.0.2.1",
    nowMs: 0,
    ...of,
  };
}
const users = Array.from({ length: 10_000 }, (_, i) => `user${i}@gmail.com`);
const before = { recipient: null, attempt: 0 } as const;

test("refuseAfter lets exactly n mails pass, counted at RCPT, whichever phase refuses", () => {
  const atDot = refuseAfter(2, "550 no");
  expect([1, 2, 3].map((seen) => atDot(moment({ seen })) !== undefined)).toEqual([false, false, true]);
  const atMail = refuseAfter(2, "421 no", { phase: "mail" });
  const heard = [1, 2].map((seen) => atMail(moment({ ...before, phase: "mail", seen })) !== undefined);
  expect(heard).toEqual([false, true]);
});

test("a script speaks in its reply's own phase, or in the one that it is given", () => {
  const known = refuseAll("google-user-unknown");
  expect(known(moment({ phase: "rcpt" }))).toBeDefined();
  expect(known(moment({ phase: "dot" }))).toBeUndefined();
  expect(refuseAll("550 no", { phase: "ehlo" })(moment({ ...before, phase: "ehlo" }))).toEqual({
    reply: "550 no",
  });
});

test("a share is close to what was asked for, and the same addresses each time, in any case of letters", () => {
  const script = refuseShare(0.1, 7, "550 no");
  const refused = users.filter((recipient) => script(moment({ recipient })) !== undefined);
  expect(refused.length).toBeGreaterThan(900);
  expect(refused.length).toBeLessThan(1100);
  expect(refused.every((recipient) => script(moment({ recipient: recipient.toUpperCase() })))).toBe(true);
  const other = refuseShare(0.1, 8, "550 no");
  const both = refused.filter((recipient) => other(moment({ recipient })) !== undefined);
  expect(both.length).toBeLessThan(200);
});

test("greylisting defers the first attempts of each recipient", () => {
  const script = deferFirst(2);
  const answers = [1, 2, 3].map((attempt) => script(moment({ phase: "rcpt", attempt })));
  expect(answers[0]).toEqual({ reply: expect.stringMatching(/^450 4\.2\.0 <u@gmail\.com>/) });
  expect(answers.map((answer) => answer !== undefined)).toEqual([true, true, false]);
});

test("scripts are narrowed by domain, share and provider, and the first that answers is heard", () => {
  const first = refuseAll("550 first");
  const script = combine(
    forDomains(["X.example"], first),
    acceptAll(),
    byProvider({ yahoo: refuseAll("554 second") }),
  );
  expect(script(moment({ recipient: "u@x.EXAMPLE", provider: "yahoo" }))).toEqual({ reply: "550 first" });
  expect(script(moment({ provider: "yahoo" }))).toEqual({ reply: "554 second" });
  expect(script(moment())).toBeUndefined();
  const shared = forShare(0.5, 3, first);
  const hit = users.filter((recipient) => shared(moment({ recipient }))).length;
  expect(hit).toBeGreaterThan(4700);
  expect(hit).toBeLessThan(5300);
});

describe("the replies of providers", () => {
  test.each(Object.entries(REPLIES))("%s is a well-formed reply when filled in", (_name, known) => {
    const recipient = known.phase === "connect" || known.phase === "mail" ? null : "u@gmail.com";
    const answer = refuseAll(known, { ip: "192.0.2.9" })(moment({ phase: known.phase, recipient }));
    const lines = answer !== undefined && "reply" in answer ? answer.reply.split("\n") : [];
    const code = lines[0]?.slice(0, 3);
    expect(code).toMatch(/^[45]\d\d$/);
    lines.forEach((line, i) => {
      expect(line.slice(0, 4)).toBe(`${code}${i < lines.length - 1 ? "-" : " "}`);
      expect(line).not.toMatch(/[{}]/);
      expect(line.length).toBeLessThan(510);
    });
  });

  test("Gmail says a missing PTR on several lines, with the address, and signs the last one", () => {
    const answer = refuseAll("google-no-ptr")(moment());
    const reply = answer !== undefined && "reply" in answer ? answer.reply : "";
    expect(reply).toMatch(/^550-5\.7\.25 \[2001:db8::25\] The IP address/);
    expect(reply).toMatch(/\n550 5\.7\.25 [^\n]* - gsmtp$/);
  });
});
