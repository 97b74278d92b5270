// How fast an outcome log is replayed, on one core: reading, judging, stepping, as the command does it. The log is made
// first, as `export` writes it; --without-reasons leaves out what the classifier can find. Writes nothing that stays.
// Usage: tsx bench/replay.ts [--events 1000000] [--without-reasons]
import { createWriteStream, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { replay } from "../src/cli/replay.ts";
import { healthy } from "../test/world/outcome-logs.ts";

const { values: options } = parseArgs({
  options: {
    events: { type: "string", default: "1000000" },
    "without-reasons": { type: "boolean", default: false },
  },
});
const events = Number(options.events);
const folder = mkdtempSync(path.join(tmpdir(), "bellwether-replay-"));
try {
  const file = path.join(folder, "events.jsonl");
  await write(file);
  // Once for the compiler, then what counts.
  for (const round of ["first", "second", "third"]) {
    const startCpu = process.cpuUsage();
    const start = performance.now();
    await replay(silent(), file, { json: true });
    const seconds = (performance.now() - start) / 1000;
    const { user, system } = process.cpuUsage(startCpu);
    const rate = (s: number) => Math.round(events / s).toLocaleString("en");
    const megabytes = Math.round(process.memoryUsage.rss() / 2 ** 20);
    process.stdout.write(
      `${round}: ${rate(seconds)} events/s, ${rate((user + system) / 1e6)} a second of CPU, process ${megabytes} MB\n`,
    );
  }
  process.stdout.write(`log: ${Math.round(statSync(file).size / 2 ** 20)} MB\n`);
} finally {
  rmSync(folder, { recursive: true });
}

async function write(file: string): Promise<void> {
  const stream = createWriteStream(file);
  let piece = "";
  for (const line of healthy({ mails: events })) {
    const { reason, fault, scope, ...bare } = line;
    piece += `${JSON.stringify(options["without-reasons"] ? bare : line)}\n`;
    if (piece.length < 1e6) continue;
    if (!stream.write(piece)) await new Promise<void>((resolve) => stream.once("drain", () => resolve()));
    piece = "";
  }
  await new Promise<void>((resolve) => stream.end(piece, () => resolve()));
}

function silent(): Parameters<typeof replay>[0] {
  return {
    out: async (text) => {
      process.stdout.write(text.slice(0, 200));
    },
    say: () => {},
    err: process.stderr,
    isTerminal: false,
    colour: false,
    canAsk: false,
    confirm: async () => false,
    open: () => Promise.reject(new Error("a replay needs no program")),
  };
}
