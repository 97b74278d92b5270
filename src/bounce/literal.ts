// Finds the plain strings of which each match of a pattern must contain one, so that one pass over a reply tells
// which patterns can match at all. Understands what rules use; what it does not understand it refuses.

/** The strings, or null when no string of at least two characters is needed for a match. */
export function requiredLiterals(source: string): readonly string[] | null {
  const reader: Reader = { source, at: 0 };
  const found = alternatives(reader);
  if (reader.at !== source.length) throw new SyntaxError(`unreadable pattern: ${source}`);
  return found;
}

interface Reader {
  source: string;
  at: number;
}
type Literals = readonly string[] | null;

function alternatives(reader: Reader): Literals {
  const all: string[] = [];
  let open = false;
  for (;;) {
    const one = sequence(reader);
    if (one === null) open = true;
    else all.push(...one);
    if (reader.source[reader.at] !== "|") break;
    reader.at++;
  }
  return open ? null : [...new Set(all)];
}

function sequence(reader: Reader): Literals {
  let best: Literals = null;
  let run = "";
  const offer = (candidate: Literals) => {
    if (candidate && weight(candidate) > weight(best)) best = candidate;
  };
  const flush = () => {
    if (run.length >= 2) offer([run]);
    run = "";
  };
  while (reader.at < reader.source.length) {
    const char = reader.source[reader.at] ?? "";
    if (char === "|" || char === ")") break;
    if (char === "(") {
      flush();
      const inner = group(reader);
      if (!optional(reader)) offer(inner);
      continue;
    }
    const literal = plain(reader);
    if (literal === "") continue;
    const quantified = "?*+{".includes(reader.source[reader.at] ?? " ");
    if (literal === null || quantified) {
      flush();
      optional(reader);
    } else run += literal;
  }
  flush();
  return best;
}

/** The shortest string decides: it is the one that is found too often. */
function weight(literals: Literals): number {
  return literals === null ? 0 : Math.min(...literals.map((text) => text.length)) - literals.length / 1000;
}

function group(reader: Reader): Literals {
  const opening = /^\((?:\?(?::|=|!|<=|<!))?/.exec(reader.source.slice(reader.at))?.[0] ?? "(";
  reader.at += opening.length;
  const inner = alternatives(reader);
  reader.at++;
  return opening === "(" || opening === "(?:" ? inner : null;
}

/** Steps over a quantifier; true when it allows nothing at all. */
function optional(reader: Reader): boolean {
  const quantifier = /^(?:[?*+]|\{(\d+)(?:,\d*)?\})\??/.exec(reader.source.slice(reader.at));
  if (!quantifier) return false;
  reader.at += quantifier[0].length;
  return quantifier[0][0] === "?" || quantifier[0][0] === "*" || quantifier[1] === "0";
}

/** One element: its character, null when it stands for several, "" when it has no width. */
function plain(reader: Reader): string | null {
  const char = reader.source[reader.at++] ?? "";
  if (char === "^" || char === "$") return "";
  if (char === ".") return null;
  if (char === "[") {
    while (reader.at < reader.source.length && reader.source[reader.at] !== "]") {
      reader.at += reader.source[reader.at] === "\\" ? 2 : 1;
    }
    reader.at++;
    return null;
  }
  if (char !== "\\") return char;
  const escaped = reader.source[reader.at++] ?? "";
  if (escaped === "b" || escaped === "B") return "";
  if (/[dDwWsS]/.test(escaped)) return null;
  if (/[a-zA-Z0-9]/.test(escaped)) throw new SyntaxError(`unreadable escape in pattern: ${reader.source}`);
  return escaped;
}
