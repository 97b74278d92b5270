// What is found wrong with mails that render: a table of tags, and what is counted over many mails.
import { describe, expect, it, test } from "vitest";
import { checkBulkRules } from "../../../src/campaign/preflight/bulk-rules.ts";
import { createContentCheck, faultOf } from "../../../src/campaign/preflight/content.ts";
import { arrange, FINDINGS, type Finding } from "../../../src/campaign/preflight/finding.ts";

const GOOD = { subject: "Maintenance", html: "<p>Hello</p>", text: "Hello" };

function look(...mails: Partial<typeof GOOD>[]): Finding[] {
  const check = createContentCheck();
  for (const [i, mail] of mails.entries()) check.look({ ...GOOD, ...mail }, i + 2);
  return check.findings();
}

const codes = (findings: readonly Finding[]) => findings.map((one) => one.code);

describe("a tag", () => {
  test.each([
    ['<a href="https://status.example.com/">', null],
    ['<a href="HTTPS://status.example.com/">', null],
    ["<a class='link' href='mailto:support@example.com'>", null],
    ['<a href="tel:+33123456789">', null],
    ['<a href="#windows">', null],
    ['<a name="windows">', null],
    ['<a data-href="/login">', null],
    ['<area href="/login">', { relative: "/login" }],
    ['<a href="/login">', { relative: "/login" }],
    ['<a href="www.example.com">', { relative: "www.example.com" }],
    ['<a href="//example.com/x">', { relative: "//example.com/x" }],
    ["<a href=login.html>", { relative: "login.html" }],
    ['<a href="">', { relative: "(empty)" }],
    ['<a href=" ">', { relative: "(empty)" }],
    ['<a href="http://example.com/">', { unprotected: "http://example.com/" }],
    ['<img src="https://example.com/logo.png" alt="Hosting">', null],
    ['<img alt="" src="https://example.com/line.png">', null],
    ['<img src="https://example.com/logo.png">', { withoutAlt: "https://example.com/logo.png" }],
    ['<img src="https://example.com/logo.png" data-alt="x">', { withoutAlt: "https://example.com/logo.png" }],
    ['<img src="logo.png">', { relative: "logo.png", withoutAlt: "logo.png" }],
    ['<IMG SRC="logo.png" ALT="a > b">', { relative: "logo.png" }],
  ] as const)("%s", (tag, fault) => {
    expect(faultOf(tag)).toEqual(fault);
  });
});

describe("over many mails", () => {
  it("finds nothing in good ones", () => {
    expect(look({}, { html: '<a href="https://example.com/">x</a>', subject: "x".repeat(70) })).toEqual([]);
  });

  it("counts a mail once, names the first twenty rows and counts the rest", () => {
    const bad = { html: '<a href="/one">1</a><a href="/two">2</a><article><abbr><image>' };
    const [finding, ...others] = look(...Array.from({ length: 25 }, () => bad));
    expect(others).toEqual([]);
    expect(finding).toMatchObject({ code: "link-relative", severity: "blocker", basis: "measured" });
    expect(finding?.message).toBe("25 mails have a link or image that leads nowhere: /one.");
    expect(finding?.hint).toContain("Rows: line 2, 3,");
    expect(finding?.hint).toContain(", 21 and 5 more.");
  });

  it("does not look into comments", () => {
    expect(look({ html: '<!-- <a href="/old">x</a> --><p>Hello</p>' })).toEqual([]);
    expect(codes(look({ html: '<!-- x --><a href="/old">x</a>' }))).toEqual(["link-relative"]);
  });

  it("sees an unprotected link in the text as well", () => {
    const [finding] = look({ text: "See http://status.example.com/now." });
    expect(finding).toMatchObject({ code: "link-not-https", severity: "warning" });
  });

  test.each([
    [0, "subject-empty", "warning"],
    [71, "subject-long", "info"],
    [151, "subject-long", "warning"],
  ] as const)("a subject of %i characters: %s", (length, code, severity) => {
    expect(look({ subject: "x".repeat(length) })).toMatchObject([{ code, severity }]);
  });

  it("sees a text part with nothing in it", () => {
    expect(look({ text: " \n" })).toMatchObject([{ code: "text-missing", severity: "warning" }]);
  });

  it("keeps little of a million different links", () => {
    const check = createContentCheck();
    for (let i = 0; i < 12_000; i++)
      check.look({ ...GOOD, html: `<a href="/client/${i}/${"x".repeat(100)}">x</a>` }, i);
    const [finding] = check.findings();
    expect(finding?.message).toContain("12000 mails");
    expect(JSON.stringify(finding).length).toBeLessThan(1_000);
  });
});

describe("one-click unsubscribing", () => {
  const at = (gmail: number, more: Partial<Parameters<typeof checkBulkRules>[0]> = {}) =>
    checkBulkRules({
      templateClass: "optional",
      unsubscribeUrl: null,
      domains: new Map([
        ["gmail.com", gmail],
        ["acme.example", 90_000],
      ]),
      ...more,
    });

  it("is asked for from 5,000 mailboxes of Gmail on", () => {
    expect(at(4_999)).toEqual([]);
    expect(at(5_000)).toMatchObject([{ code: "unsubscribe-missing", severity: "warning" }]);
    expect(at(5_000, { templateClass: "service" })).toMatchObject([{ severity: "info" }]);
    expect(at(5_000, { templateClass: "required" })).toEqual([]);
  });

  it("is there with an https address that has a token, and only then", () => {
    expect(at(5_000, { unsubscribeUrl: "https://example.com/u/{token}" })).toEqual([]);
    expect(at(5_000, { unsubscribeUrl: "https://example.com/u" })).toHaveLength(1);
    expect(at(5_000, { unsubscribeUrl: "http://example.com/u/{token}" })).toHaveLength(1);
  });
});

describe("arranging", () => {
  const one = (code: Finding["code"], severity: Finding["severity"], message = ""): Finding => ({
    code,
    severity,
    basis: "measured",
    message,
    hint: "",
  });

  it("puts blockers first and keeps the order among equals", () => {
    const found = [
      one("alert-none", "info"),
      one("spf-missing", "blocker"),
      one("window-past", "warning"),
      one("render-failed", "blocker"),
    ];
    expect(codes(arrange(found))).toEqual(["spf-missing", "render-failed", "window-past", "alert-none"]);
  });

  it("shows twenty of a kind, and counts the others behind them", () => {
    const many = Array.from({ length: 23 }, (_, i) => one("dns-unanswered", "warning", `${i}`));
    const shown = arrange([...many, one("alert-none", "info")]);
    expect(shown).toHaveLength(22);
    expect(shown[20]?.message).toBe(`And 3 more like these: ${FINDINGS["dns-unanswered"]}`);
    expect(shown[19]?.message).toBe("19");
    expect(arrange(many.slice(0, 20))).toHaveLength(20);
  });
});
