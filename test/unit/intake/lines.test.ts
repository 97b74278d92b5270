import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createLineCutter } from "../../../src/adapters/intake/lines.ts";

describe("the line cutter", () => {
  it("gives the same lines and places however the text was read", () => {
    const word = fc.constantFrom("a", "ü", "€", "\n", "\r\n", "bc", "\u0000");
    fc.assert(
      fc.property(fc.array(word), fc.array(fc.nat(4)), (words, cuts) => {
        const bytes = Buffer.from(words.join(""));
        const cutter = createLineCutter(7);
        const found: { text: string; end: number }[] = [];
        let from = 0;
        for (const cut of [...cuts, bytes.length]) {
          // The reader's buffer is used again.
          const chunk = Buffer.from(bytes.subarray(from, from + cut));
          found.push(...cutter.push(chunk));
          chunk.fill(0);
          from += cut;
        }
        const parts = bytes.toString("binary").split("\n");
        const ends = parts.map((_, index) => 7 + parts.slice(0, index + 1).join("\n").length + 1);
        const text = (part: string) => Buffer.from(part, "binary").toString("utf8").replace(/\r$/, "");
        expect(found).toEqual(
          parts.slice(0, -1).map((part, index) => ({ text: text(part), end: ends[index] })),
        );
        expect(cutter.done).toBe(parts.length === 1 ? 7 : ends[parts.length - 2]);
        expect(cutter.read).toBe(7 + bytes.length);
        const last = parts.at(-1) ?? "";
        expect(cutter.rest()?.text ?? "").toBe(text(last));
      }),
    );
  });

  it.each([[["x".repeat(11)]], [["xxxx", "xxxx", "xxxx"]]])(
    "gives up a line that is too long: %j",
    (pieces) => {
      const cutter = createLineCutter(0, 10);
      for (const piece of pieces) expect(cutter.push(Buffer.from(piece))).toEqual([]);
      const { read } = cutter;
      // Nothing of it is kept, and a restart does not read it again.
      expect([cutter.done, cutter.rest()]).toEqual([read, null]);
      expect(cutter.push(Buffer.from("end\nnext\n"))).toEqual([{ text: "next", end: read + 9 }]);
      expect(cutter.push(Buffer.from(`${"y".repeat(11)}\n${"z".repeat(10)}\n`))).toMatchObject([
        { text: "z".repeat(10) },
      ]);
    },
  );
});
