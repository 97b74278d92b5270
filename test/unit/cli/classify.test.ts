// classify: one answer, or one a line; a bad line is answered in its place and the others go on.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { classify } from "../../../src/cli/classify.ts";
import type { Io } from "../../../src/cli/io.ts";
import { BellwetherError, EXIT } from "../../../src/errors.ts";
import { dsn } from "../bounce/mails.ts";

const folder = mkdtempSync(path.join(tmpdir(), "bellwether-classify-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, content: string | Buffer): string {
  const full = path.join(folder, name);
  writeFileSync(full, content);
  return full;
}

async function answers(input: string, jsonl = false) {
  const out: string[] = [];
  const told: string[] = [];
  const io: Io = {
    out: async (text) => {
      out.push(text);
    },
    say: (text) => {
      told.push(text);
    },
    err: process.stderr,
    isTerminal: false,
    colour: false,
    canAsk: false,
    confirm: async () => false,
    open: () => Promise.reject(new Error("classify needs no program")),
  };
  const exit = await classify(io, input, { jsonl });
  const rows = out
    .join("")
    .split("\n")
    .filter((line) => line !== "");
  return { exit, told, rows: rows.map((line) => JSON.parse(line)) };
}

const BOUNCE = dsn({
  status: [
    "Final-Recipient: rfc822; jane@client.example",
    "Action: failed",
    "Diagnostic-Code: smtp; 550 5.1.1 user unknown",
  ],
});

describe("classify", () => {
  it("answers a mail with its kind and whom it is about", async () => {
    const { exit, rows } = await answers(file("bounce.eml", BOUNCE));
    expect(exit).toBe(EXIT.done);
    expect(rows).toEqual([
      {
        id: null,
        kind: "bounce",
        reason: "user-unknown",
        fault: "address",
        hard: true,
        scope: "recipient",
        provider: "other",
        code: 550,
        enhanced: "5.1.1",
        recipients: ["jane@client.example"],
        advice: expect.any(String),
      },
    ]);
    expect(Object.keys(rows[0])).toEqual(
      "id kind reason fault hard scope provider code enhanced recipients advice".split(" "),
    );
  });

  it("answers the text of a reply, given or in a file, with the same keys", async () => {
    const given = await answers("550 5.1.1 user unknown");
    const kept = await answers(file("reply.txt", "550 5.1.1 user unknown\n"));
    expect(given.rows[0]).toMatchObject({
      kind: "bounce",
      reason: "user-unknown",
      hard: true,
      recipients: [],
    });
    expect(kept.rows).toEqual(given.rows);
  });

  it("knows a mail in a file of any name by its beginning", async () => {
    expect((await answers(file("message", BOUNCE))).rows[0]?.recipients).toEqual(["jane@client.example"]);
  });

  it("refuses a mail's file that does not exist, and does not take its name for a reply", async () => {
    const missing = path.join(folder, "missing.eml");
    await expect(answers(missing)).rejects.toMatchObject({ code: "file-unreadable", exit: EXIT.usage });
    await expect(answers(missing)).rejects.toBeInstanceOf(BellwetherError);
  });

  it("answers line by line, texts and files, each with its id and the provider that is known", async () => {
    const eml = file("bounce2.eml", BOUNCE);
    const lines = [
      { id: "a", text: "421 4.7.23 no PTR record" },
      { id: 2, file: eml, provider: "google" },
      { id: null, text: "250 ok" },
    ];
    const { exit, rows } = await answers(
      file("in.jsonl", `${lines.map((one) => JSON.stringify(one)).join("\r\n")}\n\n`),
      true,
    );
    expect(exit).toBe(EXIT.done);
    expect(rows.map(({ id, reason, provider }) => [id, reason, provider])).toEqual([
      ["a", "reverse-dns", "other"],
      [2, "user-unknown", "google"],
      [null, "unclassified", "other"],
    ]);
  });

  it("answers a bad line with its error, goes on, names the lines, and ends with 2", async () => {
    const lines = [
      "not json",
      '{"id":"b","text":"550 5.1.1 user unknown"}',
      `{"id":"c","file":${JSON.stringify(path.join(folder, "missing.eml"))}}`,
      `{"id":"d","file":${JSON.stringify(folder)}}`,
      '{"id":"e"}',
      "[1]",
      '{"id":"f","text":"552 5.2.2 mailbox full"}',
    ];
    const { exit, rows, told } = await answers(file("bad.jsonl", lines.join("\n")), true);
    expect(exit).toBe(EXIT.usage);
    expect(rows.map(({ id, reason, error }) => [id, reason ?? error.code])).toEqual([
      [null, "usage"],
      ["b", "user-unknown"],
      ["c", "file-unreadable"],
      ["d", "file-unreadable"],
      ["e", "usage"],
      [null, "usage"],
      ["f", "mailbox-full"],
    ]);
    expect(told).toEqual([
      expect.stringContaining("5 of 7 lines could not be answered (line 1, 3, 4, 5, 6)"),
    ]);
  });

  it("refuses a list that does not exist", async () => {
    await expect(answers(path.join(folder, "none.jsonl"), true)).rejects.toMatchObject({
      code: "file-unreadable",
    });
  });

  it("reads only the beginning of a mail of 30 MB", async () => {
    const big = file("big.eml", Buffer.concat([Buffer.from(BOUNCE), Buffer.alloc(30 * 1024 * 1024, "x")]));
    const start = process.cpuUsage();
    const { rows } = await answers(big);
    const { user, system } = process.cpuUsage(start);
    expect(rows[0]?.recipients).toEqual(["jane@client.example"]);
    expect((user + system) / 1000).toBeLessThan(500);
  });
});
