import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readJournal, type SinkProcess, startSinkProcess } from "../../world/sink.ts";
import { sendMail } from "./client.ts";

let folder = "";
let sink: SinkProcess | null = null;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "bellwether-sink-"));
});
afterEach(async () => {
  await sink?.stop();
  sink = null;
  rmSync(folder, { recursive: true });
});

test("a sink in its own process follows its rules, takes new ones, and its journal tells the same", async () => {
  const journal = path.join(folder, "sink.jsonl");
  sink = await startSinkProcess({
    journal,
    route: { "gmail.com": "google" },
    rules: [
      { provider: "google", after: 1, reply: "google-no-ptr" },
      { domains: ["slow.example"], firstAttempts: 1, reply: "greylisted" },
      { recipients: ["cut@x.example"], drop: "at-dot-taken" },
    ],
  });
  const { port } = sink;
  const send = async (to: string) => (await sendMail(port, { to })).code;
  expect(await send("a@gmail.com")).toBe(250);
  expect(await send("b@gmail.com")).toBe(550);
  expect(await send("c@slow.example")).toBe(450);
  expect(await send("c@slow.example")).toBe(250);
  expect(await send("cut@x.example")).toBe(null);
  await sink.setRules([]);
  expect(await send("b@gmail.com")).toBe(250);
  expect(await sink.counts()).toMatchObject({ accepted: 4, refused: 1, deferred: 1 });
  const accepted = await sink.accepted();
  expect([...accepted.keys()]).toEqual(["a@gmail.com", "c@slow.example", "cut@x.example", "b@gmail.com"]);
  expect(await sink.log()).toEqual(readJournal(journal));
});

test("the journal outlives the sink's own violent death", async () => {
  const journal = path.join(folder, "sink.jsonl");
  sink = await startSinkProcess({ journal });
  await sendMail(sink.port, { to: "a@gmail.com" });
  process.kill(sink.pid, "SIGKILL");
  await sink.stop();
  expect(readJournal(journal)).toMatchObject([{ outcome: "accepted", recipient: "a@gmail.com" }]);
  await expect(sink.counts()).rejects.toThrow("ended");
});
