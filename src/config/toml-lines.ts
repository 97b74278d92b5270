// On which line does a key of a TOML text stand? The parser that reads the values does not say, so this walks the
// same text for keys alone. It expects text that the parser has accepted and never judges it: what it does not
// understand it steps over, and a key that it missed has no line.

/** Names of keys and indices of array elements, from the top. */
export type TomlPath = readonly (string | number)[];

/** Lines (from 1) by path: of `[a.b]`, of `a.b.c = 1` (each part of it), of array elements and inline tables. */
export function tomlLines(text: string): (path: TomlPath) => number | null {
  const lines = new Map<string, number>();
  const lengths = new Map<string, number>();
  let at = 0;
  let line = 1;
  let table: TomlPath = [];

  function mark(path: TomlPath): void {
    for (let depth = 1; depth <= path.length; depth++) {
      const id = JSON.stringify(path.slice(0, depth));
      if (!lines.has(id)) lines.set(id, line);
    }
  }

  function step(count = 1): void {
    for (let i = 0; i < count; i++) if (text[at++] === "\n") line++;
  }

  function skipSpace(): void {
    for (;;) {
      const char = text[at];
      if (char === "#") while (at < text.length && text[at] !== "\n") step();
      else if (char === " " || char === "\t" || char === "\r" || char === "\n") step();
      else return;
    }
  }

  /** A quoted string of any of the four kinds, without its quotes; escapes stay as they are. */
  function quoted(): string {
    const quote = text[at] ?? "";
    const fence = text.startsWith(quote.repeat(3), at) ? quote.repeat(3) : quote;
    step(fence.length);
    const start = at;
    while (at < text.length && !text.startsWith(fence, at)) step(quote === '"' && text[at] === "\\" ? 2 : 1);
    // A multi-line string may end in one or two quotes of its own: the fence is the last three of the run.
    while (fence.length === 3 && text[at + 3] === quote) step();
    const inner = text.slice(start, at);
    step(fence.length);
    return inner;
  }

  function key(): string[] {
    const parts: string[] = [];
    for (;;) {
      skipSpace();
      const char = text[at];
      if (char === '"') parts.push(withoutEscapes(quoted()));
      else if (char === "'") parts.push(quoted());
      else {
        const word = /^[^\s.=\]#"']*/.exec(text.slice(at, at + 200))?.[0] ?? "";
        parts.push(word);
        step(word.length);
      }
      skipSpace();
      if (text[at] !== ".") return parts;
      step();
    }
  }

  function value(path: TomlPath): void {
    skipSpace();
    const char = text[at];
    if (char === '"' || char === "'") quoted();
    else if (char === "[") {
      step();
      for (let index = 0; ; index++) {
        skipSpace();
        const before = at;
        if (at >= text.length || text[at] === "]") break;
        mark([...path, index]);
        value([...path, index]);
        comma();
        if (at === before) break;
      }
      step();
    } else if (char === "{") {
      step();
      for (;;) {
        skipSpace();
        const before = at;
        if (at >= text.length || text[at] === "}") break;
        pair(path);
        comma();
        if (at === before) break;
      }
      step();
    } else while (at < text.length && !/[,\]}\n#]/.test(text[at] ?? "")) step();
  }

  function comma(): void {
    skipSpace();
    if (text[at] === ",") step();
    else if (text[at] !== "]" && text[at] !== "}") step();
  }

  function pair(parent: TomlPath): void {
    const path = [...parent, ...key()];
    mark(path);
    if (text[at] === "=") step();
    value(path);
  }

  /** Puts the index of the last element behind each name that is an array of tables. */
  function placed(names: readonly string[]): TomlPath {
    let path: TomlPath = [];
    for (const name of names) {
      path = [...path, name];
      const length = lengths.get(JSON.stringify(path));
      if (length !== undefined) path = [...path, length - 1];
    }
    return path;
  }

  while (at < text.length) {
    skipSpace();
    const before = at;
    if (at >= text.length) break;
    if (text.startsWith("[[", at)) {
      step(2);
      const names = key();
      const list = [...placed(names.slice(0, -1)), ...names.slice(-1)];
      const id = JSON.stringify(list);
      lengths.set(id, (lengths.get(id) ?? 0) + 1);
      table = placed(names);
      mark(table);
      step(2);
    } else if (text[at] === "[") {
      step();
      table = placed(key());
      mark(table);
      step();
    } else pair(table);
    if (at === before) step();
  }
  return (path) => lines.get(JSON.stringify(path)) ?? null;
}

function withoutEscapes(inner: string): string {
  try {
    return String(JSON.parse(`"${inner}"`));
  } catch {
    return inner;
  }
}
