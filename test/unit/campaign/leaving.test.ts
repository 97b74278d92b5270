// From which addresses mail leaves, route by route: a table of configurations.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, it } from "vitest";
import { isPublic, leavingsOf } from "../../../src/campaign/preflight/leaving.ts";
import { loadConfig } from "../../../src/config/load.ts";

const OWN = ["2a01:111::9", "8.8.8.9"];

function leavings(toml: string, own: readonly string[] = OWN) {
  const cwd = mkdtempSync(path.join(tmpdir(), "bellwether-leaving-"));
  try {
    writeFileSync(path.join(cwd, "bellwether.toml"), toml);
    return leavingsOf(loadConfig({ cwd, env: {} }), own);
  } finally {
    rmSync(cwd, { recursive: true });
  }
}

const WRITTEN = '[sender]\naddresses = ["192.0.2.1", "2001:db8::1"]\n';

it.each<[string, string, string[], boolean]>([
  [
    "a relay, as it is written down",
    `${WRITTEN}[smtp]\nurl = "smtp://127.0.0.1:25"`,
    ["192.0.2.1", "2001:db8::1"],
    false,
  ],
  ["a relay on this machine, of which nothing is", '[smtp]\nurl = "smtp://127.0.0.1:25"', [], true],
  ["a relay elsewhere, of which nothing is", '[smtp]\nurl = "smtp://relay.example:25"', [], false],
  [
    "direct, by its own choice alone",
    `${WRITTEN}[smtp]\nurl = "direct"\nsource_address = "198.51.100.2"`,
    ["198.51.100.2"],
    false,
  ],
  [
    "direct, by a private address: as it is written down, of that family",
    `${WRITTEN}[smtp]\nurl = "direct"\nsource_address = "10.0.0.2"`,
    ["192.0.2.1"],
    false,
  ],
  ["direct, as it is written down", `${WRITTEN}[smtp]\nurl = "direct"`, ["192.0.2.1", "2001:db8::1"], false],
  ["direct, by what this machine has", '[smtp]\nurl = "direct"', OWN, false],
])("%s", (_, toml, addresses, assumed) => {
  expect(leavings(toml)).toMatchObject([{ provider: null, addresses, assumed }]);
});

it("a machine behind NAT does not know how it is seen", () => {
  expect(leavings('[smtp]\nurl = "direct"', ["192.168.1.5", "fd00::5", "192.0.2.2"])).toMatchObject([
    { addresses: [] },
  ]);
});

it("each provider's own route has its own", () => {
  const google = '[[routes]]\nprovider = "google"\nurl = "direct"\nsource_address = "198.51.100.2"';
  const [others, own] = leavings(`${WRITTEN}[smtp]\nurl = "smtp://relay.example:25"\n${google}`);
  expect([others?.provider, own?.provider, own?.addresses]).toEqual([null, "google", ["198.51.100.2"]]);
  expect([others?.signs, own?.signs]).toEqual(["unknown", "nobody"]);
});

it.each([
  ["8.8.8.8", true],
  ["172.31.255.1", false],
  ["172.32.0.1", true],
  ["100.64.0.1", false],
  ["127.0.0.1", false],
  ["2a01:111::1", true],
  ["fe80::1%eth0", false],
  ["fd00::1", false],
  ["::1", false],
])("%s is public: %s", (address, expected) => {
  expect(isPublic(address)).toBe(expected);
});
