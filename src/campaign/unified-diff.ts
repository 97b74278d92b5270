// The difference of two texts, line by line, in the unified form that `diff -u` made usual. Pure.

/** Lines around a change. */
const CONTEXT = 3;
/** Longer texts than this are shown as replaced whole: the table below grows with the square. */
const LONGEST = 2_000;

type Step = { sign: " " | "-" | "+"; line: string };

/** "" when the texts are equal; ends with a line end otherwise. `names`: what stands behind --- and +++. */
export function unifiedDiff(before: string, after: string, names: { before: string; after: string }): string {
  if (before === after) return "";
  const steps = stepsOf(linesOf(before), linesOf(after));
  const out = [`--- ${names.before}`, `+++ ${names.after}`];
  for (const [from, to] of hunks(steps)) {
    const count = (signs: string, end: number, begin = 0) =>
      steps.slice(begin, end).filter((step) => signs.includes(step.sign)).length;
    const range = (signs: string) => {
      const length = count(signs, to, from);
      return `${count(signs, from) + (length === 0 ? 0 : 1)},${length}`;
    };
    out.push(`@@ -${range(" -")} +${range(" +")} @@`);
    out.push(...steps.slice(from, to).map(({ sign, line }) => `${sign}${line}`));
  }
  return `${out.join("\n")}\n`;
}

function linesOf(text: string): string[] {
  return text.replace(/\n$/, "").split("\n");
}

/** By the longest common subsequence. */
function stepsOf(a: readonly string[], b: readonly string[]): Step[] {
  const removed = (line: string): Step => ({ sign: "-", line });
  const added = (line: string): Step => ({ sign: "+", line });
  if (a.length > LONGEST || b.length > LONGEST) return [...a.map(removed), ...b.map(added)];
  const width = b.length + 1;
  const common = new Uint16Array((a.length + 1) * width);
  const at = (i: number, j: number) => common[i * width + j] ?? 0;
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      common[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const steps: Step[] = [];
  for (let i = 0, j = 0; i < a.length || j < b.length; ) {
    const [left, right] = [a[i], b[j]];
    if (left !== undefined && left === right) {
      steps.push({ sign: " ", line: left });
      i += 1;
      j += 1;
    } else if (left !== undefined && (right === undefined || at(i + 1, j) >= at(i, j + 1))) {
      steps.push(removed(left));
      i += 1;
    } else if (right !== undefined) {
      steps.push(added(right));
      j += 1;
    }
  }
  return steps;
}

/** Stretches of steps around changes, as [from, to). */
function hunks(steps: readonly Step[]): [number, number][] {
  const found: [number, number][] = [];
  steps.forEach((step, index) => {
    if (step.sign === " ") return;
    const [from, to] = [Math.max(0, index - CONTEXT), Math.min(steps.length, index + CONTEXT + 1)];
    const last = found.at(-1);
    if (last !== undefined && from <= last[1]) last[1] = to;
    else found.push([from, to]);
  });
  return found;
}
