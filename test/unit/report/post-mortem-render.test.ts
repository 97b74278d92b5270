// The post-mortem as a file: nothing in it that must not be seen, no text of others that is more than text, and HTML that a
// parser and a reader without colours can take.
import { describe, expect, it } from "vitest";
import { incidentCampaign } from "../../../src/report/incident.ts";
import { buildPostMortem } from "../../../src/report/post-mortem.ts";
import { escapeHtml, renderHtml } from "../../../src/report/post-mortem-html.ts";
import { escapeMarkdown, renderMarkdown } from "../../../src/report/post-mortem-markdown.ts";
import type { PostMortemFacts } from "../../../src/report/post-mortem-store.ts";
import { safeText } from "../../../src/report/safe-text.ts";
import { at, card, elementsOf, HELD, hold, input, lane, problemsOf } from "../../world/post-mortems.ts";
import fc from "../../world/property.ts";

describe("what must not be seen", () => {
  const token = "1z-1-abcdefghij123";
  const told =
    "550 5.1.1 mailbox jdoe at mail.hosting.example unknown, <jdoe@dupont.example>, seen from bounces+" +
    token;
  const replies = [{ text: told, recipient: "jdoe@dupont.example" }];
  const facts: Partial<PostMortemFacts> = {
    ...HELD,
    ended: [card({ replies })],
    events: [
      {
        at: at("05:41"),
        event: "set-aside",
        text: "dupont.example refuses us twice: it is set aside.",
        provider: "google",
      },
      { at: at("05:42"), event: "override", text: "Anna (anna@hosting.example) said so.", provider: null },
    ],
    aside: [
      { provider: "google", unit: "dupont.example", reason: "policy", scope: "organisation", addresses: 2 },
    ],
  };

  it.each([
    ["Markdown", renderMarkdown],
    ["HTML", renderHtml],
  ] as const)(
    "%s has no address, no local part, no token, no host of ours and no organisation",
    (_, render) => {
      const text = render(buildPostMortem(input({ name: "For jdoe@dupont.example" }, facts)));
      expect(text).not.toMatch(/jdoe|anna@|hosting\.example|dupont|abcdefghij123/);
      expect(text).toContain("organisation 1");
    },
  );

  it("is in no value of an incident report either", () => {
    const { toml } = incidentCampaign(input({ name: "For jdoe@dupont.example" }, facts), {
      audience: "audience:x",
      filtered: false,
    });
    expect(toml).not.toMatch(/jdoe|anna@|hosting\.example|dupont|abcdefghij123/);
  });
});

/** Signs that mean something somewhere, among all others. */
const anything = fc.string({
  unit: fc.oneof(
    fc.constantFrom(..."<>&\"'`|*_[](){}\\#:/.!~+-=0 \nw"),
    fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
  ),
  maxLength: 40,
});

describe("hostile texts", () => {
  const evil =
    "<script>alert(1)</script> </pre><img src=x onerror=y> [click](http://evil.example) `code` ```\n| a | b | www.evil.example # x \u001b[31m\u202egnp.exe &lt; \"q\" 'r' ~~~ *b* _i_ ![p](q)";
  const events = ["held", "override", "slowed"].map((event) => ({
    at: at("05:41"),
    event,
    text: evil,
    provider: "google",
  }));
  const poisoned = buildPostMortem(
    input(
      { name: evil, lanes: [lane(evil, { recipients: 2, accepted: 2 })] },
      {
        ...HELD,
        zone: evil,
        events,
        ended: [
          card({
            hold: hold({ message: evil, advice: evil, tell: evil }),
            replies: [{ text: `${evil}\r\n${"`".repeat(9)}`, recipient: "a@b.example" }],
          }),
        ],
        aside: [{ provider: evil, unit: "x.example", reason: null, scope: null, addresses: 1 }],
      },
    ),
  );

  it("stay text in HTML: valid, and with no element but our own", () => {
    const html = renderHtml(poisoned);
    expect(problemsOf(html)).toEqual([]);
    const names = new Set(elementsOf(html).map((element) => element.tagName));
    for (const foreign of ["script", "img", "a", "svg", "iframe", "form"])
      expect(names).not.toContain(foreign);
    for (const element of elementsOf(html))
      for (const { name } of element.attrs)
        expect([
          "lang",
          "charset",
          "name",
          "content",
          "http-equiv",
          "class",
          "id",
          "aria-labelledby",
          "aria-label",
          "role",
          "tabindex",
          "scope",
          "datetime",
          "dir",
        ]).toContain(name);
    expect(html).not.toMatch(/[\u001b\u202e]/);
    expect(html).toContain("\\u{202E}gnp.exe");
  });

  it("stay text in Markdown: no link, no HTML, no further cell, no fence that ends early", () => {
    const markdown = renderMarkdown(poisoned);
    expect(markdown).not.toMatch(/[\u001b\u202e]/);
    const fences = [...markdown.matchAll(/^(`{3,})text\n([\s\S]*?)\n\1$/gm)];
    expect(fences).toHaveLength(1);
    expect(fences[0]?.[1]).toBe("`".repeat(10));
    expect(fences[0]?.[2]).toContain("<script>");
    const outside = markdown.replace(/^(`{3,})text\n[\s\S]*?\n\1$/gm, "");
    expect(outside).not.toMatch(/(?<!\\)[<`]|(?<!\\)\]\(|https?:\/\/|www\.e/);
    const cells = outside
      .split("\n")
      .filter((line) => line.startsWith("|"))
      .map((line) => line.split(/(?<!\\)\|/).length);
    expect(new Set(cells)).toEqual(new Set([cells[0], cells.at(-1)]));
  });

  it("come back from HTML and from Markdown as they went in, whatever they are", () => {
    fc.assert(
      fc.property(anything, (text) => {
        const [body] = elementsOf(
          `<!doctype html><title>t</title><p title="${escapeHtml(text)}">${escapeHtml(text)}</p>`,
        ).filter((element) => element.tagName === "p");
        expect(body?.attrs[0]?.value).toBe(safeText(text));
        expect(body?.childNodes.map((node) => ("value" in node ? node.value : "")).join("")).toBe(
          safeText(text),
        );
        expect(escapeMarkdown(text).replace(/\\([!-/:-@[-`{-~])/g, "$1")).toBe(safeText(text).trim());
      }),
    );
  });
});

describe("the HTML", () => {
  const html = renderHtml(buildPostMortem(input({}, { ...HELD, zone: "Europe/Paris" })));

  it("is valid, says its language, and has headings without a gap", () => {
    expect(problemsOf(html)).toEqual([]);
    const elements = elementsOf(html);
    expect(elements[0]?.attrs).toContainEqual({ name: "lang", value: "en" });
    const levels = elements.flatMap(({ tagName }) => (/^h[1-6]$/.test(tagName) ? [Number(tagName[1])] : []));
    expect(levels[0]).toBe(1);
    levels.forEach((level, index) => {
      if (index > 0) expect(level).toBeLessThanOrEqual((levels[index - 1] ?? 0) + 1);
    });
    const ids = elements.flatMap(({ attrs }) =>
      attrs.flatMap(({ name, value }) => (name === "id" ? [value] : [])),
    );
    expect(new Set(ids).size).toBe(ids.length);
  });

  it("has tables whose headings say what they head, and rows of one length", () => {
    const elements = elementsOf(html);
    for (const cell of elements.filter(({ tagName }) => tagName === "th"))
      expect(cell.attrs.some(({ name, value }) => name === "scope" && /^(col|row)$/.test(value))).toBe(true);
    for (const table of html.match(/<table>[\s\S]*?<\/table>/g) ?? []) {
      const rows = (table.match(/<tr[\s\S]*?<\/tr>/g) ?? []).map(
        (row) => (row.match(/<t[hd]\b/g) ?? []).length,
      );
      expect(new Set(rows).size).toBe(1);
      expect(table).toContain("<caption>");
    }
  });

  it("takes nothing from elsewhere, and marks nothing by colour alone", () => {
    expect(html).not.toMatch(/<link|<script|src=|url\(|@import/);
    expect(html).toContain("default-src 'none'");
    for (const [, text] of html.matchAll(/<span class="mark[^"]*">([^<]*)</g))
      expect(text).toMatch(/^(stop|go on|end)$/);
    for (const part of ["prefers-color-scheme: dark", "@media print", "width=device-width"])
      expect(html).toContain(part);
  });
});
