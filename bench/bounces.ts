// How well reports and replies are understood, and how fast: against a folder of labelled ones (mails.jsonl with eml/,
// replies.jsonl). Prints a table; --show lists what was answered otherwise than labelled. Writes nothing.
// Usage: tsx bench/bounces.ts FOLDER [--show]
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { classifyReply } from "../src/bounce/classifier.ts";
import { readReport } from "../src/bounce/read-report.ts";
import { summarise } from "../src/bounce/summary.ts";

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { show: { type: "boolean", default: false } },
});
const folder = positionals[0];
if (folder === undefined) {
  process.stderr.write("usage: tsx bench/bounces.ts FOLDER [--show]\n");
  process.exit(2);
}

interface LabelledMail {
  id: string;
  file: string;
  kind: string;
  recipients: string[] | null;
  reason: string | null;
  fault: string | null;
  hard: boolean | null;
}
interface LabelledReply {
  id: string;
  text: string;
  provider: string | null;
  reason: string | null;
  fault: string | null;
}

const KINDS: Readonly<Record<string, string>> = {
  autoreply: "auto-reply",
  info: "notice",
  delayed: "notice",
};
const SECONDS = 2;

class Score {
  private readonly counts = new Map<string, { right: number; all: number }>();
  readonly misses: string[] = [];

  note(what: string, isRight: boolean, miss: () => string): void {
    const count = this.counts.get(what) ?? { right: 0, all: 0 };
    count.all += 1;
    if (isRight) count.right += 1;
    else this.misses.push(`  ${what.padEnd(10)} ${miss()}`);
    this.counts.set(what, count);
  }

  lines(): string[] {
    return [...this.counts].map(
      ([what, { right, all }]) =>
        `  ${what.padEnd(34)} ${((100 * right) / all).toFixed(1).padStart(6)} %   ${right} of ${all}`,
    );
  }
}

function linesOf<T>(name: string): T[] {
  const file = path.join(folder ?? "", name);
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => JSON.parse(line) as T);
}

function perSecond(works: readonly (() => unknown)[]): number {
  let done = 0;
  const end = performance.now() + SECONDS * 1000;
  const start = performance.now();
  while (performance.now() < end) {
    for (const work of works) work();
    done += works.length;
  }
  return Math.round(done / ((performance.now() - start) / 1000));
}

function print(title: string, score: Score): void {
  process.stdout.write(`${title}\n${score.lines().join("\n")}\n`);
  if (options.show) process.stdout.write(`${score.misses.join("\n")}\n`);
}

const sorted = (list: readonly string[]) =>
  [...list]
    .map((one) => one.toLowerCase())
    .sort()
    .join(" ");
const mails = linesOf<LabelledMail>("mails.jsonl").map((label) => ({
  label,
  raw: readFileSync(path.join(folder, label.file)),
}));
if (mails.length > 0) {
  const score = new Score();
  for (const { label, raw } of mails) {
    const said = summarise(readReport(raw));
    const told = (wanted: unknown, got: unknown) => () => `${label.id}: ${wanted}, answered ${got}`;
    const kind = KINDS[label.kind] ?? label.kind;
    // A delay is labelled as the bounce that it may become; both are right.
    const isDelay = kind === "bounce" && said.kind === "notice" && said.reason !== "notice";
    score.note("kind", said.kind === kind || isDelay, told(kind, said.kind));
    if (label.recipients !== null) {
      score.note(
        "recipient",
        sorted(said.recipients) === sorted(label.recipients),
        told(label.recipients, said.recipients),
      );
    }
    if (label.hard !== null)
      score.note("hard", said.hard === label.hard, told(label.hard, `${said.hard} (${said.reason})`));
    if (label.reason !== null)
      score.note("reason", said.reason === label.reason, told(label.reason, said.reason));
    if (label.fault !== null) score.note("fault", said.fault === label.fault, told(label.fault, said.fault));
  }
  print(`${mails.length} mails`, score);
  process.stdout.write(
    `  ${perSecond(
      mails.map(
        ({ raw }) =>
          () =>
            readReport(raw),
      ),
    )} mails a second\n`,
  );
}

const replies = linesOf<LabelledReply>("replies.jsonl");
for (const hinted of replies.length > 0 ? [true, false] : []) {
  const score = new Score();
  const classify = ({ text, provider }: LabelledReply) =>
    classifyReply(text, hinted && provider !== null ? { provider } : {});
  for (const label of replies) {
    const said = classify(label);
    const miss = (wanted: unknown, got: unknown) => () =>
      `${label.id}: ${wanted}, answered ${got}: ${label.text.slice(0, 160)}`;
    if (label.reason !== null)
      score.note("reason", said.reason === label.reason, miss(label.reason, said.reason));
    if (label.fault === null) continue;
    score.note("fault", said.fault === label.fault, miss(label.fault, said.fault));
    if (label.fault === "sender")
      score.note("sender fault seen", said.fault === "sender", miss("sender", said.fault));
    if (label.fault !== "address") {
      score.note("live address not called dead", said.fault !== "address", miss(label.fault, said.fault));
    }
  }
  print(`${replies.length} replies, provider ${hinted ? "told" : "not told"}`, score);
  if (!hinted)
    process.stdout.write(`  ${perSecond(replies.map((one) => () => classify(one)))} replies a second\n`);
}
