import { expect, test } from "vitest";
import { MessageReader } from "../../../src/sandbox/message-reader.ts";
import fc from "../../world/property.ts";

/** What a client does to a message before it sends it (RFC 5321 section 4.5.2). */
function onTheWire(message: string): string {
  return `${message.replaceAll(/(^|\r\n)\./g, "$1..")}.\r\n`;
}

test("a message comes out as it went in, wherever the bytes are cut, and what follows is left", () => {
  const line = fc.stringMatching(/^[.a\r]{0,4}$/);
  const cuts = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(fc.array(line, { maxLength: 8 }), cuts, (lines, sizes) => {
      const message = lines.map((text) => `${text}\r\n`).join("");
      const reader = new MessageReader("all");
      let wire = Buffer.from(`${onTheWire(message)}MAIL`);
      let rest: Buffer | null = null;
      for (let i = 0; rest === null && wire.length > 0; i++) {
        const size = sizes[i % sizes.length] ?? 1;
        rest = reader.take(wire.subarray(0, size));
        wire = wire.subarray(size);
      }
      expect(reader.raw()?.toString()).toBe(message);
      expect(Buffer.concat([rest ?? Buffer.alloc(0), wire]).toString()).toBe("MAIL");
    }),
    { numRuns: 300 },
  );
});

test("a header is found in any case and unfolded, but not in the body", () => {
  const reader = new MessageReader("head");
  reader.take(
    Buffer.from("Subject: x\r\nMESSAGE-id:\r\n <1@x>\r\nTo: a,\r\n\tb\r\n\r\nDelivery: 3\r\n.\r\n"),
  );
  expect(reader.header("Message-ID")).toBe("<1@x>");
  expect(reader.header("to")).toBe("a, b");
  expect(reader.header("Delivery")).toBeUndefined();
  expect(reader.raw()).toBeUndefined();
});

test("the first dot of a line goes even if the client forgot to double it", () => {
  const reader = new MessageReader("all");
  reader.take(Buffer.from(".a\r\n.b\r\n.\r\n"));
  expect(reader.raw()?.toString()).toBe("a\r\nb\r\n");
});
