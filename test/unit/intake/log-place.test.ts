import { mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  hashOf,
  type LogPlace,
  readPlace,
  unreadSince,
  writePlace,
} from "../../../src/adapters/intake/log-place.ts";

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "bellwether-place-"));
  file = path.join(folder, "mail.log");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function placeIn(at: string, offset: number): LogPlace {
  const { dev, ino } = statSync(at, { bigint: true });
  const head = readFileSync(at).subarray(0, Math.min(256, offset));
  return { inode: `${dev}:${ino}`, offset, head: hashOf(head), headBytes: head.length };
}

describe("the place in a log", () => {
  it("is found in the whole file and not in the packed one that is being made of it", async () => {
    writeFileSync(file, Array.from({ length: 20_000 }, (_, index) => `line ${index * 7919}\n`).join(""));
    const place = placeIn(file, 100_000);
    renameSync(file, `${file}.1`);
    const packed = gzipSync(readFileSync(`${file}.1`));
    writeFileSync(`${file}.1.gz`, packed.subarray(0, packed.length / 2));
    writeFileSync(file, "new\n");
    expect(await unreadSince(file, place)).toEqual({
      found: true,
      pieces: [
        { path: `${file}.1`, packed: false, offset: 100_000 },
        { path: file, packed: false, offset: 0 },
      ],
    });
  });

  it("is not looked for in other files of the folder", async () => {
    writeFileSync(file, "a line of some length\n".repeat(20));
    const place = placeIn(file, 440);
    for (const name of ["mail.log.err", "mail.logs", "mail.log.1.bz2", "xmail.log.1"])
      writeFileSync(path.join(folder, name), readFileSync(file));
    rmSync(file);
    expect(await unreadSince(file, place)).toEqual({ found: false, pieces: [] });
  });

  it("in a file of a few bytes is of that file alone: others may begin like it", async () => {
    writeFileSync(file, "Nov 23 02:00:00 mail\n");
    const place = placeIn(file, 21);
    writeFileSync(`${file}.1`, "Nov 23 02:00:00 mail\nanother\n");
    rmSync(file);
    expect((await unreadSince(file, place)).found).toBe(false);
  });

  it("is written and read again, and what is none is null", () => {
    const place = { inode: "1:2", offset: 3, head: "h", headBytes: 4 };
    expect(readPlace(writePlace(place))).toEqual(place);
    for (const text of [
      null,
      "",
      "null",
      "7",
      "[]",
      '{"inode":1}',
      '{"inode":"1:2","head":"h","offset":"3","headBytes":4}',
    ])
      expect(readPlace(text)).toBeNull();
  });
});
