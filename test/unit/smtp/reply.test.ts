import { expect, test } from "vitest";
import { isRefusal, offersOf, relayIdOf } from "../../../src/adapters/smtp/reply.ts";

test.each([
  ["250 2.0.0 Ok: queued as 4F4F4F4F41", "4F4F4F4F41"],
  ["250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as 3xYz12.", "3xYz12"],
  ["250 OK id=1tXy2z-000000001Ab-2Cde", "1tXy2z-000000001Ab-2Cde"],
  ["250 Message Queued (D6D3A5F1-44.1)", "D6D3A5F1-44.1"],
  ["250 ok 1700000000 qp 12345", "12345"],
  ["250 2.6.0 <a1@mail.example> [InternalId=7] Queued mail for delivery", "a1@mail.example"],
  ["250 2.0.0 62PAbcde012345 Message accepted for delivery", "62PAbcde012345"],
  ["250 Ok 0100018b5c3c0a4f-aa11-000000", "0100018b5c3c0a4f-aa11-000000"],
  ["250 2.0.0 OK  1700000000 af79cd13be357-7d2c9a1si1 - gsmtp", "af79cd13be357-7d2c9a1si1"],
  ["250-first\n250 2.0.0 Ok: queued as ABC", "ABC"],
  ["250 2.0.0 Ok", null],
  ["250 Great success", null],
])("the id in %j is %j", (reply, id) => {
  expect(relayIdOf(reply)).toBe(id);
});

test("a reply of a million characters is read in no time", () => {
  const started = performance.now();
  for (const word of ["queued as ", "<a@", "ok 1 ", "id= "]) relayIdOf(`250 ${word.repeat(200_000)}`);
  expect(performance.now() - started).toBeLessThan(500);
});

test("what EHLO offers is read in any case and order, and the greeting line offers nothing", () => {
  expect(offersOf("250-SMTPUTF8.example hello\n250-size 1000\n250-dsn\n250 smtputf8")).toEqual({
    smtpUtf8: true,
    sizeLimit: 1000,
    dsn: true,
  });
  expect(offersOf("250-SIZE SMTPUTF8\n250-SIZE 0\n250 8BITMIME")).toEqual({
    smtpUtf8: false,
    sizeLimit: null,
    dsn: false,
  });
  expect(offersOf("250 hello")).toEqual({ smtpUtf8: false, sizeLimit: null, dsn: false });
});

test("only whole 4xx and 5xx replies are refusals", () => {
  for (const reply of ["550 no", "421-a\n421 b", "450"]) expect(isRefusal(reply)).toBe(true);
  for (const reply of ["250 ok", "354 go", "55", "5500 x", "hello", ""]) expect(isRefusal(reply)).toBe(false);
});
