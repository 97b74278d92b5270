// "Did you mean ...?": the one place that decides which known word is near enough to a mistyped one to be named.

/**
 * The candidate nearest to `word`, or null when none is near. Case, hyphens, underscores and spaces do not count
 * (`replyTo` is `reply_to`). Near means at most a third of the word's length in slips, one at least and three at
 * most, where a slip is a letter wrong, missing, too many, or swapped with its neighbour. The first candidate wins a tie.
 */
export function nearest(word: string, candidates: Iterable<string>): string | null {
  const plain = bare(word);
  const limit = Math.min(3, Math.max(1, Math.floor(plain.length / 3)));
  let best: string | null = null;
  let bestSlips = limit + 1;
  for (const candidate of candidates) {
    const other = bare(candidate);
    if (Math.abs(other.length - plain.length) >= bestSlips) continue;
    const count = slips(plain, other);
    if (count < bestSlips) {
      best = candidate;
      bestSlips = count;
    }
  }
  return best;
}

/** A sentence to put behind "there is no ...", or an empty string when nothing is near. */
export function didYouMean(word: string, candidates: Iterable<string>): string {
  const near = nearest(word, candidates);
  return near === null ? "" : `Did you mean ${near}?`;
}

function bare(word: string): string {
  return word.toLowerCase().replaceAll(/[-_\s]/g, "");
}

/** Edit distance with neighbour swaps ("optimal string alignment"). */
function slips(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let least = Math.min(at(last, j) + 1, at(row, j - 1) + 1, at(last, j - 1) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        least = Math.min(least, at(beforeLast, j - 2) + 1);
      }
      row.push(least);
    }
    beforeLast = last;
    last = row;
  }
  return at(last, b.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Number.POSITIVE_INFINITY;
}
