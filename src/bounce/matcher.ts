// Tells in one pass over a reply which of many patterns can match it: an Aho-Corasick automaton over the plain
// strings that they need. The cost is one table look-up a character, however many rules there are.
import { requiredLiterals } from "./literal.ts";

export interface Matcher {
  /** Marks the candidates for this text; valid until the next call. */
  scan(text: string): void;
  /** True when pattern number `index` can match the text scanned last, and does. */
  matches(index: number, text: string): boolean;
}

export function createMatcher(patterns: readonly RegExp[]): Matcher {
  const literals = patterns.map((pattern) => requiredLiterals(pattern.source));
  const { step, classOf, classes, found } = automaton(literals);
  const candidate = new Uint32Array(patterns.length);
  const always = literals.flatMap((list, index) => (list === null ? [index] : []));
  let round = 0;
  return {
    scan(text) {
      round = (round + 1) >>> 0;
      // Zero is what never-scanned patterns hold: after 2^32 scans skip it.
      if (round === 0) {
        candidate.fill(0);
        round = 1;
      }
      for (const index of always) candidate[index] = round;
      let state = 0;
      for (let at = 0; at < text.length; at++) {
        const code = text.charCodeAt(at);
        state = step[state * classes + (code < 128 ? (classOf[code] ?? 0) : 0)] ?? 0;
        const hits = found[state];
        if (hits) for (const index of hits) candidate[index] = round;
      }
    },
    matches(index, text) {
      return candidate[index] === round && (patterns[index]?.test(text) ?? false);
    },
  };
}

interface Automaton {
  step: Int32Array;
  classOf: Uint8Array;
  classes: number;
  /** Patterns whose string ends in this state; null for most states. */
  found: readonly (readonly number[] | null)[];
}

function automaton(literals: readonly (readonly string[] | null)[]): Automaton {
  const classOf = new Uint8Array(128);
  let classes = 1;
  for (const char of new Set(literals.flatMap((list) => (list ?? []).flatMap((text) => [...text])))) {
    const code = char.charCodeAt(0);
    if (code >= 128) throw new SyntaxError(`a rule's pattern holds a character above ASCII: ${char}`);
    classOf[code] = classes++;
  }
  const next: Int32Array[] = [new Int32Array(classes)];
  const ends: Set<number>[] = [new Set()];
  literals.forEach((list, index) => {
    for (const text of list ?? []) {
      let state = 0;
      for (let at = 0; at < text.length; at++) {
        const row = next[state] as Int32Array;
        const input = classOf[text.charCodeAt(at)] as number;
        if (row[input] === 0) {
          row[input] = next.length;
          next.push(new Int32Array(classes));
          ends.push(new Set());
        }
        state = row[input] as number;
      }
      ends[state]?.add(index);
    }
  });
  completeByBreadth(next, ends, classes);
  const step = new Int32Array(next.length * classes);
  next.forEach((row, state) => {
    step.set(row, state * classes);
  });
  return { step, classOf, classes, found: ends.map((set) => (set.size === 0 ? null : [...set])) };
}

/** Fills each missing step with that of the longest suffix, and hands that suffix's finds on. */
function completeByBreadth(next: Int32Array[], ends: Set<number>[], classes: number): void {
  const suffix = new Int32Array(next.length);
  const queue: number[] = [];
  for (const child of next[0] ?? []) if (child !== 0) queue.push(child);
  for (const state of queue) {
    const row = next[state] as Int32Array;
    const fallback = suffix[state] as number;
    for (const index of ends[fallback] ?? []) ends[state]?.add(index);
    for (let input = 1; input < classes; input++) {
      const child = row[input] as number;
      const other = next[fallback]?.[input] ?? 0;
      if (child === 0) row[input] = other;
      else {
        suffix[child] = other;
        queue.push(child);
      }
    }
  }
}
