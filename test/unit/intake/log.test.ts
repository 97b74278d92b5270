import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createLogIntake } from "../../../src/adapters/intake/log.ts";
import { systemClock } from "../../../src/clock.ts";
import type { Intake } from "../../../src/delivery/intake.ts";
import { type Basket, basket, memoryBookmarks } from "../../world/bookmarks.ts";

let folder: string;
let file: string;
let bookmarks: ReturnType<typeof memoryBookmarks>;
const open: Intake[] = [];
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "bellwether-log-"));
  file = path.join(folder, "mail.log");
  bookmarks = memoryBookmarks();
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((intake) => intake.stop()));
  rmSync(folder, { recursive: true, force: true });
});

const line = (number: number) =>
  `${new Date(1_700_000_000_000 + number * 1_000).toISOString()} mail postfix/smtp[4]: ${id(number)}: to=<c${number}@example.com>, relay=mx.example.com[192.0.2.7]:25, delay=1, dsn=2.0.0, status=sent (250 ok)\n`;
const id = (number: number) => `4F${String(number).padStart(8, "0")}`;
const lines = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => line(from + index)).join("");
const write = (text: string | Buffer) => appendFileSync(file, text);

async function follow(bring: Basket = basket(), graceMs = 30): Promise<Basket & { intake: Intake }> {
  const intake = createLogIntake({ file, bookmarks, clock: systemClock, pollMs: 5, graceMs });
  open.push(intake);
  await intake.start(bring.deliver);
  return { ...bring, intake };
}
const ids = ({ brought }: Basket) => brought.flatMap(({ report }) => report.marks.relayIds);
const expected = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => id(from + index));
const count = (wanted: number) => (brought: readonly unknown[]) => brought.length >= wanted;

describe("the log intake", () => {
  it("begins at the end of a log that it never saw, and brings what comes", async () => {
    write(lines(1, 3));
    const { intake, ...bring } = await follow();
    write(lines(4, 5));
    await bring.until(count(2));
    expect(ids(bring)).toEqual(expected(4, 5));
    expect(bring.brought[0]).toMatchObject({ intake: "log", excerpt: line(4).trim() });
    expect(new Set(bring.brought.map(({ key }) => key)).size).toBe(2);
    await expect
      .poll(() => intake.health())
      .toMatchObject({ name: "log", state: "alive", trouble: null, lagMs: 0 });
  });

  it("waits for a log that is not there, says so, and then reads it from its start", async () => {
    const { intake, ...bring } = await follow();
    await expect
      .poll(() => intake.health())
      .toMatchObject({ state: "failing", trouble: `${file} does not exist.` });
    write(lines(1, 2));
    await bring.until(count(2));
    expect(ids(bring)).toEqual(expected(1, 2));
    await expect.poll(() => intake.health()).toMatchObject({ state: "alive", trouble: null });
  });

  it("goes on where it stopped: nothing is lost, nothing comes twice", async () => {
    write(lines(1, 1));
    const first = await follow();
    write(lines(2, 3));
    await first.until(count(2));
    await first.intake.stop();
    await first.intake.stop();
    write(lines(4, 5));
    const second = await follow();
    await second.until(count(2));
    expect([...ids(first), ...ids(second)]).toEqual(expected(2, 5));
  });

  it("knows the Message-ID of what was queued before it was started again", async () => {
    write(`${line(1).slice(0, 25)}mail postfix/cleanup[2]: ${id(9)}: message-id=<nine@bulk.example>\n`);
    const bring = await follow();
    write(line(9));
    await bring.until(count(1));
    expect(bring.brought[0]?.report.marks.messageIds).toEqual(["nine@bulk.example"]);
  });

  it("follows the name when the file is renamed, and reads the old one on for a while", async () => {
    write(lines(1, 1));
    const bring = await follow(basket(), 300);
    write(lines(2, 3));
    await bring.until(count(2));
    renameSync(file, `${file}.1`);
    write(lines(6, 6));
    // The writer keeps the old one open for many looks of ours.
    await new Promise((resolve) => setTimeout(resolve, 60));
    appendFileSync(`${file}.1`, lines(4, 5));
    await bring.until(count(5));
    write(lines(7, 7));
    await bring.until(count(6));
    expect(ids(bring)).toEqual(expected(2, 7));
  });

  it("reads a file on from its start when it was copied and cut short", async () => {
    write(lines(1, 3));
    const bring = await follow();
    write(lines(4, 4));
    await bring.until(count(1));
    copyFileSync(file, `${file}.1`);
    truncateSync(file);
    write(lines(5, 5));
    await bring.until(count(2));
    // Longer than it was before it is looked at again.
    truncateSync(file);
    write(lines(6, 20));
    await bring.until(count(17));
    expect(ids(bring)).toEqual(expected(4, 20));
  });

  it.each([
    ["renamed", () => renameSync(file, `${file}.1`)],
    [
      "copied and cut short",
      () => {
        copyFileSync(file, `${file}.1`);
        truncateSync(file);
      },
    ],
    [
      "compressed",
      () => {
        writeFileSync(`${file}-20261123.gz`, gzipSync(readFileSync(file)));
        rmSync(file);
      },
    ],
    [
      "rotated twice",
      () => {
        writeFileSync(`${file}.2.gz`, gzipSync(readFileSync(file)));
        writeFileSync(file, lines(21, 24));
        renameSync(file, `${file}.1`);
      },
    ],
  ])("finds what was written while it was down in a file that was %s", async (how, rotate) => {
    write(lines(1, 10));
    const first = await follow();
    write(lines(11, 12));
    await first.until(count(2));
    await first.intake.stop();
    write(lines(13, 20));
    rotate();
    write(lines(25, 26));
    const twice = how === "rotated twice" ? expected(21, 24) : [];
    const second = await follow();
    await second.until(count(10 + twice.length));
    expect(ids(second)).toEqual([...expected(13, 20), ...twice, ...expected(25, 26)]);
    await expect.poll(() => second.intake.health().trouble).toBeNull();
  });

  it("reads a new file whole, and says so, when the one it was reading is gone", async () => {
    write(lines(1, 10));
    const first = await follow();
    await expect.poll(() => bookmarks.places.size).toBe(1);
    await first.intake.stop();
    rmSync(file);
    write(lines(20, 21));
    const second = await follow();
    await second.until(count(2));
    expect(ids(second)).toEqual(expected(20, 21));
    await expect
      .poll(() => second.intake.health())
      .toMatchObject({
        state: "alive",
        trouble: `The file that was being read is gone; lines of ${file} may be missing.`,
      });
  });

  it("goes on behind a packed file that is broken, and says so", async () => {
    write(lines(1, 2_000));
    const first = await follow();
    await expect.poll(() => bookmarks.places.size).toBe(1);
    await first.intake.stop();
    write(lines(2_001, 4_000));
    const packed = gzipSync(readFileSync(file));
    writeFileSync(`${file}.1.gz`, packed.subarray(0, packed.length - 200));
    rmSync(file);
    write(lines(5_000, 5_001));
    const second = await follow();
    await second.until((brought) => brought.some(({ report }) => report.marks.relayIds[0] === id(5_001)));
    const before = ids(second).slice(0, -2);
    expect(before.length).toBeGreaterThan(1_500);
    expect(before).toEqual(expected(2_001, 2_000 + before.length));
    expect(before.length % 300).not.toBe(0);
    await expect.poll(() => second.intake.health().trouble).toMatch(/mail\.log\.1\.gz cannot be read/);
  });

  it("waits for the end of a line that is half written", async () => {
    write("");
    const bring = await follow();
    write(line(1).slice(0, 90));
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(bring.brought).toEqual([]);
    write(line(1).slice(90));
    await bring.until(count(1));
    expect(bring.brought[0]?.excerpt).toBe(line(1).trim());
  });

  it("gets over bytes that are no text and lines without an end", async () => {
    write("");
    const bring = await follow();
    write(Buffer.from([0, 255, 254, 10, 0, 0, 13, 10]));
    write(line(1));
    write(Buffer.alloc(300_000, "x"));
    await new Promise((resolve) => setTimeout(resolve, 20));
    write(Buffer.alloc(100_000, 0xff));
    write(`\n${line(2)}`);
    await bring.until(count(2));
    expect(ids(bring)).toEqual(expected(1, 2));
  });

  it("brings some hundred at once, and moves its bookmark only behind what is recorded", async () => {
    write(lines(1, 1));
    const sizes: number[] = [];
    let fail = true;
    const bring = basket(async (incoming) => {
      if (fail && sizes.length === 2) {
        fail = false;
        throw new Error("postgresql://bellwether:secret@db does not answer");
      }
      sizes.push(incoming.length);
    });
    const { intake } = await follow(bring);
    const before = bookmarks.places.get("log");
    write(lines(2, 2_001));
    await expect.poll(() => intake.health(), { interval: 5 }).toMatchObject({ state: "failing" });
    expect(intake.health().trouble).not.toContain("secret");
    expect(intake.health().lagMs).toBeGreaterThan(1_000_000);
    const middle = JSON.parse(bookmarks.places.get("log") ?? "{}") as { offset: number };
    expect(bookmarks.places.get("log")).not.toBe(before);
    expect(middle.offset).toBe(Buffer.byteLength(lines(1, 1 + (sizes[0] ?? 0) + (sizes[1] ?? 0))));
    await bring.until(count(2_000));
    expect(ids(bring)).toEqual(expected(2, 2_001));
    expect(Math.max(...sizes)).toBeLessThanOrEqual(300);
    await expect.poll(() => intake.health()).toMatchObject({ state: "alive", lagMs: 0 });
  });

  it("refuses a folder", async () => {
    mkdirSync(file);
    await expect(follow()).rejects.toMatchObject({ code: "file-unreadable" });
  });
});
