import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { createRenderer } from "../../../src/template/renderer.ts";
import { compileTemplate, listTemplates, readTemplate } from "../../../src/template/template.ts";
import { checkValues } from "../../../src/template/values.ts";
import { client, MANIFEST, source } from "./world.ts";

const SHIPPED = path.resolve(import.meta.dirname, "../../../templates");
const own = mkdtempSync(path.join(tmpdir(), "bellwether-templates-"));
mkdirSync(path.join(own, "_layout"));
writeFileSync(path.join(own, "_layout/style.css"), ".title { color: #123456 }");
mkdirSync(path.join(own, "note"));
writeFileSync(path.join(own, "note/template.toml"), MANIFEST);
writeFileSync(path.join(own, "note/en.subject.hbs"), "Note\r\n");
writeFileSync(path.join(own, "note/en.html.hbs"), '{{#> layout}}<h1 class="title">Note</h1>{{/layout}}');
afterAll(() => rmSync(own, { recursive: true, force: true }));

const MAINTENANCE = { window_start: "2027-04-28T06:00:00Z", window_end: "2027-04-28T06:07:00Z" };
const INCIDENT = { incident: "Mail refused", short: "One.\n\nTwo.", started_at: "2027-04-28T05:40:00Z" };

describe("reading templates", () => {
  it("takes the template from the first folder that has it and replaces single files of the layout", () => {
    const read = readTemplate([own, SHIPPED], "note");
    expect(read.files["_layout/style.css"]).toContain("#123456");
    expect(read.files["_layout/layout.html.hbs"]).toContain("partial-block");
    const rendered = createRenderer({ template: compileTemplate(read), values: {} })(client());
    expect(rendered.html).toContain('<h1 class="title" style="color: #123456;">Note</h1>');
    expect(rendered.subject).toBe("Note");
    expect(rendered.text).toMatch(/^Note\n/);
    expect(rendered.text).toContain("anna@example.org");
  });

  it("says which templates there are when there is none of that name", () => {
    expect(listTemplates([own, SHIPPED])).toEqual(["incident-report", "maintenance-scheduled", "note"]);
    expect(() => readTemplate([SHIPPED, path.join(own, "nowhere")], "maintenance-sheduled")).toThrow(
      expect.objectContaining({
        code: "template-missing",
        message: expect.stringContaining('did you mean "maintenance-scheduled"?'),
        hint: "Available: incident-report, maintenance-scheduled.",
      }),
    );
  });

  it.each(["../note", "..", ".", "/etc", "a/b", "a\\b", "", "_layout", "note\0"])(
    "leaves its folders for no name: %j",
    (name) => {
      expect(() => readTemplate([path.join(own, "note"), own], name)).toThrow(
        expect.objectContaining({ code: "template-missing" }),
      );
    },
  );

  it("compiles from a snapshot alone, to the same revision; any edit makes another", () => {
    const read = readTemplate(SHIPPED, "maintenance-scheduled");
    const stored = compileTemplate(JSON.parse(JSON.stringify(read)));
    expect(stored.revision).toBe(compileTemplate(read).revision);
    expect(stored.revision).toMatch(/^[0-9a-f]{64}$/);
    for (const file of Object.keys(read.files)) {
      const files = { ...read.files, [file]: `${read.files[file]} ` };
      expect(compileTemplate({ name: read.name, files }).revision).not.toBe(stored.revision);
    }
  });
});

describe("the templates that come with Bellwether", () => {
  const cases = [
    ["maintenance-scheduled", MAINTENANCE],
    [
      "maintenance-scheduled",
      {
        ...MAINTENANCE,
        servers: ["s12", "s13"],
        reason: "Old <disks>.\n\nReally.",
        impact: "Read only.",
        what_to_do: "Save.",
        contact: "+33 1 23",
        status_url: "https://status.example.com/?a=1&b=2",
      },
    ],
    ["incident-report", INCIDENT],
    [
      "incident-report",
      {
        ...INCIDENT,
        ended_at: "2027-04-28T08:05:00Z",
        timeline: ["07:40 first mail", "07:52 stopped"],
        cause: "No reverse DNS.",
        actions: ["Check before"],
        what_to_do: "Nothing at all.",
        contact: "help@example.com",
        report_url: "https://example.com/r",
      },
    ],
  ] as const;
  const clients = [
    client({ attributes: { server: "s12", plan: "Pro" } }),
    client({ name: null, timezone: null, accounts: [{ account: null, name: null, attributes: {} }] }),
    client({ accounts: [] }),
    client({
      accounts: [
        { account: "K-1", name: null, attributes: { server: "s12" } },
        { account: "K-2", name: "Shop", attributes: { plan: "Pro" } },
      ],
    }),
  ];

  it.each(cases)("%s can be rendered for every kind of client, in every language", (name, given) => {
    const template = compileTemplate(readTemplate(SHIPPED, name));
    const values = checkValues(template, given);
    const render = createRenderer({ template, values, senderName: "Example Hosting" });
    expect(template.locales).toEqual(["en", "fr"]);
    for (const locale of template.locales)
      for (const one of clients) {
        const { subject, html, text } = render({ ...one, locale });
        expect(subject).toContain("2027");
        for (const part of [subject, html, text])
          expect(part).not.toMatch(/\{\{|\}\}(?!\s)|undefined|null|\[object/);
        expect(html).toMatch(/^<!doctype html>\n<html lang="(en|fr)">/);
        expect(html.match(/<(td|table|tr|p|ul|li|div)\b/g)?.length).toBe(
          html.match(/<\/(td|table|tr|p|ul|li|div)>/g)?.length,
        );
        expect(text).toContain(name === "incident-report" ? "Mail refused" : "2027");
        expect(text).not.toMatch(/\n{3}|[ \t]\n/);
        for (const value of Object.values(values).flat())
          if (typeof value === "string" && /^[A-Za-z .]+$/.test(value))
            expect(`${text} ${html}`).toContain(value);
      }
  });

  it("requires of a maintenance its window alone", () => {
    const { values, class: templateClass } = compileTemplate(readTemplate(SHIPPED, "maintenance-scheduled"));
    expect(values.filter((value) => value.required).map((value) => value.name)).toEqual([
      "window_start",
      "window_end",
    ]);
    expect(templateClass).toBe("required");
    expect(() =>
      checkValues({ name: "x", values }, { ...MAINTENANCE, window_end: "2027-04-28T05:00:00Z" }),
    ).toThrow(/is before/);
  });
});

describe("preparing templates", () => {
  const prepared = (html: string, files: Record<string, string> = {}) =>
    compileTemplate(
      source({ "en.html.hbs": html, "_layout/style.css": ".a { color: red } p { margin: 0 }", ...files }),
    ).parts.get("en");

  it("puts styles inline and keeps every expression, also between table rows and in attributes", () => {
    const html = `{{!-- it's a "comment" }} --}}<table>{{#if client.name}}<tr class="a"><td title="{{or client.name "}}"}}" {{#if locale}}lang="x"{{/if}}>&amp;&nbsp;é{{client.name}}</td></tr>{{else}}<tr></tr>{{/if}}</table><a href="{{client.name}}?a=1&amp;b=2">x</a>`;
    const source = prepared(html)?.html.source;
    expect(source).toContain('<tr class="a" style="color: red;">');
    for (const expression of html.match(/\{\{[^!][^}]*\}\}/g) ?? []) expect(source).toContain(expression);
    expect(source).toContain("&amp;&nbsp;é{{client.name}}</td></tr>{{else}}<tr></tr>{{/if}}</table>");
  });

  it("makes a missing text from the html once, with its expressions", () => {
    const template = compileTemplate({
      name: "test",
      files: {
        "template.toml": MANIFEST,
        "en.subject.hbs": "S",
        "en.html.hbs":
          '<h1>Hello &amp; welcome</h1><div class="preheader">hidden</div>{{#if client.name}}<p>Dear {{client.name}}</p>{{/if}}<p><a href="https://e.org/{{client.account}}">page</a></p>{{#each accounts}}<p>{{account}}</p>{{/each}}',
      },
    });
    const { text } = createRenderer({ template, values: {} })(client({ name: "<Anna>" }));
    expect(text).toBe("Hello & welcome\n\nDear <Anna>\n\npage [https://e.org/K-1]\n\nK-1\n");
  });

  it.each([
    ["an open block", { "en.html.hbs": "<p>\n{{#if client.name}}\n</p>" }, /test\/en\.html\.hbs line 3: /],
    [
      "a block closed by another",
      { "en.text.hbs": "a\n{{#if x}}{{/each}}" },
      /test\/en\.text\.hbs line 2: if doesn't match each/,
    ],
    ["a broken expression", { "en.subject.hbs": "a {{b" }, /test\/en\.subject\.hbs line 1: /],
    [
      "a helper that does not exist",
      { "en.html.hbs": "<p>\n\n{{upper client.name}}</p>" },
      /test\/en\.html\.hbs line 3: "upper" is not a helper/,
    ],
    [
      "a block that does not exist",
      { "en.text.hbs": "{{#accounts}}{{/accounts}}" },
      /line 1: \{\{#accounts\}\} is not a block/,
    ],
    ["a helper without a value", { "en.text.hbs": "\n{{date}}" }, /line 2: "date" is a helper/],
    ["an unescaped value", { "en.html.hbs": "<p>{{{client.name}}}</p>" }, /three braces/],
    ["an unescaped value with &", { "en.html.hbs": "<p>{{&client.name}}</p>" }, /three braces/],
    ["a partial that does not exist", { "en.text.hbs": "{{> nope}}" }, /there is no partial "nope"/],
    ["a partial chosen by data", { "en.text.hbs": "{{> (or client.name)}}" }, /must be written out/],
    ["an inline partial", { "en.text.hbs": '{{#*inline "x"}}{{/inline}}' }, /not supported/],
    ["lookup", { "en.text.hbs": "{{lookup client locale}}" }, /"lookup" is not a helper/],
    [
      "an error in the layout",
      { "en.text.hbs": "{{> x}}", "_layout/x.text.hbs": "\n{{nope 1}}" },
      /_layout\/x\.text\.hbs line 2/,
    ],
    ["a badly named file", { "english.hbs": "x" }, /test\/english\.hbs line 1: a file is named/],
    [
      "a language without a subject",
      { "fr.html.hbs": "x" },
      /test\/fr\.subject\.hbs line 1: this file is missing/,
    ],
    ["broken TOML", { "template.toml": "title = \nclass" }, /test\/template\.toml line 1: /],
    [
      "an unknown class",
      { "template.toml": MANIFEST.replace("service", "urgent") },
      /line 2: "class" must be one of required, service, optional/,
    ],
    [
      "an unknown key",
      { "template.toml": `${MANIFEST}titel = "x"` },
      /line 4: "titel" is not a key \(did you mean "title"\?\)/,
    ],
    [
      "an unknown type",
      { "template.toml": `${MANIFEST}[values]\nx = { type = "txt" }` },
      /line 5: "x" must have a type/,
    ],
    [
      "a value with a helper's name",
      { "template.toml": `${MANIFEST}[values]\ndate = { type = "date" }` },
      /"date" has a meaning of its own/,
    ],
    [
      "a default language without files",
      { "template.toml": MANIFEST.replace('"en"', '"de"') },
      /there is no de\.html\.hbs/,
    ],
  ])("refuses %s", (_, files, expected) => {
    expect(() => compileTemplate(source(files))).toThrow(
      expect.objectContaining({ code: "template-syntax", message: expect.stringMatching(expected) }),
    );
  });
});
