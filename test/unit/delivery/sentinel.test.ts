// The sentinel's names: ours alone, found by each road on which it can come back, and never a delivery's.
import { expect, test } from "vitest";
import type { Incoming } from "../../../src/delivery/intake.ts";
import { entriesOf } from "../../../src/delivery/report-entry.ts";
import { SENTINEL_DOMAIN, sentinelMail, sentinelOf } from "../../../src/delivery/sentinel.ts";
import { makeMessageName, makeToken, readMessageName, readToken } from "../../../src/delivery/token.ts";

const SECRET = "a secret of the tests";
const mail = sentinelMail({
  id: 7,
  secret: SECRET,
  from: "support@hoster.example",
  returnPath: "bounces+{token}@bounces.example",
  domain: "hoster.example",
  nowMs: Date.UTC(2027, 3, 27),
});

function entryOf(marks: Partial<Incoming["report"]["marks"]>, address: string | null = null) {
  const [entry] = entriesOf(
    {
      key: "k",
      intake: "log",
      receivedAtMs: 0,
      excerpt: "",
      report: {
        kind: "bounce",
        recipients: [{ address, action: "failed", reply: "", classification: null }],
        marks: { tokens: [], messageIds: [], relayIds: [], ...marks },
        atMs: null,
        reporter: null,
      },
    },
    SECRET,
  );
  if (entry === undefined) throw new Error("no entry");
  return entry;
}

test("its mail goes to a name that never exists, and every address in it names it", () => {
  expect(mail.to.endsWith(".invalid")).toBe(true);
  const token = mail.to.split("@")[0] ?? "";
  expect(mail.from).toBe(`bounces+${token}@bounces.example`);
  expect(mail.envid).toBe(token);
  const text = mail.raw.toString("latin1");
  expect(text).toContain(`\r\nX-Bellwether-Delivery: ${token}\r\n`);
  expect(text).not.toMatch(/[^\r]\n|[^\x00-\x7f]/);
  const messageId = /Message-ID: <([^>]+)>/.exec(text)?.[1] ?? "";
  expect(readMessageName(messageId, SECRET)).toEqual({ delivery: 7, revision: 0 });
  expect(readToken(token, SECRET)).toEqual({ delivery: 7, attempt: 0 });
});

test("it is found by its token, its Message-ID, or by its address where a log tells nothing else", () => {
  const token = makeToken({ delivery: 7, attempt: 0 }, SECRET);
  const name = makeMessageName({ delivery: 7, revision: 0 }, SECRET);
  expect(sentinelOf(entryOf({ tokens: [token] }))).toBe(7);
  expect(sentinelOf(entryOf({ messageIds: [`${name}@hoster.example`] }))).toBe(7);
  expect(sentinelOf(entryOf({}, mail.to.toUpperCase()))).toBe(7);
});

test("nobody else's mail is taken for it, and nobody can make one up", () => {
  expect(sentinelOf(entryOf({ tokens: [makeToken({ delivery: 7, attempt: 1 }, SECRET)] }))).toBeNull();
  expect(
    sentinelOf(entryOf({ tokens: [makeToken({ delivery: 7, attempt: 0 }, "another secret")] })),
  ).toBeNull();
  expect(
    sentinelOf(entryOf({}, `${makeToken({ delivery: 7, attempt: 0 }, "x")}@${SENTINEL_DOMAIN}`)),
  ).toBeNull();
  expect(sentinelOf(entryOf({}, mail.to.replace(SENTINEL_DOMAIN, "gmail.com")))).toBeNull();
  expect(sentinelOf(entryOf({}, `someone@${SENTINEL_DOMAIN}`))).toBeNull();
});
