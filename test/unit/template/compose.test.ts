// Our composer against nodemailer's own: both mails are parsed by an independent parser and must say the same.

import { type ParsedMail, simpleParser } from "mailparser";
import MailComposer from "nodemailer/lib/mail-composer";
import { describe, expect, it } from "vitest";
import { type Attachment, createComposer, type Mail } from "../../../src/template/compose.ts";
import fc from "../../world/property.ts";

const FROM = { name: "Example Hosting", address: "notices@example.com" };
const DATE = new Date("2027-04-28T06:00:00Z");

function mail(part: Partial<Mail>): Mail {
  return {
    to: { name: "Anna", address: "anna@example.org" },
    subject: "Maintenance",
    html: "<p>Hello</p>",
    text: "Hello",
    messageId: "c1.d1.a1",
    date: DATE,
    headers: [],
    ...part,
  };
}

function ours(
  given: Mail,
  rest: { attachments?: Attachment[]; fixedHeaders?: [string, string][]; from?: typeof FROM } = {},
) {
  return createComposer({ from: FROM, domain: "example.com", fixedHeaders: [], ...rest })(given);
}

async function theirs(
  given: Mail,
  rest: { attachments?: Attachment[]; fixedHeaders?: [string, string][]; from?: typeof FROM } = {},
): Promise<Buffer> {
  const headers = [...(rest.fixedHeaders ?? []), ...given.headers].map(([key, value]) => ({ key, value }));
  const composer = new MailComposer({
    from: rest.from ?? FROM,
    to: { name: given.to.name ?? "", address: given.to.address },
    subject: given.subject,
    // An empty part would be left out, and the parser would make a text of the html.
    text: given.text || "\n",
    html: given.html || "\n",
    messageId: `<${given.messageId}@example.com>`,
    date: given.date,
    headers,
    attachments: (rest.attachments ?? []).map((file) => ({ ...file })),
    newline: "windows",
  });
  return await composer.compile().build();
}

function essence(parsed: ParsedMail, names: readonly string[] = []) {
  const people = (field: ParsedMail["to"]) =>
    [field]
      .flat()
      .flatMap((one) => one?.value ?? [])
      .map(({ name, address }) => ({ name: name.normalize(), address }));
  const lines = (text: string | false | undefined) =>
    (text || "").replace(/\r\n?/g, "\n").replace(/\n+$/, "");
  return {
    subject: parsed.subject ?? "",
    from: people(parsed.from),
    to: people(parsed.to),
    text: lines(parsed.text),
    html: lines(parsed.html),
    messageId: parsed.messageId,
    date: parsed.date?.getTime(),
    attachments: parsed.attachments.map(({ filename, contentType, content }) => ({
      filename,
      contentType,
      content: content.toString("hex"),
    })),
    headers: names.map((name) => parsed.headers.get(name.toLowerCase())),
  };
}

/** What must hold for every mail, whatever is in it. */
function expectFitForTheWire(raw: Buffer, ascii: boolean): void {
  const text = raw.toString("latin1");
  expect(text.replaceAll("\r\n", "")).not.toMatch(/[\r\n]/);
  for (const line of text.split("\r\n")) expect(line.length).toBeLessThanOrEqual(998);
  if (ascii) expect(text).toMatch(/^[\x01-\x7f]*$/);
  const head = text.slice(0, text.indexOf("\r\n\r\n")).split("\r\n");
  for (const line of head) expect(line.trim()).not.toBe("");
  for (const line of text.split("\r\n"))
    if (line.includes("=?UTF-8?")) expect(line.length).toBeLessThanOrEqual(76);
}

const LONG_URL = `https://example.com/unsubscribe/${"a1B2".repeat(60)}?x=1&y=2`;
const CASES: [string, Partial<Mail>][] = [
  ["plain ASCII", {}],
  [
    "a subject that must be folded",
    { subject: `Scheduled maintenance ${"of one more server ".repeat(12)}end` },
  ],
  ["a subject with runs of spaces at the fold", { subject: `${"x".repeat(60)}   ${"y ".repeat(40)}  z` }],
  ["accents", { subject: "Maintenance programmée du serveur « s12 » à Orléans", text: "Été à la plage" }],
  ["a long UTF-8 subject", { subject: "Wartungsarbeiten für Überlänge ".repeat(9).trim() }],
  [
    "emoji of several code points",
    { subject: "👩‍👩‍👧‍👦🇫🇷 ".repeat(14).trim(), html: "<p>👩‍👩‍👧‍👦</p>", text: "🇫🇷" },
  ],
  ["Japanese and Arabic", { subject: "メンテナンスのお知らせ صيانة مجدولة", text: "メンテナンス\nصيانة" }],
  ["an overlong word in the subject", { subject: `a ${"w".repeat(1200)} b` }],
  ["an empty subject", { subject: "" }],
  ["a name with a comma", { to: { name: "Dupont, Anna", address: "anna@example.org" } }],
  [
    "a name with quotes and a backslash",
    { to: { name: 'Anna "The \\ Boss" D.', address: "anna@example.org" } },
  ],
  ["a name with angle brackets", { to: { name: "Anna <evil@example.net>", address: "anna@example.org" } }],
  ["a UTF-8 name", { to: { name: "Łukasz Żółć, Éire (IE)", address: "anna@example.org" } }],
  [
    "a long UTF-8 name",
    { to: { name: "Jörg-Übermut Ärger ".repeat(8).trim(), address: "anna@example.org" } },
  ],
  [
    "a long ASCII name",
    { to: { name: "Anna Of The Long Name ".repeat(8).trim(), address: "anna@example.org" } },
  ],
  ["no name", { to: { name: null, address: "anna@example.org" } }],
  ["an IDN domain", { to: { name: "Anna", address: "anna@bücher.example" } }],
  ["very long lines", { text: `${"word ".repeat(400)}`.trim(), html: `<p>${"x".repeat(3000)}</p>` }],
  ["lines that begin with dots", { text: ".\n..\n.hidden\n\n.", html: ".<p>\n.\n</p>" }],
  ["lines that begin with From", { text: "From here\nFrom there\n>From x", html: "<p>\nFrom here</p>" }],
  ["trailing spaces and tabs", { text: "a  \nb\t\n c \n", html: "<p>a </p> \n<p>\tb</p>\t" }],
  ["a lone LF and CRLF", { text: "a\nb\r\nc\n\nd", html: "<p>a\nb\r\nc</p>" }],
  ["tabs", { text: "a\tb\t\tc", html: "<p>\ta</p>" }],
  ["an empty text", { text: "" }],
  ["equal signs and question marks", { text: "a=b =C3=A9 =? ?= =\n=", html: "<p>a=b</p>" }],
  [
    "accents at every column of a soft break",
    { text: Array.from({ length: 12 }, (_, n) => "x".repeat(66 + n) + "é€😀".repeat(4)).join("\n") },
  ],
  [
    "ASCII at every column of a soft break",
    { text: `é\n${Array.from({ length: 12 }, (_, n) => `${"x".repeat(70 + n)} y`).join("\n")}` },
  ],
  ["a boundary in the text", { text: "--=_alt_0123456789abcdef\n--=_mix_x--\n", html: "<p>--=_alt_</p>" }],
  [
    "long headers",
    {
      headers: [
        ["List-Unsubscribe", `<${LONG_URL}>, <mailto:unsubscribe@example.com?subject=${"t".repeat(80)}>`],
        ["X-Words", "several words ".repeat(20).trim()],
      ],
    },
  ],
];

describe("the composer", () => {
  it.each(CASES)("says the same as nodemailer: %s", async (_, part) => {
    const given = mail(part);
    const composed = ours(given);
    const names = given.headers.map(([name]) => name);
    expect(essence(await simpleParser(composed.raw), names)).toEqual(
      essence(await simpleParser(await theirs(given)), names),
    );
    expect(composed.smtpUtf8).toBe(false);
    expectFitForTheWire(composed.raw, true);
  });

  it("says the same as nodemailer with attachments", async () => {
    const attachments = [
      {
        filename: "report.pdf",
        contentType: "application/pdf",
        content: Buffer.from(Array.from({ length: 500 }, (_, n) => n % 256)),
      },
      {
        filename: "Übersicht der betroffenen Server im Rechenzentrum – Frühjahr 2027 (endgültig).csv",
        contentType: "text/csv",
        content: Buffer.from("a;b\r\n1;é\r\n"),
      },
      { filename: 'a "quoted" name.bin', contentType: "application/octet-stream", content: Buffer.alloc(0) },
    ];
    const given = mail({ text: "Voilà", html: "<p>Voilà</p>" });
    const composed = ours(given, { attachments });
    expect(essence(await simpleParser(composed.raw))).toEqual(
      essence(await simpleParser(await theirs(given, { attachments }))),
    );
    expectFitForTheWire(composed.raw, true);
  });

  it("says the same as nodemailer for an address that needs SMTPUTF8, and asks for it", async () => {
    const given = mail({ to: { name: "Jörg", address: "jörg@bücher.example" } });
    const composed = ours(given);
    expect(composed.smtpUtf8).toBe(true);
    const parsed = essence(await simpleParser(composed.raw));
    expect(parsed.to).toEqual(essence(await simpleParser(await theirs(given))).to);
    expect(parsed.to).toEqual([{ name: "Jörg", address: "jörg@bücher.example" }]);
    expect(composed.raw.toString("utf8")).toContain("<jörg@xn--bcher-kva.example>");
  });

  it("says the same as nodemailer for any text", async () => {
    const words = fc
      .string({ unit: "grapheme", maxLength: 90 })
      .map((text) => text.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, "x"));
    const line = words.map((text) => text.replace(/\s+/gu, " ").trim());
    const body = fc.array(words, { maxLength: 8 }).map((lines) => lines.join("\n"));
    await fc.assert(
      fc.asyncProperty(line, line, body, body, async (subject, name, text, html) => {
        const given = mail({ subject, to: { name, address: "anna@example.org" }, text, html });
        const composed = ours(given);
        expectFitForTheWire(composed.raw, true);
        const parsed = await simpleParser(composed.raw);
        expect(essence(parsed)).toEqual(essence(await simpleParser(await theirs(given))));
      }),
      { numRuns: 200 },
    );
  });

  it("gives back any text exactly, without an oracle", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "binary", maxLength: 300 }), async (any) => {
        const text = any.replace(/\0/g, "");
        const composed = ours(mail({ text, subject: text }));
        expectFitForTheWire(composed.raw, true);
        const expected = Buffer.from(text).toString().replace(/\r\n?/g, "\n").replace(/\n+$/, "");
        expect(essence(await simpleParser(composed.raw)).text).toBe(expected);
      }),
      { numRuns: 200 },
    );
  });

  it("lets nothing in a subject or a name begin another header", async () => {
    const evil = "x\r\nBcc: victim@example.net\r\n\r\nbody\u2028y\u0085z";
    const { raw } = ours(mail({ subject: evil, to: { name: evil, address: "anna@example.org" } }));
    const parsed = await simpleParser(raw);
    expect(parsed.headers.has("bcc")).toBe(false);
    expect(parsed.subject).toBe("x Bcc: victim@example.net body y z");
    expect(essence(parsed).to[0]?.name).toBe("x Bcc: victim@example.net body y z");
  });

  it.each(["x\r\nBcc: a@example.net", "x\ny", "x\ry", "x\0y"])(
    "refuses a line break in a header value: %j",
    (value) => {
      expect(() => ours(mail({ headers: [["X-Test", value]] }))).toThrow(/X-Test.*line break/);
      expect(() => ours(mail({}), { fixedHeaders: [["X-Test", value]] })).toThrow(/X-Test.*line break/);
      expect(() => ours(mail({ headers: [[`X-Test${value}`, "y"]] }))).toThrow(/not a header name/);
    },
  );

  it.each([
    "a\r\nb@example.org",
    "a b@example.org",
    "a@exa mple.org",
    "a>@example.org",
    "a,b@example.org",
    "none",
    "@x.org",
  ])("refuses to write the address %j", (address) => {
    expect(() => ours(mail({ to: { name: null, address } }))).toThrow(
      expect.objectContaining({ code: "address-invalid" }),
    );
  });

  it("does not let a text that looks like an encoded word be decoded", async () => {
    const text = "=?UTF-8?Q?not_really?= ok";
    const parsed = await simpleParser(
      ours(mail({ subject: text, to: { name: text, address: "a@example.org" } })).raw,
    );
    expect(essence(parsed)).toMatchObject({ subject: text, to: [{ name: text }] });
  });

  it("keeps a long unsubscribe address in one piece", () => {
    const { raw } = ours(mail({ headers: [["List-Unsubscribe", `<${LONG_URL}>, <mailto:u@example.com>`]] }));
    expect(raw.toString("latin1")).toContain(`<${LONG_URL}>,`);
  });

  it("sends a body that holds its own boundary so that the boundary is not in it", async () => {
    const boundary = /boundary="([^"]+)"/.exec(ours(mail({})).raw.toString())?.[1] ?? "";
    const text = `before\n--${boundary}\nContent-Type: text/plain\n\nforged\n--${boundary}--\nafter`;
    const { raw } = ours(mail({ text }));
    expect(raw.toString().split(`--${boundary}`)).toHaveLength(4);
    expect(essence(await simpleParser(raw)).text).toBe(text);
  });

  it("does not double dots: that is the connection's", () => {
    expect(ours(mail({ text: ".\n.a" })).raw.toString()).toContain("\r\n.\r\n.a\r\n");
  });

  it("keeps quoted-printable lines to 76, whatever stands where they break", () => {
    const texts = Array.from(
      { length: 80 },
      (_, n) => `é\n${"x".repeat(n)}€${"y".repeat(n)} =${" z".repeat(90)} `,
    );
    for (const text of texts)
      for (const line of ours(mail({ text, html: text }))
        .raw.toString("latin1")
        .split("\r\n"))
        expect(line.length).toBeLessThanOrEqual(76);
  });

  it("never divides a character by a soft line break", () => {
    const { raw } = ours(mail({ text: "é€😀 ".repeat(200) }));
    for (const line of raw.toString("latin1").split("=\r\n")) {
      const bytes = Buffer.from(
        line.replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16))),
        "latin1",
      );
      expect(bytes.toString("utf8")).not.toContain("\ufffd");
    }
  });

  it("writes ids, date and fixed headers as given", async () => {
    const { raw } = ours(mail({}), { fixedHeaders: [["Auto-Submitted", "auto-generated"]] });
    const head = raw.toString();
    expect(head).toContain("\r\nMessage-ID: <c1.d1.a1@example.com>\r\n");
    expect(head).toContain("\r\nDate: Wed, 28 Apr 2027 06:00:00 +0000\r\n");
    expect(head).toContain("\r\nAuto-Submitted: auto-generated\r\n");
  });
});
