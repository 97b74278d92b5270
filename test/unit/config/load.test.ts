// bellwether.toml and the environment become one configuration, or one error that names everything wrong.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Config } from "../../../src/config/config.ts";
import { loadConfig } from "../../../src/config/load.ts";
import { BellwetherError } from "../../../src/errors.ts";

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(path.join(tmpdir(), "bellwether-config-"));
});
afterEach(() => rmSync(cwd, { recursive: true }));

function load(toml: string | null, env: Record<string, string> = {}): Config {
  if (toml !== null) writeFileSync(path.join(cwd, "bellwether.toml"), toml);
  return loadConfig({ cwd, env });
}

function refusal(toml: string | null, env: Record<string, string> = {}): BellwetherError {
  try {
    load(toml, env);
  } catch (error) {
    if (error instanceof BellwetherError) return error;
    throw error;
  }
  throw new Error("the configuration was accepted");
}

describe("without a file and without variables", () => {
  it("every key has its default and nothing can leave the machine", () => {
    const config = load(null, { HOME: "/root", BELLWETHER_TEST_ANY: "1", BELLWETHER_LOG: "debug" });
    expect(config).toMatchObject({
      file: null,
      directory: cwd,
      sender: { from: null, domain: null, addresses: [], dkim: null },
      smtp: {
        name: "default",
        target: null,
        connections: 20,
        feedback: "relay",
        kind: "generic",
        rate: null,
      },
      routes: [],
      ramp: { canary: 5, soakMs: 60_000 },
      breaker: { sender: { p0: 0.002, p1: 0.3, h: 15 }, address: { p0: 0.05, p1: 0.2, h: 10 } },
      retention: { repliesMs: 90 * 86_400_000, recipientsMs: 400 * 86_400_000, reportsMs: 30 * 86_400_000 },
      database: { kind: "sqlite", file: path.join(cwd, "data/bellwether.db") },
      redis: null,
      server: { listen: { host: "127.0.0.1", port: 3000 }, publicUrl: null },
    });
  });

  it("the configuration is frozen to its last corner", () => {
    const frozen = (value: unknown): boolean =>
      typeof value !== "object" ||
      value === null ||
      (Object.isFrozen(value) && Object.values(value).every(frozen));
    expect(frozen(load('[smtp]\nurl = "smtp://mail.example"\n[sender]\naddresses = ["192.0.2.1"]'))).toBe(
      true,
    );
  });
});

describe("a file", () => {
  it("is read whole, and its relative paths begin at its own folder", () => {
    mkdirSync(path.join(cwd, "etc"));
    writeFileSync(
      path.join(cwd, "etc/other.toml"),
      `[sender]
from = '"Example Hosting" <support@Example.com>'
return_path = "bounces+{token}@bounces.example.com"
addresses = ["192.0.2.1", "2001:db8::1"]
[sender.dkim]
selector = "s1"
key_file = "keys/s1.pem"
[[routes]]
provider = "google"
url = "direct"
port = 2525
[[routes]]
provider = "orange"
url = "lmtp://127.0.0.1:2424"
rate = "1000/day"
[bounces.smtp]
listen = "[::1]:2525"
protocol = "lmtp"
cert_file = "keys/mx.pem"
key_file = "keys/mx.key"
[bounces.log]
file = "/var/log/mail.log"
[[bounces.webhook]]
provider = "ses"
secret = "s3cret"
[database]
url = "file:bw.db"
`,
    );
    const config = loadConfig({ cwd, file: "etc/other.toml", env: {} });
    expect(config.file).toBe(path.join(cwd, "etc/other.toml"));
    expect(config.sender).toMatchObject({
      from: { name: "Example Hosting", address: "support@example.com" },
      domain: "example.com",
      returnPath: "bounces+{token}@bounces.example.com",
      dkim: { selector: "s1", keyFile: path.join(cwd, "etc/keys/s1.pem") },
    });
    expect(config.routes).toMatchObject([
      {
        name: "google",
        provider: "google",
        target: { kind: "direct", port: 2525 },
        feedback: "final",
        rate: null,
      },
      {
        name: "orange",
        target: { lmtp: true, port: 2424 },
        feedback: "final",
        rate: { count: 1000, perMs: 86_400_000 },
      },
    ]);
    expect(config.bounces.smtp).toEqual({
      listen: { host: "::1", port: 2525 },
      protocol: "lmtp",
      tls: { certFile: path.join(cwd, "etc/keys/mx.pem"), keyFile: path.join(cwd, "etc/keys/mx.key") },
    });
    expect(config.bounces.log).toEqual({ file: "/var/log/mail.log" });
    expect(config.bounces.webhooks).toEqual([{ provider: "ses", secret: "s3cret" }]);
    expect(config.database).toMatchObject({ file: path.join(cwd, "etc/bw.db") });
  });

  it("that is named must be there, by --config or by BELLWETHER_CONFIG", () => {
    expect(() => loadConfig({ cwd, file: "none.toml", env: {} })).toThrow(
      /none\.toml: there is no such file/,
    );
    expect(refusal(null, { BELLWETHER_CONFIG: "none.toml" }).code).toBe("file-unreadable");
    writeFileSync(path.join(cwd, "mine.toml"), "[ramp]\ncanary = 7");
    expect(load(null, { BELLWETHER_CONFIG: "mine.toml" }).ramp.canary).toBe(7);
  });

  it("may begin with a byte order mark, and must be UTF-8", () => {
    expect(load("\uFEFF[ramp]\ncanary = 7").ramp.canary).toBe(7);
    writeFileSync(path.join(cwd, "bellwether.toml"), Buffer.from([0x61, 0x3d, 0x22, 0xff, 0x22]));
    expect(refusal(null)).toMatchObject({
      code: "config-syntax",
      message: expect.stringContaining("not UTF-8"),
    });
  });

  it("that is not TOML is refused with line and column, and the line is not repeated", () => {
    const error = refusal('[smtp]\nurl = "smtp://u:topsecret@h\n');
    expect(error).toMatchObject({
      code: "config-syntax",
      message: expect.stringMatching(/^bellwether\.toml:2:\d+: /),
    });
    expect(`${error.message}${error.hint}${error.stack}${String(error.cause)}`).not.toContain("topsecret");
  });

  it("cannot reach the prototype of an object", () => {
    expect(refusal("[__proto__]\nurl = 1").code).toBe("config-syntax");
  });
});

describe("the environment", () => {
  it("goes before the file, key by key", () => {
    const toml = '[sender]\nhelo = "a.example"\naddresses = ["192.0.2.1"]\n[ramp]\ncanary = 7\nsoak = "90m"';
    const config = load(toml, {
      BELLWETHER_SENDER_ADDRESSES: "192.0.2.7, 2001:db8::7",
      BELLWETHER_RAMP_CANARY: "9",
      BELLWETHER_BREAKER_SENDER_H: "12.5",
      BELLWETHER_SENDER_DKIM_SELECTOR: "s1",
      BELLWETHER_SENDER_DKIM_KEY_FILE: "k.pem",
    });
    expect(config.sender).toMatchObject({
      helo: "a.example",
      addresses: ["192.0.2.7", "2001:db8::7"],
      dkim: { selector: "s1", keyFile: path.join(cwd, "k.pem") },
    });
    expect(config.ramp).toEqual({ canary: 9, soakMs: 5_400_000 });
    expect(config.breaker.sender.h).toBe(12.5);
  });

  it("changes a route of the file, and makes one that is not in it", () => {
    const toml = '[[routes]]\nprovider = "google"\nurl = "direct"\nrate = "1/s"';
    const config = load(toml, {
      BELLWETHER_ROUTES_GOOGLE_RATE: "5/min",
      BELLWETHER_ROUTES_GOOGLE_SOURCE_ADDRESS: "192.0.2.1",
      BELLWETHER_ROUTES_MY_OWN_URL: "smtp://mail.example",
      BELLWETHER_BOUNCES_WEBHOOK_MAILGUN_SECRET: "s3cret",
    });
    expect(config.routes).toMatchObject([
      {
        name: "google",
        target: { kind: "direct" },
        rate: { count: 5, perMs: 60_000 },
        sourceAddress: "192.0.2.1",
      },
      { name: "my-own", target: { host: "mail.example" }, connections: 20 },
    ]);
    expect(config.bounces.webhooks).toEqual([{ provider: "mailgun", secret: "s3cret" }]);
  });

  it("takes a secret from a file, without the space and the line end around it", () => {
    writeFileSync(path.join(cwd, "secret"), " smtp://u:p%20@mail.example\r\n");
    expect(load(null, { BELLWETHER_SMTP_URL_FILE: "secret" }).smtp.target).toMatchObject({
      user: "u",
      pass: "p ",
    });
    const routes = load(null, { BELLWETHER_ROUTES_GOOGLE_URL_FILE: path.join(cwd, "secret") }).routes;
    expect(routes).toMatchObject([{ name: "google", target: { host: "mail.example" } }]);
  });

  it("gives a secret once, and from a file that can be read", () => {
    writeFileSync(path.join(cwd, "secret"), "smtp://mail.example");
    const twice = refusal(null, { BELLWETHER_SMTP_URL: "direct", BELLWETHER_SMTP_URL_FILE: "secret" });
    expect(twice.message).toBe(
      "BELLWETHER_SMTP_URL_FILE: BELLWETHER_SMTP_URL is set as well, and both are smtp.url",
    );
    const missing = refusal(null, { BELLWETHER_REDIS_URL_FILE: "none" });
    expect(missing).toMatchObject({
      code: "file-unreadable",
      message: "BELLWETHER_REDIS_URL_FILE: none: there is no such file",
    });
  });

  it("takes only secrets from files", () => {
    expect(refusal(null, { BELLWETHER_RAMP_SOAK_FILE: "x" }).code).toBe("config-unknown-key");
  });

  it.each([
    ["BELLWETHER_SMPT_URL", "Did you mean BELLWETHER_SMTP_URL?"],
    ["BELLWETHER_SMTP_CONECTIONS", "Did you mean BELLWETHER_SMTP_CONNECTIONS?"],
    ["BELLWETHER_ROUTES_ORANGE_RATES", "Did you mean BELLWETHER_ROUTES_ORANGE_RATE?"],
    ["BELLWETHER_REDIS_URL_FIEL", "Did you mean BELLWETHER_REDIS_URL_FILE?"],
    ["BELLWETHER_ROUTES_GOOGLE_PROVIDER", "docs/configuration.md"],
    ["BELLWETHER_NONSENSE", "Unset it."],
  ])("has no unknown variable: %s", (name, hint) => {
    const error = refusal(null, { [name]: "x" });
    expect(error).toMatchObject({ code: "config-unknown-key", message: `${name}: there is no such setting` });
    expect(error.hint).toContain(hint);
  });

  it("is refused by the name of the variable, and an empty one is not the same as none", () => {
    expect(refusal("[ramp]\ncanary = 7", { BELLWETHER_RAMP_CANARY: "many" })).toMatchObject({
      code: "config-value",
      message: 'BELLWETHER_RAMP_CANARY: ramp.canary is "many": it is a text, not a number',
      hint: "It takes a whole number from 1 to 1000.",
    });
    expect(refusal(null, { BELLWETHER_REDIS_URL: "" }).message).toBe(
      "BELLWETHER_REDIS_URL: redis.url is empty",
    );
    expect(refusal(null, { BELLWETHER_RAMP_CANARY: "" }).message).toContain("ramp.canary is empty");
    expect(refusal(null, { BELLWETHER_ROUTES_DEFAULT_URL: "direct" }).message).toBe(
      'BELLWETHER_ROUTES_DEFAULT_URL: routes.provider is "default"',
    );
  });
});

describe("a key that does not exist", () => {
  it.each([
    [
      "[smtp]\nconections = 5",
      "bellwether.toml:2: there is no key smtp.conections",
      "Did you mean smtp.connections?",
    ],
    ["[smtp]\nhelo = 'x'", "bellwether.toml:2: there is no key smtp.helo", "Did you mean sender.helo?"],
    ["[smpt]\nurl = 'x'", "bellwether.toml:1: there is no section smpt", "Did you mean smtp?"],
    ["\nurl = 'x'", "bellwether.toml:2: there is no key url", "Did you mean smtp.url"],
    [
      "[ramp]\nzzzzzz = 1",
      "bellwether.toml:2: there is no key ramp.zzzzzz",
      "This section takes canary, soak.",
    ],
    [
      "sender.dkim.keyFile = 'x'",
      "bellwether.toml:1: there is no key sender.dkim.keyFile",
      "Did you mean sender.dkim.key_file?",
    ],
    [
      "[breaker]\nsender = { hh = 1 }",
      "bellwether.toml:2: there is no key breaker.sender.hh",
      "Did you mean breaker.sender.h?",
    ],
    [
      '[[routes]]\nprovider = "google"\nurl = "direct"\nrates = "1/s"',
      "bellwether.toml:4: there is no key routes[google].rates",
      "Did you mean routes[].rate?",
    ],
  ])("is refused with its line and the nearest: %j", (toml, message, hint) => {
    const error = refusal(toml);
    expect(error).toMatchObject({ code: "config-unknown-key", message });
    expect(error.hint).toContain(hint);
  });
});

describe("a bad value", () => {
  it.each([
    ["sender", 'from = "support"', "support"],
    ["sender", 'from = "A <a@b>"', "A <a@b>"],
    ["sender", 'from = "A <B> <a@b.example>"', "bracket"],
    ["sender", 'helo = "localhost"', "address literal"],
    ["sender", 'return_path = "bounces@example.com"', "{token} is missing"],
    ["sender", 'return_path = "a{token}b{token}@example.com"', "more than once"],
    ["sender", 'return_path = "bounces@{token}.example.com"', 'behind the "@"'],
    ["sender", `return_path = "${"x".repeat(35)}{token}@example.com"`, "65 characters, 64"],
    ["sender", 'addresses = ["192.0.2.1", "192.0.2.300"]', '"192.0.2.300" is not one'],
    ["sender", 'unsubscribe_url = "http://example.com/u"', "http:// is not known here"],
    ["smtp", "connections = 0", "from 1 to 1000"],
    ["smtp", "connections = 1001", "from 1 to 1000"],
    ["smtp", "connections = 2.5", "2.5"],
    ["smtp", 'connections = "20"', "a text, not a number"],
    ["smtp", "rate = 100", "not a text"],
    ["smtp", 'rate = "100/fortnight"', "100/min"],
    ["smtp", 'kind = "exchange"', '"generic", "postfix"'],
    ["smtp", 'feedback = "none"', '"relay" or "final"'],
    ["smtp", 'tls = "yes"', '"verify", "require", "opportunistic" or "off"'],
    ["smtp", 'url = "smtp://h:25"\nport = 25', "Put the port into the url"],
    ["smtp", 'url = "smtps://h"\ntls = "off"', "TLS from the first byte"],
    ["dns", 'servers = ["ns.example"]', '"ns.example" is not one'],
    ["dns", 'timeout = "5"', "100ms to 60s"],
    ["ramp", 'soak = "2d"', "10ms to 24h"],
    ["breaker.sender", "p0 = 0", "above 0"],
    ["breaker.sender", "p0 = nan", "above 0"],
    ["breaker.sender", "p1 = 1", "below 1"],
    ["breaker.sender", "h = 0", "above 0"],
    ["breaker.sender", "p0 = 0.4", "p0 must be below p1"],
    ["sender.dkim", 'selector = "s1"', "without sender.dkim.key_file"],
    ["bounces.imap", 'folder = "X"', "without bounces.imap.url"],
    ["bounces.imap", 'url = "imaps://mail.example"', "user or password is missing"],
    ["bounces.smtp", 'listen = "2525"', "host:port"],
    ["bounces.smtp", 'protocol = "lmtp"', "without bounces.smtp.listen"],
    ["bounces.smtp", 'listen = "h:25"\nprotocol = "esmtp"', '"smtp" or "lmtp"'],
    ["bounces.smtp", 'listen = "h:25"\ncert_file = "c.pem"', "without bounces.smtp.key_file"],
    ["bounces.smtp", 'listen = "h:25"\nkey_file = "k.pem"', "without bounces.smtp.cert_file"],
    ["retention", 'replies = "1h"', "1d to 3650d"],
    ["database", 'url = "mysql://h/db"', "postgresql://"],
    ["database", 'url = "file::memory:"', "in memory"],
    ["database", 'url = "postgresql://h"', "no database"],
    ["redis", 'url = "redis://h"', "postgresql://"],
    ["server", 'listen = "0.0.0.0:99999"', "host:port"],
  ])("is refused with its line: [%s] %s", (section, line, expected) => {
    const error = refusal(`# first\n[${section}]\n${line}\n`);
    expect(error.code).toBe("config-value");
    expect(error.message).toMatch(/^bellwether\.toml:[34]: /);
    expect(`${error.message} ${error.hint}`).toContain(expected);
  });

  it.each([
    ["smtp = 'direct'", "Write [smtp]"],
    ["[[smtp]]\nurl = 'direct'", "Write [smtp]"],
    ["[routes]\nurl = 'direct'", "Write [[routes]]"],
    ["[[routes]]\nurl = 'direct'", "id of a mailbox provider"],
    ["[[routes]]\nprovider = 'google'", "takes nothing over from [smtp]"],
    [
      "[[routes]]\nprovider = 'google'\nurl = 'direct'\n[[routes]]\nprovider = 'google'\nurl = 'direct'",
      "one of the two",
    ],
    ["[[bounces.webhook]]\nprovider = 'sendgird'\nsecret = 'x'", '"sendgrid"'],
    ["[[bounces.webhook]]\nprovider = 'ses'", "anybody could report"],
  ])("is refused where a whole section is wrong: %j", (toml, hint) => {
    const error = refusal(toml);
    expect(error.code).toBe("config-value");
    expect(error.message).toMatch(/^bellwether\.toml:\d+: /);
    expect(error.hint).toContain(hint);
  });

  it("is told together with all others, in the order of the file, the variables last", () => {
    const error = refusal('[smtp]\nrate = "x"\nconections = 3\n[ramp]\ncanary = 0', {
      BELLWETHER_DNS_TIMEOUT: "1",
    });
    expect(error.message.split("\n").map((line) => line.trim().split(": ")[0])).toEqual([
      "4 things are wrong in the configuration:",
      "bellwether.toml:2",
      "bellwether.toml:3",
      "bellwether.toml:5",
      "BELLWETHER_DNS_TIMEOUT",
    ]);
    expect(error.code).toBe("config-value");
  });

  it("is not blamed twice: what depends on it is left alone", () => {
    expect(refusal('[breaker.sender]\np0 = 0.4\np1 = "x"').message).toMatch(
      /^bellwether\.toml:3: breaker\.sender\.p1 is/,
    );
    expect(refusal('[redis]\nurl = "redis://h"\n[database]\nurl = "postgres:/h"').message).toMatch(
      /^bellwether\.toml:4: database\.url is/,
    );
    expect(
      refusal("", { BELLWETHER_ROUTES_DEFAULT_URL: "direct", BELLWETHER_ROUTES_DEFAULT_RATE: "1/s" }).message,
    ).toBe('BELLWETHER_ROUTES_DEFAULT_RATE: routes.provider is "default"');
  });
});

describe("a secret", () => {
  it.each([
    ["smtp", "url", "smtp://u:topsecret@h/x"],
    ["smtp", "url", "smtp://u:topse/cret@h"],
    ["smtp", "url", "topsecret"],
    ["bounces.imap", "url", "imaps://u:topsecret@h:0"],
    ["alert", "webhook", "https://u:topsecret@h h/topsecret"],
    ["database", "url", "postgresql://u:topsecret@h"],
    ["redis", "url", "redis://:topsecret@h/x"],
  ])("is never in the message: [%s] %s = %s", (section, key, value) => {
    const told: string[] = [];
    for (const error of [
      refusal(`[${section}]\n${key} = "${value}"`),
      refusal(`[${section}]\n${key} = ["${value}"]`),
      refusal("", { [`BELLWETHER_${section.replace(".", "_").toUpperCase()}_${key.toUpperCase()}`]: value }),
    ]) {
      told.push(`${error.message} ${error.hint} ${error.stack} ${String(error.cause)}`);
    }
    expect(told.join("\n")).not.toMatch(/topse/);
  });
});

describe("what nobody sets", () => {
  it.each([
    ["smtp://127.0.0.1:1025", "opportunistic", "relay"],
    ["smtp://u:p@localhost", "opportunistic", "relay"],
    ["smtps://127.0.0.1", "require", "relay"],
    ["smtp://mail.example", "opportunistic", "relay"],
    ["smtp://u:p@mail.example", "verify", "relay"],
    ["smtps://mail.example", "verify", "relay"],
    ["lmtp://mail.example", "opportunistic", "final"],
    ["direct", "opportunistic", "final"],
  ])("follows from the url: %s has tls %s and feedback %s", (url, tls, feedback) => {
    expect(load(`[smtp]\nurl = "${url}"`).smtp).toMatchObject({ tls, feedback });
  });

  it("a route takes over nothing from [smtp]", () => {
    const config = load(
      '[smtp]\nurl = "smtp://mail.example"\nconnections = 50\nrate = "1/s"\nkind = "postfix"\nfeedback = "final"\ntls = "off"\n[[routes]]\nprovider = "google"\nurl = "smtp://mail.example"',
    );
    expect(config.routes).toMatchObject([
      {
        connections: 20,
        rate: null,
        kind: "generic",
        feedback: "relay",
        tls: "opportunistic",
        dailyLimit: null,
      },
    ]);
  });
});
