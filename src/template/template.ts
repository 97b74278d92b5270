// A template: a folder below templates/ and the shared _layout beside it, read as a whole into a snapshot that can
// be stored, and checked as a whole before anything is sent. What the files say to a client is the renderer's.
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { BellwetherError } from "../errors.ts";
import { nearest } from "../suggest.ts";
import { HELPER_NAMES } from "./helpers.ts";
import { parseManifest, type TemplateClass } from "./manifest.ts";
import {
  checkSyntax,
  inlinedPart,
  type Part,
  parsePart,
  plainPart,
  syntaxError,
  textPart,
} from "./prepare.ts";
import type { ValueDeclaration } from "./values.ts";

/** Everything that a template needs, so that it can be compiled without its folder. */
export interface TemplateSource {
  name: string;
  /** Content by file name: "template.toml", "en.html.hbs", "_layout/style.css". */
  files: Record<string, string>;
}

/** One language, ready to be compiled. */
export interface LocaleParts {
  subject: Part;
  html: Part;
  text: Part;
  htmlPartials: ReadonlyMap<string, Part>;
  textPartials: ReadonlyMap<string, Part>;
}

export interface Template {
  name: string;
  title: string;
  description: string;
  class: TemplateClass;
  /** SHA-256 of name and files, hex: changes with every edit, also of the layout. */
  revision: string;
  values: readonly ValueDeclaration[];
  locales: readonly string[];
  defaultLocale: string;
  parts: ReadonlyMap<string, LocaleParts>;
}

const NAME = /^[a-z0-9][a-z0-9_-]*$/i;
const FILE = /^[\w.-]+\.(?:hbs|toml|css)$/;
const LOCALE_FILE = /^([a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*)\.(subject|html|text)\.hbs$/;
const PARTIAL_FILE =
  /^_layout\/(?:([a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*)\.)?([a-z][a-z0-9_-]*)\.(html|text)\.hbs$/;

/**
 * Reads a template from the first of the folders that has it. Of _layout each file is taken from the first folder
 * that has it, so that an installation can replace the stylesheet alone.
 * @throws BellwetherError `template-missing`, `file-unreadable`
 */
export function readTemplate(dirs: readonly string[] | string, name: string): TemplateSource {
  const folders = typeof dirs === "string" ? [dirs] : dirs;
  const home = NAME.test(name)
    ? folders.find((folder) => existsSync(path.join(folder, name, "template.toml")))
    : undefined;
  if (home === undefined) throw missing(folders, name);
  const files: Record<string, string> = {};
  for (const folder of folders)
    for (const file of filesIn(path.join(folder, "_layout")))
      files[`_layout/${file}`] ??= read(path.join(folder, "_layout", file));
  for (const file of filesIn(path.join(home, name))) files[file] = read(path.join(home, name, file));
  return { name, files };
}

/** Names of all templates in the folders, sorted. */
export function listTemplates(dirs: readonly string[] | string): readonly string[] {
  const names = new Set<string>();
  for (const folder of typeof dirs === "string" ? [dirs] : dirs) {
    if (!existsSync(folder)) continue;
    for (const entry of readdirSync(folder))
      if (NAME.test(entry) && existsSync(path.join(folder, entry, "template.toml"))) names.add(entry);
  }
  return [...names].sort();
}

/**
 * Checks and prepares every file of every language.
 * @throws BellwetherError `template-syntax` with file and line
 */
export function compileTemplate(source: TemplateSource): Template {
  const manifest = parseManifest(`${source.name}/template.toml`, source.files["template.toml"] ?? "");
  const at = (file: string) => (file.startsWith("_layout/") ? file : `${source.name}/${file}`);
  for (const [file, content] of Object.entries(source.files)) {
    if (!file.endsWith(".hbs")) continue;
    if (!LOCALE_FILE.test(file) && !PARTIAL_FILE.test(file))
      throw syntaxError(
        at(file),
        1,
        "a file is named LOCALE.subject.hbs, LOCALE.html.hbs or LOCALE.text.hbs",
      );
    checkSyntax(at(file), content);
  }
  const locales = localesOf(source);
  const { defaultLocale } = manifest;
  if (!locales.includes(defaultLocale))
    throw syntaxError(
      at("template.toml"),
      1,
      `default_locale is "${defaultLocale}" but there is no ${defaultLocale}.html.hbs`,
    );
  const parts = new Map<string, LocaleParts>();
  for (const locale of locales) parts.set(locale, prepareLocale(source, locale, defaultLocale, at));
  return {
    name: source.name,
    ...manifest,
    revision: revisionOf(source),
    locales: [defaultLocale, ...locales.filter((locale) => locale !== defaultLocale)],
    parts,
  };
}

function prepareLocale(
  source: TemplateSource,
  locale: string,
  defaultLocale: string,
  at: (file: string) => string,
): LocaleParts {
  const css = source.files["_layout/style.css"] ?? "";
  const need = (file: string): string => {
    const content = source.files[file];
    if (content === undefined) throw syntaxError(at(file), 1, "this file is missing");
    return content;
  };
  const html = need(`${locale}.html.hbs`);
  const text = source.files[`${locale}.text.hbs`];
  const htmlPartials = new Map<string, Part>();
  const textPartials = new Map<string, Part>();
  for (const [name, files] of partialFiles(source, [defaultLocale, null, locale])) {
    const [htmlFile, textFile] = [files.html, files.text];
    if (htmlFile !== undefined) htmlPartials.set(name, inlinedPart(at(htmlFile), need(htmlFile), css));
    if (textFile !== undefined) textPartials.set(name, plainPart(at(textFile), need(textFile)));
    else if (htmlFile !== undefined) textPartials.set(name, textPart(at(htmlFile), need(htmlFile)));
  }
  const prepared: LocaleParts = {
    subject: plainPart(at(`${locale}.subject.hbs`), need(`${locale}.subject.hbs`)),
    html: inlinedPart(at(`${locale}.html.hbs`), html, css),
    text:
      text === undefined
        ? textPart(at(`${locale}.html.hbs`), html)
        : plainPart(at(`${locale}.text.hbs`), text),
    htmlPartials,
    textPartials,
  };
  const helpers = new Set<string>(HELPER_NAMES);
  const check = (part: Part, partials: ReadonlyMap<string, Part>) =>
    parsePart({ part, index: 0, helpers, partials: new Set(partials.keys()) });
  check(prepared.subject, new Map());
  for (const part of [prepared.html, ...htmlPartials.values()]) check(part, htmlPartials);
  for (const part of [prepared.text, ...textPartials.values()]) check(part, textPartials);
  return prepared;
}

/** Partials by name; of several files for one name the last of `preference` wins (null: without a language). */
function partialFiles(
  source: TemplateSource,
  preference: readonly (string | null)[],
): Map<string, { html?: string; text?: string }> {
  const found = new Map<string, { html?: string; text?: string; rank: number }>();
  for (const file of Object.keys(source.files).sort()) {
    const [, locale, name, kind] = PARTIAL_FILE.exec(file) ?? [];
    const rank = preference.lastIndexOf(locale ?? null);
    if (name === undefined || rank < 0) continue;
    const best = found.get(name);
    if (best !== undefined && best.rank > rank) continue;
    const files = best?.rank === rank ? best : { rank };
    found.set(name, { ...files, [kind === "html" ? "html" : "text"]: file });
  }
  return found;
}

function localesOf(source: TemplateSource): string[] {
  const locales = new Set<string>();
  for (const file of Object.keys(source.files)) {
    const locale = LOCALE_FILE.exec(file)?.[1];
    if (locale !== undefined) locales.add(locale);
  }
  return [...locales].sort();
}

function revisionOf(source: TemplateSource): string {
  const files = Object.entries(source.files).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash("sha256")
    .update(JSON.stringify([source.name, files]))
    .digest("hex");
}

function filesIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder).filter((file) => FILE.test(file));
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8")
      .replace(/^\ufeff/, "")
      .replace(/\r\n?/g, "\n");
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new BellwetherError(
      "file-unreadable",
      `${file} cannot be read: ${why}.`,
      "Check its permissions.",
      {
        cause: error,
      },
    );
  }
}

function missing(folders: readonly string[], name: string): BellwetherError {
  const available = listTemplates(folders);
  const near = nearest(name, available);
  const list = available.length === 0 ? `none in ${folders.join(", ")}` : available.join(", ");
  return new BellwetherError(
    "template-missing",
    `There is no template "${name}"${near === null ? "" : ` (did you mean "${near}"?)`}.`,
    `Available: ${list}.`,
  );
}
