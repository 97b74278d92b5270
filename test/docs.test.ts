// The pages for people are compared with the code: every error code, every key, every default, every example.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { describeReason } from "../src/bounce/advice.ts";
import { FAULT_OF, type Reason } from "../src/bounce/reason.ts";
import { DETECTORS, type Evidence, signsOf } from "../src/breaker/evidence.ts";
import { CAMPAIGN_KEYS, readCampaignFile } from "../src/campaign/campaign-file.ts";
import { flatKeys } from "../src/config/environment.ts";
import { loadConfig } from "../src/config/load.ts";
import { SCHEMA, TLS_CHOICES, WEBHOOK_SENDERS } from "../src/config/schema.ts";
import { BellwetherError, CATALOGUE, type ErrorCode, EXIT } from "../src/errors.ts";
import { EXPLAIN_HEADER, explainRows, pricesOf } from "../src/replay/explain.ts";

const page = (name: string) => readFileSync(path.resolve(import.meta.dirname, "../docs", name), "utf8");

/** The cells of the table whose header row is `header`, from wherever on the page it stands, row by row. */
function rows(text: string, header: string): string[][] {
  const cells = (line: string) => line.replace(/^\| ?| ?\|$/g, "").split(" | ");
  return text
    .split("\n\n")
    .filter((block) => block.trimStart().startsWith(header))
    .flatMap((block) => block.trim().split("\n").slice(2).map(cells));
}

const code = (cell: string | undefined) => cell?.replaceAll("`", "") ?? "";

describe("docs/errors.md", () => {
  it("has every code of the catalogue, in its words and with its exit code, and no other", () => {
    const told = rows(page("errors.md"), "| Code |").map(([name, exit, meaning]) => [
      code(name),
      exit,
      meaning,
    ]);
    const known = Object.entries(CATALOGUE).map(([name, meaning]) => [
      name,
      String(new BellwetherError(name as ErrorCode, "", "").exit),
      meaning,
    ]);
    expect(told).toEqual(known);
  });

  it("says for each what to do", () => {
    for (const row of rows(page("errors.md"), "| Code |")) expect(row[3], row[0]).toMatch(/\w.*[.]$/);
  });

  it("has the exit codes", () => {
    const told = rows(page("errors.md"), "| Exit |").map(([exit, name]) => [code(name), Number(exit)]);
    expect(Object.fromEntries(told)).toEqual(EXIT);
  });
});

describe("docs/configuration.md", () => {
  const text = page("configuration.md");
  const blocks = [...text.matchAll(/^```(\S+)(.*)\n([\s\S]*?)^```$/gm)].map(
    ([, language, tags = "", body = ""]) => ({
      language,
      tags: tags.trim().split(" "),
      body,
    }),
  );
  const tagged = (tag: string) => blocks.filter((block) => block.tags.includes(tag));
  let cwd: string;
  beforeAll(() => {
    cwd = mkdtempSync(path.join(tmpdir(), "bellwether-docs-"));
  });
  afterAll(() => rmSync(cwd, { recursive: true }));

  function loaded(toml: string) {
    const file = path.join(cwd, "bellwether.toml");
    writeFileSync(file, toml);
    try {
      return loadConfig({ cwd, env: {} });
    } finally {
      rmSync(file);
    }
  }

  it("has every key of the schema, in its order, with variable, range and default, and no other", () => {
    const told = rows(text, "| Key | Variable |").map(([key, variable, takes, fallback]) => ({
      key: code(key),
      variable: code(variable),
      takes: takes?.replaceAll("\\<", "<"),
      fallback: fallback === "not set" ? null : JSON.parse(code(fallback)),
    }));
    const known = flatKeys(SCHEMA).map(({ path: key, variable, key: spec }) => ({
      key,
      variable: variable.replace("*", "<PROVIDER>") + (spec.secret ? " (_FILE)" : ""),
      takes: spec.kind.expects,
      fallback: spec.fallback,
    }));
    expect(told).toEqual(known);
  });

  it("has no TOML without a word that says which file it is", () => {
    const toml = blocks.filter((block) => block.language === "toml");
    expect(toml.map((block) => block.tags[0])).toEqual(["bellwether", "bellwether", "campaign"]);
  });

  it("has examples that load", () => {
    expect(tagged("bellwether")).toHaveLength(2);
    for (const { body } of tagged("bellwether")) expect(() => loaded(body)).not.toThrow();
  });

  it("writes out defaults that change nothing", () => {
    const [defaults] = tagged("defaults");
    expect({ ...loaded(defaults?.body ?? "?"), file: null }).toEqual(loadConfig({ cwd, env: {} }));
    for (const { path: key, key: spec } of flatKeys(SCHEMA)) {
      const name = key.split(".").at(-1);
      const depends = /^bounces\.(imap\.folder|smtp\.protocol)$/.test(key) || key.includes("[]");
      if (spec.hasDefault && !depends) expect(defaults?.body, key).toMatch(new RegExp(`\\b${name} = `));
    }
  });

  it("has variables that load", () => {
    const sh = blocks.find((block) => block.language === "sh")?.body ?? "";
    const env = Object.fromEntries(
      [...sh.matchAll(/^(\w+)=(.+)$/gm)].map(([, name, value]) => [name, value]),
    );
    const secret = path.join(cwd, "relay");
    writeFileSync(secret, "smtp://notices:secret@relay.example.com:587\n");
    const config = loadConfig({ cwd, env: { ...env, BELLWETHER_SMTP_URL_FILE: secret } });
    expect(env.BELLWETHER_SMTP_URL_FILE).toBe("/run/secrets/relay");
    expect(config.smtp).toMatchObject({
      target: { host: "relay.example.com" },
      rate: { count: 300, perMs: 60_000 },
    });
    expect(config.routes).toMatchObject([{ name: "google", target: { kind: "direct" } }]);
    expect(config.sender.addresses).toHaveLength(2);
  });

  it("has every choice of tls, and every service of a webhook", () => {
    expect(rows(text, "| Value | TLS |").map(([value]) => JSON.parse(code(value)))).toEqual(TLS_CHOICES);
    const sentence =
      /In `\[\[bounces\.webhook\]\]`, `provider` is (.*), and stands once/.exec(text)?.[1] ?? "";
    expect([...sentence.matchAll(/"(\w+)"/g)].map((match) => match[1])).toEqual(WEBHOOK_SENDERS);
  });

  it("does its sums about the detectors as their numbers give them", () => {
    const { breaker } = loadConfig({ cwd, env: {} });
    const told = rows(text, "| Detector |").map(([name, row, share]) => [code(name), row, share]);
    const known = Object.entries(breaker).map(([name, { p0, p1, h }]) => {
      const up = Math.log(p1 / p0);
      const down = Math.log((1 - p0) / (1 - p1));
      return [name, String(Math.ceil(h / up)), `${((100 * down) / (up + down)).toFixed(1)} %`];
    });
    expect(told).toEqual(known);
  });

  it("has every key of the campaign file, and an example that loads", () => {
    expect(rows(text, "| Campaign key |").map(([key]) => code(key))).toEqual(CAMPAIGN_KEYS);
    writeFileSync(path.join(cwd, "clients.csv"), "email\n");
    writeFileSync(path.join(cwd, "campaign.toml"), tagged("campaign")[0]?.body ?? "?");
    const campaign = readCampaignFile(path.join(cwd, "campaign.toml"));
    expect(campaign.values.window_end).toBe("2027-04-28T06:07:00.000Z");
    expect(text).toContain(`\`${campaign.values.window_end}\``);
  });
});

describe("docs/breaker.md", () => {
  const text = page("breaker.md");

  it("has the price of every detector as the program computes it from the defaults", () => {
    const { breaker } = loadConfig({ cwd: tmpdir(), env: {} });
    const told = rows(text, "| Detector | p0 |").map(([name, ...rest]) => [code(name), ...rest]);
    expect(told).toEqual(explainRows(pricesOf(breaker)));
    expect(text).toContain(`| ${EXPLAIN_HEADER.join(" | ")} |`);
  });

  it("says what counts for what, as the program does", () => {
    const refused = (reason: Reason, more: Partial<Evidence> = {}): Partial<Evidence> => ({
      kind: "refused",
      reason,
      fault: FAULT_OF[reason],
      ...more,
    });
    const one = { scope: "recipient" } as const;
    // In the order of the page.
    const outcomes: Partial<Evidence>[] = [
      { kind: "confirmed" },
      { kind: "handed-over" },
      refused("blocked"),
      refused("rate-limited"),
      refused("relay-denied", { scope: "route", speaker: "route" }),
      refused("user-unknown", one),
      refused("user-unknown", { ...one, knownGood: true }),
      refused("spam"),
      refused("unclassified"),
      refused("system", { hard: false }),
      refused("mailbox-full", { ...one, hard: false }),
      refused("filtered", one),
      { kind: "complained" },
      { kind: "uncertain" },
    ];
    const common: Evidence = {
      kind: "refused",
      reason: null,
      fault: null,
      scope: "provider",
      hard: true,
      speaker: "provider",
      unit: null,
      fresh: true,
      door: false,
      knownGood: false,
      atMs: 1,
      reply: null,
    };
    const known = outcomes.map((outcome) => {
      const signs = signsOf({ ...common, ...outcome });
      return DETECTORS.map((name) => (signs[name] === "none" ? "" : signs[name]));
    });
    const told = text
      .split("\n")
      .filter((line) => line.startsWith("| "))
      .map((line) => line.split("|").map((cell) => cell.trim()))
      .filter((cells) => cells.length === DETECTORS.length + 3);
    const [header, , ...lines] = told;
    expect(header?.slice(2, -1)).toEqual(DETECTORS);
    expect(lines.map((cells) => cells.slice(2, -1))).toEqual(known);
  });
});

describe("docs/bounces.md", () => {
  it("has every reason with its fault and its meaning, and no other", () => {
    const told = rows(page("bounces.md"), "| Reason |").map(([reason, fault, means]) => [
      code(reason),
      fault,
      means,
    ]);
    const known = Object.entries(FAULT_OF).map(([reason, fault]) => [
      reason,
      fault,
      describeReason(reason as Reason),
    ]);
    expect(told).toEqual(known);
  });
});

describe("docs/intakes.md", () => {
  const text = page("intakes.md");

  it("has examples that a configuration may have", () => {
    const examples = [...text.matchAll(/^```toml bellwether\n([\s\S]*?)^```$/gm)].map(
      ([, body = ""]) => body,
    );
    expect(examples.length).toBeGreaterThan(1);
    const folder = mkdtempSync(path.join(tmpdir(), "bellwether-docs-"));
    try {
      for (const example of examples) {
        writeFileSync(path.join(folder, "bellwether.toml"), example);
        const { bounces } = loadConfig({ cwd: folder, env: {} });
        expect(bounces.log !== null || bounces.webhooks.length > 0).toBe(true);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("tells of every service what its secret is", () => {
    expect(rows(text, "| Service |").map(([name]) => code(name))).toEqual(WEBHOOK_SENDERS);
  });
});

describe("docs/preflight.md", () => {
  it("has every code that a check can find, in its words, and no other", async () => {
    const { FINDINGS } = await import("../src/campaign/preflight/finding.ts");
    const told = rows(page("preflight.md"), "| code |").map(([name, , meaning]) => [code(name), meaning]);
    expect(told).toEqual(Object.entries(FINDINGS));
  });
});

describe("docs/operations.md", () => {
  const text = page("operations.md");

  it("has every metric, with type, labels and meaning, and no other", async () => {
    const { createMetrics } = await import("../src/adapters/observe/metrics.ts");
    const { systemClock } = await import("../src/clock.ts");
    const gauges = {
      lanes: [],
      workers: 0,
      routesHeld: 0,
      providersHeld: [],
      depth: new Map<string, number>(),
      intakes: [],
      unmatched: 0,
      alerts: 0,
    };
    const metrics = createMetrics({ source: { read: async () => gauges }, clock: systemClock });
    const told = rows(text, "| Metric |").map((row) => row.map(code));
    const known = metrics.described.map(({ name, type, labels, help }) => [
      name,
      type,
      labels.join(", "),
      help,
    ]);
    expect(told).toEqual(known);
    // What is described is what is there.
    const shown = [...(await metrics.text()).matchAll(/^# TYPE (\w+) (\w+)$/gm)].map((match) =>
      match.slice(1),
    );
    expect(shown).toEqual(known.map(([name, type]) => [name, type]));
    for (const [, name = ""] of text.matchAll(/\b(bellwether_[a-z_]+)/g))
      expect(known.map(([metric]) => metric)).toContain(name);
  });

  it("has only paths that are answered", async () => {
    const { startWatchServer } = await import("../src/adapters/observe/http.ts");
    const { systemClock } = await import("../src/clock.ts");
    const server = await startWatchServer({
      listen: { host: "127.0.0.1", port: 0 },
      metrics: { text: async () => "", contentType: "text/plain" },
      ready: async () => null,
      clock: systemClock,
    });
    try {
      const paths = rows(text, "| Path |").map(([path]) => code(path));
      expect(paths).toEqual(["/healthz", "/readyz", "/metrics"]);
      for (const path of paths)
        expect((await fetch(`http://127.0.0.1:${server.port}${path}`)).status, path).toBe(200);
    } finally {
      await server.close();
    }
  });

  it("has every level and every field of the log, in its words, and no other", async () => {
    const { LOG_FIELDS, LOG_LEVELS } = await import("../src/adapters/observe/log.ts");
    const levels = rows(text, "| Level |").map(([level]) => code(level));
    expect([...levels].sort()).toEqual([...LOG_LEVELS].sort());
    const told = rows(text, "| Field |").map(([name, says]) => [code(name), says]);
    expect(told).toEqual(Object.entries(LOG_FIELDS));
  });

  it("names variables that exist", () => {
    // The one of the log is no key of the configuration.
    const known = ["BELLWETHER_LOG", ...flatKeys(SCHEMA).map(({ variable }) => variable)];
    const named = [...text.matchAll(/BELLWETHER_[A-Z_]+/g)].map(([name]) => name);
    expect(named.length).toBeGreaterThan(4);
    for (const name of named) expect(known).toContain(name);
  });
});

describe("docs/post-mortem.md", () => {
  it("has every way of being affected, and only options that `report` has", async () => {
    const { AFFECTED } = await import("../src/report/post-mortem-store.ts");
    const text = page("post-mortem.md");
    expect(rows(text, "| `affected` |").map(([name]) => code(name))).toEqual([...AFFECTED]);
    const main = readFileSync(path.resolve(import.meta.dirname, "../src/main.ts"), "utf8");
    const known = new Set([...main.matchAll(/\.option\("(--[a-z]+)/g)].map((match) => match[1]));
    const named = [...text.matchAll(/--[a-z]+/g)].map(([name]) => name);
    expect(named.length).toBeGreaterThan(5);
    expect(named.filter((name) => !known.has(name) && name !== "---")).toEqual([]);
  });
});

describe("README.md", () => {
  it("names only commands that the program has", () => {
    const main = readFileSync(path.resolve(import.meta.dirname, "../src/main.ts"), "utf8");
    const known = new Set([...main.matchAll(/command\("([a-z]+)"/g)].map((match) => match[1]));
    const pages = ["../README.md", "../docs/operations.md", "../docs/post-mortem.md"].map((file) =>
      readFileSync(path.resolve(import.meta.dirname, file), "utf8"),
    );
    const named = pages.flatMap((text) =>
      [...text.matchAll(/\bbellwether ([a-z]+)/g)].map((match) => match[1] ?? ""),
    );
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((name) => !known.has(name))).toEqual([]);
  });
});
