// The detectors' parameters with what they cost, as a table for people; docs/breaker.md has the same table.

import type { DetectorConfig } from "../breaker/detector.ts";
import { type Price, priceOf } from "../breaker/price.ts";

/** What a detector waits for besides its own number. */
const BESIDES: Readonly<Record<string, string>> = {
  complaint: "and three distinct clients at least",
  deferral: "and half an hour without one success",
  "provider-incident": "of addresses that took our mail before",
};

export const EXPLAIN_HEADER = [
  "Detector",
  "p0",
  "p1",
  "h",
  "In a row from rest",
  "Grows above",
  "All bad",
  "Half",
  "A fifth",
  "A tenth",
  "Held by mistake",
] as const;

export function pricesOf(breaker: Readonly<Record<string, DetectorConfig>>): Price[] {
  return Object.entries(breaker).map(([name, detector]) => priceOf(name, detector));
}

/** One row for each detector; mails until the hold, and in brackets the bad ones among them. */
export function explainRows(prices: readonly Price[]): string[][] {
  return prices.map(({ name, p0, p1, h, inARow, growsAbove, costs, noise, falseHold }) => [
    name,
    percent(p0),
    percent(p1),
    String(h),
    String(inARow),
    percent(growsAbove),
    ...costs.map(({ mails, bad }) =>
      mails < 1e7 ? `${number(mails)} (${number(bad)})` : "not in 10 million",
    ),
    `${odds(falseHold)} at ${percent(noise)}`,
  ]);
}

export function renderExplain(prices: readonly Price[]): string {
  const rows = [[...EXPLAIN_HEADER], ...explainRows(prices)];
  const widths = EXPLAIN_HEADER.map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  const besides = prices.flatMap(({ name }) =>
    BESIDES[name] === undefined ? [] : [`${name}: ${BESIDES[name]}.`],
  );
  return `${lines.join("\n")}

Mails until the hold on average, and in brackets the bad ones among them, if that share of them is bad.
Held by mistake: the chance for a campaign of 100,000 mails in one lane with so much noise.
${besides.map((line) => `${line}\n`).join("")}`;
}

function percent(share: number): string {
  return `${Number((share * 100).toPrecision(2))} %`;
}

/** Two digits of a small number, whole numbers above. */
function number(value: number): string {
  if (value < 99.95) return String(Math.round(value * 10) / 10);
  return Math.round(Number(value.toPrecision(3))).toLocaleString("en");
}

function odds(chance: number): string {
  if (chance < 1e-9) return "less than 1 in 1,000,000,000";
  if (chance > 0.5) return `${(chance * 100).toFixed(0)} in 100`;
  return `1 in ${Math.round(Number((1 / chance).toPrecision(2))).toLocaleString("en")}`;
}
