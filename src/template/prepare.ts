// What is done once to a template file before it is compiled: styles are put inline, a missing text part is made
// from the html, expressions are checked and marked strict, and every place is renumbered so that an error while
// rendering still names the line of the file that a person edits. Compiling and rendering are the renderer's.
import { createRequire } from "node:module";
import Handlebars from "handlebars";
import { BellwetherError } from "../errors.ts";

// Loaded at their first use: together they would be most of the start of every command, and few commands read a
// template.
const require = createRequire(import.meta.url);
const juice = () => require("juice") as typeof import("juice");
const htmlToText = () => require("html-to-text") as typeof import("html-to-text");

/** One file, or what was made of it. */
export interface Part {
  /** Path below the templates folder, for messages. */
  file: string;
  /** The file as it was written, for messages. */
  original: string;
  /** What is compiled. */
  source: string;
  /** For each expression of `source`, the line of `original` that it comes from; null: `source` is `original`. */
  lines: readonly number[] | null;
}

// Comments first: they may hold quotes and braces that mean nothing.
const EXPRESSION =
  /\{\{~?!--[\s\S]*?--~?\}\}|\{\{~?![\s\S]*?\}\}|\{\{\{[\s\S]*?\}\}\}|\{\{(?:"[^"]*"|'[^']*'|[^}"']|\}(?!\}))*\}\}/g;
const STAND_IN = /bwexpression(\d+)x(?:="")?/g;

export function plainPart(file: string, source: string): Part {
  return { file, original: source, source, lines: null };
}

/** @throws BellwetherError `template-syntax` when an expression does not survive. */
export function inlinedPart(file: string, source: string, css: string): Part {
  return viaStandIns(file, source, "all", (html) =>
    // The layout's own <style> stays as it is: its media queries cannot be inlined.
    juice().inlineContent(html, css, {
      applyStyleTags: false,
      removeStyleTags: false,
      applyWidthAttributes: false,
      applyHeightAttributes: false,
      applyAttributesTableElements: false,
    }),
  );
}

/** A text part made from an html part: the expressions are kept, so that this costs nothing per recipient. */
export function textPart(file: string, source: string): Part {
  return viaStandIns(file, source, "some", (html) =>
    htmlToText().convert(html, {
      wordwrap: false,
      selectors: [
        { selector: "head", format: "skip" },
        { selector: ".preheader", format: "skip" },
        { selector: "img", format: "skip" },
        { selector: "a", options: { hideLinkHrefIfSameAsText: true } },
        ...["h1", "h2", "h3"].map((selector) => ({ selector, options: { uppercase: false } })),
      ],
    }),
  );
}

function viaStandIns(
  file: string,
  source: string,
  keep: "all" | "some",
  change: (html: string) => string,
): Part {
  const expressions: string[] = [];
  const lineOf: number[] = [];
  const standing = source.replace(EXPRESSION, (expression, offset: number) => {
    expressions.push(expression);
    lineOf.push(lineAt(source, offset));
    return `bwexpression${expressions.length - 1}x`;
  });
  const seen: number[] = [];
  const changed = change(standing).replace(STAND_IN, (_, index: string) => {
    seen.push(Number(index));
    return expressions[Number(index)] ?? "";
  });
  if (keep === "all") {
    const lost = expressions.findIndex((_, index) => seen[index] !== index);
    if (lost >= 0)
      throw syntaxError(
        file,
        lineOf[lost] ?? 1,
        `${expressions[lost]} stands where html has no place for it`,
      );
  }
  return { file, original: source, source: changed, lines: seen.map((index) => lineOf[index] ?? 1) };
}

/** Parts are told apart by their line numbers: this many lines belong to each. */
const LINES_PER_PART = 1_000_000;

/** Where a line number of a compiled template points to. */
export function locate(parts: readonly Part[], line: number): { part: Part; line: number } | null {
  const part = parts[Math.floor(line / LINES_PER_PART)];
  return part === undefined ? null : { part, line: line % LINES_PER_PART };
}

const BLOCKS = new Set(["if", "unless", "each", "with"]);

/**
 * Parses one part and makes it safe to compile.
 * @param options.index position of the part in the list that `locate` is given
 * @throws BellwetherError `template-syntax`
 */
export function parsePart(options: {
  part: Part;
  index: number;
  helpers: ReadonlySet<string>;
  partials: ReadonlySet<string>;
}): hbs.AST.Program {
  const { part } = options;
  const program = parse(part.file, part.source);
  const lineFor = lineMap(part);
  const fail = (node: hbs.AST.Node, message: string) =>
    syntaxError(part.file, lineFor(node.loc.start), message);

  const visit = (node: unknown): void => {
    if (Array.isArray(node)) for (const child of node) visit(child);
    if (!isNode(node)) return;
    check(node, fail, options);
    for (const [key, child] of Object.entries(node)) if (key !== "loc") visit(child);
  };
  visit(program);
  const moved = new Set<object>();
  const renumber = (node: unknown): void => {
    if (Array.isArray(node)) for (const child of node) renumber(child);
    if (!isNode(node)) return;
    for (const [key, child] of Object.entries(node)) if (key !== "loc") renumber(child);
    if (moved.has(node.loc)) return;
    moved.add(node.loc);
    const line = options.index * LINES_PER_PART + lineFor(node.loc.start);
    node.loc = { ...node.loc, start: { line, column: 0 }, end: { line, column: 0 } };
  };
  renumber(program);
  return program;
}

function isNode(node: unknown): node is hbs.AST.Node {
  return typeof node === "object" && node !== null && "type" in node && "loc" in node && Boolean(node.loc);
}

type Call = { path: hbs.AST.PathExpression; params: hbs.AST.Expression[]; hash?: hbs.AST.Hash };
type StrictPath = hbs.AST.PathExpression & { strict?: boolean };

function check(
  node: hbs.AST.Node,
  fail: (node: hbs.AST.Node, message: string) => Error,
  { helpers, partials }: { helpers: ReadonlySet<string>; partials: ReadonlySet<string> },
): void {
  switch (node.type) {
    case "PathExpression": {
      // Handlebars is strict about {{x}} but not about {{helper x}} and {{#if x}}; a misspelled name must not
      // pass there either.
      (node as StrictPath).strict = true;
      return;
    }
    case "MustacheStatement": {
      const { path, params, hash, escaped } = node as hbs.AST.MustacheStatement & Call;
      if (!escaped) throw fail(node, "three braces or {{& would put a value unescaped: write two braces");
      const isCall = params.length > 0 || hash !== undefined;
      if (path.type !== "PathExpression") return;
      if (isCall && !helpers.has(path.original)) throw fail(node, `"${path.original}" is not a helper`);
      if (!isCall && helpers.has(path.original))
        throw fail(node, `"${path.original}" is a helper and needs a value to work on`);
      return;
    }
    case "SubExpression": {
      const { path } = node as hbs.AST.SubExpression & Call;
      if (!helpers.has(path.original)) throw fail(node, `"${path.original}" is not a helper`);
      return;
    }
    case "BlockStatement": {
      const { path, params } = node as hbs.AST.BlockStatement;
      if (!BLOCKS.has(path.original))
        throw fail(node, `{{#${path.original}}} is not a block: there are ${[...BLOCKS].join(", ")}`);
      if (params.length === 0) throw fail(node, `{{#${path.original}}} needs a value to work on`);
      return;
    }
    case "PartialStatement":
    case "PartialBlockStatement": {
      const { name } = node as hbs.AST.PartialStatement;
      if (name.type !== "PathExpression") throw fail(node, "the name of a partial must be written out");
      const { original } = name as hbs.AST.PathExpression;
      if (original !== "@partial-block" && !partials.has(original))
        throw fail(node, `there is no partial "${original}" in _layout`);
      return;
    }
    case "Decorator":
    case "DecoratorBlock":
      throw fail(node, "{{* ...}} is not supported");
  }
}

function lineMap(part: Part): (position: { line: number; column: number }) => number {
  const { lines, source } = part;
  if (lines === null) return (position) => position.line;
  const starts = [...source.matchAll(EXPRESSION)].map((match) => match.index);
  const lineStarts = [0];
  for (let at = source.indexOf("\n"); at >= 0; at = source.indexOf("\n", at + 1)) lineStarts.push(at + 1);
  return ({ line, column }) => {
    const offset = (lineStarts[line - 1] ?? 0) + column;
    const next = starts.findIndex((start) => start > offset);
    return lines[(next < 0 ? starts.length : next) - 1] ?? 1;
  };
}

/** @throws BellwetherError `template-syntax` with file, line and the parser's word. */
function parse(file: string, source: string): hbs.AST.Program {
  try {
    return Handlebars.parse(source);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    const line = /on line (\d+)/.exec(text)?.[1] ?? / - (\d+):\d+$/.exec(text)?.[1] ?? "1";
    const short =
      text
        .split("\n")
        .at(-1)
        ?.replace(/ - \d+:\d+$/, "") ?? text;
    throw syntaxError(file, Number(line), short, error);
  }
}

/** Says what is wrong in the file itself before anything is changed in it. */
export function checkSyntax(file: string, source: string): void {
  parse(file, source);
}

export function syntaxError(file: string, line: number, message: string, cause?: unknown): BellwetherError {
  return new BellwetherError(
    "template-syntax",
    `${file} line ${line}: ${message}.`,
    "Correct the file; docs/templates.md describes what a template may contain.",
    cause === undefined ? {} : { cause },
  );
}

function lineAt(source: string, offset: number): number {
  let line = 1;
  for (let at = source.indexOf("\n"); at >= 0 && at < offset; at = source.indexOf("\n", at + 1)) line++;
  return line;
}
