import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Environment } from "../../../src/config/environment.ts";
import { loadConfig } from "../../../src/config/load.ts";

let cwd: string;
beforeAll(() => {
  cwd = mkdtempSync(path.join(tmpdir(), "bellwether-config-"));
});
afterAll(() => rmSync(cwd, { recursive: true }));

function load(toml: string, env: Environment = {}) {
  writeFileSync(path.join(cwd, "bellwether.toml"), toml);
  return loadConfig({ cwd, env }).alert;
}

const SECRET = `whsec_${Buffer.alloc(24, 7).toString("base64")}`;

test.each([
  ["/usr/bin/page", ["/usr/bin/page"]],
  ["page  --to 'on call'  \"a b\"c ''", ["page", "--to", "on call", "a bc", ""]],
  ["sms $HOME *.txt a\\b", ["sms", "$HOME", "*.txt", "a\\b"]],
])("a command as one text is split at blanks alone: %s", (text, parts) => {
  expect(load(`[alert]\ncommand = ${JSON.stringify(text)}`).command).toEqual(parts);
  expect(load("", { BELLWETHER_ALERT_COMMAND: text }).command).toEqual(parts);
});

test("a command as a list is taken as it is", () => {
  expect(load('[alert]\ncommand = ["page", "a b", "\'"]').command).toEqual(["page", "a b", "'"]);
});

test.each([
  ['command = "page \'x"', /a ' is not closed/],
  ['command = ""', /command is empty/],
  ["command = []", /names no program/],
  ["command = [1]", /neither a text nor a list/],
  ['webhook = "https://h"\nwebhook_secret = "whsec_c2hvcnQ="', /it has 5 bytes/],
  ['webhook = "https://h"\nwebhook_secret = "a secret"', /not base64/],
  [`webhook_secret = "${SECRET}"`, /set without alert\.webhook/],
  ['deputy_after = "0s"', /deputy_after is "0s"/],
])("is refused: %s", (toml, why) => {
  expect(() => load(`[alert]\n${toml}`)).toThrow(why);
});

test("what nobody sets: no road, no deputy, ten minutes", () => {
  expect(load("")).toEqual({
    mail: [],
    webhook: null,
    webhookSecret: null,
    command: null,
    deputy: [],
    deputyAfterMs: 600_000,
  });
  expect(load(`[alert]\nwebhook = "https://h"\nwebhook_secret = "${SECRET}"`).webhookSecret).toBe(SECRET);
});

test("a webhook's secret is not repeated when it is wrong", () => {
  const wrong = "whsec_c2VjcmV0";
  try {
    load(`[alert]\nwebhook = "https://h"\nwebhook_secret = "${wrong}"`);
    expect.unreachable();
  } catch (error) {
    expect(String(error)).not.toContain("c2VjcmV0");
  }
});
