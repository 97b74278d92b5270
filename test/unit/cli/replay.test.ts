// replay, as typed: the shape of its answer, files as people have them, lines that are broken.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { Io } from "../../../src/cli/io.ts";
import { replay } from "../../../src/cli/replay.ts";
import { EXIT } from "../../../src/errors.ts";
import { founding, jsonl } from "../../world/outcome-logs.ts";

const folder = mkdtempSync(path.join(tmpdir(), "bellwether-replay-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, content: string | Buffer): string {
  const full = path.join(folder, name);
  writeFileSync(full, content);
  return full;
}

async function typed(
  input: string | undefined,
  options: { json?: boolean; explain?: boolean; config?: string } = { json: true },
) {
  let out = "";
  const told: string[] = [];
  const io: Io = {
    out: async (text) => {
      out += text;
    },
    say: (text) => {
      told.push(text);
    },
    err: process.stderr,
    isTerminal: false,
    colour: false,
    canAsk: false,
    confirm: async () => false,
    open: () => Promise.reject(new Error("a replay needs no program")),
  };
  const exit = await replay(io, input, { config: file("bellwether.toml", ""), ...options });
  return { exit, out, told, answer: options.json === true ? JSON.parse(out) : null };
}

const LOG = jsonl(founding());

describe("replay", () => {
  test("answers with the events and the holds, in just these words", async () => {
    const { exit, answer, told } = await typed(file("log.jsonl", LOG));
    expect(exit).toBe(EXIT.done);
    expect(told).toEqual([]);
    expect(Object.keys(answer)).toEqual(["events", "holds"]);
    expect(answer.events).toBe(390);
    expect(answer.holds).toHaveLength(1);
    expect(Object.keys(answer.holds[0])).toEqual([
      "event",
      "at",
      "provider",
      "scope",
      "reason",
      "fault",
      "detector",
      "sent",
      "evidence",
    ]);
  });

  test("a BOM, CRLF, empty lines and no line break at the end change nothing but line numbers", async () => {
    const plain = await typed(file("log.jsonl", LOG));
    const windows = await typed(file("windows.jsonl", `\ufeff${LOG.replaceAll("\n", "\r\n").trimEnd()}`));
    expect(windows).toEqual(plain);
    const spaced = await typed(file("spaced.jsonl", `\n\n${LOG.replaceAll("\n", "\n\n")}`));
    const [hold] = plain.answer.holds;
    expect(spaced.answer.holds).toEqual([{ ...hold, event: 2 * hold.event + 1 }]);
    expect(spaced.exit).toBe(EXIT.done);
  });

  test("an empty log has no events", async () => {
    expect((await typed(file("empty.jsonl", ""))).answer).toEqual({ events: 0, holds: [] });
  });

  test("broken lines are refused by number and field, the others are replayed, and the exit code tells", async () => {
    const lines = LOG.trimEnd().split("\n");
    lines.splice(1, 0, "{", '{"at":"2017-04-28T07:40:00Z","campaign":1,"delivery":9,"event":"gone"}');
    const { exit, answer, told } = await typed(file("broken.jsonl", lines.join("\n")));
    expect(exit).toBe(EXIT.usage);
    expect(answer).toMatchObject({
      events: 390,
      holds: [{ provider: "google", sent: 3 }],
      rejected: [
        { line: 2, field: null, reason: "is not JSON" },
        { line: 3, field: "event" },
      ],
    });
    expect(told.join("\n")).toMatch(
      /line 2: it is not JSON[\s\S]*line 3: "event" is not one of[\s\S]*2 of 392 lines/,
    );
  });

  test("says for people where it would have stopped, and what would have been spared", async () => {
    const { out } = await typed(file("log.jsonl", LOG), {});
    expect(out.replaceAll(/\s+/g, " ")).toMatch(
      /Gmail \/ Google Workspace would have been held at mail 3, not \d+\. .*After it the log has (\d+) more mails there, \1 refused and 0 accepted.*PTR record/,
    );
    expect((await typed(file("few.jsonl", LOG.split("\n", 2).join("\n")), {})).out).toContain(
      "Nothing would have been held.",
    );
  });

  test("with another configuration it is a what-if", async () => {
    const config = file("patient.toml", "[breaker]\nsender = { p0 = 0.002, p1 = 0.3, h = 40 }\n");
    const { answer } = await typed(file("log.jsonl", LOG), { json: true, config });
    expect(answer.holds).toMatchObject([{ sent: 8 }]);
  });

  test("--explain tells the price of each detector in force, with a log or without", async () => {
    const { answer } = await typed(undefined, { json: true, explain: true });
    expect(answer.detectors[0]).toMatchObject({ name: "sender", inARow: 3 });
    const config = file("patient.toml", "[breaker]\nsender = { p0 = 0.002, p1 = 0.3, h = 40 }\n");
    const { out } = await typed(file("log.jsonl", LOG), { explain: true, config });
    expect(out).toMatch(/^sender +0\.2 % +30 % +40 +8 /m);
    expect(out).toContain("would have been held at mail 8");
  });

  test("without a log and without --explain it says what is missing; a file that is not there is named", async () => {
    await expect(typed(undefined)).rejects.toMatchObject({ code: "usage" });
    for (const name of ["nothing.jsonl", "."])
      await expect(typed(path.join(folder, name))).rejects.toMatchObject({ code: "file-unreadable" });
  });
});
