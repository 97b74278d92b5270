// The breaker in simulated storms and simulated peace, with fixed seeds: how many mails a provider hears until a lane is
// held, and how often a lane that is well is held. Prints the table of docs/breaker.md. A few minutes on one core.
// Usage: tsx bench/breaker.ts [--runs 2000] [--campaigns 20000] [--config FILE]
import { parseArgs } from "node:util";
import type { Reason } from "../src/bounce/reason.ts";
import { loadConfig } from "../src/config/load.ts";
import { createRandom } from "./random.ts";
import { createFastJudge, simulateCampaign } from "./simulated-campaign.ts";
import { type LaneResult, type SimulatedLane, simulateLane } from "./simulated-lane.ts";
import { simulateOrganisations } from "./simulated-organisations.ts";

const { values: options } = parseArgs({
  options: {
    runs: { type: "string", default: "2000" },
    campaigns: { type: "string", default: "20000" },
    config: { type: "string" },
  },
});
const runs = Number(options.runs);
const campaigns = Number(options.campaigns);
const { breaker } = loadConfig({ cwd: process.cwd(), file: options.config, env: {} });
const CONNECTIONS = 20;
const CANARY = 5;
const BEGUN = 2_000;

const print = (line: string) => process.stdout.write(`${line}\n`);
const row = (...cells: string[]) => print(`| ${cells.join(" | ")} |`);

function lanes(
  seed: number,
  answer: (random: () => number) => SimulatedLane["answer"],
  rest: Partial<SimulatedLane> = {},
): LaneResult[] {
  const random = createRandom(seed);
  return Array.from({ length: runs }, () =>
    simulateLane({
      breaker,
      random,
      mails: 10_000,
      connections: CONNECTIONS,
      canary: CANARY,
      answer: answer(random),
      ...rest,
    }),
  );
}

const share = (part: number, reason: Reason) => (random: () => number) => () =>
  random() < part ? reason : null;

/** "7.49 (7.31 to 7.67)" */
function mean(numbers: readonly number[]): { value: number; text: string } {
  const n = numbers.length;
  const value = numbers.reduce((sum, x) => sum + x, 0) / n;
  const deviation = Math.sqrt(numbers.reduce((sum, x) => sum + (x - value) ** 2, 0) / Math.max(1, n - 1));
  const half = (1.96 * deviation) / Math.sqrt(n);
  return { value, text: `${short(value)} (${short(value - half)} to ${short(value + half)})` };
}

/** The quantile, with the order statistics between which it lies with 95 %. */
function quantile(numbers: readonly number[], q: number): { value: number; text: string } {
  const sorted = [...numbers].sort((a, b) => a - b);
  const n = sorted.length;
  const half = 1.96 * Math.sqrt(n * q * (1 - q));
  const at = (i: number) => sorted[Math.max(0, Math.min(n - 1, Math.round(i)))] ?? 0;
  const value = at(n * q - 1);
  return { value, text: `${value} (${at(n * q - half - 1)} to ${at(n * q + half)})` };
}

/** Clopper and Pearson's interval of a proportion, by bisection of the binomial's sums. */
function proportion(count: number, n: number): { low: number; high: number; text: string } {
  const tail = (p: number, from: number, to: number) => {
    let sum = 0;
    let log = 0;
    for (let k = 0; k <= to; k++) {
      if (k > 0) log += Math.log((n - k + 1) / k);
      if (k >= from) sum += Math.exp(log + k * Math.log(p) + (n - k) * Math.log1p(-p));
    }
    return sum;
  };
  const solve = (isBelow: (p: number) => boolean) => {
    let [low, high] = [0, 1];
    for (let i = 0; i < 60; i++) {
      const middle = (low + high) / 2;
      if (isBelow(middle)) low = middle;
      else high = middle;
    }
    return low;
  };
  const low = count === 0 ? 0 : solve((p) => 1 - tail(p, 0, count - 1) < 0.025);
  const high = count === n ? 1 : solve((p) => tail(p, 0, count) > 0.025);
  return { low, high, text: `${count} of ${n} (${rate(low)} to ${rate(high)})` };
}

function rate(p: number): string {
  return p === 0 ? "0" : `1 in ${Math.round(1 / p).toLocaleString("en")}`;
}

function short(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function verdict(isReached: boolean): string {
  return isReached ? "yes" : "**no**";
}

const judged = (results: readonly LaneResult[]) => results.map((one) => one.judged);
const refused = (results: readonly LaneResult[]) => results.map((one) => one.refused);
const most = (numbers: readonly number[]) => Math.max(...numbers);

row("What happens", "Shall be", "Is (95 % interval)", "Reached");
row("---", "---", "---", "---");

function stops(): void {
  const all = () => () => "reverse-dns" as const;
  const start = lanes(1, all);
  row(
    "Refused from the first mail on, `final`",
    "3 mails heard at most",
    `${most(start.map((one) => one.heard))} in all of ${runs}`,
    verdict(most(start.map((one) => one.heard)) <= 3),
  );
  const relay = lanes(2, all, { feedback: "relay" });
  row(
    `The same behind a relay, canary ${CANARY}`,
    `${CANARY} mails handed over at most`,
    `${most(relay.map((one) => one.heard))} at most; held by ${most(judged(relay))} reports`,
    verdict(most(relay.map((one) => one.heard)) <= CANARY),
  );
  const middle = lanes(3, () => (n) => (n >= BEGUN ? "reverse-dns" : null));
  row(
    `Refused from mail ${BEGUN} on, ${CONNECTIONS} connections`,
    `${3 + CONNECTIONS} refused at most`,
    `${most(refused(middle))} at most, mean ${mean(refused(middle)).text}`,
    verdict(most(refused(middle)) <= 3 + CONNECTIONS),
  );
  const parts = lanes(3, () => (_, mail) => (mail >= BEGUN ? "reverse-dns" : null));
  row(
    "The same, but mails that were on the wire by then are still accepted between the refusals",
    "",
    `${most(refused(parts))} at most, mean ${mean(refused(parts)).text}`,
    "",
  );
  const half = lanes(4, share(0.5, "blocked"));
  row(
    "Half refused",
    "8 mails judged on average",
    mean(judged(half)).text,
    verdict(mean(judged(half)).value <= 8),
  );
  const p95 = quantile(judged(half), 0.95);
  row("", "16 in 95 % of runs", p95.text, verdict(p95.value <= 16));
  row("", "", `refused, with those on the wire: ${mean(refused(half)).text}`, "");
  const tenth = lanes(5, share(0.1, "blocked"));
  row("A tenth refused", "90 on average", mean(judged(tenth)).text, verdict(mean(judged(tenth)).value <= 90));
  const lists: [number, number, string][] = [
    [1, 8, "8 mails judged"],
    [0.2, 120, "120 on average"],
    [0.15, 200, "200 on average"],
  ];
  for (const [index, [part, goal, words]] of lists.entries()) {
    const list = lanes(6 + index, share(part, "user-unknown"));
    const { value, text } = mean(judged(list));
    row(`${part * 100} % unknown users`, words, text, verdict(value <= goal));
  }
  const incident = lanes(9, share(0.9, "user-unknown"), { knownGood: true });
  const within = quantile(judged(incident), 0.95);
  row(
    "90 % unknown, of addresses that took mail before",
    "about 10",
    `mean ${mean(judged(incident)).text}; 95 % of runs ${within.text}`,
    verdict(within.value <= 12),
  );
}

function ramp(): void {
  const few = Math.min(runs, 50);
  const time = (window?: number) => {
    const random = createRandom(20);
    const took = Array.from(
      { length: few },
      () =>
        simulateLane({
          breaker,
          random,
          mails: 10_000,
          connections: CONNECTIONS,
          answer: () => null,
          ...(window === undefined ? {} : { window }),
        }).tookMs,
    );
    return mean(took).value;
  };
  const cost = time() / time(1024) - 1;
  row(
    "A healthy lane of 10,000, against a window that starts open",
    "3 % longer at most",
    `${(cost * 100).toFixed(1)} % (mean of ${few})`,
    verdict(cost <= 0.03),
  );
}

function peace(): void {
  const random = createRandom(30);
  const noise = { address: 0.02, sender: 0.001, deferred: 0.03, burst: 50 };
  let held = 0;
  let outcomes = 0;
  const by = new Map<string, number>();
  for (let i = 0; i < campaigns; i++) {
    const run = simulateCampaign({ mails: 100_000, noise, breaker, random, judge: createFastJudge });
    outcomes += run.outcomes;
    if (run.holds.length > 0) held += 1;
    for (const hold of run.holds) by.set(hold, (by.get(hold) ?? 0) + 1);
  }
  const { text } = proportion(held, campaigns);
  const what = [...by].map(([name, n]) => `${name} ${n}`).join(", ");
  row(
    `Peace: ${campaigns.toLocaleString("en")} campaigns of 100,000 (2 % unknown, 0.1 % like a fault of ours, 3 % put off in bursts)`,
    "held in 1 of 2,000 at most",
    `${text}${what === "" ? "" : `: ${what}`}; ${outcomes.toExponential(2)} outcomes`,
    verdict(held / campaigns <= 1 / 2_000),
  );
}

function tenants(): void {
  const some = Math.max(50, Math.round(runs / 2));
  for (const [organisations, contacts] of [
    [200, 10],
    [2_000, 10],
    [10_000, 1],
  ] as const) {
    for (const order of ["csv", "spread"] as const) {
      const random = createRandom(40 + contacts);
      let held = 0;
      for (let i = 0; i < some; i++) {
        const at = simulateOrganisations({ organisations, contacts, refusing: 0.01, order, breaker, random });
        if (at !== null) held += 1;
      }
      const how = order === "csv" ? "side by side" : "spread, as claims are";
      const people = contacts === 1 ? "one contact each" : `${contacts} contacts each, ${how}`;
      if (contacts === 1 && order === "csv") continue;
      row(
        `1 % of ${organisations.toLocaleString("en")} organisations refuse us, ${people}`,
        "no lane held",
        proportion(held, some).text,
        verdict(held === 0),
      );
    }
  }
}

stops();
ramp();
tenants();
peace();
