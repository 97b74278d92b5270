import { describe, expect, it } from "vitest";
import { createRenderer } from "../../../src/template/renderer.ts";
import { compileTemplate } from "../../../src/template/template.ts";
import { client, show, source } from "./world.ts";

const DECLARED = `start = { type = "datetime" }
end = { type = "datetime" }
day = { type = "date" }
note = { type = "text" }
list = { type = "list" }`;
const VALUES = {
  start: "2027-04-28T06:00:00Z",
  end: "2027-04-28T06:07:00Z",
  day: "2027-04-28",
  list: ["a", "b", "c"],
};
const shown = (expression: string, part: Parameters<typeof client>[0] = {}, zone?: string) =>
  show(expression, {
    client: client(part),
    declared: DECLARED,
    values: VALUES,
    ...(zone === undefined ? {} : { zone }),
  });

function failure(work: () => unknown): { code: string; message: string; hint: string } {
  try {
    work();
  } catch (error) {
    return error as { code: string; message: string; hint: string };
  }
  throw new Error("nothing was thrown");
}

describe("rendering", () => {
  it("shows client, attributes and values, and a value before an attribute of the same name", () => {
    expect(
      shown(
        "{{client.name}} {{client.address}} {{client.account}} {{plan}} {{client.plan}} {{day}} {{client.day}}",
        {
          attributes: { plan: "Pro", day: "theirs" },
        },
      ),
    ).toBe("Anna anna@example.org K-1 Pro Pro 2027-04-28 theirs");
  });

  it("shows nothing for an optional value that was not given", () => {
    expect(shown("[{{note}}{{#if note}}x{{/if}}]")).toBe("[]");
  });

  it("says file, line and name of a value that is missing, in text, in conditions and in helpers", () => {
    for (const expression of [
      "{{plan}}",
      "{{client.plan}}",
      "{{#if plan}}x{{/if}}",
      '{{join plan ","}}',
      "{{#each accounts}}{{plan}}{{/each}}",
    ]) {
      const error = failure(() => shown(`one\ntwo ${expression}`, { attributes: { plan: "" } }));
      expect(error.code).toBe("template-render");
      expect(error.message).toContain("test/en.text.hbs line 2: ");
      expect(error.message).toContain('"plan" is missing, client anna@example.org.');
      expect(error.message).not.toContain("Anna");
      expect(error.hint).toContain('{{#if (has "plan")}}');
    }
    expect(failure(() => shown("{{client.plan}}")).message).toContain("{{client.plan}} has no value");
  });

  it("names the line of the html file, though styles were put inline and tags joined", () => {
    const template = compileTemplate(
      source({
        "en.html.hbs":
          '<p\n class="a"\n title="{{client.name}}">\n{{#if client.name}}\n<b>{{plan}}</b>{{/if}}</p>',
        "_layout/style.css": ".a { color: red }",
      }),
    );
    const error = failure(() => createRenderer({ template, values: {} })(client()));
    expect(error.message).toContain("test/en.html.hbs line 5: {{plan}}");
  });

  it("names the partial in which a value is missing, not the file that calls it", () => {
    const files = {
      "en.text.hbs": "{{> outer}}",
      "_layout/outer.text.hbs": "\n{{> inner}}",
      "_layout/inner.text.hbs": "\n\n{{plan}}",
    };
    const render = createRenderer({ template: compileTemplate(source(files)), values: {} });
    expect(failure(() => render(client())).message).toContain("_layout/inner.text.hbs line 3");
    const block = {
      "en.text.hbs": "{{#> outer}}\n{{plan}}\n{{/outer}}",
      "_layout/outer.text.hbs": "\n\n\n{{> @partial-block}}",
    };
    const other = createRenderer({ template: compileTemplate(source(block)), values: {} });
    expect(failure(() => other(client())).message).toContain("test/en.text.hbs line 2");
  });

  it("goes on with the next client after one that could not be rendered", () => {
    const template = compileTemplate(source({ "en.text.hbs": "{{plan}}" }));
    const render = createRenderer({ template, values: {} });
    expect(() => render(client())).toThrow();
    expect(render(client({ attributes: { plan: "Pro" } })).text).toBe("Pro\n");
    expect(render(client({ attributes: { plan: "Basic" } })).text).toBe("Basic\n");
  });

  it("offers optional attributes safely", () => {
    const text = '{{#if (has "plan")}}plan {{optional "plan"}}{{else}}none{{/if}}{{optional "plan" "-"}}';
    expect(shown(text, { attributes: { plan: "Pro" } })).toBe("plan ProPro");
    expect(shown(text, { attributes: { plan: "" } })).toBe("none-");
    expect(shown(text)).toBe("none-");
    expect(shown('{{optional "constructor" "-"}}{{#if (has "toString")}}x{{/if}}')).toBe("-");
  });

  it("lists several accounts, and takes for the client only what they agree in", () => {
    const several = {
      accounts: [
        { account: "K-1", name: null, attributes: { server: "s12", plan: "Pro" } },
        { account: "K-2", name: null, attributes: { server: "s13", plan: "Pro" } },
      ],
    };
    expect(
      shown(
        '{{plan}}{{client.account}}{{#if (several accounts)}}{{count accounts}}:{{#each accounts}} {{account}}={{server}}{{optional "vps" "?"}}{{/each}}{{/if}}',
        several,
      ),
    ).toBe("Pro2: K-1=s12? K-2=s13?");
    const error = failure(() => shown("{{server}}", several));
    expect(error.message).toContain("for all accounts alike");
    expect(error.hint).toContain("{{#each accounts}}");
  });

  it("escapes in html and not in subject and text", () => {
    const template = compileTemplate(
      source({
        "en.subject.hbs": "{{client.name}}",
        "en.html.hbs": "<p>{{client.name}}</p>",
        "en.text.hbs": "{{client.name}}",
      }),
    );
    const rendered = createRenderer({ template, values: {} })(client({ name: `<b>"O'Neil" & co` }));
    expect(rendered.subject).toBe(`<b>"O'Neil" & co`);
    expect(rendered.text).toBe(`<b>"O'Neil" & co\n`);
    expect(rendered.html).toBe("<p>&lt;b&gt;&quot;O&#x27;Neil&quot; &amp; co</p>");
  });

  it("makes one line of a subject whatever is in a name", () => {
    const template = compileTemplate(source({ "en.subject.hbs": "\n A {{client.name}}\nB\n" }));
    const { subject } = createRenderer({ template, values: {} })(
      client({ name: "x\r\nBcc: y\0\u2028\u0085\tz" }),
    );
    expect(subject).toBe("A x Bcc: y z B");
  });

  it("reaches no prototype, whatever a template or a column is called", () => {
    for (const name of ["constructor", "__proto__", "toLocaleString", "hasOwnProperty"])
      expect(failure(() => shown(`{{${name}}}`)).code).toBe("template-render");
    const attributes = JSON.parse('{"__proto__":"p","constructor":"c"}') as Record<string, string>;
    expect(shown("{{constructor}}{{client.name}}", { attributes })).toBe("cAnna");
    expect(({} as Record<string, unknown>).p).toBeUndefined();
  });

  it("chooses fr for fr-CA, and the default for what it does not speak", () => {
    const template = compileTemplate(
      source(
        {
          "fr.subject.hbs": "Sujet",
          "fr.html.hbs": "<p>{{date start}}</p>",
          "en.html.hbs": "<p>{{date start}}</p>",
        },
        DECLARED,
      ),
    );
    const render = createRenderer({ template, values: { start: "2027-04-28T06:00:00.000Z" } });
    const html = (locale: string | null) => render(client({ locale })).html;
    for (const locale of ["fr", "fr-CA", "fr_FR.UTF-8", "FR"])
      expect(html(locale)).toContain("mercredi 28 avril 2027");
    for (const locale of ["en", "en-GB", "de", "", null, "!!", "x"])
      expect(html(locale)).toContain("Wednesday, 28 April 2027");
    expect(html("en-US")).toContain("Wednesday, April 28, 2027");
    const french = createRenderer({
      template,
      values: { start: "2027-04-28T06:00:00.000Z" },
      defaultLocale: "fr",
    });
    expect(french(client({ locale: "de" })).locale).toBe("fr");
  });
});

describe("dates", () => {
  it("are in the client's time zone, with its name", () => {
    expect(shown("{{datetime start}}")).toBe(
      "Wednesday, 28 April 2027 at 08:00 (Central European Summer Time)",
    );
    expect(shown("{{datetime start}}", { timezone: "America/New_York", locale: "en-US" })).toBe(
      "Wednesday, April 28, 2027 at 2:00 AM (Eastern Daylight Time)",
    );
    expect(shown("{{time start}} {{zone start}}")).toBe("08:00 Central European Summer Time");
  });

  it("are in UTC for a client without a known zone, or in the default zone with UTC beside it", () => {
    for (const timezone of [null, "", "Mars/Olympus"]) {
      expect(shown("{{datetime start}}", { timezone })).toBe("Wednesday, 28 April 2027 at 06:00 UTC");
      expect(shown("{{datetime start}}", { timezone }, "Europe/Paris")).toBe(
        "Wednesday, 28 April 2027 at 08:00 (Central European Summer Time; 06:00 UTC)",
      );
      expect(shown("{{range start end}}", { timezone }, "Europe/Paris")).toContain("; 06:00–06:07 UTC)");
    }
    expect(shown("{{datetime start}}", { timezone: null }, "Asia/Tokyo")).toContain("06:00 UTC)");
    expect(
      show("{{datetime start}}", {
        client: client({ timezone: null }),
        declared: DECLARED,
        values: { start: "2027-04-28T20:00:00Z" },
        zone: "Asia/Tokyo",
      }),
    ).toMatch(
      /^Thursday, 29 April 2027 at 05:00 \(Japan Standard Time; Wednesday, 28 April 2027 at 20:00 UTC\)$/,
    );
  });

  it("collapse a range within a day, and not over midnight of the client", () => {
    expect(shown("{{range start end}}")).toBe(
      "Wednesday, 28 April 2027, 08:00–08:07 (Central European Summer Time)",
    );
    const long = show("{{range start end}}", {
      client: client(),
      declared: DECLARED,
      values: { start: "2027-04-28T21:30:00Z", end: "2027-04-28T22:30:00Z" },
    });
    expect(long).toContain("Wednesday, 28 April 2027 at 23:30 – Thursday, 29 April 2027 at 00:30");
  });

  it("name the zone without summer when the clock changes within the range", () => {
    const values = { start: "2027-03-28T00:00:00Z", end: "2027-03-28T02:00:00Z" };
    expect(show("{{range start end}}", { client: client(), declared: DECLARED, values })).toContain(
      "(Central European Time)",
    );
  });

  it("do not move a day without a time into its neighbour", () => {
    for (const timezone of ["Pacific/Auckland", "Pacific/Honolulu"])
      expect(shown("{{date day}}", { timezone })).toBe("Wednesday, 28 April 2027");
    expect(failure(() => shown("{{datetime day}}")).message).toContain("test/en.text.hbs line 1");
  });

  it("say how long", () => {
    expect(shown("{{duration start end}}")).toBe("7 minutes");
    const values = { start: "2027-04-28T06:00:00Z", end: "2027-04-29T07:30:00Z" };
    expect(show("{{duration start end}}", { client: client(), declared: DECLARED, values })).toBe(
      "1 day 1 hour 30 minutes",
    );
  });

  it("show nothing for a date that was not given, and refuse what is no date", () => {
    expect(show("[{{datetime start}}{{range start end}}]", { client: client(), declared: DECLARED })).toBe(
      "[]",
    );
    expect(failure(() => shown("a\n{{date client.name}}")).message).toMatch(
      /en\.text\.hbs line 2: what "date" is to show is not a date/,
    );
  });
});

describe("helpers", () => {
  it.each([
    ["{{join list}}", "a, b and c"],
    ['{{join list "/"}}', "a/b/c"],
    ["{{count list}}", "3"],
    ['{{#if (eq client.name "Anna")}}y{{/if}}', "y"],
    ["{{#if (and list note)}}y{{else}}n{{/if}}", "n"],
    ["{{#if (not note)}}y{{/if}}", "y"],
    ['{{or note "-"}}', "-"],
    ['{{#each (paragraphs "a")}}<{{this}}>{{/each}}', "<a>"],
  ])("%s", (expression, expected) => {
    expect(shown(expression)).toBe(expected);
  });
});
