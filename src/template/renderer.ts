// Turns a compiled template, the values of a campaign and one client into subject, html and text. Strict: a name
// that has no value is an error that says where, never an empty place in a mail. Headers and MIME are not its own.
import Handlebars from "handlebars";
import { BellwetherError } from "../errors.ts";
import { createDateFormatter } from "./dates.ts";
import { createHelpers, HELPER_NAMES, HelperError, type HelperState } from "./helpers.ts";
import { createLanguageChooser } from "./locale.ts";
import { locate, type Part, parsePart } from "./prepare.ts";
import type { LocaleParts, Template } from "./template.ts";
import type { CheckedValues } from "./values.ts";

export interface Recipient {
  address: string;
  name: string | null;
  locale: string | null;
  timezone: string | null;
  accounts: readonly {
    account: string | null;
    name: string | null;
    attributes: Readonly<Record<string, string>>;
  }[];
}

export interface Rendered {
  /** The template's locale that was used. */
  locale: string;
  /** One line, without control characters. */
  subject: string;
  html: string;
  text: string;
}

type Render = (context: object) => string;

/**
 * Compiles every language once; the returned function takes some tens of microseconds a client.
 * @throws BellwetherError `template-render` from the returned function, with file, line and expression
 */
export function createRenderer(options: {
  template: Template;
  values: CheckedValues;
  /** Shown as {{sender.name}}. */
  senderName?: string;
  /** Zone of clients without a known one; default UTC. */
  defaultTimeZone?: string;
  /** Language of clients without a known one; default the template's. */
  defaultLocale?: string;
}): (recipient: Recipient) => Rendered {
  const { template } = options;
  const dates = createDateFormatter();
  const defaultZone = options.defaultTimeZone ?? "UTC";
  const ownDefault = createLanguageChooser(template)(options.defaultLocale ?? null).locale;
  const language = createLanguageChooser({ locales: template.locales, defaultLocale: ownDefault });
  const state: HelperState = { dates, clock: dates.clock("en-GB", "UTC", "UTC") };
  const compiled = new Map<string, Record<"subject" | "html" | "text", Render>>();
  for (const [locale, parts] of template.parts) compiled.set(locale, compileLocale(parts, state));
  const values = template.values.map(({ name }) => [name, options.values[name] ?? null] as const);
  const sender = bag();
  sender.name = options.senderName ?? null;

  return (recipient) => {
    const { locale, formatLocale } = language(recipient.locale);
    state.clock = dates.clock(formatLocale, recipient.timezone, defaultZone);
    const context = contextOf(recipient);
    for (const [name, value] of values) context[name] = value;
    context.locale = locale;
    context.sender = sender;
    const render = compiled.get(locale);
    if (render === undefined) throw new Error(`locale ${locale} was not compiled`);
    try {
      const subject = oneLine(render.subject(context));
      context.subject = subject;
      return { locale, subject, html: render.html(context), text: tidy(render.text(context)) };
    } catch (error) {
      if (error instanceof BellwetherError) throw forRecipient(error, recipient);
      throw error;
    }
  };
}

function compileLocale(parts: LocaleParts, state: HelperState): Record<"subject" | "html" | "text", Render> {
  return {
    subject: compile(parts.subject, new Map(), state, true),
    html: compile(parts.html, parts.htmlPartials, state, false),
    text: compile(parts.text, parts.textPartials, state, true),
  };
}

function compile(
  part: Part,
  partials: ReadonlyMap<string, Part>,
  state: HelperState,
  noEscape: boolean,
): Render {
  const hb = Handlebars.create();
  hb.registerHelper(createHelpers(state));
  const helpers = new Set<string>(HELPER_NAMES);
  const options = {
    strict: true,
    noEscape,
    knownHelpersOnly: true,
    knownHelpers: Object.fromEntries(HELPER_NAMES.map((name) => [name, true])),
    preventIndent: true,
  };
  const all = [part, ...partials.values()];
  const names = new Set(partials.keys());
  const build = (each: Part) =>
    hb.compile(parsePart({ part: each, index: all.indexOf(each), helpers, partials: names }), options);
  for (const [name, partial] of partials) hb.registerPartial(name, build(partial));
  hb.registerPartial(" main", build(part));
  const template = hold(hb);
  return (context) => {
    try {
      return template(context);
    } catch (error) {
      throw renderError(error, all);
    }
  };
}

/**
 * Handlebars wraps every helper anew for each call of a compiled template, which costs more than a mail. A block
 * keeps what it was set up with: a block helper that holds on to its block renders it for every client.
 */
function hold(hb: typeof Handlebars): Render {
  let block: Handlebars.TemplateDelegate | undefined;
  hb.registerHelper("hold", (options: Handlebars.HelperOptions) => {
    block = options.fn;
  });
  hb.compile("{{#hold}}{{> [ main]}}{{/hold}}", { preventIndent: true })({});
  const held = block;
  if (held === undefined) throw new Error("the block was not handed over");
  return (context) => held(context, { data: { root: context } });
}

type Bag = Record<string, unknown>;

// Nothing inherited but a name for Handlebars' messages: no attribute called "constructor" and no template reaches
// Object.prototype. A class, because objects made by Object.create(null) are slow dictionaries.
class Bare {
  [name: string]: unknown;
}
const proto = Object.create(null, { toString: { value: () => "the client" } });
Object.setPrototypeOf(Bare.prototype, proto);
delete (Bare.prototype as { constructor?: unknown }).constructor;
const bag = (): Bag => new Bare();

function contextOf(recipient: Recipient): Bag {
  const root = bag();
  const client = bag();
  for (const [name, value] of sharedAttributes(recipient)) {
    root[name] = value;
    client[name] = value;
  }
  const [first] = recipient.accounts;
  client.name = recipient.name;
  client.address = recipient.address;
  client.locale = recipient.locale;
  client.timezone = recipient.timezone;
  client.account = recipient.accounts.length === 1 ? (first?.account ?? null) : null;
  root.client = client;
  root.accounts = recipient.accounts.map(({ account, name, attributes }) => {
    const entry = bag();
    for (const key in attributes) if (attributes[key] !== "") entry[key] = attributes[key];
    entry.account = account;
    entry.name = name;
    return entry;
  });
  return root;
}

/** What can be said of the client as a whole: the attributes on which all accounts agree, without empty ones. */
function sharedAttributes(recipient: Recipient): [string, string][] {
  const [first, ...others] = recipient.accounts;
  if (first === undefined) return [];
  const shared = Object.entries(first.attributes).filter(([, value]) => value !== "");
  if (others.length === 0) return shared;
  return shared.filter(([name, value]) =>
    others.every(({ attributes }) => Object.hasOwn(attributes, name) && attributes[name] === value),
  );
}

function renderError(error: unknown, parts: readonly Part[]): BellwetherError {
  const message = error instanceof Error ? error.message : String(error);
  const line =
    error instanceof HelperError
      ? error.line
      : Number((error as { lineNumber?: number }).lineNumber ?? / - (\d+):\d+$/.exec(message)?.[1] ?? 0);
  const place = locate(parts, line) ?? { part: parts[0], line: 0 };
  const where = `${place.part?.file ?? "template"}${place.line > 0 ? ` line ${place.line}` : ""}`;
  const name = /^"(.*)" not defined in /s.exec(message)?.[1];
  if (name === undefined)
    return new BellwetherError(
      "template-render",
      `${where}: ${message.replace(/ - \d+:\d+$/, "")}`,
      "Correct the template, or the value that it shows.",
      { cause: error },
    );
  const expression = expressionWith(place.part?.original.split("\n")[place.line - 1] ?? "", name);
  return new BellwetherError(
    "template-render",
    `${where}: ${expression} has no value: "${name}" is missing`,
    `Give every client a "${name}" (a column of the audience), or show it only where there is one: {{#if (has "${name}")}}...{{/if}} or {{optional "${name}"}}.`,
    { cause: error },
  );
}

function expressionWith(line: string, name: string): string {
  return line.match(/\{\{[^}]*\}\}/g)?.find((expression) => expression.includes(name)) ?? `{{${name}}}`;
}

function forRecipient(error: BellwetherError, recipient: Recipient): BellwetherError {
  const name = /"([^"]*)" is missing$/.exec(error.message)?.[1];
  const differ =
    name !== undefined && recipient.accounts.some(({ attributes }) => (attributes[name] ?? "") !== "");
  return new BellwetherError(
    error.code,
    `${error.message}${differ ? " for all accounts alike" : ""}, client ${recipient.address}.`,
    differ ? `The accounts of this address differ in it: list them with {{#each accounts}}.` : error.hint,
    { cause: error.cause },
  );
}

/** Whatever a client's name brings along, a subject is one line: nothing can begin another header. */
function oneLine(text: string): string {
  return text.replace(/[\s\x00-\x1f\x7f-\x9f\u2028\u2029]+/g, " ").trim();
}

/** Blocks that showed nothing leave empty lines behind. */
function tidy(text: string): string {
  return `${text
    .replace(/[ \t]+\n/g, "\n")
    .replace(/\n{3,}/g, "\n\n")
    .trim()}\n`;
}
