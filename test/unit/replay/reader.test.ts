// One line of a log: taken whole, with what it leaves out worked out, or refused with its field.
import { describe, expect, test } from "vitest";
import { KeyTable, keyOf } from "../../../src/replay/key-table.ts";
import { createQuickReader } from "../../../src/replay/quick.ts";
import { createEventReader } from "../../../src/replay/reader.ts";
import { healthy, said } from "../../world/outcome-logs.ts";
import fc from "../../world/property.ts";

const LINE = {
  at: "2027-04-28T06:00:00.000Z",
  campaign: 1,
  delivery: 7,
  recipient: "anna@gmail.com",
  event: "rejected",
  reply: said("google-no-ptr", 1),
};
const read = (line: object) => createEventReader().read(JSON.stringify(line));

describe("what a line leaves out", () => {
  test("provider, reason, fault and scope are found by domain and words", () => {
    expect(read(LINE)).toMatchObject({
      provider: "google",
      attempt: null,
      domain: "gmail.com",
      classification: { reason: "reverse-dns", fault: "sender", scope: "provider", hard: true },
    });
    expect(read({ ...LINE, recipient: "anna@nowhere.example" })).toMatchObject({ provider: "other" });
    expect(read({ ...LINE, attempt: null, provider: null, reason: null, fault: null, scope: null })).toEqual(
      read(LINE),
    );
  });

  test("what the log says goes before the words", () => {
    expect(read({ ...LINE, provider: "yahoo", reason: "blocked" })).toMatchObject({
      provider: "yahoo",
      classification: { reason: "blocked", fault: "sender", scope: "provider" },
    });
    expect(read({ ...LINE, scope: "organisation" })).toMatchObject({
      classification: { reason: "reverse-dns", scope: "organisation" },
    });
    expect(read({ ...LINE, fault: "address" })).toMatchObject({
      classification: { reason: "user-unknown", fault: "address", scope: "recipient" },
    });
    expect(read({ ...LINE, event: "deferred" })).toMatchObject({ classification: { hard: false } });
  });

  test("a refusal without words is one that nobody knows; an unknown provider is one of its own", () => {
    expect(read({ ...LINE, reply: null })).toMatchObject({
      classification: { reason: "unclassified", fault: "unknown", hard: true },
    });
    expect(read({ ...LINE, provider: "acme-mail" })).toMatchObject({ provider: "acme-mail" });
    expect(read({ ...LINE, event: "complained", reply: undefined })).toMatchObject({
      classification: { reason: "complaint", fault: "feedback" },
    });
  });

  test("a client who was erased has a provider still", () => {
    expect(read({ ...LINE, recipient: "(erased)", provider: "google" })).toMatchObject({ domain: "" });
    expect(read({ ...LINE, recipient: "(erased)" })).toMatchObject({ field: "recipient" });
  });
});

describe("what is refused", () => {
  const bad: [string, object][] = [
    ["at", { at: "yesterday" }],
    ["at", { at: "2027-04-28" }],
    ["at", { at: 1_808_805_600_000 }],
    ["campaign", { campaign: undefined }],
    ["campaign", { campaign: -1 }],
    ["delivery", { delivery: 1.5 }],
    ["delivery", { delivery: "" }],
    ["attempt", { attempt: 0 }],
    ["attempt", { attempt: "1" }],
    ["recipient", { recipient: null }],
    ["provider", { provider: 3 }],
    ["event", { event: "handed-over" }],
    ["event", { event: undefined }],
    ["reply", { reply: 550 }],
    ["reason", { reason: "because" }],
    ["reason", { reason: ["blocked"] }],
    ["reason", { reason: { toString: 1 } }],
    ["fault", { fault: "theirs" }],
    ["fault", { reason: "blocked", fault: "address" }],
    ["scope", { scope: "planet" }],
  ];
  test.each(bad)("%s: %o", (field, change) => {
    const reader = createEventReader();
    // What is remembered of a good line must not let a bad one in.
    reader.read(JSON.stringify({ ...LINE, reason: "blocked" }));
    expect(reader.read(JSON.stringify({ ...LINE, ...change }))).toMatchObject({ field });
  });

  test.each(["", "nonsense", "[]", "null", "3", '{"at":', '{"at":"x"} {"at":"y"}'])("a line %j", (line) => {
    expect(createEventReader().read(line)).toMatchObject({ field: expect.toBeOneOf([null, "event"]) });
  });

  test("nothing that is JSON makes it throw", () => {
    fc.assert(
      fc.property(fc.json(), (line) => {
        createEventReader().read(line);
      }),
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.keys(LINE), "reason", "scope", "__proto__"),
        fc.jsonValue(),
        (key, value) => {
          createEventReader().read(JSON.stringify({ ...LINE, [key]: value }));
        },
      ),
    );
  });
});

describe("the quick way for accepted mails", () => {
  const slow = (line: string) => createEventReader().read(line.replace("{", "{ "));

  test("says what JSON says", () => {
    const quick = createQuickReader();
    for (const line of healthy({ mails: 500 })) {
      const text = JSON.stringify(line);
      const said = quick(text);
      if (line.event === "accepted") expect({ ...said, reply: line.reply }).toEqual(slow(text));
      else expect(said).toBeNull();
    }
  });

  test("takes nothing that JSON refuses", () => {
    const [first] = healthy({ mails: 1 });
    const text = JSON.stringify({ ...first, reply: 'two\nlines "quoted" \\' });
    expect(createQuickReader()(text)).not.toBeNull();
    fc.assert(
      fc.property(
        fc.nat(text.length),
        fc.constantFrom("", '"', "\\", "{", "\u0001", "9", "-", "é"),
        (at, change) => {
          const broken = text.slice(0, at) + change + text.slice(at + 1);
          const said = createQuickReader()(broken);
          if (said !== null) expect({ ...said, reply: null }).toEqual({ ...slow(broken), reply: null });
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

describe("what is kept of each mail", () => {
  test("is what a map would have", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(fc.nat(300), fc.integer({ min: 0, max: 2 ** 53 - 1 }), fc.string({ minLength: 1 })),
          {
            maxLength: 400,
          },
        ),
        (ids) => {
          const table = new KeyTable(4);
          const known = new Map<number | string, number>();
          ids.forEach((id, i) => {
            table.set(table.place(keyOf(id)), i, -i);
            known.set(id, i);
          });
          expect(table.size).toBe(known.size);
          for (const [id, i] of known) {
            const at = table.find(keyOf(id));
            expect([table.first(at), table.second(at) + 0]).toEqual([i, 0 - i]);
          }
          expect(table.find(keyOf("nobody has this id"))).toBe(-1);
        },
      ),
    );
  });

  test("ids in steps of a large power of two are found as fast as others", () => {
    const table = new KeyTable();
    for (let i = 0; i < 50_000; i++) table.place(keyOf(i * 2 ** 20));
    expect(table.size).toBe(50_000);
  });
});
