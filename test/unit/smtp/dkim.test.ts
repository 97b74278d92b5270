import { createHash, createPublicKey, generateKeyPairSync, verify } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import DKIM from "nodemailer/lib/dkim";
import { afterAll, describe, expect, test } from "vitest";
import { createDkimSigner } from "../../../src/adapters/smtp/dkim.ts";

const folder = mkdtempSync(path.join(tmpdir(), "bellwether-dkim-"));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;
function file(text: string | Buffer): string {
  const name = path.join(folder, `${++files}.pem`);
  writeFileSync(name, text);
  return name;
}
const pkcs8 = { type: "pkcs8", format: "pem" } as const;
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const pem = rsa.privateKey.export(pkcs8).toString();
const sign = createDkimSigner({ domain: "sender.example", selector: "s1", keyFile: file(pem) });

const HEAD =
  "From: =?utf-8?Q?H=C3=B6ster?= <a@sender.example>\r\nTo:  u@gmail.com \r\nSubject: two\r\n\tlines   of it\r\n" +
  "Date: Mon, 01 Jun 2026 10:00:00 +0000\r\nMessage-ID: <1@sender.example>\r\nX-Own: not signed\r\n" +
  "List-Unsubscribe: <https://x.example/u>\r\n";
const bodies = {
  plain: "one\r\ntwo\r\n",
  blanks: " a \t b  \r\n\tc\t\r\n\r\n \r\n\r\n",
  empty: "",
  "only empty lines": "\r\n\r\n",
  "no last line end": "a\r\nb",
  "a blank at the end": "a\r\nb \t",
  bytes: "gr\u00fc\u00dfe\r\n",
  long: `${"word  ".repeat(10_000)}\r\n`.repeat(3),
};

/** The signature's tags, without white space. */
function tagsOf(signed: Buffer): Map<string, string> {
  const field = /^DKIM-Signature:((?:.|\r\n[ \t])*)\r\n/i.exec(signed.toString("latin1"))?.[1] ?? "";
  return new Map(
    field.split(";").map((tag) => {
      const [name = "", ...value] = tag.split("=");
      return [name.trim(), value.join("=").replace(/\s/g, "")];
    }),
  );
}

/** Verifies as RFC 6376 section 6.1.3 says, character by character where the signer works by patterns. */
function verifies(signed: Buffer, publicKey = rsa.publicKey): boolean {
  const [head = "", ...rest] = signed.toString("latin1").split("\r\n\r\n");
  const tags = tagsOf(signed);
  const lines = rest
    .join("\r\n\r\n")
    .split("\r\n")
    .map((line) =>
      line
        .split(/[ \t]+/)
        .join(" ")
        .trimEnd(),
    );
  while (lines.length > 0 && lines.at(-1) === "") lines.pop();
  const body = lines.map((line) => `${line}\r\n`).join("");
  if (createHash("sha256").update(body, "latin1").digest("base64") !== tags.get("bh")) return false;
  const fields: string[] = [];
  for (const line of head.split("\r\n")) {
    if (/^[ \t]/.test(line)) fields.push(`${fields.pop() ?? ""}${line}`);
    else fields.push(line);
  }
  const canonical = (field: string): string => {
    const [name = "", ...value] = field.split(":");
    return `${name.trim().toLowerCase()}:${value
      .join(":")
      .split(/[ \t]+/)
      .filter(Boolean)
      .join(" ")}`;
  };
  const left = fields.slice(1);
  let text = "";
  for (const name of (tags.get("h") ?? "").toLowerCase().split(":")) {
    const at = left.findLastIndex((field) => field.toLowerCase().startsWith(`${name}:`));
    if (at !== -1) text += `${canonical(left.splice(at, 1)[0] ?? "")}\r\n`;
  }
  text += canonical((fields[0] ?? "").replace(/(\bb=)[^;]*$/, "$1"));
  return verify("sha256", Buffer.from(text, "latin1"), publicKey, Buffer.from(tags.get("b") ?? "", "base64"));
}

async function signedByNodemailer(raw: Buffer): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const dkim = new DKIM({ domainName: "sender.example", keySelector: "s1", privateKey: pem });
  for await (const chunk of dkim.sign(raw)) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

test.each(Object.entries(bodies))(
  "body %s: the signature verifies, and the body hash is nodemailer's",
  async (_, body) => {
    const raw = Buffer.from(`${HEAD}\r\n${body}`, "latin1");
    const signed = sign(raw);
    expect(signed.subarray(signed.length - raw.length)).toEqual(raw);
    expect(verifies(signed)).toBe(true);
    const theirs = await signedByNodemailer(raw);
    expect(tagsOf(signed).get("bh")).toBe(tagsOf(theirs).get("bh"));
    expect(verifies(theirs)).toBe(true);
  },
);

test("the field names what it signs, From once more, and is folded", () => {
  const signed = sign(Buffer.from(`${HEAD}\r\n${bodies.plain}`));
  expect(Object.fromEntries(tagsOf(signed))).toMatchObject({
    v: "1",
    a: "rsa-sha256",
    c: "relaxed/relaxed",
    d: "sender.example",
    s: "s1",
    h: "From:To:Subject:Date:Message-ID:List-Unsubscribe:From",
  });
  const field = signed.toString("latin1").slice(0, signed.indexOf("\r\nFrom:"));
  expect(Math.max(...field.split("\r\n").map((line) => line.length))).toBeLessThanOrEqual(78);
});

test("a changed body, a changed subject and a second From do not verify; an unsigned header may change", () => {
  const signed = sign(Buffer.from(`${HEAD}\r\n${bodies.plain}`)).toString("latin1");
  const changed = (from: string, to: string) => verifies(Buffer.from(signed.replace(from, to), "latin1"));
  expect(changed("two\r\n", "two!\r\n")).toBe(false);
  expect(changed("Subject: two", "Subject: three")).toBe(false);
  expect(changed("To:  u@", "From: evil@x.example\r\nTo:  u@")).toBe(false);
  expect(changed("X-Own: not signed", "X-Own: changed")).toBe(true);
});

describe("a key that cannot sign stops the program", () => {
  const ed = generateKeyPairSync("ed25519");
  const cases: [string, string, RegExp][] = [
    ["no such file", path.join(folder, "none.pem"), /none\.pem cannot be read \(ENOENT\)/],
    ["no PEM", file("hello"), /is not a private key/],
    [
      "a public key",
      file(createPublicKey(pem).export({ type: "spki", format: "pem" })),
      /is not a private key/,
    ],
    [
      "a passphrase",
      file(rsa.privateKey.export({ ...pkcs8, cipher: "aes-256-cbc", passphrase: "x" })),
      /is not a private key in PEM form without a passphrase/,
    ],
    ["Ed25519", file(ed.privateKey.export(pkcs8)), /Ed25519/],
    ["EC", file(generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export(pkcs8)), /kind ec/],
    [
      "512 bits",
      file(generateKeyPairSync("rsa", { modulusLength: 512 }).privateKey.export(pkcs8)),
      /512 bits/,
    ],
  ];
  test.each(cases)("%s", (_, keyFile, message) => {
    const make = () => createDkimSigner({ domain: "sender.example", selector: "s1", keyFile });
    expect(make).toThrow(
      expect.objectContaining({ code: "config-value", message: expect.stringMatching(message) }),
    );
    expect(make).toThrow(/^sender\.dkim\.key_file: /);
  });
});
